//! The pages that people see: server-rendered, without scripts, each usable with a keyboard alone.

pub(super) mod application;
mod application_form;
pub(super) mod applications;
pub(super) mod authorized;
mod color;
pub(super) mod consent;
pub(super) mod consents;
pub(super) mod error_page;
mod form;
pub(super) mod login;
pub(super) mod logout;
mod look;
pub(super) mod mistake;
pub(super) mod origin;
mod registered;
pub(super) mod visit;
mod words;
