// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `SaslAuthenticateRequest`, versions 0-2.

use bytes::Bytes;

use crate::{ApiKey, DecodeError, Decoder, Encoder, Message, Request};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SaslAuthenticateRequest {
    /// `bytes`, versions 0-2.
    pub auth_bytes: Bytes,
}

impl Message for SaslAuthenticateRequest {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=2;
    const FLEXIBLE_FROM: i16 = 2;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.auth_bytes = d.bytes(flexible)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.bytes(&self.auth_bytes, flexible);
        if flexible {
            e.uvarint(0);
        }
    }
}

impl Request for SaslAuthenticateRequest {
    const KEY: ApiKey = ApiKey::SaslAuthenticate;
    type Response = super::sasl_authenticate_response::SaslAuthenticateResponse;
}
