//! The brokers' simulated environment: time, randomness, and how long blocking work takes.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use milena_runtime::{Clock, Pace, Random, Runtime};

use crate::seeded_rng::SeededRng;

/// 2026-01-01T00:00:00Z: the wall clock when a run begins.
const BEGIN_MS: i64 = 1_767_225_600_000;

/// The simulated time since the run began; outside of a host that of the last step.
pub(crate) fn elapsed() -> Duration {
    match turmoil::sim_elapsed() {
        Some(now) => {
            NOW_US.store(now.as_micros() as u64, Ordering::Relaxed);
            now
        }
        None => Duration::from_micros(NOW_US.load(Ordering::Relaxed)),
    }
}

/// Records the time for code that runs outside of a host.
pub(crate) fn note_elapsed(now: Duration) {
    NOW_US.store(now.as_micros() as u64, Ordering::Relaxed);
}

static NOW_US: AtomicU64 = AtomicU64::new(0);

/// The simulated clock of one machine. Its wall clock can be made to jump.
#[derive(Clone, Debug, Default)]
pub(crate) struct SimClock {
    jumped_ms: Arc<AtomicI64>,
    highest_ms: Arc<AtomicI64>,
}

impl SimClock {
    pub(crate) fn jump(&self, ms: i64) {
        self.jumped_ms.fetch_add(ms, Ordering::Relaxed);
    }

    /// The highest wall clock that anybody has read.
    pub(crate) fn highest_ms(&self) -> i64 {
        self.highest_ms.load(Ordering::Relaxed)
    }
}

impl Clock for SimClock {
    fn wall_ms(&self) -> i64 {
        let now = BEGIN_MS + elapsed().as_millis() as i64 + self.jumped_ms.load(Ordering::Relaxed);
        self.highest_ms.fetch_max(now, Ordering::Relaxed);
        now
    }

    fn monotonic(&self) -> Duration {
        elapsed()
    }
}

struct SeededRandom(SeededRng);

impl Random for SeededRandom {
    fn fill(&self, bytes: &mut [u8]) {
        for part in bytes.chunks_mut(8) {
            part.copy_from_slice(&self.0.next().to_le_bytes()[..part.len()]);
        }
    }
}

/// Blocking work takes mostly little, and at times long.
struct DiskPace {
    rng: SeededRng,
    slow_permille: Arc<AtomicU64>,
}

impl Pace for DiskPace {
    fn pause(&self) -> Duration {
        if self.rng.chance(self.slow_permille.load(Ordering::Relaxed)) {
            self.rng.millis(20..400)
        } else {
            self.rng.micros(100..4000)
        }
    }
}

/// A runtime for one node; `slow_permille` says how often its disk takes long.
pub(crate) fn runtime(
    seed: u64,
    node: &str,
    clock: &SimClock,
    slow_permille: &Arc<AtomicU64>,
) -> Runtime {
    let random = SeededRandom(SeededRng::new(seed, &format!("random {node}")));
    let pace = DiskPace {
        rng: SeededRng::new(seed, &format!("pace {node}")),
        slow_permille: slow_permille.clone(),
    };
    Runtime::on_one_thread(Arc::new(clock.clone()), Arc::new(random), Arc::new(pace))
}
