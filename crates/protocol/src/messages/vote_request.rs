// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `VoteRequest`, versions 0-2.

use crate::{ApiKey, DecodeError, Decoder, Encoder, KString, Message, Request, Uuid};

/// The message.
#[derive(Clone, Debug, PartialEq)]
pub struct VoteRequest {
    /// `string`, versions 0-2, default null.
    pub cluster_id: Option<KString>,
    /// `int32`, versions 1-2, default -1.
    pub voter_id: i32,
    /// `[]TopicData`, versions 0-2.
    pub topics: Vec<TopicData>,
}

impl Default for VoteRequest {
    fn default() -> Self {
        Self {
            cluster_id: Default::default(),
            voter_id: -1,
            topics: Default::default(),
        }
    }
}

impl Message for VoteRequest {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=2;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.cluster_id = d.nullable_string(true)?;
        if version >= 1 { m.voter_id = d.i32()?; }
        m.topics = d.structs(true, version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.nullable_string(self.cluster_id.as_ref(), true);
        if version >= 1 { e.i32(self.voter_id); }
        e.structs(&self.topics, true, version);
        e.uvarint(0);
    }
}

impl Request for VoteRequest {
    const KEY: ApiKey = ApiKey::Vote;
    type Response = super::vote_response::VoteResponse;
}

/// Part of [`VoteRequest`], versions 0-2.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PartitionData {
    /// `int32`, versions 0-2.
    pub partition_index: i32,
    /// `int32`, versions 0-2.
    pub replica_epoch: i32,
    /// `int32`, versions 0-2.
    pub replica_id: i32,
    /// `uuid`, versions 1-2.
    pub replica_directory_id: Uuid,
    /// `uuid`, versions 1-2.
    pub voter_directory_id: Uuid,
    /// `int32`, versions 0-2.
    pub last_offset_epoch: i32,
    /// `int64`, versions 0-2.
    pub last_offset: i64,
    /// `bool`, versions 2.
    pub pre_vote: bool,
}

impl Message for PartitionData {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=2;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.partition_index = d.i32()?;
        m.replica_epoch = d.i32()?;
        m.replica_id = d.i32()?;
        if version >= 1 { m.replica_directory_id = d.uuid()?; }
        if version >= 1 { m.voter_directory_id = d.uuid()?; }
        m.last_offset_epoch = d.i32()?;
        m.last_offset = d.i64()?;
        if version >= 2 { m.pre_vote = d.bool()?; }
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.i32(self.partition_index);
        e.i32(self.replica_epoch);
        e.i32(self.replica_id);
        if version >= 1 { e.uuid(self.replica_directory_id); }
        if version >= 1 { e.uuid(self.voter_directory_id); }
        e.i32(self.last_offset_epoch);
        e.i64(self.last_offset);
        if version >= 2 { e.bool(self.pre_vote); }
        e.uvarint(0);
    }
}

/// Part of [`VoteRequest`], versions 0-2.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicData {
    /// `string`, versions 0-2.
    pub topic_name: KString,
    /// `[]PartitionData`, versions 0-2.
    pub partitions: Vec<PartitionData>,
}

impl Message for TopicData {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=2;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.topic_name = d.string(true)?;
        m.partitions = d.structs(true, version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.string(&self.topic_name, true);
        e.structs(&self.partitions, true, version);
        e.uvarint(0);
    }
}
