// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `ExpireDelegationTokenRequest`, versions 0-2.

use bytes::Bytes;

use crate::{ApiKey, DecodeError, Decoder, Encoder, Message, Request};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ExpireDelegationTokenRequest {
    /// `bytes`, versions 0-2.
    pub hmac: Bytes,
    /// `int64`, versions 0-2.
    pub expiry_time_period_ms: i64,
}

impl Message for ExpireDelegationTokenRequest {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=2;
    const FLEXIBLE_FROM: i16 = 2;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.hmac = d.bytes(flexible)?;
        m.expiry_time_period_ms = d.i64()?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.bytes(&self.hmac, flexible);
        e.i64(self.expiry_time_period_ms);
        if flexible {
            e.uvarint(0);
        }
    }
}

impl Request for ExpireDelegationTokenRequest {
    const KEY: ApiKey = ApiKey::ExpireDelegationToken;
    type Response = super::expire_delegation_token_response::ExpireDelegationTokenResponse;
}
