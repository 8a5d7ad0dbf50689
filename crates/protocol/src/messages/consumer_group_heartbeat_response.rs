// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `ConsumerGroupHeartbeatResponse`, versions 0-1.

use crate::{DecodeError, Decoder, Encoder, KString, Message, Uuid};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConsumerGroupHeartbeatResponse {
    /// `int32`, versions 0-1.
    pub throttle_time_ms: i32,
    /// `int16`, versions 0-1.
    pub error_code: i16,
    /// `string`, versions 0-1, default null.
    pub error_message: Option<KString>,
    /// `string`, versions 0-1, default null.
    pub member_id: Option<KString>,
    /// `int32`, versions 0-1.
    pub member_epoch: i32,
    /// `int32`, versions 0-1.
    pub heartbeat_interval_ms: i32,
    /// `Assignment`, versions 0-1, default null.
    pub assignment: Option<Assignment>,
}

impl Message for ConsumerGroupHeartbeatResponse {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=1;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.throttle_time_ms = d.i32()?;
        m.error_code = d.i16()?;
        m.error_message = d.nullable_string(true)?;
        m.member_id = d.nullable_string(true)?;
        m.member_epoch = d.i32()?;
        m.heartbeat_interval_ms = d.i32()?;
        m.assignment = d.nullable_struct(version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.i32(self.throttle_time_ms);
        e.i16(self.error_code);
        e.nullable_string(self.error_message.as_ref(), true);
        e.nullable_string(self.member_id.as_ref(), true);
        e.i32(self.member_epoch);
        e.i32(self.heartbeat_interval_ms);
        e.nullable_struct(self.assignment.as_ref(), version);
        e.uvarint(0);
    }
}

/// Part of [`ConsumerGroupHeartbeatResponse`], versions 0-1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicPartitions {
    /// `uuid`, versions 0-1.
    pub topic_id: Uuid,
    /// `[]int32`, versions 0-1.
    pub partitions: Vec<i32>,
}

impl Message for TopicPartitions {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=1;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, _version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.topic_id = d.uuid()?;
        m.partitions = d.array(true)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.uuid(self.topic_id);
        e.array(&self.partitions, true);
        e.uvarint(0);
    }
}

/// Part of [`ConsumerGroupHeartbeatResponse`], versions 0-1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Assignment {
    /// `[]TopicPartitions`, versions 0-1.
    pub topic_partitions: Vec<TopicPartitions>,
}

impl Message for Assignment {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=1;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.topic_partitions = d.structs(true, version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.structs(&self.topic_partitions, true, version);
        e.uvarint(0);
    }
}
