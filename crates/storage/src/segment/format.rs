//! The one file format: frames of record batches grouped by partition, a footer that locates them,
//! and a fixed trailer. A write-ahead chunk, a shared segment and a partition's own segment all
//! have it.
//!
//! ```text
//! header   magic(8) · format level(2) · 0(2) · key id(4) · salt(16)
//! frame 0  AES-256-GCM of whole record batches of one partition, then its tag(16)
//! frame 1  …
//! footer   as below
//! trailer  footer position(8) · sealed footer length(4) · frames(4) · key id(4) · salt(16) · 0(12)
//!          · format level(2) · 0(2) · CRC32C of the 52 bytes before(4) · magic(8)
//! ```
//!
//! At level 1, which chunks have, the footer is one `Footer`, sealed. At level 2, which segments
//! have, it is a list, and details of each entry, so that who wants one partition reads the list and
//! that partition's details. The trailer's footer position and length are those of the first list:
//!
//! ```text
//! trailer  the same 64 bytes as at the end
//! list     AES-256-GCM of `List`, then its tag: at most 1,024 entries and 64 KiB
//! details  of each entry, in order: AES-256-GCM of its details, then its tag
//! zeros    until 4 KiB at least are behind the first list
//! trailer, list: the same bytes again
//! zeros    to a multiple of 4 KiB behind the start of that list
//! ```
//!
//! So no block of 4 KiB has bytes of both lists, or of both trailers of the second: one that is
//! damaged hides at most records and details of its own.
//!
//! An entry has the records of a partition, or it is a page of a manifest or a snapshot of
//! producers, which then take the place of its details (in objects of the catalog). Frames may be
//! in several *sections*, each sealed under a name, key and salt of its own (in an adopted log file
//! its chunks); the first section is the object itself.
//!
//! Integers are big-endian. Invariants, kept by `SegmentWriter` and checked by `SegmentReader`:
//! - partitions are in ascending order, each once; a partition's frames never hold another's
//!   batches, ascend in the file, and within a section are adjacent; a batch is never split; offsets
//!   ascend within a partition;
//! - the end of a file suffices to read it: the trailer repeats the header, so that a range read of
//!   the tail, then range reads of frames, never need the beginning;
//! - the trailer's last 12 bytes (CRC32C, magic) stay where they are in every format level, so that
//!   a file of a newer level can be told from a damaged one.
//!
//! Batches are stored as the client sent them apart from base offset and leader epoch, which the
//! writer patches while it copies, and times that are the broker's or that the client got wrong.

use milena_records::{Batch, BatchError, BatchHeader, control::EndTransactionMarker};
use milena_types::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, Sequence, Timestamp};

/// The length of a segment's header.
pub(crate) const HEADER_BYTES: usize = 32;

/// The length of a segment's trailer.
pub(crate) const TRAILER_BYTES: usize = 64;

pub(super) const MAGIC: [u8; 8] = *b"MLNASEG\0";

/// The frame number that the footer, or the list, is sealed under. No record frame has it.
pub(super) const FOOTER_FRAME: u32 = u32::MAX;

/// The entries of a list, at most.
pub(crate) const LIST_ENTRIES_MAX: usize = 1024;

/// The length of a sealed list, at most.
pub(super) const LIST_BYTES_MAX: u64 = 64 << 10;

/// A damaged block of this length hides at most one of the two lists.
pub(super) const LIST_GAP_BYTES: u64 = 4 << 10;

/// The number of record frames, at most: the numbers above are those of footer and details.
pub(super) const FRAMES_MAX: u32 = FOOTER_FRAME - LIST_ENTRIES_MAX as u32;

/// The frame number that the details of an entry are sealed under.
pub(super) fn details_frame(entry: usize) -> u32 {
    assert!(entry < LIST_ENTRIES_MAX, "a list has at most {LIST_ENTRIES_MAX} entries");
    FOOTER_FRAME - 1 - entry as u32
}

/// The metadata of one record batch. The footer has it for batches with a producer id, from which
/// state is rebuilt; for others only the batch itself has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct BatchSummary {
    /// Offset of the first record. The writer puts it into the stored batch.
    pub base_offset: Offset,
    /// Offset of the last record (also if compaction removed that record).
    pub last_offset: Offset,
    /// The leader epoch of the append. The writer puts it into the stored batch.
    pub leader_epoch: LeaderEpoch,
    /// The largest timestamp of its records.
    pub max_timestamp: Timestamp,
    /// The idempotent producer it came from.
    pub producer: Option<ProducerBatch>,
}

impl BatchSummary {
    /// The summary of a batch whose first record gets `base_offset`.
    ///
    /// # Errors
    /// A control batch that cannot be read.
    pub(crate) fn of(
        batch: &Batch,
        base_offset: Offset,
        leader_epoch: LeaderEpoch,
        log_append_time: Option<Timestamp>,
    ) -> Result<Self, BatchError> {
        let header = batch.header();
        Ok(Self {
            base_offset,
            last_offset: base_offset.plus(i64::from(header.last_offset_delta)),
            leader_epoch,
            max_timestamp: log_append_time.unwrap_or(header.max_timestamp),
            producer: if header.has_producer() { Some(producer_of(batch, header)?) } else { None },
        })
    }

    /// The offset after the batch's last record.
    pub(crate) fn end_offset(&self) -> Offset {
        self.last_offset.plus(1)
    }
}

/// The part of a batch that producer and transaction state is rebuilt from (KIP-98).
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct ProducerBatch {
    /// The producer's id; never [`ProducerId::NONE`].
    pub id: ProducerId,
    pub epoch: ProducerEpoch,
    /// The sequence of the first record; -1 in a control batch.
    pub base_sequence: Sequence,
    /// The sequence of the last record; -1 in a control batch.
    pub last_sequence: Sequence,
    /// Whether the batch belongs to a transaction.
    pub transactional: bool,
    /// The outcome of the transaction, if it is a marker.
    pub marker: Option<EndTransactionMarker>,
}

fn producer_of(batch: &Batch, header: &BatchHeader) -> Result<ProducerBatch, BatchError> {
    let marker = if header.attributes.is_control() { marker_of(batch)? } else { None };
    let last_sequence =
        if header.base_sequence.raw() < 0 { header.base_sequence } else { header.last_sequence() };
    Ok(ProducerBatch {
        id: header.producer_id,
        epoch: header.producer_epoch,
        base_sequence: header.base_sequence,
        last_sequence,
        transactional: header.attributes.is_transactional(),
        marker,
    })
}

/// Control batches are a few bytes and hold one record.
const CONTROL_BYTES_MAX: usize = 4096;

fn marker_of(batch: &Batch) -> Result<Option<EndTransactionMarker>, BatchError> {
    let records = batch.records(CONTROL_BYTES_MAX)?;
    match (&records).into_iter().next() {
        Some(record) => EndTransactionMarker::of(&record?),
        None => Ok(None),
    }
}
