//! Storage's own records in the metadata store, and every transaction that changes them.
//!
//! Keys (below the prefix the broker's [`Decisions`] adds), values JSON with a format level:
//!  - `wal/{broker}/{broker epoch}` — how far that epoch's chunks are in segments, its tail once it
//!    is sealed, and who may flush it;
//!  - `opened/{broker}` — the newest of its epochs that has begun; none before it begins any more;
//!  - `sealed/{broker}` — the newest of its epochs that another broker has sealed; none up to it
//!    begins any more;
//!  - `retired/{broker}` — the newest of its epochs that has no chunks left that are not in
//!    segments;
//!  - `flushes/{broker}/{broker epoch}/{chunk}/{n}` — a segment that a flush made, with the
//!    partitions that have not taken it into their manifests yet;
//!  - `manifests/{topic}/{partition}` — what a partition consists of;
//!  - `deleted/{broker}/{topic}/{partition}` — a partition whose records in unflushed chunks are to
//!    be skipped;
//!  - `uploads/{object}`, `objects/{object}`, `garbage/{object}` — an object is announced, then
//!    referred to (how many times), then waits for its removal; never two of these at once.
//!
//! Invariants: a flush commits only on the expected floor and by the expected flusher; a manifest
//! changes only from the revision last read, by a leader whose epoch is not older than the
//! record's; the count in `objects/` is the number of flush records' partitions and manifests that
//! name the object; an unknown outcome is read back before anything else.

mod epochs;
mod objects;
mod records;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use milena_runtime::Runtime;
use milena_types::{BrokerEpoch, BrokerId, ChunkSeq, LeaderEpoch, Revision, TopicPartition};
use serde::{Serialize, de::DeserializeOwned};

use crate::decisions::{DecisionError, Decisions, Entry, Expect, Txn};

pub(crate) use objects::ObjectChanges;
pub(crate) use records::{
    DeletedRecord, FlushPart, FlushRecord, GarbageRecord, LogId, ManifestRecord, OpenedRecord,
    PageRef, RetiredRecord, SealedRecord, SegmentRef, SnapshotRef, UploadRecord, WalRecord,
};

/// The level of the records this release writes, and the newest it reads.
pub(crate) const RECORD_LEVEL: u32 = 1;

/// Why a decision could not be made or read.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum LedgerError {
    /// Somebody else changed the record first.
    #[error("somebody else changed '{0}' first: read it again and decide anew")]
    Conflict(String),
    /// A newer leader has taken the partition.
    #[error(
        "leader epoch {ours} of {partition} is over, {theirs} has begun: this broker no longer leads it"
    )]
    Fenced {
        /// The partition.
        partition: TopicPartition,
        /// The epoch of the caller.
        ours: LeaderEpoch,
        /// The epoch in the record.
        theirs: LeaderEpoch,
    },
    /// The store is away; what was asked may have happened.
    #[error("the metadata store is not available ({0}): try again when it is back")]
    Unavailable(String),
    /// A record that this release cannot read.
    #[error("the record '{key}' cannot be read ({reason}): run the release that wrote it")]
    Unreadable {
        /// Its key.
        key: String,
        /// What is wrong.
        reason: String,
    },
}

/// A record with the revision of its last change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Versioned<T> {
    pub(crate) record: T,
    pub(crate) revision: Revision,
}

/// A segment that a flush uploaded and announced.
#[derive(Clone, Debug)]
pub(crate) struct FlushedSegment {
    pub(crate) key: String,
    pub(crate) record: FlushRecord,
    pub(crate) announced: Revision,
}

/// See the module's documentation. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Ledger {
    decisions: Arc<dyn Decisions>,
    runtime: Runtime,
    broker: BrokerId,
    epoch: BrokerEpoch,
}

impl Ledger {
    pub(crate) fn new(
        decisions: Arc<dyn Decisions>,
        runtime: Runtime,
        broker: BrokerId,
        epoch: BrokerEpoch,
    ) -> Self {
        Self { decisions, runtime, broker, epoch }
    }

    /// How many expectations and changes a transaction may have.
    pub(crate) fn ops_max(&self) -> usize {
        self.decisions.ops_max()
    }

    /// The log this ledger's owner writes.
    pub(crate) fn own(&self) -> LogId {
        LogId { broker: self.broker, epoch: self.epoch }
    }

