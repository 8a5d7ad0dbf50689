// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `RemoveRaftVoterResponse`, versions 0.

use crate::{DecodeError, Decoder, Encoder, KString, Message};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RemoveRaftVoterResponse {
    /// `int32`, versions 0.
    pub throttle_time_ms: i32,
    /// `int16`, versions 0.
    pub error_code: i16,
    /// `string`, versions 0.
    pub error_message: Option<KString>,
}

impl Message for RemoveRaftVoterResponse {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.throttle_time_ms = d.i32()?;
        m.error_code = d.i16()?;
        m.error_message = d.nullable_string(true)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.i32(self.throttle_time_ms);
        e.i16(self.error_code);
        e.nullable_string(self.error_message.as_ref(), true);
        e.uvarint(0);
    }
}
