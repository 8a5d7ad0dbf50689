//! A seed's plan: the shape of the cluster, its latencies and error rates, and its failures.

use std::time::Duration;

use clap::ValueEnum;

use crate::seeded_rng::SeededRng;

/// A topic's number among partitions' names in the history: partition p of topic t is `t * 100 +
/// p`.
pub(crate) const TOPIC_STEP: i32 = 100;

/// A topic to be created.
#[derive(Clone, Debug)]
pub(crate) struct TopicPlan {
    pub(crate) name: &'static str,
    pub(crate) partitions: i32,
    pub(crate) configs: Vec<(&'static str, &'static str)>,
}

/// The emphasis of a plan. Most seeds mix everything; some meet much of one thing, to reach states
/// that need several of it at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PlanKind {
    /// Anything may happen.
    Mixed,
    /// Slow, failing and full disks, clients that send again before there is an answer, and crashes
    /// meanwhile.
    SlowDisk,
    /// Transactions that arrive after their sender died and was recovered, with small flushes under
    /// way.
    HeldStore,
    /// Brokers that are back before they are missed, and then learn late what became of them.
    Restarts,
    /// Transactions whose outcome is unknown, with topics created and deleted at the same time.
    UnknownOutcomes,
}

impl PlanKind {
    /// The kind of a seed for which none is chosen: by its last digit.
    pub(crate) fn of_seed(seed: u64) -> Self {
        // Those below had their plans before there was this one.
        if seed >= 2000 {
            return Self::UnknownOutcomes;
        }
        match seed % 10 {
            4 => Self::SlowDisk,
            6 => Self::HeldStore,
            8 => Self::Restarts,
            _ => Self::Mixed,
        }
    }
}

impl std::fmt::Display for PlanKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let value = self.to_possible_value().expect("no kind is left out");
        f.write_str(value.get_name())
    }
}

/// Everything that a seed decides before the run begins.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) brokers: i32,
    pub(crate) topics: Vec<TopicPlan>,
    /// How long clients work and things break.
    pub(crate) working: Duration,
    pub(crate) producers_a_partition: u64,
    /// How many batches a producer sends at most before the first is acknowledged.
    pub(crate) window: usize,
    /// How long a producer waits for an answer before it sends again, in ms at most; 0: until its
    /// connection ends.
    pub(crate) patience_ms_max: u64,
    pub(crate) groups: u64,
    pub(crate) link_latency_ms_max: u64,
    /// Messages lost, of a million.
    pub(crate) message_loss_ppm: u64,
    pub(crate) store_latency_us: u64,
    pub(crate) store_fail_permille: u64,
    pub(crate) store_unknown_permille: u64,
    /// Transactions that are held up on their way, of a thousand.
    pub(crate) store_held_permille: u64,
    pub(crate) object_fail_permille: u64,
    pub(crate) slow_disk_permille: u64,
    /// A file of the write-ahead log; a chunk is a quarter of that at most.
    pub(crate) wal_file_bytes: u64,
    pub(crate) flush_bytes: u64,
    pub(crate) flush_age: Duration,
    /// How soon partitions are given back to their first replica.
    pub(crate) leaders_return_after: Duration,
    /// Failures, by the time since work began.
    pub(crate) actions: Vec<(Duration, Action)>,
}

/// Something that happens to the cluster.
#[derive(Clone, Debug)]
pub(crate) enum Action {
    /// A broker's process ends at once, and starts again after a while.
    Kill { broker: i32, down: Duration },
    /// A broker's process ends at a later disk operation.
    KillAtDisk { broker: i32, operations: u64 },
    /// The machine loses power: all brokers end, and what is not synced is lost.
    PowerCut,
    /// A broker shuts down and starts again.
    Stop { broker: i32, down: Duration },
    /// A broker is killed by the service, which tells the others.
    ServiceKill { broker: i32, down: Duration },
    /// A client and a broker cannot reach each other.
    Cut { client: usize, broker: i32, time: Duration },
    /// A broker cannot reach the metadata store.
    StoreAway { broker: i32, time: Duration },
    /// A broker cannot reach the object store.
    ObjectsAway { broker: i32, time: Duration },
    /// The next writes to the disk fail.
    WritesFail { count: u32 },
    /// The next syncs of the disk fail.
    SyncsFail { count: u32 },
    /// The disk takes no more files for a while.
    DiskFull { time: Duration },
    /// The disk writes only a part at a time, for a while.
    ShortWrites { time: Duration },
    /// Disks become slow for a while.
    SlowDisk { time: Duration },
    /// All wall clocks jump.
    ClockJump { ms: i64 },
}

