//! The [`ChunkSource`] the write-ahead log commits from: builds the open chunk, and passes its
//! outcome to the partitions and to the appends that wait.

use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use milena_types::ChunkSeq;

use crate::{
    chunk::{
        log_core::{BuiltChunk, LogCore},
        tail::TailChunk,
        ticket::{CommitError, Ticket},
    },
    disk::buffer::WriteBuffer,
    encryption::Salt,
    format_level::FormatLevel,
    log::backend::ChunkSource,
    segment::writer::{SegmentOptions, SegmentWriter},
};

/// The write-ahead log's view of a [`LogCore`].
pub(crate) struct CoreSource {
    core: Arc<LogCore>,
    /// Closes the open partitions when the epoch ends.
    close_partitions: Box<dyn Fn() + Send + Sync>,
    /// When the last chunk was committed, in nanoseconds of monotonic time.
    committed_ns: AtomicU64,
}

/// Settles a ticket: as committed, or, when dropped, as closed.
struct SettleGuard<'a>(&'a Ticket);

impl SettleGuard<'_> {
    fn committed(self) {
        self.0.settle(Ok(()));
        std::mem::forget(self);
    }
}

impl Drop for SettleGuard<'_> {
    fn drop(&mut self) {
        self.0.settle(Err(CommitError::Closed));
    }
}

impl CoreSource {
    pub(crate) fn new(
        core: Arc<LogCore>,
        close_partitions: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        let (close_partitions, committed_ns) = (Box::new(close_partitions), AtomicU64::new(0));
        Self { core, close_partitions, committed_ns }
    }

    /// Runs a step of the log. A panic, which means that one of our invariants broke, ends the
    /// epoch, so that nothing waits for ever.
    fn or_end<T>(&self, step: impl FnOnce() -> T) -> T {
        catch_unwind(AssertUnwindSafe(step)).unwrap_or_else(|panic| {
            self.end();
            resume_unwind(panic)
        })
    }

    fn build_open(&self, seq: ChunkSeq, out: &mut WriteBuffer) -> bool {
        let core = &*self.core;
        let Some(mut open) = core.open.take() else { return false };
        open.groups.sort_unstable_by_key(|group| group.member.id());
        let options = SegmentOptions {
            level: FormatLevel::ONE,
            keep_plaintext: Some(open.size.bytes),
            ..SegmentOptions::default()
        };
        let (object, salt) = (core.names.chunk(core.id, seq), Salt::random(&core.runtime));
        let mut writer = SegmentWriter::new(out, &object, core.keys.current(), salt, options);
        writer.reserve_partitions(open.groups.len());
        let mut members = Vec::with_capacity(open.groups.len());
        for group in open.groups {
            let (id, end) = (group.member.id(), group.end());
            for batch in group.batches {
                writer.append(id, &batch.summary, batch.log_append_time, &batch.bytes);
            }
            group.member.built(end);
            members.push(group.member);
        }
        let finished = writer.finish();
        let chunk = Arc::new(TailChunk {
            log: core.id,
            seq,
            footer: Arc::new(finished.footer),
            ranges: finished.plaintext_ranges,
            plaintext: finished.plaintext,
            charged: open.size.cost as u64,
            since: core.runtime.monotonic(),
        });
        let in_log = chunk.charged;
        core.built().push_back(BuiltChunk { chunk, members, ticket: open.ticket, in_log });
        true
    }

    fn commit_built(&self, seq: ChunkSeq) {
        let core = &*self.core;
        let Some(built) = core.built().pop_front() else {
            assert!(core.is_sealed(), "a chunk is built before it is committed");
            return; // A panic ended the epoch, and every append was settled.
        };
        // Whatever happens from here on, the appends that wait for the chunk are settled.
        let settle = SettleGuard(&built.ticket);
        assert_eq!(built.chunk.seq, seq, "chunks are committed in the order they were built");
        let took = self.took(built.chunk.since);
        if built.in_log > 0 {
            core.budget.note_speed(built.in_log, took);
            core.budget.left_log(built.in_log);
        }
        let unflushed = core.tail.push(built.chunk.clone());
        for (index, member) in built.members.iter().enumerate() {
            member.commit(built.chunk.run(index));
        }
        settle.committed();
        if unflushed >= core.flush_bytes || core.budget.is_pressed() {
            core.request_flush();
        }
    }

    /// How long the log took for the chunk built at `built`, without what it took for the one before.
    fn took(&self, built: Duration) -> Duration {
        let now = self.core.runtime.monotonic();
        let before = self.committed_ns.swap(now.as_nanos() as u64, Ordering::Relaxed);
        now.saturating_sub(built.max(Duration::from_nanos(before)))
    }

    /// Ends the epoch: nothing is acknowledged any more.
    fn end(&self) {
        let core = &*self.core;
        core.mark_sealed();
        let open = core.open.close();
        core.budget.close();
        (self.close_partitions)();
        for built in core.built().drain(..) {
            built.ticket.settle(Err(CommitError::Closed));
        }
        for chunk in open {
            chunk.fail(CommitError::Closed);
        }
        core.request_flush();
    }
}

impl ChunkSource for CoreSource {
    fn open_bytes(&self) -> usize {
        self.core.open.cost()
    }

    fn next_bytes_max(&self) -> Option<usize> {
        /// Header, trailer, the footer's tag and its count.
        const AROUND_BYTES: usize = 1024;
        self.core.open.close_oldest().map(|cost| cost + AROUND_BYTES)
    }

    fn build(&self, seq: ChunkSeq, out: &mut WriteBuffer) -> bool {
        self.or_end(|| self.build_open(seq, out))
    }

    fn committed(&self, seq: ChunkSeq) {
        self.or_end(|| self.commit_built(seq));
    }

    fn fail_open(&self) {
        for chunk in self.core.open.drain() {
            self.core.budget.not_pushed(chunk.size.cost as u64);
            chunk.fail(CommitError::Refused);
        }
    }

    fn fail_built(&self, seq: ChunkSeq) {
        let mut all = self.core.built();
        let Some(built) = all.iter_mut().find(|built| built.chunk.seq == seq) else { return };
        // The appends fail; a retry of an idempotent batch waits for the outcome.
        let later = Arc::new(Ticket::default());
        for member in &built.members {
            member.replace_ticket(&built.ticket, &later);
        }
        std::mem::replace(&mut built.ticket, later).settle(Err(CommitError::Stalled));
        // Later requests are to fail as well, not to wait.
        self.core.budget.left_log(std::mem::take(&mut built.in_log));
    }

    fn sealed(&self, _: ChunkSeq) {
        self.end();
    }
}
