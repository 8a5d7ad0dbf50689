//! A partition's state of its idempotent and transactional producers (KIP-98).
//!
//! Owns the rules by which a batch is the next one, a duplicate or refused, and the difference
//! between *pending* (pushed into a chunk that is not committed yet) and *committed*. Invariants:
//!  - checks use pending over committed state; snapshots and the last stable offset use committed
//!    state only;
//!  - pending batches become committed in the order they were added, or are all reverted together;
//!  - at most [`CACHED_BATCHES`] committed batches a producer are remembered, as in Kafka.
//!
//! It has no log, locks or clock: offsets and times are passed in.

use std::collections::{BTreeSet, HashMap, VecDeque};

use milena_types::{Offset, ProducerEpoch, ProducerId, Sequence, Timestamp};

use crate::segment::format::BatchSummary;

/// How many batches of a producer are kept to recognise duplicates: Kafka's
/// `ProducerStateEntry.NUM_BATCHES_TO_RETAIN`, the bound of
/// `max.in.flight.requests.per.connection`.
pub(crate) const CACHED_BATCHES: usize = 5;

/// A batch of an idempotent producer, and its place in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SequencedBatch {
    /// The producer; never [`ProducerId::NONE`].
    pub(crate) producer: ProducerId,
    pub(crate) epoch: ProducerEpoch,
    /// The sequence of the first record.
    pub(crate) first_sequence: Sequence,
    /// The offset of the first record.
    pub(crate) base_offset: Offset,
    /// The offset of the last record.
    pub(crate) last_offset: Offset,
    /// The largest timestamp in the batch.
    pub(crate) max_timestamp: Timestamp,
    /// Whether the batch belongs to a transaction.
    pub(crate) transactional: bool,
}

impl SequencedBatch {
    /// From the summary of a batch; `None` if it has no producer or is a marker.
    pub(crate) fn of(batch: &BatchSummary) -> Option<Self> {
        let producer = batch.producer.as_ref().filter(|producer| producer.marker.is_none())?;
        Some(Self {
            producer: producer.id,
            epoch: producer.epoch,
            first_sequence: producer.base_sequence,
            base_offset: batch.base_offset,
            last_offset: batch.last_offset,
            max_timestamp: batch.max_timestamp,
            transactional: producer.transactional,
        })
    }

    fn last_sequence(&self) -> Sequence {
        self.first_sequence.plus((self.last_offset.0 - self.base_offset.0) as i32)
    }

    fn cached(&self) -> CachedBatch {
        CachedBatch {
            first_sequence: self.first_sequence,
            last_sequence: self.last_sequence(),
            base_offset: self.base_offset,
            last_offset: self.last_offset,
            timestamp: self.max_timestamp,
        }
    }
}

/// A batch that is kept to recognise duplicates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CachedBatch {
    /// The sequence of the first record.
    pub first_sequence: Sequence,
    /// The sequence of the last record.
    pub last_sequence: Sequence,
    /// The offset of the first record.
    pub base_offset: Offset,
    /// The offset of the last record.
    pub last_offset: Offset,
    /// The largest timestamp in the batch.
    pub timestamp: Timestamp,
}

/// How a batch relates to its producer's earlier ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is the next one: append it.
    Next,
    /// It was appended before.
    Duplicate {
        /// The batch as it is in the log.
        original: CachedBatch,
        /// Whether the original still waits for its commit.
        pending: bool,
    },
}

