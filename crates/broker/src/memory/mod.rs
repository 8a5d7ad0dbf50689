//! The memory that the brokers of a process share.

pub(crate) mod count;
pub(crate) mod requests;
pub(crate) mod room;

use milena_storage::{RecordPool, RecordPoolLimits};

use self::{count::ByteCount, requests::RequestMemory, room::Room};

/// How much memory the brokers of a process have together, by use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryShares {
    /// Requests as they were received, beyond the first 8 KiB of each; beside this, one request of
    /// any length.
    pub request_bytes: usize,
    /// Requests that are decoded, above 64 KiB each, with what their handlers make of them.
    pub decoded_bytes: usize,
    /// Decoders of records and their output, above 64 KiB each, while records are checked or converted;
    /// recompressed batches until they are appended.
    pub decoder_bytes: usize,
    /// Responses above 64 KiB, until they are written.
    pub response_bytes: usize,
    /// Fetch sessions.
    pub session_bytes: usize,
    /// Groups: members, assignments and committed offsets.
    pub group_bytes: usize,
    /// Records; the limits that each broker has of its own are beside these.
    pub records: Option<RecordPoolLimits>,
}

impl Default for MemoryShares {
    fn default() -> Self {
        Self {
            request_bytes: 512 << 20,
            decoded_bytes: 256 << 20,
            decoder_bytes: 256 << 20,
            response_bytes: 256 << 20,
            session_bytes: 64 << 20,
            group_bytes: 256 << 20,
            records: None,
        }
    }
}

/// The shared memory. Clones refer to the same.
#[derive(Clone, Debug)]
pub struct SharedMemory {
    pub(crate) requests: RequestMemory,
    pub(crate) decoded: Room,
    pub(crate) decoders: Room,
    pub(crate) responses: Room,
    pub(crate) sessions: ByteCount,
    pub(crate) groups: ByteCount,
    pub(crate) records: RecordPool,
}

impl SharedMemory {
    pub fn new(shares: MemoryShares) -> Self {
        Self {
            requests: RequestMemory::new(shares.request_bytes),
            decoded: Room::new(shares.decoded_bytes),
            decoders: Room::new(shares.decoder_bytes),
            responses: Room::new(shares.response_bytes),
            sessions: ByteCount::new(shares.session_bytes),
            groups: ByteCount::new(shares.group_bytes),
            records: shares.records.map(RecordPool::new).unwrap_or_default(),
        }
    }
}

impl Default for SharedMemory {
    fn default() -> Self {
        Self::new(MemoryShares::default())
    }
}