    /// Announces objects before they are uploaded, so that what a crash leaves behind can be found.
    pub(crate) async fn announce(&self, objects: &[String]) -> Result<Revision, LedgerError> {
        let record = UploadRecord { level: RECORD_LEVEL, broker: self.broker, epoch: self.epoch };
        let mut txn = Txn::default();
        for object in objects {
            let key = upload_key(object);
            txn.expect.push(Expect::Absent(key.clone()));
            txn.put.push(put(&key, &record));
        }
        self.decide(txn).await
    }

    /// One flush: chunks below `floor_end` of `log` are in `segments`. Commits only if the floor is
    /// `expected_floor`, this broker epoch is the flusher and the uploads are still announced.
    ///
    /// Done already (an earlier answer was lost) is success.
    pub(crate) async fn commit_flush(
        &self,
        log: LogId,
        expected_floor: ChunkSeq,
        floor_end: ChunkSeq,
        segments: &[FlushedSegment],
    ) -> Result<Revision, LedgerError> {
        let key = wal_key(log);
        let seen: Versioned<WalRecord> =
            self.read(&key).await?.ok_or_else(|| LedgerError::Conflict(key.clone()))?;
        if seen.record.floor_end == floor_end && self.committed(segments).await? {
            return Ok(seen.revision);
        }
        if seen.record.floor_end != expected_floor || seen.record.flusher_of(log) != self.own() {
            return Err(LedgerError::Conflict(key));
        }
        let record = WalRecord { floor_end, ..seen.record };
        let mut txn = Txn {
            expect: vec![Expect::At(key.clone(), seen.revision)],
            put: vec![put(&key, &record)],
            delete: vec![],
        };
        let mut objects = ObjectChanges::default();
        for segment in segments {
            txn.expect.push(Expect::Absent(segment.key.clone()));
            txn.put.push(put(&segment.key, &segment.record));
            objects.adopt(
                &segment.record.object,
                segment.announced,
                segment.record.parts.len() as u32,
            );
        }
        self.add_objects(&mut txn, &objects).await?;
        match self.decide(txn).await {
            // Perhaps the answer was lost and the records have changed since, so that they do not
            // tell any more.
            Err(LedgerError::Conflict(_)) => {
                let seen: Option<Versioned<WalRecord>> = self.read(&key).await?;
                match seen.filter(|seen| seen.record.floor_end == floor_end) {
                    Some(seen) if self.committed(segments).await? => Ok(seen.revision),
                    _ => Err(LedgerError::Conflict(key)),
                }
            }
            outcome => outcome,
        }
    }

