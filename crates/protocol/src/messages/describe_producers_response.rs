// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `DescribeProducersResponse`, versions 0.

use crate::{DecodeError, Decoder, Encoder, KString, Message};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeProducersResponse {
    /// `int32`, versions 0.
    pub throttle_time_ms: i32,
    /// `[]TopicResponse`, versions 0.
    pub topics: Vec<TopicResponse>,
}

impl Message for DescribeProducersResponse {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.throttle_time_ms = d.i32()?;
        m.topics = d.structs(true, version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.i32(self.throttle_time_ms);
        e.structs(&self.topics, true, version);
        e.uvarint(0);
    }
}

/// Part of [`DescribeProducersResponse`], versions 0.
#[derive(Clone, Debug, PartialEq)]
pub struct ProducerState {
    /// `int64`, versions 0.
    pub producer_id: i64,
    /// `int32`, versions 0.
    pub producer_epoch: i32,
    /// `int32`, versions 0, default -1.
    pub last_sequence: i32,
    /// `int64`, versions 0, default -1.
    pub last_timestamp: i64,
    /// `int32`, versions 0.
    pub coordinator_epoch: i32,
    /// `int64`, versions 0, default -1.
    pub current_txn_start_offset: i64,
}

impl Default for ProducerState {
    fn default() -> Self {
        Self {
            producer_id: Default::default(),
            producer_epoch: Default::default(),
            last_sequence: -1,
            last_timestamp: -1,
            coordinator_epoch: Default::default(),
            current_txn_start_offset: -1,
        }
    }
}

impl Message for ProducerState {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, _version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.producer_id = d.i64()?;
        m.producer_epoch = d.i32()?;
        m.last_sequence = d.i32()?;
        m.last_timestamp = d.i64()?;
        m.coordinator_epoch = d.i32()?;
        m.current_txn_start_offset = d.i64()?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.i64(self.producer_id);
        e.i32(self.producer_epoch);
        e.i32(self.last_sequence);
        e.i64(self.last_timestamp);
        e.i32(self.coordinator_epoch);
        e.i64(self.current_txn_start_offset);
        e.uvarint(0);
    }
}

/// Part of [`DescribeProducersResponse`], versions 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PartitionResponse {
    /// `int32`, versions 0.
    pub partition_index: i32,
    /// `int16`, versions 0.
    pub error_code: i16,
    /// `string`, versions 0, default null.
    pub error_message: Option<KString>,
    /// `[]ProducerState`, versions 0.
    pub active_producers: Vec<ProducerState>,
}

impl Message for PartitionResponse {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.partition_index = d.i32()?;
        m.error_code = d.i16()?;
        m.error_message = d.nullable_string(true)?;
        m.active_producers = d.structs(true, version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.i32(self.partition_index);
        e.i16(self.error_code);
        e.nullable_string(self.error_message.as_ref(), true);
        e.structs(&self.active_producers, true, version);
        e.uvarint(0);
    }
}

/// Part of [`DescribeProducersResponse`], versions 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicResponse {
    /// `string`, versions 0.
    pub name: KString,
    /// `[]PartitionResponse`, versions 0.
    pub partitions: Vec<PartitionResponse>,
}

impl Message for TopicResponse {
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
