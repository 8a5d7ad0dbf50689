//! The parameters of a broker that are not among Kafka's configurations.

use std::time::Duration;

use milena_storage::{FlushPolicy, MemoryBudget, Storage};

/// How long a broker's steps may take at its end.
///
/// When the whole process stops, they run one after another and must fit into the process's limit.
pub const SHUTDOWN_LIMITS: ShutdownLimits = ShutdownLimits {
    responses: Duration::from_millis(800),
    drain: Duration::from_millis(900),
    flush: Duration::from_millis(400),
    deregister: Duration::from_millis(200),
    join: Duration::from_millis(200),
};

/// How long each step of a broker's end may take, in their order.
#[derive(Clone, Copy, Debug)]
pub struct ShutdownLimits {
    /// A connection sends the responses to its requests in progress. Part of `drain`.
    pub responses: Duration,
    /// All connections end.
    pub drain: Duration,
    /// Storage flushes its log into segments; the next start reads back the rest. Storage has its
    /// own limit for the record that it makes then.
    pub flush: Duration,
    /// The registration ends in the metadata store.
    pub deregister: Duration,
    /// The broker's tasks end.
    pub join: Duration,
}

impl ShutdownLimits {
    /// The longest that the steps take together. Sealing the log has no limit of its own: it waits
    /// for a sync that runs.
    pub const fn total(&self) -> Duration {
        self.drain
            .saturating_add(self.flush)
            .saturating_add(Storage::END_RECORD_MAX)
            .saturating_add(self.deregister)
            .saturating_add(self.join)
    }
}

const _: () = assert!(
    SHUTDOWN_LIMITS.responses.as_millis() < SHUTDOWN_LIMITS.drain.as_millis(),
    "connections end by themselves"
);

/// Memory, files and times of one broker.
#[derive(Clone, Debug)]
pub struct BrokerTuning {
    /// How many produces of one connection may wait for the disk.
    pub connection_requests_in_flight_max: usize,
    /// The memory for records that are not in segments yet. Producers are slowed from three
    /// quarters of it on.
    pub memory: MemoryBudget,
    pub flush: FlushPolicy,
    /// The length of a write-ahead file.
    pub wal_file_bytes: u64,
    /// The longest chunk of the write-ahead log. One has to fit into a file.
    pub wal_chunk_bytes_max: usize,
    /// How long an object without references is kept for readers that planned before.
    pub delete_grace: Duration,
    /// A partition of groups writes a snapshot of its state, and drops the log before it, when it
    /// has grown by more than this.
    pub group_log_growth_bytes: u64,
    /// How long a registration lasts without a renewal; then the controller fails the broker over.
    pub lease: Duration,
    /// How long a broker has served when partitions whose first replica it is are given back to
    /// it.
    pub leaders_return_after: Duration,
    /// How long a stopping broker may take to hand over its partitions; the others take over the
    /// rest after that.
    pub handover_max: Duration,
}

impl Default for BrokerTuning {
    fn default() -> Self {
        Self {
            connection_requests_in_flight_max: 64,
            memory: MemoryBudget::default(),
            flush: FlushPolicy::default(),
            wal_file_bytes: 64 << 20,
            wal_chunk_bytes_max: 16 << 20,
            delete_grace: Duration::from_secs(60),
            group_log_growth_bytes: 16 * 1024 * 1024,
            lease: Duration::from_secs(9),
            leaders_return_after: Duration::from_secs(3),
            handover_max: Duration::from_secs(30),
        }
    }
}
