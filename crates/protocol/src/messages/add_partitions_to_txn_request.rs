// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `AddPartitionsToTxnRequest`, versions 0-5.

use crate::{ApiKey, DecodeError, Decoder, Encoder, KString, Message, Request};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AddPartitionsToTxnRequest {
    /// `[]AddPartitionsToTxnTransaction`, versions 4-5.
    pub transactions: Vec<AddPartitionsToTxnTransaction>,
    /// `string`, versions 0-3.
    pub v3_and_below_transactional_id: KString,
    /// `int64`, versions 0-3.
    pub v3_and_below_producer_id: i64,
    /// `int16`, versions 0-3.
    pub v3_and_below_producer_epoch: i16,
    /// `[]AddPartitionsToTxnTopic`, versions 0-3.
    pub v3_and_below_topics: Vec<AddPartitionsToTxnTopic>,
}

impl Message for AddPartitionsToTxnRequest {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=5;
    const FLEXIBLE_FROM: i16 = 3;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        if version >= 4 { m.transactions = d.structs(flexible, version)?; }
        if version <= 3 { m.v3_and_below_transactional_id = d.string(flexible)?; }
        if version <= 3 { m.v3_and_below_producer_id = d.i64()?; }
        if version <= 3 { m.v3_and_below_producer_epoch = d.i16()?; }
        if version <= 3 { m.v3_and_below_topics = d.structs(flexible, version)?; }
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        if version >= 4 { e.structs(&self.transactions, flexible, version); }
        if version <= 3 { e.string(&self.v3_and_below_transactional_id, flexible); }
        if version <= 3 { e.i64(self.v3_and_below_producer_id); }
        if version <= 3 { e.i16(self.v3_and_below_producer_epoch); }
        if version <= 3 { e.structs(&self.v3_and_below_topics, flexible, version); }
        if flexible {
            e.uvarint(0);
        }
    }
}

impl Request for AddPartitionsToTxnRequest {
    const KEY: ApiKey = ApiKey::AddPartitionsToTxn;
    type Response = super::add_partitions_to_txn_response::AddPartitionsToTxnResponse;
}

/// Part of [`AddPartitionsToTxnRequest`], versions 0-5.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AddPartitionsToTxnTopic {
    /// `string`, versions 0-5.
    pub name: KString,
    /// `[]int32`, versions 0-5.
    pub partitions: Vec<i32>,
}

impl Message for AddPartitionsToTxnTopic {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=5;
    const FLEXIBLE_FROM: i16 = 3;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.name = d.string(flexible)?;
        m.partitions = d.array(flexible)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.string(&self.name, flexible);
        e.array(&self.partitions, flexible);
        if flexible {
            e.uvarint(0);
        }
    }
}

/// Part of [`AddPartitionsToTxnRequest`], versions 4-5.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AddPartitionsToTxnTransaction {
    /// `string`, versions 4-5.
    pub transactional_id: KString,
    /// `int64`, versions 4-5.
    pub producer_id: i64,
    /// `int16`, versions 4-5.
    pub producer_epoch: i16,
    /// `bool`, versions 4-5, default false.
    pub verify_only: bool,
    /// `[]AddPartitionsToTxnTopic`, versions 4-5.
    pub topics: Vec<AddPartitionsToTxnTopic>,
}

impl Message for AddPartitionsToTxnTransaction {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=5;
    const FLEXIBLE_FROM: i16 = 3;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.transactional_id = d.string(true)?;
        m.producer_id = d.i64()?;
        m.producer_epoch = d.i16()?;
        m.verify_only = d.bool()?;
        m.topics = d.structs(true, version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.string(&self.transactional_id, true);
        e.i64(self.producer_id);
        e.i16(self.producer_epoch);
        e.bool(self.verify_only);
        e.structs(&self.topics, true, version);
        e.uvarint(0);
    }
}
