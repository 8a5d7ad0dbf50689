// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `ShareAcknowledgeResponse`, versions 1-2.

use crate::{DecodeError, Decoder, Encoder, KString, Message, Uuid};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShareAcknowledgeResponse {
    /// `int32`, versions 1-2.
    pub throttle_time_ms: i32,
    /// `int16`, versions 1-2.
    pub error_code: i16,
    /// `string`, versions 1-2, default null.
    pub error_message: Option<KString>,
    /// `int32`, versions 2.
    pub acquisition_lock_timeout_ms: i32,
    /// `[]ShareAcknowledgeTopicResponse`, versions 1-2.
    pub responses: Vec<ShareAcknowledgeTopicResponse>,
    /// `[]NodeEndpoint`, versions 1-2.
    pub node_endpoints: Vec<NodeEndpoint>,
}

impl Message for ShareAcknowledgeResponse {
    const VERSIONS: std::ops::RangeInclusive<i16> = 1..=2;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.throttle_time_ms = d.i32()?;
        m.error_code = d.i16()?;
        m.error_message = d.nullable_string(true)?;
        if version >= 2 { m.acquisition_lock_timeout_ms = d.i32()?; }
        m.responses = d.structs(true, version)?;
        m.node_endpoints = d.structs(true, version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.i32(self.throttle_time_ms);
        e.i16(self.error_code);
        e.nullable_string(self.error_message.as_ref(), true);
        if version >= 2 { e.i32(self.acquisition_lock_timeout_ms); }
        e.structs(&self.responses, true, version);
        e.structs(&self.node_endpoints, true, version);
        e.uvarint(0);
    }
}

/// Part of [`ShareAcknowledgeResponse`], versions 1-2.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LeaderIdAndEpoch {
    /// `int32`, versions 1-2.
    pub leader_id: i32,
    /// `int32`, versions 1-2.
    pub leader_epoch: i32,
}

impl Message for LeaderIdAndEpoch {
    const VERSIONS: std::ops::RangeInclusive<i16> = 1..=2;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, _version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.leader_id = d.i32()?;
        m.leader_epoch = d.i32()?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.i32(self.leader_id);
        e.i32(self.leader_epoch);
        e.uvarint(0);
    }
}

/// Part of [`ShareAcknowledgeResponse`], versions 1-2.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PartitionData {
    /// `int32`, versions 1-2.
    pub partition_index: i32,
    /// `int16`, versions 1-2.
    pub error_code: i16,
    /// `string`, versions 1-2, default null.
    pub error_message: Option<KString>,
    /// `LeaderIdAndEpoch`, versions 1-2.
    pub current_leader: LeaderIdAndEpoch,
}

impl Message for PartitionData {
    const VERSIONS: std::ops::RangeInclusive<i16> = 1..=2;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.partition_index = d.i32()?;
        m.error_code = d.i16()?;
        m.error_message = d.nullable_string(true)?;
        m.current_leader = LeaderIdAndEpoch::decode(d, version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.i32(self.partition_index);
        e.i16(self.error_code);
        e.nullable_string(self.error_message.as_ref(), true);
        self.current_leader.encode(e, version);
        e.uvarint(0);
    }
}

/// Part of [`ShareAcknowledgeResponse`], versions 1-2.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShareAcknowledgeTopicResponse {
    /// `uuid`, versions 1-2.
    pub topic_id: Uuid,
    /// `[]PartitionData`, versions 1-2.
    pub partitions: Vec<PartitionData>,
}

impl Message for ShareAcknowledgeTopicResponse {
    const VERSIONS: std::ops::RangeInclusive<i16> = 1..=2;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.topic_id = d.uuid()?;
        m.partitions = d.structs(true, version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.uuid(self.topic_id);
        e.structs(&self.partitions, true, version);
        e.uvarint(0);
    }
}

/// Part of [`ShareAcknowledgeResponse`], versions 1-2.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodeEndpoint {
    /// `int32`, versions 1-2.
    pub node_id: i32,
    /// `string`, versions 1-2.
    pub host: KString,
    /// `int32`, versions 1-2.
    pub port: i32,
    /// `string`, versions 1-2, default null.
    pub rack: Option<KString>,
}

impl Message for NodeEndpoint {
    const VERSIONS: std::ops::RangeInclusive<i16> = 1..=2;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, _version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.node_id = d.i32()?;
        m.host = d.string(true)?;
        m.port = d.i32()?;
        m.rack = d.nullable_string(true)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.i32(self.node_id);
        e.string(&self.host, true);
        e.i32(self.port);
        e.nullable_string(self.rack.as_ref(), true);
        e.uvarint(0);
    }
}
