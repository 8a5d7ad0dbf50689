//! The keys of storage's records, below the cluster's prefix for storage.

use std::fmt;

use milena_types::{BrokerEpoch, BrokerId, ChunkSeq, PartitionIndex, TopicId, TopicPartition};

use super::records::LogId;

/// A key of storage. Epochs and chunks are padded, so that key order is number order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StorageKey<'a> {
    /// `wal/{broker}/{broker epoch}`, [`WalRecord`](super::records::WalRecord): how far that
    /// epoch's chunks are in segments, its tail once it is sealed, and who may flush it.
    Wal(LogId),
    /// `live/{broker}/{broker epoch}`, [`LiveRecord`](super::records::LiveRecord): that epoch has begun
    /// and is not sealed. Each of its transactions requires this.
    Live(LogId),
    /// `opened/{broker}`, [`OpenedRecord`](super::records::OpenedRecord): the newest of its epochs
    /// that has begun; none before it begins any more.
    Opened(BrokerId),
    /// `sealed/{broker}`, [`SealedRecord`](super::records::SealedRecord): the newest of its epochs
    /// that another broker has sealed; none up to it begins any more.
    Sealed(BrokerId),
    /// `retired/{broker}`, [`RetiredRecord`](super::records::RetiredRecord): the newest of its
    /// epochs that has no chunks left that are not in segments.
    Retired(BrokerId),
    /// `lost/{broker}/{broker epoch}`, [`LostRecord`](super::records::LostRecord): chunks of that
    /// epoch are lost, and the loss was accepted.
    Lost(LogId),
    /// `flushes/{broker}/{broker epoch}/{chunk}/{index}`,
    /// [`FlushRecord`](super::records::FlushRecord): the `index`th segment of the flush that starts
    /// at that chunk, with the partitions that have not taken it into their manifests yet.
    Flush {
        /// The log whose chunks were flushed.
        log: LogId,
        /// The first of them.
        first: ChunkSeq,
        index: usize,
    },
    /// `manifests/{topic}/{partition}`, [`ManifestRecord`](super::records::ManifestRecord): what a
    /// partition consists of.
    Manifest(TopicPartition),
    /// `deleted/{broker}/{topic}/{partition}`, [`DeletedRecord`](super::records::DeletedRecord): a
    /// partition whose records in chunks that this broker has not flushed are to be skipped.
    Deleted(BrokerId, TopicPartition),
    /// `uploads/{object}`, [`UploadRecord`](super::records::UploadRecord): the object is announced.
    /// It has only one of this, the next and the one after next at a time.
    Upload(&'a str),
    /// `objects/{object}`, [`ObjectRecord`](super::records::ObjectRecord): how many times the
    /// object is referred to.
    Object(&'a str),
    /// `garbage/{object}`, [`GarbageRecord`](super::records::GarbageRecord): the object waits for
    /// its removal.
    Garbage(&'a str),
}

impl<'a> StorageKey<'a> {
    /// The common prefix of all [`StorageKey::Wal`]; and so on.
    pub(crate) const WAL: &'static str = "wal/";
    pub(crate) const RETIRED: &'static str = "retired/";
    pub(crate) const LOST: &'static str = "lost/";
    pub(crate) const FLUSHES: &'static str = "flushes/";
    pub(crate) const DELETED: &'static str = "deleted/";
    pub(crate) const UPLOADS: &'static str = "uploads/";
    pub(crate) const GARBAGE: &'static str = "garbage/";

    /// The common prefix of the keys of all partitions that a broker deleted.
    pub(crate) fn deleted_by(broker: BrokerId) -> String {
        format!("{}{broker}/", Self::DELETED)
    }

    /// The key whose text this is.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let (kind, rest) = text.split_once('/')?;
        let mut parts = rest.split('/');
        let key = match kind {
            "uploads" => return Some(Self::Upload(rest)),
            "objects" => return Some(Self::Object(rest)),
            "garbage" => return Some(Self::Garbage(rest)),
            "wal" => Self::Wal(parse_log(&mut parts)?),
            "live" => Self::Live(parse_log(&mut parts)?),
            "opened" => Self::Opened(parse_broker(&mut parts)?),
            "sealed" => Self::Sealed(parse_broker(&mut parts)?),
            "retired" => Self::Retired(parse_broker(&mut parts)?),
            "lost" => Self::Lost(parse_log(&mut parts)?),
            "flushes" => Self::Flush {
                log: parse_log(&mut parts)?,
                first: ChunkSeq(parts.next()?.parse().ok()?),
                index: parts.next()?.parse().ok()?,
            },
            "manifests" => Self::Manifest(parse_partition(&mut parts)?),
            "deleted" => Self::Deleted(parse_broker(&mut parts)?, parse_partition(&mut parts)?),
            _ => return None,
        };
        parts.next().is_none().then_some(key)
    }
}

fn parse_broker<'a>(parts: &mut impl Iterator<Item = &'a str>) -> Option<BrokerId> {
    parts.next()?.parse().ok().map(BrokerId)
}

