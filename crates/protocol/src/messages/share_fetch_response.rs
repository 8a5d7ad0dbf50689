// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `ShareFetchResponse`, versions 1-2.

use crate::{DecodeError, Decoder, Encoder, KString, Message, Records, Uuid};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShareFetchResponse {
    /// `int32`, versions 1-2.
    pub throttle_time_ms: i32,
    /// `int16`, versions 1-2.
    pub error_code: i16,
    /// `string`, versions 1-2, default null.
    pub error_message: Option<KString>,
    /// `int32`, versions 1-2.
    pub acquisition_lock_timeout_ms: i32,
    /// `[]ShareFetchableTopicResponse`, versions 1-2.
    pub responses: Vec<ShareFetchableTopicResponse>,
    /// `[]NodeEndpoint`, versions 1-2.
    pub node_endpoints: Vec<NodeEndpoint>,
}

impl Message for ShareFetchResponse {
    const VERSIONS: std::ops::RangeInclusive<i16> = 1..=2;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.throttle_time_ms = d.i32()?;
        m.error_code = d.i16()?;
        m.error_message = d.nullable_string(true)?;
        m.acquisition_lock_timeout_ms = d.i32()?;
        m.responses = d.structs(true, version)?;
        m.node_endpoints = d.structs(true, version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.i32(self.throttle_time_ms);
        e.i16(self.error_code);
        e.nullable_string(self.error_message.as_ref(), true);
        e.i32(self.acquisition_lock_timeout_ms);
        e.structs(&self.responses, true, version);
        e.structs(&self.node_endpoints, true, version);
        e.uvarint(0);
    }
}

/// Part of [`ShareFetchResponse`], versions 1-2.
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

/// Part of [`ShareFetchResponse`], versions 1-2.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AcquiredRecords {
    /// `int64`, versions 1-2.
    pub first_offset: i64,
    /// `int64`, versions 1-2.
    pub last_offset: i64,
    /// `int16`, versions 1-2.
    pub delivery_count: i16,
}

impl Message for AcquiredRecords {
    const VERSIONS: std::ops::RangeInclusive<i16> = 1..=2;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, _version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.first_offset = d.i64()?;
        m.last_offset = d.i64()?;
        m.delivery_count = d.i16()?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.i64(self.first_offset);
        e.i64(self.last_offset);
        e.i16(self.delivery_count);
        e.uvarint(0);
    }
}

/// Part of [`ShareFetchResponse`], versions 1-2.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PartitionData {
    /// `int32`, versions 1-2.
    pub partition_index: i32,
    /// `int16`, versions 1-2.
    pub error_code: i16,
    /// `string`, versions 1-2, default null.
    pub error_message: Option<KString>,
    /// `int16`, versions 1-2.
    pub acknowledge_error_code: i16,
    /// `string`, versions 1-2, default null.
    pub acknowledge_error_message: Option<KString>,
    /// `LeaderIdAndEpoch`, versions 1-2.
    pub current_leader: LeaderIdAndEpoch,
    /// `records`, versions 1-2.
    pub records: Records,
    /// `[]AcquiredRecords`, versions 1-2.
    pub acquired_records: Vec<AcquiredRecords>,
}

impl Message for PartitionData {
    const VERSIONS: std::ops::RangeInclusive<i16> = 1..=2;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.partition_index = d.i32()?;
        m.error_code = d.i16()?;
        m.error_message = d.nullable_string(true)?;
        m.acknowledge_error_code = d.i16()?;
        m.acknowledge_error_message = d.nullable_string(true)?;
        m.current_leader = LeaderIdAndEpoch::decode(d, version)?;
        m.records = d.records(true)?;
        m.acquired_records = d.structs(true, version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.i32(self.partition_index);
        e.i16(self.error_code);
        e.nullable_string(self.error_message.as_ref(), true);
        e.i16(self.acknowledge_error_code);
        e.nullable_string(self.acknowledge_error_message.as_ref(), true);
        self.current_leader.encode(e, version);
        e.records(&self.records, true);
        e.structs(&self.acquired_records, true, version);
        e.uvarint(0);
    }
}

/// Part of [`ShareFetchResponse`], versions 1-2.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShareFetchableTopicResponse {
    /// `uuid`, versions 1-2.
    pub topic_id: Uuid,
    /// `[]PartitionData`, versions 1-2.
    pub partitions: Vec<PartitionData>,
}

impl Message for ShareFetchableTopicResponse {
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

/// Part of [`ShareFetchResponse`], versions 1-2.
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
