//! The write-ahead log's interface: chunks, committed one after another.
//!
//! The log **pulls**: batches that wait are announced ([`LogBackend::notify`]); when the log is
//! idle it has its [`ChunkSource`] build the open chunk, commits it, and reports that to the
//! source. The next chunk collects while a commit runs: that is the group commit. Where much is
//! open the next chunk is also built meanwhile. The log knows sequence numbers and bytes, not the
//! contents of chunks.
//!
//! # Protocol
//!
//! For every implementation of [`LogBackend`]:
//! 1. A log serves one broker epoch. Chunks get dense sequence numbers from 0 in the order they are
//!    built.
//! 2. **Bytes that were given a sequence number never change.** A call of [`ChunkSource::build`]
//!    assigns a sequence number; from then on those bytes are written, and written again after a
//!    failure, unaltered, until they are committed or the epoch is sealed. No other bytes ever get
//!    that number.
//! 3. A chunk is built only when there is space for it. Without space nothing is built: the log
//!    calls [`ChunkSource::fail_open`], the source fails the open chunks (which have no sequence
//!    number, so they can be dropped), and the next notification tries again. So a full disk does
//!    not end the epoch.
//! 4. [`ChunkSource::committed`] is called in order of sequence numbers, once for each chunk, and
//!    only when the chunk and all before it are durable.
//! 5. If a built chunk cannot be written for now, the log calls [`ChunkSource::fail_built`] once for
//!    it and for each chunk that was built after it, and keeps trying those bytes. Meanwhile no other
//!    chunk is built: what is opened is failed as in rule 3.
//! 6. [`LogBackend::seal`] ends the epoch: a running sync finishes (and its chunk is committed),
//!    then nothing more is accepted. After it has returned, `committed` is never called again, and
//!    the returned sequence number is the tail: later bytes, if any reached the disk, are not part
//!    of the log. Sealing twice returns the same tail.
//! 7. Reading returns the bytes that were built, or an error that names the position; never other
//!    bytes.
//! 8. [`LogBackend::release`] only ever frees chunks below the given end.
//!
//! Not here: the content of chunks (`segment`), and when they are flushed.

use std::{
    io,
    ops::Range,
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use bytes::Bytes;
use milena_types::{BrokerEpoch, ChunkSeq};

use crate::disk::buffer::WriteBuffer;

/// Why an operation of the write-ahead log failed.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages name the fields")]
pub enum LogError {
    /// There is no space for another chunk.
    #[error(
        "the write-ahead log in {dir} has no space left ({source}): free space and the broker \
         resumes by itself"
    )]
    Full { dir: PathBuf, source: io::Error },
    /// A file operation failed.
    #[error("{path}: cannot {action} ({source}): check the disk")]
    Io { path: PathBuf, action: &'static str, source: io::Error },
    /// A frame other than the last is damaged, so acknowledged chunks are lost.
    #[error(
        "{path} is damaged at byte {position}: {what}; restore it from a copy, or move the \
         directory away and accept that its unflushed records are lost"
    )]
    Damaged { path: PathBuf, position: u64, what: String },
    /// It was written by a later release.
    #[error(
        "the write-ahead log in {dir} has format level {found}, this release reads up to {newest}: \
         upgrade milena"
    )]
    NewerFormat { dir: PathBuf, found: u32, newest: u32 },
    /// Another broker or process has the directory's lock.
    #[error(
        "the write-ahead log in {dir} is in use by another broker or process: stop that one first"
    )]
    InUse { dir: PathBuf },
    /// The chunk was released, or never committed.
    #[error("the write-ahead log holds no chunk {seq} of broker epoch {epoch}")]
    NoSuchChunk { epoch: BrokerEpoch, seq: ChunkSeq },
    /// The broker epoch has ended.
    #[error("broker epoch {epoch} is sealed: register again")]
    Sealed { epoch: BrokerEpoch },
}

