// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `InitProducerIdRequest`, versions 0-6.

use crate::{ApiKey, DecodeError, Decoder, Encoder, KString, Message, Request};

/// The message.
#[derive(Clone, Debug, PartialEq)]
pub struct InitProducerIdRequest {
    /// `string`, versions 0-6.
    pub transactional_id: Option<KString>,
    /// `int32`, versions 0-6.
    pub transaction_timeout_ms: i32,
    /// `int64`, versions 3-6, default -1.
    pub producer_id: i64,
    /// `int16`, versions 3-6, default -1.
    pub producer_epoch: i16,
    /// `bool`, versions 6, default false.
    pub enable2_pc: bool,
    /// `bool`, versions 6, default false.
    pub keep_prepared_txn: bool,
}

impl Default for InitProducerIdRequest {
    fn default() -> Self {
        Self {
            transactional_id: Default::default(),
            transaction_timeout_ms: Default::default(),
            producer_id: -1,
            producer_epoch: -1,
            enable2_pc: Default::default(),
            keep_prepared_txn: Default::default(),
        }
    }
}

impl Message for InitProducerIdRequest {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=6;
    const FLEXIBLE_FROM: i16 = 2;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.transactional_id = d.nullable_string(flexible)?;
        m.transaction_timeout_ms = d.i32()?;
        if version >= 3 { m.producer_id = d.i64()?; }
        if version >= 3 { m.producer_epoch = d.i16()?; }
        if version >= 6 { m.enable2_pc = d.bool()?; }
        if version >= 6 { m.keep_prepared_txn = d.bool()?; }
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.nullable_string(self.transactional_id.as_ref(), flexible);
        e.i32(self.transaction_timeout_ms);
        if version >= 3 { e.i64(self.producer_id); }
        if version >= 3 { e.i16(self.producer_epoch); }
        if version >= 6 { e.bool(self.enable2_pc); }
        if version >= 6 { e.bool(self.keep_prepared_txn); }
        if flexible {
            e.uvarint(0);
        }
    }
}

impl Request for InitProducerIdRequest {
    const KEY: ApiKey = ApiKey::InitProducerId;
    type Response = super::init_producer_id_response::InitProducerIdResponse;
}
