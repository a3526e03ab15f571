//! Floor 1: what signs, digests, authenticates and seals.

pub mod data_keys;
pub mod jwk;
pub mod jws;
pub mod master_key;
pub mod opaque;
pub mod password;
pub mod ring;
pub mod seal;
