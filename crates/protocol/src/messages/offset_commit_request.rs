// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `OffsetCommitRequest`, versions 0-10.

use crate::{ApiKey, DecodeError, Decoder, Encoder, KString, Message, Request, Uuid};

/// The message.
#[derive(Clone, Debug, PartialEq)]
pub struct OffsetCommitRequest {
    /// `string`, versions 0-10.
    pub group_id: KString,
    /// `int32`, versions 1-10, default -1.
    pub generation_id_or_member_epoch: i32,
    /// `string`, versions 1-10.
    pub member_id: KString,
    /// `string`, versions 7-10, default null.
    pub group_instance_id: Option<KString>,
    /// `int64`, versions 2-4, default -1.
    pub retention_time_ms: i64,
    /// `[]OffsetCommitRequestTopic`, versions 0-10.
    pub topics: Vec<OffsetCommitRequestTopic>,
}

impl Default for OffsetCommitRequest {
    fn default() -> Self {
        Self {
            group_id: Default::default(),
            generation_id_or_member_epoch: -1,
            member_id: Default::default(),
            group_instance_id: Default::default(),
            retention_time_ms: -1,
            topics: Default::default(),
        }
    }
}

impl Message for OffsetCommitRequest {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=10;
    const FLEXIBLE_FROM: i16 = 8;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.group_id = d.string(flexible)?;
        if version >= 1 { m.generation_id_or_member_epoch = d.i32()?; }
        if version >= 1 { m.member_id = d.string(flexible)?; }
        if version >= 7 { m.group_instance_id = d.nullable_string(flexible)?; }
        if version >= 2 && version <= 4 { m.retention_time_ms = d.i64()?; }
        m.topics = d.structs(flexible, version)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.string(&self.group_id, flexible);
        if version >= 1 { e.i32(self.generation_id_or_member_epoch); }
        if version >= 1 { e.string(&self.member_id, flexible); }
        if version >= 7 { e.nullable_string(self.group_instance_id.as_ref(), flexible); }
        if version >= 2 && version <= 4 { e.i64(self.retention_time_ms); }
        e.structs(&self.topics, flexible, version);
        if flexible {
            e.uvarint(0);
        }
    }
}

impl Request for OffsetCommitRequest {
    const KEY: ApiKey = ApiKey::OffsetCommit;
    type Response = super::offset_commit_response::OffsetCommitResponse;
}

/// Part of [`OffsetCommitRequest`], versions 0-10.
#[derive(Clone, Debug, PartialEq)]
pub struct OffsetCommitRequestPartition {
    /// `int32`, versions 0-10.
    pub partition_index: i32,
    /// `int64`, versions 0-10.
    pub committed_offset: i64,
    /// `int32`, versions 6-10, default -1.
    pub committed_leader_epoch: i32,
    /// `int64`, versions 1, default -1.
    pub commit_timestamp: i64,
    /// `string`, versions 0-10.
    pub committed_metadata: Option<KString>,
}

impl Default for OffsetCommitRequestPartition {
    fn default() -> Self {
        Self {
            partition_index: Default::default(),
            committed_offset: Default::default(),
            committed_leader_epoch: -1,
            commit_timestamp: -1,
            committed_metadata: Default::default(),
        }
    }
}

impl Message for OffsetCommitRequestPartition {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=10;
    const FLEXIBLE_FROM: i16 = 8;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.partition_index = d.i32()?;
        m.committed_offset = d.i64()?;
        if version >= 6 { m.committed_leader_epoch = d.i32()?; }
        if version == 1 { m.commit_timestamp = d.i64()?; }
        m.committed_metadata = d.nullable_string(flexible)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.i32(self.partition_index);
        e.i64(self.committed_offset);
        if version >= 6 { e.i32(self.committed_leader_epoch); }
        if version == 1 { e.i64(self.commit_timestamp); }
        e.nullable_string(self.committed_metadata.as_ref(), flexible);
        if flexible {
            e.uvarint(0);
        }
    }
}

/// Part of [`OffsetCommitRequest`], versions 0-10.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetCommitRequestTopic {
    /// `string`, versions 0-9.
    pub name: KString,
    /// `uuid`, versions 10.
    pub topic_id: Uuid,
    /// `[]OffsetCommitRequestPartition`, versions 0-10.
    pub partitions: Vec<OffsetCommitRequestPartition>,
}

impl Message for OffsetCommitRequestTopic {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=10;
    const FLEXIBLE_FROM: i16 = 8;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        if version <= 9 { m.name = d.string(flexible)?; }
        if version >= 10 { m.topic_id = d.uuid()?; }
        m.partitions = d.structs(flexible, version)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        if version <= 9 { e.string(&self.name, flexible); }
        if version >= 10 { e.uuid(self.topic_id); }
        e.structs(&self.partitions, flexible, version);
        if flexible {
            e.uvarint(0);
        }
    }
}
