//! Which keys carry a change that a crash could still undo.

use std::sync::atomic::{AtomicU32, Ordering};

/// How many keys are told apart.  Two keys that share a slot make a reader wait for a flush that it
/// did not need, never the other way round.
const SLOTS: usize = 1 << 14;

/// Counts the changes under way, for each key and for each tree.
pub struct Pending {
    trees: Vec<AtomicU32>,
    keys: Vec<AtomicU32>,
}

/// Where a change happens.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    tree: usize,
    slot: usize,
}

impl Place {
    /// The place of a key in the tree of that number.
    #[must_use]
    pub fn new(tree: usize, key: &[u8]) -> Self {
        let hash = usize::try_from(crc32fast::hash(key)).unwrap_or_default();
        Self { tree, slot: hash.wrapping_add(tree.wrapping_mul(0x9E37)) % SLOTS }
    }
}

impl Pending {
    /// Nothing under way in so many trees.
    #[must_use]
    pub fn new(trees: usize) -> Self {
        let zeros = |count| std::iter::repeat_with(AtomicU32::default).take(count).collect();
        Self { trees: zeros(trees), keys: zeros(SLOTS) }
    }

    /// A change begins: to be called before it can be seen.
    pub fn begin(&self, place: Place) {
        for counter in self.counters(place) {
            counter.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// A change is durable, or did not happen.
    pub fn end(&self, place: Place) {
        for counter in self.counters(place) {
            counter.fetch_sub(1, Ordering::SeqCst);
        }
    }

    /// Whether what was just read of the key may rest on a change that is not durable.
    #[must_use]
    pub fn key(&self, place: Place) -> bool {
        self.keys.get(place.slot).is_some_and(|counter| counter.load(Ordering::SeqCst) > 0)
    }

    /// The same for what was just read of a whole tree.
    #[must_use]
    pub fn tree(&self, tree: usize) -> bool {
        self.trees.get(tree).is_some_and(|counter| counter.load(Ordering::SeqCst) > 0)
    }

    fn counters(&self, place: Place) -> impl Iterator<Item = &AtomicU32> {
        self.trees.get(place.tree).into_iter().chain(self.keys.get(place.slot))
    }
}
