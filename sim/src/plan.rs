//! A seed's plan: the shape of the cluster, its latencies and error rates, and its failures.

use std::time::Duration;

use clap::ValueEnum;

use crate::{seeded_rng::SeededRng, store_link::TxnKind};

mod aims;

/// A topic's number among partitions' names in the history: partition p of topic t is `t * 100 +
/// p`.
pub(crate) const TOPIC_STEP: i32 = 100;

/// Added to the numbers of a topic's partitions when it was deleted and created again, or when the
/// loss of records was accepted: what follows has a history of its own.
pub(crate) const GENERATION_STEP: i32 = 100_000;

/// A topic to be created.
#[derive(Clone, Debug)]
pub(crate) struct TopicPlan {
    pub(crate) name: &'static str,
    pub(crate) partitions: i32,
    /// How many of the partitions clients work with.
    pub(crate) used: i32,
    pub(crate) configs: Vec<(&'static str, &'static str)>,
    /// It is deleted and created again.
    pub(crate) recreated: bool,
    /// DeleteRecords is called for its partitions.
    pub(crate) cut: bool,
}

impl TopicPlan {
    pub(crate) fn new(name: &'static str, partitions: i32) -> Self {
        let (configs, recreated, cut) = (Vec::new(), false, false);
        Self { name, partitions, used: partitions, configs, recreated, cut }
    }

    pub(crate) fn with(self, name: &'static str, value: &'static str) -> Self {
        let configs = self.configs.into_iter().chain([(name, value)]).collect();
        Self { configs, ..self }
    }
}

/// What metadata and objects are kept in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Medium {
    /// Memory that never loses anything.
    Memory,
    /// The embedded store's file, and files of objects, on the simulated disk.
    Disk,
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
    /// The embedded metadata store and objects as files, on a disk that loses what is not synced:
    /// power cuts, also in the middle of a commit, and failed syncs.
    Power,
    /// Topics that are deleted and created again under the same name, while brokers are busy.
    Topics,
    /// DeleteRecords, retention by time and size, long manifests of tiny segments; queries by time
    /// and by leader epoch.
    Trims,
    /// Groups with members, which join, leave and die with their clients' connections.
    Members,
    /// Write-ahead logs that are lost, and whose loss is accepted.
    LostLogs,
    /// Brokers that flush the same chunks: of others whose epochs were sealed while nothing was
    /// produced, with their own commits held up on the way.
    Flushers,
    /// Reassignments, elections, brokers that are drained, or hand over and stop; with many
    /// partitions.
    Moves,
    /// Logs of dead brokers that nobody can read for a while, with others dying and handing over
    /// meanwhile.
    Stuck,
}

/// From this seed on seeds have the plans that came later; those below keep theirs.
const LATER_PLANS: u64 = 1000;

impl PlanKind {
    /// The kind of a seed for which none is chosen: by its last digit.
    pub(crate) fn of_seed(seed: u64) -> Self {
        if seed >= 3000 {
            return Self::Stuck;
        }
        // Those below had their plans before there was this one.
        if seed >= 2000 {
            return Self::UnknownOutcomes;
        }
        if seed >= LATER_PLANS {
            return match seed % 10 {
                0 | 6 => Self::Power,
                1 | 7 => Self::Topics,
                2 | 8 => Self::Trims,
                3 => Self::Members,
                4 => Self::LostLogs,
                9 => Self::Flushers,
                _ => Self::Moves,
            };
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
    pub(crate) medium: Medium,
    pub(crate) kafka_version: &'static str,
    pub(crate) topics: Vec<TopicPlan>,
    /// How long clients work and things break.
    pub(crate) working: Duration,
    pub(crate) producers_a_partition: u64,
    /// How many batches a producer sends at most before the first is acknowledged.
    pub(crate) window: usize,
    /// How often a producer rests for a second or more, of a thousand batches.
    pub(crate) rest_permille: u64,
    /// How long a producer waits for an answer before it sends again, in ms at most; 0: until its
    /// connection ends.
    pub(crate) patience_ms_max: u64,
    pub(crate) groups: u64,
    /// Members of the one group that has some.
    pub(crate) members: u64,
    /// Consumers ask for offsets by time and by leader epoch too.
    pub(crate) queries: bool,
    /// Partitions are reassigned, and leaders elected.
    pub(crate) moves: bool,
    /// Brokers are drained, one at a time.
    pub(crate) drains: bool,
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
    pub(crate) own_segment_bytes: u64,
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
    /// The machine loses power at a later disk operation of the metadata store.
    PowerCutAtStore { operations: u64 },
    /// The process of all brokers and the metadata store ends, and starts again.
    Restart,
    /// A broker dies and its write-ahead log is lost; the loss is accepted when it starts again.
    LoseLog { broker: i32, down: Duration },
    /// A broker shuts down and starts again.
    Stop { broker: i32, down: Duration },
    /// A broker is killed by the service, which tells the others.
    ServiceKill { broker: i32, down: Duration },
    /// Nobody but the broker itself can read its write-ahead log.
    StickLog { broker: i32, time: Duration },
    /// A client and a broker cannot reach each other.
    Cut { client: usize, broker: i32, time: Duration },
    /// A broker cannot reach the metadata store.
    StoreAway { broker: i32, time: Duration },
    /// A kind of a broker's transactions takes long to arrive.
    Hold { broker: i32, kind: TxnKind, time: Duration },
    /// A broker's reads of the metadata store take long; it still learns of changes soon.
    SlowReads { broker: i32, time: Duration },
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
    fn mixed(seed: u64) -> Self {
        let rng = SeededRng::new(seed, "plan");
        let brokers = if rng.chance(250) { 1 } else { 3 };
        let one_of = |values: &[u64]| values[rng.below(values.len() as u64) as usize];
        let mut topics = vec![TopicPlan::new("kept", rng.within(1..4) as i32)];
        if rng.chance(500) {
            topics.push(TopicPlan::new("short", 1).with("retention.bytes", "8000"));
        }
        let working = rng.millis(6_000..14_000);
        let mut plan = Self {
            brokers,
            medium: Medium::Memory,
            kafka_version: "3.9",
            topics,
            working,
            producers_a_partition: rng.within(1..3),
            window: one_of(&[1, 2, 3, 5]) as usize,
            rest_permille: 0,
            patience_ms_max: 0,
            groups: rng.within(1..3),
            members: 0,
            queries: false,
            moves: false,
            drains: false,
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
            own_segment_bytes: 4_000,
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
