//! The records of `__consumer_offsets`, in Kafka's own schemas: GroupMetadataKey and -Value,
//! OffsetCommitKey and -Value. Groups are written in the version that Kafka 2.8 to 4.0 write and all
//! of 2.8 to 4.3 read, 3. Offsets are written in version 4, the first that has the topic's id; those
//! with an expiry of their own in version 1, the only one that has that. Read in every version.

use std::sync::Arc;

use bytes::Bytes;
use milena_protocol::{
    DecodeError, Decoder, KString, Message, Uuid, decode_versioned, encode_versioned,
    messages::{
        group_metadata_key::GroupMetadataKey,
        group_metadata_value::{GroupMetadataValue, MemberMetadata},
        offset_commit_key::OffsetCommitKey,
        offset_commit_value::OffsetCommitValue,
    },
};
use milena_types::{LeaderEpoch, Offset, ParseIdError, PartitionIndex, Timestamp, TopicId};

use super::{Generation, GroupId, MemberId, OffsetKey};

const GROUP_VALUE_VERSION: i16 = 3;
const OFFSET_VALUE_VERSION: i16 = 4;
const OFFSET_VALUE_VERSION_WITH_EXPIRY: i16 = 1;
const OFFSET_KEY: i16 = 1;
/// Written by Kafka before 0.9; the same fields.
const LEGACY_OFFSET_KEY: i16 = 0;
const GROUP_KEY: i16 = 2;

/// A record for, or from, `__consumer_offsets`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredRecord {
    /// A type (two bytes), then the group, for offsets with topic and partition.
    pub key: Bytes,
    /// None deletes.
    pub value: Option<Bytes>,
}

impl StoredRecord {
    /// Bytes of key and value.
    pub fn len(&self) -> usize {
        self.key.len() + self.value.as_ref().map_or(0, Bytes::len)
    }

    /// True without key and value.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A record of `__consumer_offsets` that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum StoredRecordError {
    /// Not in the format it claims.
    #[error("a record of __consumer_offsets cannot be read: {0}")]
    Decode(#[from] DecodeError),
    /// The topic of an offset has an impossible name.
    #[error("a record of __consumer_offsets has an offset of an impossible topic: {0}")]
    Topic(#[from] ParseIdError),
    /// Written by a newer release.
    #[error("a record of __consumer_offsets has the type {0}, which this release does not know")]
    UnknownType(i16),
}

/// A record of `__consumer_offsets` once it is decoded, which needs no coordinator.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredChange {
    pub(super) group: GroupId,
    pub(super) change: Change,
}

/// A change of the committed state of one group: one record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Change {
    /// The group's members and assignments; none for a deleted group.
    Group(Option<Arc<StoredGroup>>),
    /// A partition's offset; none for a deleted one.
    Offset(OffsetKey, Option<CommittedOffset>),
}

/// A generation of a group as it is stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct StoredGroup {
    pub(crate) protocol_type: Arc<str>,
    pub(crate) generation: Generation,
    pub(crate) protocol: Option<Arc<str>>,
    pub(crate) leader: Option<MemberId>,
    /// Since when the group is in the state that it is in; None in records of old brokers.
    pub(crate) state_since: Option<Timestamp>,
    pub(crate) members: Vec<StoredMember>,
}

/// A member as it is stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct StoredMember {
    pub(crate) id: MemberId,
    pub(crate) instance: Option<super::InstanceId>,
    pub(crate) client_id: Arc<str>,
    pub(crate) client_host: Arc<str>,
    pub(crate) session_timeout_ms: i32,
    pub(crate) rebalance_timeout_ms: i32,
    pub(crate) subscription: Bytes,
    pub(crate) assignment: Bytes,
}

/// An offset as it was committed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct CommittedOffset {
    pub(crate) offset: Offset,
    pub(crate) leader_epoch: LeaderEpoch,
    /// None in records of older releases, and of an expiry of their own.
    pub(crate) topic: Option<TopicId>,
    pub(crate) metadata: Arc<str>,
    pub(crate) committed: Timestamp,
    pub(crate) expires: Option<Timestamp>,
}

impl Change {
    pub(crate) fn encode(&self, group: &GroupId) -> StoredRecord {
        let group = KString::from(group.as_str());
        match self {
            Self::Group(value) => StoredRecord {
                key: encode_versioned(&GroupMetadataKey { group }, GROUP_KEY, 0),
                value: value.as_ref().map(|value| value.encode()),
            },
            Self::Offset((topic, partition), value) => {
                let topic = KString::from(topic.as_str());
                let key = OffsetCommitKey { group, topic, partition: partition.0 };
                StoredRecord {
                    key: encode_versioned(&key, OFFSET_KEY, 0),
                    value: value.as_ref().map(CommittedOffset::encode),
                }
            }
        }
    }
}