impl LogError {
    /// Maps the error of an operation on a file or directory.
    pub(crate) fn io(path: &Path, action: &'static str) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Io { path, action, source }
    }
}

/// Where a log's chunks come from. Called by the log only, from its threads, which may block for as
/// long as building a chunk takes. `committed` is called while another call runs; of the others
/// (but for `open_bytes`, which may be called at any time) one is called at a time. No call may wait
/// for the log.
pub(crate) trait ChunkSource: Send + Sync + 'static {
    /// About how many bytes wait to be built; 0 if and only if nothing is open. Cheap.
    fn open_bytes(&self) -> usize;

    /// How long the chunk is at most that is built next; nothing is added to it any more. `None`:
    /// nothing is open. It is longer than the log's `chunk_bytes_max` only where a single append is.
    fn next_bytes_max(&self) -> Option<usize>;

    /// Appends the open chunk's bytes to `out` (which may hold other bytes already) as number
    /// `seq`, and opens the next. Returns `false` if nothing is open: then nothing was appended and
    /// `seq` was not used. At most what [`ChunkSource::next_bytes_max`] said before. May be called for
    /// a chunk before the previous
    /// one is committed.
    fn build(&self, seq: ChunkSeq, out: &mut WriteBuffer) -> bool;

    /// Chunk `seq` is durable, and all before it: pending state becomes committed, acknowledgements
    /// go out.
    fn committed(&self, seq: ChunkSeq);

    /// The open chunks cannot be built now and have no sequence number: fail them. Later
    /// notifications try again. The log has logged the cause.
    fn fail_open(&self);

    /// Chunk `seq` cannot be made durable for now. Its appends may fail with a storage error, but
    /// its state stays pending: it will still be committed, or the epoch sealed. The log has logged
    /// the cause. The chunk may have been committed just before; then there is nothing to fail.
    fn fail_built(&self, seq: ChunkSeq);

    /// The epoch ended: chunks from `end` on, built or open, will never be acknowledged. The last
    /// call.
    fn sealed(&self, end: ChunkSeq);
}

/// The chunks of one broker epoch that a log holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct HeldEpoch {
    pub epoch: BrokerEpoch,
    /// From the first that is not released to after the last.
    pub chunks: Range<ChunkSeq>,
}

/// A running log of one broker epoch. The module documentation has the protocol.
#[async_trait]
pub(crate) trait LogBackend: Send + Sync + 'static {
    /// The broker epoch it serves.
    #[cfg_attr(not(test), expect(dead_code, reason = "the conformance suite asks"))]
    fn epoch(&self) -> BrokerEpoch;

    /// Announces that something is open. Cheap, never blocks, may be called from any thread, also
    /// with nothing open.
    fn notify(&self);

    /// The sequence number of the next committed chunk: all below it are durable.
    fn committed_end(&self) -> ChunkSeq;

    /// The chunks it holds, oldest epoch first; of this epoch those that are committed.
    #[cfg_attr(not(test), expect(dead_code, reason = "the conformance suite asks"))]
    fn held(&self) -> Vec<HeldEpoch>;

    /// The bytes of a committed chunk.
    ///
    /// # Errors
    /// [`LogError::NoSuchChunk`] if it was released or is not committed; [`LogError::Damaged`],
    /// [`LogError::Io`].
    #[cfg_attr(not(test), expect(dead_code, reason = "the conformance suite asks"))]
    async fn read(&self, epoch: BrokerEpoch, seq: ChunkSeq) -> Result<Bytes, LogError>;

    /// Frees the chunks of `epoch` below `end`: the flush that put their records into segments is
    /// committed.
    async fn release(&self, epoch: BrokerEpoch, end: ChunkSeq);

    /// Others have no space: the log gives back what it keeps for later use. Cheap, never blocks.
    fn give_back_space(&self);

    /// Ends the epoch and returns its tail: the number after the last committed chunk. Cancel-safe:
    /// the epoch ends even if the future is dropped.
    async fn seal(&self) -> ChunkSeq;
}