fn parse_log<'a>(parts: &mut impl Iterator<Item = &'a str>) -> Option<LogId> {
    let broker = parse_broker(parts)?;
    Some(LogId { broker, epoch: BrokerEpoch(parts.next()?.parse().ok()?) })
}

fn parse_partition<'a>(parts: &mut impl Iterator<Item = &'a str>) -> Option<TopicPartition> {
    let topic = TopicId(uuid::Uuid::try_parse(parts.next()?).ok()?);
    Some(TopicPartition { topic, partition: PartitionIndex(parts.next()?.parse().ok()?) })
}

impl fmt::Display for StorageKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let partition = |id: &TopicPartition| format!("{}/{}", id.topic.0.simple(), id.partition);
        match self {
            Self::Wal(log) => write!(f, "wal/{}/{:019}", log.broker, log.epoch.0),
            Self::Live(log) => write!(f, "live/{}/{:019}", log.broker, log.epoch.0),
            Self::Opened(broker) => write!(f, "opened/{broker}"),
            Self::Sealed(broker) => write!(f, "sealed/{broker}"),
            Self::Retired(broker) => write!(f, "retired/{broker}"),
            Self::Lost(log) => write!(f, "lost/{}/{:019}", log.broker, log.epoch.0),
            Self::Flush { log, first, index } => {
                let LogId { broker, epoch } = log;
                write!(f, "flushes/{broker}/{:019}/{:019}/{index:05}", epoch.0, first.0)
            }
            Self::Manifest(id) => write!(f, "manifests/{}", partition(id)),
            Self::Deleted(broker, id) => write!(f, "deleted/{broker}/{}", partition(id)),
            Self::Upload(object) => write!(f, "uploads/{object}"),
            Self::Object(object) => write!(f, "objects/{object}"),
            Self::Garbage(object) => write!(f, "garbage/{object}"),
        }
    }
}

impl From<StorageKey<'_>> for String {
    fn from(key: StorageKey<'_>) -> Self {
        key.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_written_as_it_always_was_and_read_again() {
        let log = LogId { broker: BrokerId(3), epoch: BrokerEpoch(17) };
        let id = TopicPartition {
            topic: TopicId(uuid::Uuid::from_u128(0xab)),
            partition: PartitionIndex(4),
        };
        let keys = [
            (StorageKey::Wal(log), "wal/3/0000000000000000017"),
            (StorageKey::Live(log), "live/3/0000000000000000017"),
            (StorageKey::Opened(BrokerId(3)), "opened/3"),
            (StorageKey::Sealed(BrokerId(3)), "sealed/3"),
            (StorageKey::Retired(BrokerId(3)), "retired/3"),
            (StorageKey::Lost(log), "lost/3/0000000000000000017"),
            (
                StorageKey::Flush { log, first: ChunkSeq(5), index: 2 },
                "flushes/3/0000000000000000017/0000000000000000005/00002",
            ),
            (StorageKey::Manifest(id), "manifests/000000000000000000000000000000ab/4"),
            (StorageKey::Deleted(BrokerId(3), id), "deleted/3/000000000000000000000000000000ab/4"),
            (StorageKey::Upload("3/17/1/a"), "uploads/3/17/1/a"),
            (StorageKey::Object("3/17/1/a"), "objects/3/17/1/a"),
            (StorageKey::Garbage("3/17/1/a"), "garbage/3/17/1/a"),
        ];
        for (key, text) in keys {
            assert_eq!(key.to_string(), text);
            assert_eq!(StorageKey::parse(text), Some(key));
        }
        for other in ["", "wal", "wal/x/1", "wal/1/2/3", "deleted/1/2", "flushes/1/2/3", "more/1"] {
            assert_eq!(StorageKey::parse(other), None, "{other}");
        }
    }
}
