// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `ListPartitionReassignmentsResponse`, versions 0.

use crate::{DecodeError, Decoder, Encoder, KString, Message};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListPartitionReassignmentsResponse {
    /// `int32`, versions 0.
    pub throttle_time_ms: i32,
    /// `int16`, versions 0.
    pub error_code: i16,
    /// `string`, versions 0.
    pub error_message: Option<KString>,
    /// `[]OngoingTopicReassignment`, versions 0.
    pub topics: Vec<OngoingTopicReassignment>,
}

impl Message for ListPartitionReassignmentsResponse {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.throttle_time_ms = d.i32()?;
        m.error_code = d.i16()?;
        m.error_message = d.nullable_string(true)?;
        m.topics = d.structs(true, version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.i32(self.throttle_time_ms);
        e.i16(self.error_code);
        e.nullable_string(self.error_message.as_ref(), true);
        e.structs(&self.topics, true, version);
        e.uvarint(0);
    }
}

/// Part of [`ListPartitionReassignmentsResponse`], versions 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OngoingPartitionReassignment {
    /// `int32`, versions 0.
    pub partition_index: i32,
    /// `[]int32`, versions 0.
    pub replicas: Vec<i32>,
    /// `[]int32`, versions 0.
    pub adding_replicas: Vec<i32>,
    /// `[]int32`, versions 0.
    pub removing_replicas: Vec<i32>,
}

impl Message for OngoingPartitionReassignment {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, _version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.partition_index = d.i32()?;
        m.replicas = d.array(true)?;
        m.adding_replicas = d.array(true)?;
        m.removing_replicas = d.array(true)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.i32(self.partition_index);
        e.array(&self.replicas, true);
        e.array(&self.adding_replicas, true);
        e.array(&self.removing_replicas, true);
        e.uvarint(0);
    }
}

/// Part of [`ListPartitionReassignmentsResponse`], versions 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OngoingTopicReassignment {
    /// `string`, versions 0.
    pub name: KString,
    /// `[]OngoingPartitionReassignment`, versions 0.
    pub partitions: Vec<OngoingPartitionReassignment>,
}

impl Message for OngoingTopicReassignment {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.name = d.string(true)?;
        m.partitions = d.structs(true, version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.string(&self.name, true);
        e.structs(&self.partitions, true, version);
        e.uvarint(0);
    }
}
