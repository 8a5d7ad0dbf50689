// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `PushTelemetryResponse`, versions 0.

use crate::{DecodeError, Decoder, Encoder, Message};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PushTelemetryResponse {
    /// `int32`, versions 0.
    pub throttle_time_ms: i32,
    /// `int16`, versions 0.
    pub error_code: i16,
}

impl Message for PushTelemetryResponse {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.throttle_time_ms = d.i32()?;
        m.error_code = d.i16()?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.i32(self.throttle_time_ms);
        e.i16(self.error_code);
        e.uvarint(0);
    }
}