    /// Whether the flush that was to adopt these announced uploads did.
    async fn committed(&self, segments: &[FlushedSegment]) -> Result<bool, LedgerError> {
        for segment in segments {
            if self.read_entry(&upload_key(&segment.record.object)).await?.is_some() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The flush records of all brokers, in key order, which for one partition is offset order
    /// within a broker epoch.
    pub(crate) async fn flush_records(
        &self,
    ) -> Result<Vec<(String, Versioned<FlushRecord>)>, LedgerError> {
        self.range("flushes/").await
    }

    /// Like [`Ledger::flush_records`], unread: see [`parse_flushes`].
    pub(crate) async fn flush_entries(&self) -> Result<Vec<Entry>, LedgerError> {
        self.entries("flushes/").await
    }

    /// One flush record; none when all its partitions have taken it.
    pub(crate) async fn flush_record(
        &self,
        key: &str,
    ) -> Result<Option<Versioned<FlushRecord>>, LedgerError> {
        self.read(key).await
    }

    /// The manifest of a partition; none before its first change.
    pub(crate) async fn manifest(
        &self,
        partition: TopicPartition,
    ) -> Result<Option<Versioned<ManifestRecord>>, LedgerError> {
        self.read(&manifest_key(partition)).await
    }

    /// Changes manifests, strikes their partitions off flush records, and adopts and releases
    /// objects, together.
    pub(crate) async fn swap_manifests(
        &self,
        swaps: &ManifestSwaps,
    ) -> Result<Revision, LedgerError> {
        let mut txn = Txn::default();
        for swap in &swaps.manifests {
            let key = manifest_key(swap.partition);
            txn.expect.push(match swap.seen {
                Some(revision) => Expect::At(key.clone(), revision),
                None => Expect::Absent(key.clone()),
            });
            match &swap.record {
                Some(record) => txn.put.push(put(&key, record)),
                None => txn.delete.push(key),
            }
        }
        for (key, seen) in &swaps.flush_records {
            txn.expect.push(Expect::At(key.clone(), seen.revision));
            if seen.record.parts.is_empty() {
                txn.delete.push(key.clone());
            } else {
                txn.put.push(put(key, &seen.record));
            }
        }
        if let Some((partition, until)) = swaps.deleted {
            let record = DeletedRecord { level: RECORD_LEVEL, partition, epoch: self.epoch, until };
            txn.put.push(put(&deleted_key(self.broker, partition), &record));
        }
        self.add_objects(&mut txn, &swaps.objects).await?;
        self.decide(txn).await
    }

    /// The partitions that were deleted while chunks of this broker may have had records of them.
    pub(crate) async fn deleted(&self) -> Result<Vec<DeletedRecord>, LedgerError> {
        let all = self.range::<DeletedRecord>(&format!("deleted/{}/", self.broker)).await?;
        Ok(all.into_iter().map(|(_, seen)| seen.record).collect())
    }

    /// Like [`Ledger::deleted`], for the chunks of all brokers.
    pub(crate) async fn deleted_anywhere(&self) -> Result<Vec<TopicPartition>, LedgerError> {
        let all = self.range::<DeletedRecord>("deleted/").await?;
        Ok(all.into_iter().map(|(_, seen)| seen.record.partition).collect())
    }

    /// No chunk has records of these deleted partitions any more.
    pub(crate) async fn forget_deleted(
        &self,
        partitions: &[TopicPartition],
    ) -> Result<(), LedgerError> {
        let delete =
            partitions.iter().map(|partition| deleted_key(self.broker, *partition)).collect();
        self.decide(Txn { delete, ..Txn::default() }).await.map(|_| ())
    }

    /// Applies the transaction. When the outcome is not known, finds out before it answers: every
    /// transaction here has a key whose state tells.
    async fn decide(&self, txn: Txn) -> Result<Revision, LedgerError> {
        const ATTEMPTS: u32 = 6;
        let name =
            txn.put.first().map(|(key, _)| key).or(txn.delete.first()).cloned().unwrap_or_default();
        let mut unknown = false;
        let mut last = String::new();
        for attempt in 0..ATTEMPTS {
            match self.decisions.txn(txn.clone()).await {
                Ok(revision) => return Ok(revision),
                Err(DecisionError::Conflict) if unknown => return self.resolve(&txn, name).await,
                Err(DecisionError::Conflict) => return Err(LedgerError::Conflict(name)),
                Err(DecisionError::Unavailable(reason)) => {
                    (unknown, last) = (true, reason);
                    self.runtime.sleep(Duration::from_millis(10 << attempt)).await;
                }
            }
        }
        Err(LedgerError::Unavailable(last))
    }

    /// A repeated transaction met a conflict: either the first try did it, or somebody else was
    /// first.
    async fn resolve(&self, txn: &Txn, name: String) -> Result<Revision, LedgerError> {
        let mut at = Revision::default();
        for (key, value) in &txn.put {
            match self.read_entry(key).await? {
                Some((found, revision)) if found == *value => at = at.max(revision),
                _ => return Err(LedgerError::Conflict(name)),
            }
        }
        for key in &txn.delete {
            if self.read_entry(key).await?.is_some() {
                return Err(LedgerError::Conflict(name));
            }
        }
        Ok(at)
    }

    async fn read_entry(&self, key: &str) -> Result<Option<(Bytes, Revision)>, LedgerError> {
        match self.decisions.read(key).await {
            Ok(entry) => Ok(entry.map(|entry| (entry.value, entry.revision))),
            Err(DecisionError::Unavailable(reason)) => Err(LedgerError::Unavailable(reason)),
            Err(DecisionError::Conflict) => Err(LedgerError::Conflict(key.to_owned())),
        }
    }

    async fn read<T: DeserializeOwned + Leveled>(
        &self,
        key: &str,
    ) -> Result<Option<Versioned<T>>, LedgerError> {
        let Some((value, revision)) = self.read_entry(key).await? else { return Ok(None) };
        Ok(Some(Versioned { record: parse(key, &value)?, revision }))
    }

    async fn range<T: DeserializeOwned + Leveled>(
        &self,
        prefix: &str,
    ) -> Result<Vec<(String, Versioned<T>)>, LedgerError> {
        parse_all(self.entries(prefix).await?)
    }

    async fn entries(&self, prefix: &str) -> Result<Vec<Entry>, LedgerError> {
        self.decisions.range(prefix).await.map_err(|error| match error {
            DecisionError::Unavailable(reason) => LedgerError::Unavailable(reason),
            DecisionError::Conflict => LedgerError::Conflict(prefix.to_owned()),
        })
    }
}

/// What [`Ledger::flush_entries`] read.
pub(crate) fn parse_flushes(
    entries: Vec<Entry>,
) -> Result<Vec<(String, Versioned<FlushRecord>)>, LedgerError> {
    parse_all(entries)
}

fn parse_all<T: DeserializeOwned + Leveled>(
    entries: Vec<Entry>,
) -> Result<Vec<(String, Versioned<T>)>, LedgerError> {
    let versioned = entries.into_iter().map(|entry| {
        let record = parse(&entry.key, &entry.value)?;
        Ok((entry.key, Versioned { record, revision: entry.revision }))
    });
    versioned.collect()
}

/// A change of one partition's manifest.
#[derive(Clone, Debug)]
pub(crate) struct ManifestSwap {
    pub(crate) partition: TopicPartition,
    /// The revision it was read at; none when there was no record.
    pub(crate) seen: Option<Revision>,
    /// The new record; none when the partition is deleted.
    pub(crate) record: Option<ManifestRecord>,
}

/// Changes of manifests that happen together.
#[derive(Clone, Debug, Default)]
pub(crate) struct ManifestSwaps {
    pub(crate) manifests: Vec<ManifestSwap>,
    /// Flush records without the partitions that are struck off, at the revision they were read
    /// at.
    pub(crate) flush_records: Vec<(String, Versioned<FlushRecord>)>,
    pub(crate) objects: ObjectChanges,
    /// A partition that is deleted, and the first chunk without records of it.
    pub(crate) deleted: Option<(TopicPartition, ChunkSeq)>,
}

/// A record that says what level it is written in.
pub(crate) trait Leveled {
    fn level(&self) -> u32;
}

fn parse<T: DeserializeOwned + Leveled>(key: &str, value: &[u8]) -> Result<T, LedgerError> {
    let record: T =
        serde_json::from_slice(value).map_err(|error| unreadable(key, &error.to_string()))?;
    if record.level() > RECORD_LEVEL {
        let reason =
            format!("its level is {}, this release reads up to {RECORD_LEVEL}", record.level());
        return Err(unreadable(key, &reason));
    }
    Ok(record)
}

/// What is read as a record of this kind must be read again as the same once it was written.
#[cfg(any(test, feature = "testing"))]
pub(crate) fn check_record(kind: u8, value: &[u8]) {
    fn check<T: DeserializeOwned + Serialize + Leveled + PartialEq + std::fmt::Debug>(
        value: &[u8],
    ) {
        if let Ok(record) = parse::<T>("key", value) {
            let (_, written) = put("key", &record);
            assert_eq!(parse::<T>("key", &written).expect("what was written can be read"), record);
        }
    }
    match kind % 8 {
        0 => check::<WalRecord>(value),
        1 => check::<FlushRecord>(value),
        2 => check::<ManifestRecord>(value),
        3 => check::<UploadRecord>(value),
        4 => check::<records::ObjectRecord>(value),
        5 => check::<GarbageRecord>(value),
        6 => check::<records::DeletedRecord>(value),
        _ => check::<records::RetiredRecord>(value),
    }
}

fn unreadable(key: &str, reason: &str) -> LedgerError {
    LedgerError::Unreadable { key: key.to_owned(), reason: reason.to_owned() }
}

fn put<T: Serialize>(key: &str, record: &T) -> (String, Bytes) {
    (key.to_owned(), serde_json::to_vec(record).expect("records of plain fields serialise").into())
}

/// Epochs are padded so that key order is number order.
fn wal_key(log: LogId) -> String {
    format!("wal/{}/{:019}", log.broker, log.epoch.0)
}

/// The key of the `index`th segment of the flush that starts at chunk `first`.
pub(crate) fn flush_key(log: LogId, first: ChunkSeq, index: usize) -> String {
    format!("flushes/{}/{:019}/{:019}/{index:05}", log.broker, log.epoch.0, first.0)
}

fn manifest_key(partition: TopicPartition) -> String {
    format!("manifests/{}/{}", partition.topic.0.simple(), partition.partition)
}

fn opened_key(broker: BrokerId) -> String {
    format!("opened/{broker}")
}

fn sealed_key(broker: BrokerId) -> String {
    format!("sealed/{broker}")
}

fn retired_key(broker: BrokerId) -> String {
    format!("retired/{broker}")
}

fn deleted_key(broker: BrokerId, partition: TopicPartition) -> String {
    format!("deleted/{broker}/{}/{}", partition.topic.0.simple(), partition.partition)
}

fn upload_key(object: &str) -> String {
    format!("uploads/{object}")
}

fn object_key(object: &str) -> String {
    format!("objects/{object}")
}

fn garbage_key(object: &str) -> String {
    format!("garbage/{object}")
}
