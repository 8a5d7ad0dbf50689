// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `EndTxnResponse`, versions 0-5.

use crate::{DecodeError, Decoder, Encoder, Message};

/// The message.
#[derive(Clone, Debug, PartialEq)]
pub struct EndTxnResponse {
    /// `int32`, versions 0-5.
    pub throttle_time_ms: i32,
    /// `int16`, versions 0-5.
    pub error_code: i16,
    /// `int64`, versions 5, default -1.
    pub producer_id: i64,
    /// `int16`, versions 5, default -1.
    pub producer_epoch: i16,
}

impl Default for EndTxnResponse {
    fn default() -> Self {
        Self {
            throttle_time_ms: Default::default(),
            error_code: Default::default(),
            producer_id: -1,
            producer_epoch: -1,
        }
    }
}

impl Message for EndTxnResponse {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=5;
    const FLEXIBLE_FROM: i16 = 3;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.throttle_time_ms = d.i32()?;
        m.error_code = d.i16()?;
        if version >= 5 { m.producer_id = d.i64()?; }
        if version >= 5 { m.producer_epoch = d.i16()?; }
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.i32(self.throttle_time_ms);
        e.i16(self.error_code);
        if version >= 5 { e.i64(self.producer_id); }
        if version >= 5 { e.i16(self.producer_epoch); }
        if flexible {
            e.uvarint(0);
        }
    }
}
