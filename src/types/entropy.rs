//! Randomness as a port.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest, Sha256};

/// Where random bytes come from.
pub trait Entropy: Send + Sync + 'static {
    /// Fills `bytes` with values that nobody can guess.
    ///
    /// # Errors
    /// When the operating system gives none; the caller must then refuse what it was asked.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy>;

    /// Fills `bytes` of an id that everybody may see: no two are alike, but they may be drawn ahead,
    /// so that they must never be a secret.
    ///
    /// # Errors
    /// As [`Entropy::fill`].
    fn fill_id(&self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
        self.fill(bytes)
    }
}

impl dyn Entropy {
    /// `N` random bytes.
    ///
    /// # Errors
    /// As [`Entropy::fill`].
    pub fn array<const N: usize>(&self) -> Result<[u8; N], NoEntropy> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }
}

/// The operating system gave no random bytes.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gave no random bytes")]
pub struct NoEntropy;

/// The operating system's generator.
#[derive(Debug, Default)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    #[allow(clippy::disallowed_methods)] // The one place that may ask the machine.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
        getrandom::fill(bytes).map_err(|_| NoEntropy)
    }

    fn fill_id(&self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
        DRAWN.with_borrow_mut(|drawn| drawn.take(bytes, self))
    }
}

thread_local! {
    static DRAWN: RefCell<Drawn> = const { RefCell::new(Drawn { bytes: [0; Drawn::BYTES], left: 0 }) };
}

/// Random bytes for ids: one system call for many, for each costs as much as a digest.
struct Drawn {
    bytes: [u8; Self::BYTES],
    left: usize,
}

impl Drawn {
    const BYTES: usize = 768;

    fn take(&mut self, wanted: &mut [u8], source: &OsEntropy) -> Result<(), NoEntropy> {
        if self.left < wanted.len() {
            self.left = 0;
            source.fill(&mut self.bytes)?;
            self.left = Self::BYTES;
        }
        let next = self.left.checked_sub(wanted.len());
        let Some((next, from)) = next.and_then(|next| Some((next, self.bytes.get(next..self.left)?))) else {
            // Longer than all that is drawn ahead.
            return source.fill(wanted);
        };
        wanted.copy_from_slice(from);
        self.left = next;
        Ok(())
    }
}

/// A repeatable sequence, for tests that compare whole responses.  Never for a server.
#[derive(Debug)]
pub struct SeededEntropy {
    seed: u64,
    drawn: AtomicU64,
}

impl SeededEntropy {
    /// The sequence of `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { seed, drawn: AtomicU64::new(0) }
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
        for chunk in bytes.chunks_mut(32) {
            let draw = self.drawn.fetch_add(1, Ordering::SeqCst);
            let mut block = Sha256::new();
            block.update(self.seed.to_be_bytes());
            block.update(draw.to_be_bytes());
            for (byte, random) in chunk.iter_mut().zip(block.finalize()) {
                *byte = random;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_ids_are_alike_however_often_the_supply_is_renewed() {
        let draw = |_| {
            let mut id = [0; 10];
            OsEntropy.fill_id(&mut id).unwrap();
            id
        };
        let ids: BTreeSet<[u8; 10]> = (0..1000).map(draw).collect();
        assert_eq!(ids.len(), 1000);
    }

    #[test]
    fn an_id_longer_than_the_supply_is_filled_too() {
        let mut id = [0; 2 * Drawn::BYTES];
        OsEntropy.fill_id(&mut id).unwrap();
        assert!(id.chunks(64).all(|chunk| chunk != [0; 64]));
    }
}
