//! Floor 3: protobuf to types and back, and nothing else.

pub mod admin;
pub mod authorization;
pub mod caller;
pub mod client;
pub mod facts;
pub mod finish;
pub mod metadata;
pub mod notice;
pub mod observe;
pub mod pages;
pub mod parse;
pub mod status;
pub mod token;
