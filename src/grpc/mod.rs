//! Floor 3: protobuf to types and back, and nothing else.

pub mod facts;
