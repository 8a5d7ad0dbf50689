// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `SyncGroupResponse`, versions 0-5.

use bytes::Bytes;

use crate::{DecodeError, Decoder, Encoder, KString, Message};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SyncGroupResponse {
    /// `int32`, versions 1-5.
    pub throttle_time_ms: i32,
    /// `int16`, versions 0-5.
    pub error_code: i16,
    /// `string`, versions 5, default null.
    pub protocol_type: Option<KString>,
    /// `string`, versions 5, default null.
    pub protocol_name: Option<KString>,
    /// `bytes`, versions 0-5.
    pub assignment: Bytes,
}

impl Message for SyncGroupResponse {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=5;
    const FLEXIBLE_FROM: i16 = 4;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        if version >= 1 { m.throttle_time_ms = d.i32()?; }
        m.error_code = d.i16()?;
        if version >= 5 { m.protocol_type = d.nullable_string(flexible)?; }
        if version >= 5 { m.protocol_name = d.nullable_string(flexible)?; }
        m.assignment = d.bytes(flexible)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        if version >= 1 { e.i32(self.throttle_time_ms); }
        e.i16(self.error_code);
        if version >= 5 { e.nullable_string(self.protocol_type.as_ref(), flexible); }
        if version >= 5 { e.nullable_string(self.protocol_name.as_ref(), flexible); }
        e.bytes(&self.assignment, flexible);
        if flexible {
            e.uvarint(0);
        }
    }
}
