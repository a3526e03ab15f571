//! The REST gateway alone, over services that record what they were sent.

mod addresses;
mod authorize;
mod credentials;
mod cross_origin;
mod documents;
mod limits;
mod logs;
mod pages;
mod paths;
mod recorder;
mod token;
