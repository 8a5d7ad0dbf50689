// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `DescribeQuorumResponse`, versions 0-2.

use crate::{DecodeError, Decoder, Encoder, KString, Message, Uuid};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeQuorumResponse {
    /// `int16`, versions 0-2.
    pub error_code: i16,
    /// `string`, versions 2.
    pub error_message: Option<KString>,
    /// `[]TopicData`, versions 0-2.
    pub topics: Vec<TopicData>,
    /// `[]Node`, versions 2.
    pub nodes: Vec<Node>,
}

impl Message for DescribeQuorumResponse {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=2;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.error_code = d.i16()?;
        if version >= 2 { m.error_message = d.nullable_string(true)?; }
        m.topics = d.structs(true, version)?;
        if version >= 2 { m.nodes = d.structs(true, version)?; }
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.i16(self.error_code);
        if version >= 2 { e.nullable_string(self.error_message.as_ref(), true); }
        e.structs(&self.topics, true, version);
        if version >= 2 { e.structs(&self.nodes, true, version); }
        e.uvarint(0);
    }
}

/// Part of [`DescribeQuorumResponse`], versions 0-2.
#[derive(Clone, Debug, PartialEq)]
pub struct ReplicaState {
    /// `int32`, versions 0-2.
    pub replica_id: i32,
    /// `uuid`, versions 2.
    pub replica_directory_id: Uuid,
    /// `int64`, versions 0-2.
    pub log_end_offset: i64,
    /// `int64`, versions 1-2, default -1.
    pub last_fetch_timestamp: i64,
    /// `int64`, versions 1-2, default -1.
    pub last_caught_up_timestamp: i64,
}

impl Default for ReplicaState {
    fn default() -> Self {
        Self {
            replica_id: Default::default(),
            replica_directory_id: Default::default(),
            log_end_offset: Default::default(),
            last_fetch_timestamp: -1,
            last_caught_up_timestamp: -1,
        }
    }
}

impl Message for ReplicaState {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=2;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.replica_id = d.i32()?;
        if version >= 2 { m.replica_directory_id = d.uuid()?; }
        m.log_end_offset = d.i64()?;
        if version >= 1 { m.last_fetch_timestamp = d.i64()?; }
        if version >= 1 { m.last_caught_up_timestamp = d.i64()?; }
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.i32(self.replica_id);
        if version >= 2 { e.uuid(self.replica_directory_id); }
        e.i64(self.log_end_offset);
        if version >= 1 { e.i64(self.last_fetch_timestamp); }
        if version >= 1 { e.i64(self.last_caught_up_timestamp); }
        e.uvarint(0);
    }
}

/// Part of [`DescribeQuorumResponse`], versions 0-2.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PartitionData {
    /// `int32`, versions 0-2.
    pub partition_index: i32,
    /// `int16`, versions 0-2.
    pub error_code: i16,
    /// `string`, versions 2.
    pub error_message: Option<KString>,
    /// `int32`, versions 0-2.
    pub leader_id: i32,
    /// `int32`, versions 0-2.
    pub leader_epoch: i32,
    /// `int64`, versions 0-2.
    pub high_watermark: i64,
    /// `[]ReplicaState`, versions 0-2.
    pub current_voters: Vec<ReplicaState>,
    /// `[]ReplicaState`, versions 0-2.
    pub observers: Vec<ReplicaState>,
}

impl Message for PartitionData {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=2;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.partition_index = d.i32()?;
        m.error_code = d.i16()?;
        if version >= 2 { m.error_message = d.nullable_string(true)?; }
        m.leader_id = d.i32()?;
        m.leader_epoch = d.i32()?;
        m.high_watermark = d.i64()?;
        m.current_voters = d.structs(true, version)?;
        m.observers = d.structs(true, version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.i32(self.partition_index);
        e.i16(self.error_code);
        if version >= 2 { e.nullable_string(self.error_message.as_ref(), true); }
        e.i32(self.leader_id);
        e.i32(self.leader_epoch);
        e.i64(self.high_watermark);
        e.structs(&self.current_voters, true, version);
        e.structs(&self.observers, true, version);
        e.uvarint(0);
    }
}

/// Part of [`DescribeQuorumResponse`], versions 0-2.
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

/// Part of [`DescribeQuorumResponse`], versions 2.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listener {
    /// `string`, versions 2.
    pub name: KString,
    /// `string`, versions 2.
    pub host: KString,
    /// `uint16`, versions 2.
    pub port: u16,
}

impl Message for Listener {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=2;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, _version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.name = d.string(true)?;
        m.host = d.string(true)?;
        m.port = d.u16()?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.string(&self.name, true);
        e.string(&self.host, true);
        e.u16(self.port);
        e.uvarint(0);
    }
}

/// Part of [`DescribeQuorumResponse`], versions 2.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Node {
    /// `int32`, versions 2.
    pub node_id: i32,
    /// `[]Listener`, versions 2.
    pub listeners: Vec<Listener>,
}

impl Message for Node {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=2;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.node_id = d.i32()?;
        m.listeners = d.structs(true, version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.i32(self.node_id);
        e.structs(&self.listeners, true, version);
        e.uvarint(0);
    }
}
