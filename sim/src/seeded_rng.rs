//! Random numbers from a seed. Each part of the simulation has a generator of its own, so that more
//! or fewer draws in one part do not change another.

use std::{
    ops::Range,
    sync::{Arc, Mutex},
    time::Duration,
};

/// A generator. Clones draw from the same sequence.
#[derive(Clone, Debug)]
pub(crate) struct SeededRng(Arc<Mutex<u64>>);

impl SeededRng {
    /// The generator of one part (`name`) under a seed.
    pub(crate) fn new(seed: u64, name: &str) -> Self {
        // FNV-1a over the name: the same in every build.
        let hash = |h: u64, b: u8| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3);
        let state = name.bytes().fold(0xcbf2_9ce4_8422_2325 ^ mix(seed), hash);
        Self(Arc::new(Mutex::new(state)))
    }

    /// Any number.
    pub(crate) fn next(&self) -> u64 {
        let mut state = self.0.lock().expect("no panic while drawing");
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(*state)
    }

    /// A number below `end`; 0 if that is 0.
    pub(crate) fn below(&self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    /// A number of a range.
    pub(crate) fn within(&self, range: Range<u64>) -> u64 {
        range.start + self.below(range.end - range.start)
    }

    /// True `permille` times of a thousand.
    pub(crate) fn chance(&self, permille: u64) -> bool {
        self.below(1000) < permille
    }

    /// As [`SeededRng::chance`], but draws nothing if it is never true, so that runs without it stay
    /// as they were.
    pub(crate) fn chance_if_any(&self, permille: u64) -> bool {
        permille > 0 && self.chance(permille)
    }

    /// A time between two in µs.
    pub(crate) fn micros(&self, range: Range<u64>) -> Duration {
        Duration::from_micros(self.within(range))
    }

    /// A time between two in ms.
    pub(crate) fn millis(&self, range: Range<u64>) -> Duration {
        Duration::from_millis(self.within(range))
    }
}

/// The finalizer of SplitMix64.
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
