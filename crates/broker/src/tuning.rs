//! What Milena tunes of a broker beyond Kafka's configurations.

use std::time::Duration;

use milena_storage::{FlushPolicy, MemoryBudget};

/// Memory, files and times of one broker.
#[derive(Clone, Debug)]
pub struct BrokerTuning {
    /// How many produces of one connection may wait for the disk.
    pub connection_requests_in_flight_max: usize,
    /// The memory for records that are not in segments yet. Producers are slowed from three
    /// quarters of it on.
    pub memory: MemoryBudget,
    /// When records are put into segments.
    pub flush: FlushPolicy,
    /// The length of a write-ahead file.
    pub wal_file_bytes: u64,
    /// The longest chunk of the write-ahead log. One has to fit into a file.
    pub wal_chunk_bytes_max: usize,
    /// How long an object without references is kept for readers that planned before.
    pub delete_grace: Duration,
    /// A partition of groups writes its state anew, and drops the log before, when it has grown by
    /// more than this.
    pub group_log_growth_bytes: u64,
    /// How long the metadata store waits for a renewal before the broker may be declared dead.
    pub lease: Duration,
    /// How long a broker has served when partitions whose first replica it is are given back to
    /// it.
    pub leaders_return_after: Duration,
    /// How long a stopping broker may take to hand over what it leads; the others take over the
    /// rest then.
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