impl Plan {
    /// The plan of a seed.
    pub(crate) fn new(seed: u64, kind: PlanKind) -> Self {
        let mut plan = Self::mixed(seed);
        let rng = SeededRng::new(seed, "aim");
        match kind {
            PlanKind::Mixed => {}
            PlanKind::SlowDisk => plan.slow_disk(&rng),
            PlanKind::HeldStore => plan.held_store(&rng),
            PlanKind::Restarts => plan.restarts(&rng),
            PlanKind::UnknownOutcomes => plan.unknown_outcomes(&rng),
        }
        plan
    }

    fn slow_disk(&mut self, rng: &SeededRng) {
        self.slow_disk_permille = rng.within(200..600);
        self.wal_file_bytes = 64 << 10;
        self.patience_ms_max = rng.within(20..200);
        self.window = rng.within(2..6) as usize;
        self.leaders_return_after = Duration::from_millis(200);
        self.act_every(rng, 200..1200, |rng, broker| match rng.below(10) {
            0..2 => Action::Kill { broker, down: rng.millis(50..800) },
            2 => Action::KillAtDisk { broker, operations: rng.below(20) },
            3 => Action::PowerCut,
            4 => Action::Stop { broker, down: rng.millis(50..800) },
            // A chunk stalls once its second file fails too.
            5..8 => Action::SyncsFail { count: rng.within(2..9) as u32 },
            _ => Action::DiskFull { time: rng.millis(100..1500) },
        });
        // A full disk is met when another file is needed, as after a failure.
        for (at, action) in self.actions.clone() {
            if matches!(action, Action::DiskFull { .. }) {
                let fails = Action::SyncsFail { count: rng.within(2..9) as u32 };
                self.actions.push((at + rng.millis(1..100), fails));
            }
        }
        self.actions.sort_by_key(|(at, _)| *at);
    }

    fn held_store(&mut self, rng: &SeededRng) {
        self.store_held_permille = rng.within(80..200);
        self.wal_file_bytes = 64 << 10;
        self.flush_bytes = 2_000;
        self.flush_age = Duration::from_millis(300);
        self.act_every(rng, 300..1500, |rng, broker| match rng.below(10) {
            0..4 => Action::Kill { broker, down: rng.millis(50..600) },
            4..7 => Action::ServiceKill { broker, down: rng.millis(50..2000) },
            7..9 => Action::KillAtDisk { broker, operations: rng.below(40) },
            _ => Action::StoreAway { broker, time: rng.millis(100..800) },
        });
    }

    fn restarts(&mut self, rng: &SeededRng) {
        self.store_latency_us = 20_000;
        self.flush_bytes = 2_000;
        self.flush_age = Duration::from_millis(300);
        self.leaders_return_after = Duration::from_millis(200);
        self.act_every(rng, 200..1500, |rng, broker| match rng.below(10) {
            0..6 => Action::Kill { broker, down: rng.millis(50..200) },
            6..8 => Action::Stop { broker, down: rng.millis(50..200) },
            _ => Action::StoreAway { broker, time: rng.millis(200..2500) },
        });
    }

    fn unknown_outcomes(&mut self, rng: &SeededRng) {
        self.store_unknown_permille = rng.within(50..200);
        self.flush_bytes = 2_000;
        self.flush_age = Duration::from_millis(300);
        self.leaders_return_after = Duration::from_millis(200);
        self.act_every(rng, 400..2000, |rng, broker| match rng.below(10) {
            0..4 => Action::Kill { broker, down: rng.millis(50..800) },
            4..7 => Action::ServiceKill { broker, down: rng.millis(50..2000) },
            7..9 => Action::Stop { broker, down: rng.millis(50..800) },
            _ => Action::StoreAway { broker, time: rng.millis(100..800) },
        });
    }

