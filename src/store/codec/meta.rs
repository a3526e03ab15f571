//! What the store notes about itself.

use crate::store::codec::Record;

/// The number of the newest commit: the last record of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sequence(pub u64);

/// Which records there can be, and how they are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Schema(pub u32);

impl Record for Sequence {
    const TREE: &'static str = "meta";
    // google.protobuf.UInt64Value, as prost writes a plain number.
    type Message = u64;

    fn to_message(&self) -> u64 {
        self.0
    }

    fn from_message(message: u64) -> Option<Self> {
        Some(Self(message))
    }
}

impl Record for Schema {
    const TREE: &'static str = "meta";
    type Message = u32;

    fn to_message(&self) -> u32 {
        self.0
    }

    fn from_message(message: u32) -> Option<Self> {
        Some(Self(message))
    }
}