/// Why a batch is refused.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[expect(missing_docs, reason = "the messages name the fields")]
pub enum SequenceError {
    /// Records are missing before this batch, or it is older than the kept ones.
    #[error(
        "producer {producer} sent sequence {got} where {expected} was expected: resend from there"
    )]
    OutOfOrder { producer: ProducerId, expected: Sequence, got: Sequence },
    /// The producer has written in a newer epoch.
    #[error("producer {producer} has epoch {current}, not {got}: ask for a new epoch")]
    InvalidEpoch { producer: ProducerId, current: ProducerEpoch, got: ProducerEpoch },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Producer {
    pub(super) epoch: ProducerEpoch,
    pub(super) committed: VecDeque<CachedBatch>,
    pub(super) pending: VecDeque<(ProducerEpoch, CachedBatch)>,
    /// With nothing committed yet: the first batch that failed. Batches sent after it must not
    /// overtake it.
    pub(super) failed_first: Option<(ProducerEpoch, Sequence)>,
    pub(super) last_timestamp: Timestamp,
    /// When it last committed something, by the broker's clock; records may have any timestamp.
    pub(super) last_active: Timestamp,
    pub(super) coordinator_epoch: i32,
    pub(super) open_transaction: Option<Offset>,
}

/// No epoch was committed yet. As in Kafka, such a producer may start with any sequence.
pub(super) const NO_EPOCH: ProducerEpoch = ProducerEpoch(-1);

impl Producer {
    fn new() -> Self {
        Self {
            epoch: NO_EPOCH,
            committed: VecDeque::new(),
            pending: VecDeque::new(),
            failed_first: None,
            last_timestamp: Timestamp::NONE,
            last_active: Timestamp::NONE,
            coordinator_epoch: -1,
            open_transaction: None,
        }
    }

    fn newest_epoch(&self) -> ProducerEpoch {
        self.pending.back().map_or(self.epoch, |(epoch, _)| *epoch)
    }

    fn newest_batch(&self) -> Option<&CachedBatch> {
        self.pending.back().map(|(_, batch)| batch).or_else(|| self.committed.back())
    }

    fn find(&self, batch: &SequencedBatch) -> Option<Verdict> {
        let (first, last) = (batch.first_sequence, batch.last_sequence());
        let same = |seen: &CachedBatch| seen.first_sequence == first && seen.last_sequence == last;
        if let Some((_, original)) =
            self.pending.iter().find(|(e, seen)| *e == batch.epoch && same(seen))
        {
            return Some(Verdict::Duplicate { original: *original, pending: true });
        }
        let committed = (self.epoch == batch.epoch).then_some(&self.committed)?;
        let original = *committed.iter().find(|seen| same(seen))?;
        Some(Verdict::Duplicate { original, pending: false })
    }

    fn check(&self, batch: &SequencedBatch) -> Result<Verdict, SequenceError> {
        let current = self.newest_epoch();
        let (producer, got) = (batch.producer, batch.first_sequence);
        if batch.epoch < current {
            return Err(SequenceError::InvalidEpoch { producer, current, got: batch.epoch });
        }
        if let Some(duplicate) = self.find(batch) {
            return Ok(duplicate);
        }
        let expected = if current == NO_EPOCH {
            let failed = self.failed_first.filter(|(epoch, _)| *epoch == batch.epoch);
            failed.map_or(got, |(_, sequence)| sequence)
        } else if batch.epoch > current {
            Sequence(0)
        } else {
            self.newest_batch().map_or(Sequence(0), |newest| newest.last_sequence.plus(1))
        };
        if got == expected {
            Ok(Verdict::Next)
        } else {
            Err(SequenceError::OutOfOrder { producer, expected, got })
        }
    }

    fn remember(&mut self, epoch: ProducerEpoch, batch: CachedBatch) {
        self.failed_first = None;
        if epoch != self.epoch {
            self.committed.clear();
            self.epoch = epoch;
        }
        if self.committed.len() == CACHED_BATCHES {
            self.committed.pop_front();
        }
        self.committed.push_back(batch);
        self.last_timestamp = batch.timestamp;
    }
}

/// The producers of one partition. Allocates nothing while empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Producers {
    pub(super) known: HashMap<ProducerId, Producer>,
    /// The open transactions, oldest first.
    pub(super) open: BTreeSet<(Offset, ProducerId)>,
}

impl Producers {
    /// Checks a batch against the newest state, pending included.
    pub(crate) fn check(&self, batch: &SequencedBatch) -> Result<Verdict, SequenceError> {
        self.known.get(&batch.producer).map_or(Ok(Verdict::Next), |producer| producer.check(batch))
    }

