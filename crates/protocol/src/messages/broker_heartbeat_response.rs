// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `BrokerHeartbeatResponse`, versions 0-2.

use crate::{DecodeError, Decoder, Encoder, Message};

/// The message.
#[derive(Clone, Debug, PartialEq)]
pub struct BrokerHeartbeatResponse {
    /// `int32`, versions 0-2.
    pub throttle_time_ms: i32,
    /// `int16`, versions 0-2.
    pub error_code: i16,
    /// `bool`, versions 0-2, default false.
    pub is_caught_up: bool,
    /// `bool`, versions 0-2, default true.
    pub is_fenced: bool,
    /// `bool`, versions 0-2.
    pub should_shut_down: bool,
}

impl Default for BrokerHeartbeatResponse {
    fn default() -> Self {
        Self {
            throttle_time_ms: Default::default(),
            error_code: Default::default(),
            is_caught_up: Default::default(),
            is_fenced: true,
            should_shut_down: Default::default(),
        }
    }
}

impl Message for BrokerHeartbeatResponse {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=2;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.throttle_time_ms = d.i32()?;
        m.error_code = d.i16()?;
        m.is_caught_up = d.bool()?;
        m.is_fenced = d.bool()?;
        m.should_shut_down = d.bool()?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.i32(self.throttle_time_ms);
        e.i16(self.error_code);
        e.bool(self.is_caught_up);
        e.bool(self.is_fenced);
        e.bool(self.should_shut_down);
        e.uvarint(0);
    }
}
