//! How many records there are of each kind.

use std::fmt;

use crate::store::moving::Kind;

/// A number for each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts([u64; Kind::COUNT]);

impl Counts {
    /// Of a kind.
    #[must_use]
    pub fn of(&self, kind: Kind) -> u64 {
        self.0.get(kind as usize).copied().unwrap_or_default()
    }

    /// Counts more of a kind.
    pub fn add(&mut self, kind: Kind, records: u64) {
        if let Some(count) = self.0.get_mut(kind as usize) {
            *count = count.saturating_add(records);
        }
    }

    /// Of all kinds together.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// Every kind and its number, in their order.
    pub fn each(&self) -> impl Iterator<Item = (Kind, u64)> {
        Kind::ALL.into_iter().zip(self.0)
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut between = "";
        for (kind, records) in self.each().filter(|(_, records)| *records > 0) {
            write!(f, "{between}{records} {kind}")?;
            between = ", ";
        }
        if between.is_empty() { f.write_str("nothing") } else { Ok(()) }
    }
}