impl StoredChange {
    /// The change that a record of the log stands for.
    ///
    /// # Errors
    /// The record is damaged, or of a type that is not known.
    pub fn decode(key: &Bytes, value: Option<&Bytes>) -> Result<Self, StoredRecordError> {
        let mut decoder = Decoder::new(key.clone());
        match decoder.i16()? {
            LEGACY_OFFSET_KEY | OFFSET_KEY => {
                let key = OffsetCommitKey::decode(&mut decoder, 0)?;
                let value = value.map(CommittedOffset::decode).transpose()?;
                let offset_key = (key.topic.parse()?, PartitionIndex(key.partition));
                let change = Change::Offset(offset_key, value);
                Ok(Self { group: key.group.as_str().into(), change })
            }
            GROUP_KEY => {
                let key = GroupMetadataKey::decode(&mut decoder, 0)?;
                let value = value.map(StoredGroup::decode).transpose()?.map(Arc::new);
                Ok(Self { group: key.group.as_str().into(), change: Change::Group(value) })
            }
            unknown => Err(StoredRecordError::UnknownType(unknown)),
        }
    }
}

impl CommittedOffset {
    fn encode(&self) -> Bytes {
        let version = if self.expires.is_some() {
            OFFSET_VALUE_VERSION_WITH_EXPIRY
        } else {
            OFFSET_VALUE_VERSION
        };
        let value = OffsetCommitValue {
            offset: self.offset.0,
            leader_epoch: self.leader_epoch.0,
            metadata: KString::from(&*self.metadata),
            commit_timestamp: self.committed.0,
            expire_timestamp: self.expires.map_or(-1, |at| at.0),
            topic_id: self.topic.map_or(Uuid::nil(), |topic| topic.0),
        };
        encode_versioned(&value, version, version)
    }

    fn decode(value: &Bytes) -> Result<Self, DecodeError> {
        let (_, value) = decode_versioned::<OffsetCommitValue>(value)?;
        Ok(Self {
            offset: Offset(value.offset),
            leader_epoch: LeaderEpoch(value.leader_epoch),
            topic: (!value.topic_id.is_nil()).then_some(TopicId(value.topic_id)),
            metadata: value.metadata.as_str().into(),
            committed: Timestamp(value.commit_timestamp),
            expires: (value.expire_timestamp >= 0).then_some(Timestamp(value.expire_timestamp)),
        })
    }
}

impl StoredGroup {
    fn encode(&self) -> Bytes {
        let value = GroupMetadataValue {
            protocol_type: KString::from(&*self.protocol_type),
            generation: self.generation.0,
            protocol: self.protocol.as_deref().map(KString::from),
            leader: self.leader.as_ref().map(|leader| KString::from(leader.as_str())),
            current_state_timestamp: self.state_since.map_or(-1, |at| at.0),
            members: self.members.iter().map(StoredMember::to_wire).collect(),
        };
        encode_versioned(&value, GROUP_VALUE_VERSION, GROUP_VALUE_VERSION)
    }

    fn decode(value: &Bytes) -> Result<Self, DecodeError> {
        let (_, value) = decode_versioned::<GroupMetadataValue>(value)?;
        Ok(Self {
            protocol_type: value.protocol_type.as_str().into(),
            generation: Generation(value.generation),
            protocol: value.protocol.map(|protocol| protocol.as_str().into()),
            leader: value.leader.and_then(|leader| MemberId::parse(&leader)),
            state_since: (value.current_state_timestamp >= 0)
                .then_some(Timestamp(value.current_state_timestamp)),
            members: value.members.iter().filter_map(StoredMember::from_wire).collect(),
        })
    }
}

impl StoredMember {
    fn to_wire(&self) -> MemberMetadata {
        MemberMetadata {
            member_id: KString::from(self.id.as_str()),
            group_instance_id: self.instance.as_ref().map(|id| KString::from(id.as_str())),
            client_id: KString::from(&*self.client_id),
            client_host: KString::from(&*self.client_host),
            rebalance_timeout: self.rebalance_timeout_ms,
            session_timeout: self.session_timeout_ms,
            subscription: self.subscription.clone(),
            assignment: self.assignment.clone(),
        }
    }

    /// None for a member without an id: no request could name it.
    fn from_wire(wire: &MemberMetadata) -> Option<Self> {
        // Version 0 has no rebalance timeout: members of that age had one timeout for both.
        let rebalance =
            if wire.rebalance_timeout < 0 { wire.session_timeout } else { wire.rebalance_timeout };
        Some(Self {
            id: MemberId::parse(&wire.member_id)?,
            instance: wire.group_instance_id.as_ref().map(|id| id.as_str().into()),
            client_id: wire.client_id.as_str().into(),
            client_host: wire.client_host.as_str().into(),
            session_timeout_ms: wire.session_timeout,
            rebalance_timeout_ms: rebalance,
            subscription: Bytes::copy_from_slice(&wire.subscription),
            assignment: Bytes::copy_from_slice(&wire.assignment),
        })
    }
}
