//! Five published OAuth interfaces, served as their vendors describe them: their own command lines,
//! run by a real curl against the real binary, with only the hosts and the values replaced.

pub mod clayton;
mod clipron;
mod code_reviews;
mod html;
mod leanly;
pub mod site;
mod visitor;
mod workspace;
