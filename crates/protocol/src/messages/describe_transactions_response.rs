// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `DescribeTransactionsResponse`, versions 0.

use crate::{DecodeError, Decoder, Encoder, KString, Message};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeTransactionsResponse {
    /// `int32`, versions 0.
    pub throttle_time_ms: i32,
    /// `[]TransactionState`, versions 0.
    pub transaction_states: Vec<TransactionState>,
}

impl Message for DescribeTransactionsResponse {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.throttle_time_ms = d.i32()?;
        m.transaction_states = d.structs(true, version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.i32(self.throttle_time_ms);
        e.structs(&self.transaction_states, true, version);
        e.uvarint(0);
    }
}

/// Part of [`DescribeTransactionsResponse`], versions 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicData {
    /// `string`, versions 0.
    pub topic: KString,
    /// `[]int32`, versions 0.
    pub partitions: Vec<i32>,
}

impl Message for TopicData {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, _version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.topic = d.string(true)?;
        m.partitions = d.array(true)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.string(&self.topic, true);
        e.array(&self.partitions, true);
        e.uvarint(0);
    }
}

/// Part of [`DescribeTransactionsResponse`], versions 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TransactionState {
    /// `int16`, versions 0.
    pub error_code: i16,
    /// `string`, versions 0.
    pub transactional_id: KString,
    /// `string`, versions 0.
    pub transaction_state: KString,
    /// `int32`, versions 0.
    pub transaction_timeout_ms: i32,
    /// `int64`, versions 0.
    pub transaction_start_time_ms: i64,
    /// `int64`, versions 0.
    pub producer_id: i64,
    /// `int16`, versions 0.
    pub producer_epoch: i16,
    /// `[]TopicData`, versions 0.
    pub topics: Vec<TopicData>,
}

impl Message for TransactionState {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.error_code = d.i16()?;
        m.transactional_id = d.string(true)?;
        m.transaction_state = d.string(true)?;
        m.transaction_timeout_ms = d.i32()?;
        m.transaction_start_time_ms = d.i64()?;
        m.producer_id = d.i64()?;
        m.producer_epoch = d.i16()?;
        m.topics = d.structs(true, version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.i16(self.error_code);
        e.string(&self.transactional_id, true);
        e.string(&self.transaction_state, true);
        e.i32(self.transaction_timeout_ms);
        e.i64(self.transaction_start_time_ms);
        e.i64(self.producer_id);
        e.i16(self.producer_epoch);
        e.structs(&self.topics, true, version);
        e.uvarint(0);
    }
}
