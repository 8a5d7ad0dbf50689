// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `RenewDelegationTokenResponse`, versions 0-2.

use crate::{DecodeError, Decoder, Encoder, Message};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RenewDelegationTokenResponse {
    /// `int16`, versions 0-2.
    pub error_code: i16,
    /// `int64`, versions 0-2.
    pub expiry_timestamp_ms: i64,
    /// `int32`, versions 0-2.
    pub throttle_time_ms: i32,
}

impl Message for RenewDelegationTokenResponse {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=2;
    const FLEXIBLE_FROM: i16 = 2;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.error_code = d.i16()?;
        m.expiry_timestamp_ms = d.i64()?;
        m.throttle_time_ms = d.i32()?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.i16(self.error_code);
        e.i64(self.expiry_timestamp_ms);
        e.i32(self.throttle_time_ms);
        if flexible {
            e.uvarint(0);
        }
    }
}
