// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `HeartbeatResponse`, versions 0-4.

use crate::{DecodeError, Decoder, Encoder, Message};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HeartbeatResponse {
    /// `int32`, versions 1-4.
    pub throttle_time_ms: i32,
    /// `int16`, versions 0-4.
    pub error_code: i16,
}

impl Message for HeartbeatResponse {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=4;
    const FLEXIBLE_FROM: i16 = 4;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        if version >= 1 { m.throttle_time_ms = d.i32()?; }
        m.error_code = d.i16()?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        if version >= 1 { e.i32(self.throttle_time_ms); }
        e.i16(self.error_code);
        if flexible {
            e.uvarint(0);
        }
    }
}
