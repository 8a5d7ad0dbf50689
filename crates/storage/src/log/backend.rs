//! The write-ahead log of one broker: chunks, committed one after another.
//!
//! The log **pulls**: whoever has batches to commit rings ([`LogBackend::notify`]); when the log
//! is free it asks its [`ChunkSource`] to build the open chunk, commits it, and tells the source.
//! While a commit runs the next chunk collects, which is all there is to group commit. The log
//! knows sequence numbers and bytes, nothing of what a chunk holds.
//!
//! # Protocol
//!
//! For every implementation of [`LogBackend`]:
//! 1. A log serves one broker epoch. Chunks get dense sequence numbers from 0 in the order they are
//!    built.
//! 2. **Bytes that were given a sequence number never change.** A sequence number is given out by
//!    calling [`ChunkSource::build`]; from then on those bytes are written, and written again after
//!    a failure, unaltered, until they are committed or the epoch is sealed. Nothing ever gets that
//!    number with other bytes.
//! 3. A chunk is built only when there is room for it. Where there is none, nothing is built: the
//!    source is told [`ChunkSource::refused`], fails what is open (it never had a sequence number,
//!    so it may simply be dropped), and the next ring tries again. That is how a full disk passes
//!    by without ending the epoch.
//! 4. [`ChunkSource::committed`] is called in order of sequence numbers, each once, and only when
//!    the chunk and all before it are durable.
//! 5. If a built chunk cannot be written for now, the source is told [`ChunkSource::stalled`] once,
//!    and the log goes on trying those bytes. Meanwhile rule 3 applies to what comes after.
//! 6. [`LogBackend::seal`] ends the epoch: it lets a running sync finish (whose chunk then is
//!    committed), then refuses. After it has returned, `committed` is never called again, and what
//!    it returned is the tail: later bytes, if any reached the disk, are not part of the log.
//!    Sealing twice gives the same tail.
//! 7. Reading gives the bytes that were built, or an error that names the place; never other bytes.
//! 8. [`LogBackend::release`] only ever frees chunks below the given end.
//!
//! What this is not: what chunks contain (`segment`), or when they are flushed.

use std::{
    io,
    ops::Range,
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use bytes::Bytes;
use milena_types::{BrokerEpoch, ChunkSeq};

use crate::disk::buffer::WriteBuffer;

/// Why the write-ahead log cannot do something.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages name the fields")]
pub enum LogError {
    /// There is no space for another chunk.
    #[error(
        "the write-ahead log in {dir} has no space left ({source}): free space, the broker then goes on by itself"
    )]
    Full { dir: PathBuf, source: io::Error },
    /// The disk failed.
    #[error("{path}: cannot {action} ({source}): check the disk")]
    Io { path: PathBuf, action: &'static str, source: io::Error },
    /// A frame other than the last does not check out, so acknowledged chunks are lost.
    #[error(
        "{path} is damaged at byte {position}: {what}; restore it from a copy, or move the directory away and accept that its unflushed records are lost"
    )]
    Damaged { path: PathBuf, position: u64, what: String },
    /// A later release wrote it.
    #[error(
        "the write-ahead log in {dir} has format level {found}, this release reads up to {newest}: upgrade milena"
    )]
    NewerFormat { dir: PathBuf, found: u32, newest: u32 },
    /// Somebody else has the directory.
    #[error(
        "the write-ahead log in {dir} is in use by another broker or process: stop that one first"
    )]
    InUse { dir: PathBuf },
    /// The chunk was released, or never committed.
    #[error("the write-ahead log holds no chunk {seq} of broker epoch {epoch}")]
    NoSuchChunk { epoch: BrokerEpoch, seq: ChunkSeq },
    /// The broker epoch has ended.
    #[error("broker epoch {epoch} is sealed: register anew")]
    Sealed { epoch: BrokerEpoch },
}

impl LogError {
    /// A failed operation on a file or directory.
    pub(crate) fn io(path: &Path, action: &'static str) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Io { path, action, source }
    }
}

/// What a log commits chunks from. Called by the log only, one call at a time, from a thread of its
/// own that may block for as long as building a chunk takes. No call may wait for the log.
pub(crate) trait ChunkSource: Send + Sync + 'static {
    /// Appends the open chunk's bytes to `out` (which may hold other bytes already) as number
    /// `seq`, and opens the next. `false`: nothing is open, nothing was appended, `seq` was not
    /// used. At most the log's `chunk_bytes_max` bytes. May be called for a chunk before the
    /// one before it is committed.
    fn build(&self, seq: ChunkSeq, out: &mut WriteBuffer) -> bool;

    /// Chunk `seq` is durable, and all before it: pending state becomes committed, acknowledgements
    /// go out.
    fn committed(&self, seq: ChunkSeq);

    /// What is open cannot be built now and has no sequence number: fail it. Later rings try again.
    fn refused(&self, error: &LogError);

    /// Chunk `seq` cannot be made durable for now. Whoever waits for it may be told of a storage
    /// error, but its state stays pending: it will still be committed, or the epoch sealed.
    fn stalled(&self, seq: ChunkSeq, error: &LogError);

    /// The epoch ended: chunks from `end` on were built or open and will never be acknowledged. The
    /// last call.
    fn sealed(&self, end: ChunkSeq);
}

/// The chunks of one broker epoch that a log still holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct HeldEpoch {
    /// The broker epoch.
    pub epoch: BrokerEpoch,
    /// Its chunks: from the first not released to after the last.
    pub chunks: Range<ChunkSeq>,
}

/// A running log of one broker epoch. See the [module](self) for the protocol.
#[async_trait]
pub(crate) trait LogBackend: Send + Sync + 'static {
    /// The broker epoch it serves.
    #[cfg_attr(not(test), expect(dead_code, reason = "the conformance suite asks"))]
    fn epoch(&self) -> BrokerEpoch;

    /// Says that something is open. Cheap, never blocks, may be called from anywhere, also with
    /// nothing open.
    fn notify(&self);

    /// Where the next committed chunk goes: all below it are durable.
    fn committed_end(&self) -> ChunkSeq;

    /// What it holds, oldest epoch first; chunks of this epoch only as far as they are committed.
    #[cfg_attr(not(test), expect(dead_code, reason = "the conformance suite asks"))]
    fn held(&self) -> Vec<HeldEpoch>;

    /// The bytes of a committed chunk.
    ///
    /// # Errors
    /// [`LogError::NoSuchChunk`] if it was released or is not committed; [`LogError::Damaged`],
    /// [`LogError::Io`].
    #[cfg_attr(not(test), expect(dead_code, reason = "the conformance suite asks"))]
    async fn read(&self, epoch: BrokerEpoch, seq: ChunkSeq) -> Result<Bytes, LogError>;

    /// Frees the chunks of `epoch` below `end`: all their records are in segments, and that is
    /// committed.
    async fn release(&self, epoch: BrokerEpoch, end: ChunkSeq);

    /// Ends the epoch and gives its tail: the number after the last committed chunk. Cancel-safe:
    /// the epoch ends whether or not anybody waits for it.
    async fn seal(&self) -> ChunkSeq;
}
