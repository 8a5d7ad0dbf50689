// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `SaslAuthenticateResponse`, versions 0-2.

use bytes::Bytes;

use crate::{DecodeError, Decoder, Encoder, KString, Message};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SaslAuthenticateResponse {
    /// `int16`, versions 0-2.
    pub error_code: i16,
    /// `string`, versions 0-2.
    pub error_message: Option<KString>,
    /// `bytes`, versions 0-2.
    pub auth_bytes: Bytes,
    /// `int64`, versions 1-2, default 0.
    pub session_lifetime_ms: i64,
}

impl Message for SaslAuthenticateResponse {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=2;
    const FLEXIBLE_FROM: i16 = 2;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.error_code = d.i16()?;
        m.error_message = d.nullable_string(flexible)?;
        m.auth_bytes = d.bytes(flexible)?;
        if version >= 1 { m.session_lifetime_ms = d.i64()?; }
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.i16(self.error_code);
        e.nullable_string(self.error_message.as_ref(), flexible);
        e.bytes(&self.auth_bytes, flexible);
        if version >= 1 { e.i64(self.session_lifetime_ms); }
        if flexible {
            e.uvarint(0);
        }
    }
}
