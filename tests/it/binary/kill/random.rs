//! Numbers that a seed repeats (SplitMix64).

use std::hash::{BuildHasher, RandomState};

/// Set to a seed that a failure named, it repeats that run's numbers.
const SEED_VARIABLE: &str = "JETON_TEST_SEED";

pub struct Random(u64);

impl Random {
    /// Begins with the seed of the environment, or a new one; says which, for when the test fails.
    pub fn seeded() -> Self {
        let fresh = || RandomState::new().hash_one(0);
        let seed = std::env::var(SEED_VARIABLE).map_or_else(|_| fresh(), |seed| seed.parse().unwrap());
        println!("{SEED_VARIABLE}={seed}");
        Self(seed)
    }

    /// Another sequence that this one decides.
    pub fn fork(&mut self) -> Self {
        Self(self.next())
    }

    pub fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(limit).unwrap()).unwrap()
    }

    pub fn one_in(&mut self, chances: usize) -> bool {
        self.below(chances) == 0
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
