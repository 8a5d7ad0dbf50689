// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `ProduceResponse`, versions 0-13.

use crate::{DecodeError, Decoder, Encoder, KString, Message, Uuid};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProduceResponse {
    /// `[]TopicProduceResponse`, versions 0-13.
    pub responses: Vec<TopicProduceResponse>,
    /// `int32`, versions 1-13, default 0.
    pub throttle_time_ms: i32,
    /// `[]NodeEndpoint`, versions 10-13, tag 0.
    pub node_endpoints: Vec<NodeEndpoint>,
}

impl Message for ProduceResponse {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=13;
    const FLEXIBLE_FROM: i16 = 9;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.responses = d.structs(flexible, version)?;
        if version >= 1 { m.throttle_time_ms = d.i32()?; }
        if flexible {
            for _ in 0..d.tag_count()? {
                let (tag, outer) = d.begin_tag()?;
                match tag {
                    0 if version >= 10 => m.node_endpoints = d.structs(true, version)?,
                    _ => {}
                }
                d.end_tag(outer);
            }
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.structs(&self.responses, flexible, version);
        if version >= 1 { e.i32(self.throttle_time_ms); }
        if flexible {
            let has_0 = version >= 10 && !self.node_endpoints.is_empty();
            e.uvarint(u32::from(has_0));
            if has_0 { e.tagged(0, |e| { e.structs(&self.node_endpoints, true, version); }); }
        }
    }
}

/// Part of [`ProduceResponse`], versions 8-13.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BatchIndexAndErrorMessage {
    /// `int32`, versions 8-13.
    pub batch_index: i32,
    /// `string`, versions 8-13, default null.
    pub batch_index_error_message: Option<KString>,
}

impl Message for BatchIndexAndErrorMessage {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=13;
    const FLEXIBLE_FROM: i16 = 9;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.batch_index = d.i32()?;
        m.batch_index_error_message = d.nullable_string(flexible)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.i32(self.batch_index);
        e.nullable_string(self.batch_index_error_message.as_ref(), flexible);
        if flexible {
            e.uvarint(0);
        }
    }
}

/// Part of [`ProduceResponse`], versions 10-13.
#[derive(Clone, Debug, PartialEq)]
pub struct LeaderIdAndEpoch {
    /// `int32`, versions 10-13, default -1.
    pub leader_id: i32,
    /// `int32`, versions 10-13, default -1.
    pub leader_epoch: i32,
}

impl Default for LeaderIdAndEpoch {
    fn default() -> Self {
        Self {
            leader_id: -1,
            leader_epoch: -1,
        }
    }
}

impl Message for LeaderIdAndEpoch {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=13;
    const FLEXIBLE_FROM: i16 = 9;

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

/// Part of [`ProduceResponse`], versions 0-13.
#[derive(Clone, Debug, PartialEq)]
pub struct PartitionProduceResponse {
    /// `int32`, versions 0-13.
    pub index: i32,
    /// `int16`, versions 0-13.
    pub error_code: i16,
    /// `int64`, versions 0-13.
    pub base_offset: i64,
    /// `int64`, versions 2-13, default -1.
    pub log_append_time_ms: i64,
    /// `int64`, versions 5-13, default -1.
    pub log_start_offset: i64,
    /// `[]BatchIndexAndErrorMessage`, versions 8-13.
    pub record_errors: Vec<BatchIndexAndErrorMessage>,
    /// `string`, versions 8-13, default null.
    pub error_message: Option<KString>,
    /// `LeaderIdAndEpoch`, versions 10-13, tag 0.
    pub current_leader: LeaderIdAndEpoch,
}

impl Default for PartitionProduceResponse {
    fn default() -> Self {
        Self {
            index: Default::default(),
            error_code: Default::default(),
            base_offset: Default::default(),
            log_append_time_ms: -1,
            log_start_offset: -1,
            record_errors: Default::default(),
            error_message: Default::default(),
            current_leader: Default::default(),
        }
    }
}

impl Message for PartitionProduceResponse {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=13;
    const FLEXIBLE_FROM: i16 = 9;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.index = d.i32()?;
        m.error_code = d.i16()?;
        m.base_offset = d.i64()?;
        if version >= 2 { m.log_append_time_ms = d.i64()?; }
        if version >= 5 { m.log_start_offset = d.i64()?; }
        if version >= 8 { m.record_errors = d.structs(flexible, version)?; }
        if version >= 8 { m.error_message = d.nullable_string(flexible)?; }
        if flexible {
            for _ in 0..d.tag_count()? {
                let (tag, outer) = d.begin_tag()?;
                match tag {
                    0 if version >= 10 => m.current_leader = LeaderIdAndEpoch::decode(d, version)?,
                    _ => {}
                }
                d.end_tag(outer);
            }
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.i32(self.index);
        e.i16(self.error_code);
        e.i64(self.base_offset);
        if version >= 2 { e.i64(self.log_append_time_ms); }
        if version >= 5 { e.i64(self.log_start_offset); }
        if version >= 8 { e.structs(&self.record_errors, flexible, version); }
        if version >= 8 { e.nullable_string(self.error_message.as_ref(), flexible); }
        if flexible {
            let has_0 = version >= 10 && self.current_leader != LeaderIdAndEpoch::default();
            e.uvarint(u32::from(has_0));
            if has_0 { e.tagged(0, |e| { self.current_leader.encode(e, version); }); }
        }
    }
}

/// Part of [`ProduceResponse`], versions 0-13.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicProduceResponse {
    /// `string`, versions 0-12.
    pub name: KString,
    /// `uuid`, versions 13.
    pub topic_id: Uuid,
    /// `[]PartitionProduceResponse`, versions 0-13.
    pub partition_responses: Vec<PartitionProduceResponse>,
}

impl Message for TopicProduceResponse {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=13;
    const FLEXIBLE_FROM: i16 = 9;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        if version <= 12 { m.name = d.string(flexible)?; }
        if version >= 13 { m.topic_id = d.uuid()?; }
        m.partition_responses = d.structs(flexible, version)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        if version <= 12 { e.string(&self.name, flexible); }
        if version >= 13 { e.uuid(self.topic_id); }
        e.structs(&self.partition_responses, flexible, version);
        if flexible {
            e.uvarint(0);
        }
    }
}

/// Part of [`ProduceResponse`], versions 10-13.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodeEndpoint {
    /// `int32`, versions 10-13.
    pub node_id: i32,
    /// `string`, versions 10-13.
    pub host: KString,
    /// `int32`, versions 10-13.
    pub port: i32,
    /// `string`, versions 10-13, default null.
    pub rack: Option<KString>,
}

impl Message for NodeEndpoint {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=13;
    const FLEXIBLE_FROM: i16 = 9;

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