    /// Adds a batch that is pushed into a chunk, after [`Producers::check`] returned
    /// [`Verdict::Next`].
    pub(crate) fn push_pending(&mut self, batch: &SequencedBatch) {
        let producer = self.known.entry(batch.producer).or_insert_with(Producer::new);
        producer.pending.push_back((batch.epoch, batch.cached()));
    }

    /// Commits a batch, which was pending or is read back from the log. `now` by the broker's
    /// clock.
    pub(crate) fn commit(&mut self, batch: &SequencedBatch, now: Timestamp) {
        let producer = self.known.entry(batch.producer).or_insert_with(Producer::new);
        if producer.pending.front().is_some_and(|(_, first)| first.base_offset == batch.base_offset)
        {
            producer.pending.pop_front();
        }
        producer.remember(batch.epoch, batch.cached());
        producer.last_active = now;
        if batch.transactional && producer.open_transaction.is_none() {
            producer.open_transaction = Some(batch.base_offset);
            self.open.insert((batch.base_offset, batch.producer));
        }
    }

    /// Commits a marker, which ends the producer's open transaction (KIP-98).
    pub(crate) fn commit_marker(
        &mut self,
        producer: ProducerId,
        epoch: ProducerEpoch,
        coordinator_epoch: i32,
        timestamp: Timestamp,
        now: Timestamp,
    ) {
        let id = producer;
        let producer = self.known.entry(id).or_insert_with(Producer::new);
        if epoch != producer.epoch {
            producer.committed.clear();
            producer.epoch = epoch;
        }
        producer.coordinator_epoch = coordinator_epoch;
        producer.last_timestamp = timestamp;
        producer.last_active = now;
        if let Some(start) = producer.open_transaction.take() {
            self.open.remove(&(start, id));
        }
    }

    /// Commits a batch, whether data or a marker. Batches without a producer change nothing.
    pub(crate) fn commit_summary(&mut self, batch: &BatchSummary, now: Timestamp) {
        let Some(producer) = &batch.producer else { return };
        match (producer.marker, SequencedBatch::of(batch)) {
            (Some(marker), _) => {
                let time = batch.max_timestamp;
                self.commit_marker(
                    producer.id,
                    producer.epoch,
                    marker.coordinator_epoch,
                    time,
                    now,
                );
            }
            (None, Some(sequenced)) => self.commit(&sequenced, now),
            (None, None) => {}
        }
    }

    /// Removes every pending batch from `offset` on, whose commit failed. Producers without
    /// committed batches keep the sequence of their first one, until they expire.
    pub(crate) fn revert_pending(&mut self, offset: Offset) {
        self.known.retain(|_, producer| {
            let first = producer.pending.iter().find(|(_, batch)| batch.base_offset >= offset);
            let first = first.map(|(epoch, batch)| (*epoch, batch.first_sequence));
            producer.pending.retain(|(_, batch)| batch.base_offset < offset);
            if producer.epoch == NO_EPOCH && producer.pending.is_empty() {
                producer.failed_first = first.or(producer.failed_first);
            }
            producer.epoch != NO_EPOCH
                || !producer.pending.is_empty()
                || producer.failed_first.is_some()
        });
    }

    /// The first offset of the oldest open transaction: the last stable offset is never above it.
    pub(crate) fn first_open_transaction(&self) -> Option<Offset> {
        self.open.first().map(|(start, _)| *start)
    }

    /// Removes producers that committed nothing since `before` and have no transaction open
    /// (`producer.id.expiration.ms`).
    pub(crate) fn expire(&mut self, before: Timestamp) {
        self.known.retain(|_, producer| {
            let active = !producer.pending.is_empty() || producer.open_transaction.is_some();
            active || producer.last_active >= before
        });
        if self.known.is_empty() {
            self.known = HashMap::new();
        }
    }

    /// Whether no producer has committed anything.
    pub(crate) fn is_empty(&self) -> bool {
        self.known.values().all(|producer| producer.epoch == NO_EPOCH)
    }
}