    /// Something happens again and again, to one broker or another.
    fn act_every(
        &mut self,
        rng: &SeededRng,
        pause_ms: std::ops::Range<u64>,
        action: impl Fn(&SeededRng, i32) -> Action,
    ) {
        self.actions.clear();
        let mut at = rng.millis(pause_ms.clone());
        while at < self.working {
            let broker = 1 + rng.below(self.brokers as u64) as i32;
            self.actions.push((at, action(rng, broker)));
            at += rng.millis(pause_ms.clone());
        }
    }

    fn mixed(seed: u64) -> Self {
        let rng = SeededRng::new(seed, "plan");
        let brokers = if rng.chance(250) { 1 } else { 3 };
        let one_of = |values: &[u64]| values[rng.below(values.len() as u64) as usize];
        let kept =
            TopicPlan { name: "kept", partitions: rng.within(1..4) as i32, configs: Vec::new() };
        let mut topics = vec![kept];
        if rng.chance(500) {
            let configs = vec![("retention.bytes", "8000")];
            topics.push(TopicPlan { name: "short", partitions: 1, configs });
        }
        let working = rng.millis(6_000..14_000);
        let mut plan = Self {
            brokers,
            topics,
            working,
            producers_a_partition: rng.within(1..3),
            window: one_of(&[1, 2, 3, 5]) as usize,
            patience_ms_max: 0,
            groups: rng.within(1..3),
            link_latency_ms_max: one_of(&[2, 5, 20, 60]),
            message_loss_ppm: one_of(&[0, 0, 20, 100]),
            store_latency_us: one_of(&[500, 2_000, 20_000]),
            store_fail_permille: one_of(&[0, 0, 2, 10]),
            store_unknown_permille: one_of(&[0, 5, 30]),
            store_held_permille: 15,
            object_fail_permille: one_of(&[0, 0, 20, 100]),
            slow_disk_permille: one_of(&[0, 5, 50]),
            wal_file_bytes: 256 << 10,
            flush_bytes: one_of(&[2_000, 8_000, 40_000]),
            flush_age: Duration::from_millis(one_of(&[300, 1_000, 5_000])),
            leaders_return_after: Duration::from_millis(one_of(&[200, 1_000, 3_000])),
            actions: Vec::new(),
        };
        let mut at = Duration::ZERO;
        for _ in 0..rng.within(1..14) {
            // At times soon after the one before, so that it meets what that has begun.
            at = if rng.chance(400) {
                at + rng.millis(1..600)
            } else {
                Duration::from_millis(rng.below(working.as_millis() as u64))
            };
            plan.actions.push((at, action(&rng, brokers)));
        }
        plan.actions.sort_by_key(|(at, _)| *at);
        plan
    }
}

fn action(rng: &SeededRng, brokers: i32) -> Action {
    let broker = 1 + rng.below(brokers as u64) as i32;
    match rng.below(100) {
        0..14 => Action::Kill { broker, down: rng.millis(50..4000) },
        14..22 => Action::ServiceKill { broker, down: rng.millis(50..4000) },
        22..38 => Action::KillAtDisk { broker, operations: rng.below(60) },
        38..46 => Action::PowerCut,
        46..58 => Action::Stop { broker, down: rng.millis(50..3000) },
        58..65 => {
            Action::Cut { client: rng.below(2) as usize, broker, time: rng.millis(100..3000) }
        }
        65..73 => Action::StoreAway { broker, time: rng.millis(100..5000) },
        73..78 => Action::ObjectsAway { broker, time: rng.millis(100..4000) },
        78..83 => Action::WritesFail { count: rng.within(1..4) as u32 },
        83..89 => Action::SyncsFail { count: rng.within(1..4) as u32 },
        89..92 => Action::DiskFull { time: rng.millis(100..2000) },
        92..94 => Action::ShortWrites { time: rng.millis(500..4000) },
        94..97 => Action::SlowDisk { time: rng.millis(500..4000) },
        _ => Action::ClockJump { ms: rng.below(7_200_000) as i64 - 3_600_000 },
    }
}
