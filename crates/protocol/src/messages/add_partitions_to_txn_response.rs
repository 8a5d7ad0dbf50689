// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `AddPartitionsToTxnResponse`, versions 0-5.

use crate::{DecodeError, Decoder, Encoder, KString, Message};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AddPartitionsToTxnResponse {
    /// `int32`, versions 0-5.
    pub throttle_time_ms: i32,
    /// `int16`, versions 4-5.
    pub error_code: i16,
    /// `[]AddPartitionsToTxnResult`, versions 4-5.
    pub results_by_transaction: Vec<AddPartitionsToTxnResult>,
    /// `[]AddPartitionsToTxnTopicResult`, versions 0-3.
    pub results_by_topic_v3_and_below: Vec<AddPartitionsToTxnTopicResult>,
}

impl Message for AddPartitionsToTxnResponse {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=5;
    const FLEXIBLE_FROM: i16 = 3;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.throttle_time_ms = d.i32()?;
        if version >= 4 { m.error_code = d.i16()?; }
        if version >= 4 { m.results_by_transaction = d.structs(flexible, version)?; }
        if version <= 3 { m.results_by_topic_v3_and_below = d.structs(flexible, version)?; }
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.i32(self.throttle_time_ms);
        if version >= 4 { e.i16(self.error_code); }
        if version >= 4 { e.structs(&self.results_by_transaction, flexible, version); }
        if version <= 3 { e.structs(&self.results_by_topic_v3_and_below, flexible, version); }
        if flexible {
            e.uvarint(0);
        }
    }
}

/// Part of [`AddPartitionsToTxnResponse`], versions 0-5.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AddPartitionsToTxnTopicResult {
    /// `string`, versions 0-5.
    pub name: KString,
    /// `[]AddPartitionsToTxnPartitionResult`, versions 0-5.
    pub results_by_partition: Vec<AddPartitionsToTxnPartitionResult>,
}

impl Message for AddPartitionsToTxnTopicResult {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=5;
    const FLEXIBLE_FROM: i16 = 3;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.name = d.string(flexible)?;
        m.results_by_partition = d.structs(flexible, version)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.string(&self.name, flexible);
        e.structs(&self.results_by_partition, flexible, version);
        if flexible {
            e.uvarint(0);
        }
    }
}

/// Part of [`AddPartitionsToTxnResponse`], versions 0-5.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AddPartitionsToTxnPartitionResult {
    /// `int32`, versions 0-5.
    pub partition_index: i32,
    /// `int16`, versions 0-5.
    pub partition_error_code: i16,
}

impl Message for AddPartitionsToTxnPartitionResult {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=5;
    const FLEXIBLE_FROM: i16 = 3;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.partition_index = d.i32()?;
        m.partition_error_code = d.i16()?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.i32(self.partition_index);
        e.i16(self.partition_error_code);
        if flexible {
            e.uvarint(0);
        }
    }
}

/// Part of [`AddPartitionsToTxnResponse`], versions 4-5.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AddPartitionsToTxnResult {
    /// `string`, versions 4-5.
    pub transactional_id: KString,
    /// `[]AddPartitionsToTxnTopicResult`, versions 4-5.
    pub topic_results: Vec<AddPartitionsToTxnTopicResult>,
}

impl Message for AddPartitionsToTxnResult {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=5;
    const FLEXIBLE_FROM: i16 = 3;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.transactional_id = d.string(true)?;
        m.topic_results = d.structs(true, version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.string(&self.transactional_id, true);
        e.structs(&self.topic_results, true, version);
        e.uvarint(0);
    }
}
