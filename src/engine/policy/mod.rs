//! Compatibility policies: every deviation from the strict core is switched on by name, judged at
//! each use, and counted.

pub mod configure;
pub mod judge;
pub mod notice;
pub mod report;
pub mod uses;
