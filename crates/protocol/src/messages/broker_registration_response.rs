// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `BrokerRegistrationResponse`, versions 0-4.

use crate::{DecodeError, Decoder, Encoder, Message};

/// The message.
#[derive(Clone, Debug, PartialEq)]
pub struct BrokerRegistrationResponse {
    /// `int32`, versions 0-4.
    pub throttle_time_ms: i32,
    /// `int16`, versions 0-4.
    pub error_code: i16,
    /// `int64`, versions 0-4, default -1.
    pub broker_epoch: i64,
}

impl Default for BrokerRegistrationResponse {
    fn default() -> Self {
        Self {
            throttle_time_ms: Default::default(),
            error_code: Default::default(),
            broker_epoch: -1,
        }
    }
}

impl Message for BrokerRegistrationResponse {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=4;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.throttle_time_ms = d.i32()?;
        m.error_code = d.i16()?;
        m.broker_epoch = d.i64()?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.i32(self.throttle_time_ms);
        e.i16(self.error_code);
        e.i64(self.broker_epoch);
        e.uvarint(0);
    }
}
