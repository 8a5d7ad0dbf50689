// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `TxnOffsetCommitRequest`, versions 0-5.

use crate::{ApiKey, DecodeError, Decoder, Encoder, KString, Message, Request};

/// The message.
#[derive(Clone, Debug, PartialEq)]
pub struct TxnOffsetCommitRequest {
    /// `string`, versions 0-5.
    pub transactional_id: KString,
    /// `string`, versions 0-5.
    pub group_id: KString,
    /// `int64`, versions 0-5.
    pub producer_id: i64,
    /// `int16`, versions 0-5.
    pub producer_epoch: i16,
    /// `int32`, versions 3-5, default -1.
    pub generation_id: i32,
    /// `string`, versions 3-5.
    pub member_id: KString,
    /// `string`, versions 3-5, default null.
    pub group_instance_id: Option<KString>,
    /// `[]TxnOffsetCommitRequestTopic`, versions 0-5.
    pub topics: Vec<TxnOffsetCommitRequestTopic>,
}

impl Default for TxnOffsetCommitRequest {
    fn default() -> Self {
        Self {
            transactional_id: Default::default(),
            group_id: Default::default(),
            producer_id: Default::default(),
            producer_epoch: Default::default(),
            generation_id: -1,
            member_id: Default::default(),
            group_instance_id: Default::default(),
            topics: Default::default(),
        }
    }
}

impl Message for TxnOffsetCommitRequest {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=5;
    const FLEXIBLE_FROM: i16 = 3;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.transactional_id = d.string(flexible)?;
        m.group_id = d.string(flexible)?;
        m.producer_id = d.i64()?;
        m.producer_epoch = d.i16()?;
        if version >= 3 { m.generation_id = d.i32()?; }
        if version >= 3 { m.member_id = d.string(flexible)?; }
        if version >= 3 { m.group_instance_id = d.nullable_string(flexible)?; }
        m.topics = d.structs(flexible, version)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.string(&self.transactional_id, flexible);
        e.string(&self.group_id, flexible);
        e.i64(self.producer_id);
        e.i16(self.producer_epoch);
        if version >= 3 { e.i32(self.generation_id); }
        if version >= 3 { e.string(&self.member_id, flexible); }
        if version >= 3 { e.nullable_string(self.group_instance_id.as_ref(), flexible); }
        e.structs(&self.topics, flexible, version);
        if flexible {
            e.uvarint(0);
        }
    }
}

impl Request for TxnOffsetCommitRequest {
    const KEY: ApiKey = ApiKey::TxnOffsetCommit;
    type Response = super::txn_offset_commit_response::TxnOffsetCommitResponse;
}

/// Part of [`TxnOffsetCommitRequest`], versions 0-5.
#[derive(Clone, Debug, PartialEq)]
pub struct TxnOffsetCommitRequestPartition {
    /// `int32`, versions 0-5.
    pub partition_index: i32,
    /// `int64`, versions 0-5.
    pub committed_offset: i64,
    /// `int32`, versions 2-5, default -1.
    pub committed_leader_epoch: i32,
    /// `string`, versions 0-5.
    pub committed_metadata: Option<KString>,
}

impl Default for TxnOffsetCommitRequestPartition {
    fn default() -> Self {
        Self {
            partition_index: Default::default(),
            committed_offset: Default::default(),
            committed_leader_epoch: -1,
            committed_metadata: Default::default(),
        }
    }
}

impl Message for TxnOffsetCommitRequestPartition {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=5;
    const FLEXIBLE_FROM: i16 = 3;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.partition_index = d.i32()?;
        m.committed_offset = d.i64()?;
        if version >= 2 { m.committed_leader_epoch = d.i32()?; }
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
        if version >= 2 { e.i32(self.committed_leader_epoch); }
        e.nullable_string(self.committed_metadata.as_ref(), flexible);
        if flexible {
            e.uvarint(0);
        }
    }
}

/// Part of [`TxnOffsetCommitRequest`], versions 0-5.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TxnOffsetCommitRequestTopic {
    /// `string`, versions 0-5.
    pub name: KString,
    /// `[]TxnOffsetCommitRequestPartition`, versions 0-5.
    pub partitions: Vec<TxnOffsetCommitRequestPartition>,
}

impl Message for TxnOffsetCommitRequestTopic {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=5;
    const FLEXIBLE_FROM: i16 = 3;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.name = d.string(flexible)?;
        m.partitions = d.structs(flexible, version)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.string(&self.name, flexible);
        e.structs(&self.partitions, flexible, version);
        if flexible {
            e.uvarint(0);
        }
    }
}
