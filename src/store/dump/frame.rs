//! A frame: what kind of message it is, its length, its checksum, its payload.

/// What every dump begins with, before the version.
pub const MAGIC: &[u8] = b"jeton dump";
/// The one version of the format.
pub const VERSION: u8 = 1;
/// How many bytes stand before a payload.
pub const HEAD_BYTES: usize = 9;
/// More than the largest record and its key.
pub const MAX_PAYLOAD_BYTES: usize = 16 << 10;

/// What is in a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// The first.
    Header,
    /// One record.
    Item,
    /// The last.
    End,
}

impl Type {
    fn number(self) -> u8 {
        match self {
            Self::Header => 1,
            Self::Item => 2,
            Self::End => 3,
        }
    }

    fn from_number(number: u8) -> Option<Self> {
        [Self::Header, Self::Item, Self::End].into_iter().find(|kind| kind.number() == number)
    }
}

/// What a head says of its payload.
pub struct Head {
    /// What is in it.
    pub kind: Type,
    /// How many bytes it has.
    pub length: usize,
    /// What its checksum is.
    pub checksum: u32,
}

/// The bytes of the frame of that number.
pub fn frame(number: u64, kind: Type, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    let mut bytes = Vec::with_capacity(HEAD_BYTES.saturating_add(payload.len()));
    bytes.push(kind.number());
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(&checksum(number, kind, payload).to_be_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

/// Reads a head; `None` when nobody wrote it.
pub fn head(bytes: [u8; HEAD_BYTES]) -> Option<Head> {
    let (kind, rest) = bytes.split_first()?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let checksum = rest.first_chunk::<4>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let kind = Type::from_number(*kind)?;
    (length <= MAX_PAYLOAD_BYTES).then_some(Head { kind, length, checksum: u32::from_be_bytes(*checksum) })
}

/// Over the frame's number as well: a frame in another place is no frame.
pub fn checksum(number: u64, kind: Type, payload: &[u8]) -> u32 {
    let mut checksum = crc32fast::Hasher::new();
    checksum.update(&number.to_be_bytes());
    checksum.update(&[kind.number()]);
    checksum.update(payload);
    checksum.finalize()
}
