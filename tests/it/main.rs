//! The test binary.

mod store;
