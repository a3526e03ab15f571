//! A real browser against a real server: what a person sees, and what another site can do to them.

pub mod application;
mod attacks;
mod chromium;
mod devtools;
mod driver;
mod element;
mod leaks;
mod looks;
mod page;
mod scene;
mod walks;
