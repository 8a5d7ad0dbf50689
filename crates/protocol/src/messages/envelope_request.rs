// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `EnvelopeRequest`, versions 0.

use bytes::Bytes;

use crate::{ApiKey, DecodeError, Decoder, Encoder, Message, Request};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EnvelopeRequest {
    /// `bytes`, versions 0.
    pub request_data: Bytes,
    /// `bytes`, versions 0.
    pub request_principal: Option<Bytes>,
    /// `bytes`, versions 0.
    pub client_host_address: Bytes,
}

impl Message for EnvelopeRequest {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.request_data = d.bytes(true)?;
        m.request_principal = d.nullable_bytes(true)?;
        m.client_host_address = d.bytes(true)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.bytes(&self.request_data, true);
        e.nullable_bytes(self.request_principal.as_ref(), true);
        e.bytes(&self.client_host_address, true);
        e.uvarint(0);
    }
}

impl Request for EnvelopeRequest {
    const KEY: ApiKey = ApiKey::Envelope;
    type Response = super::envelope_response::EnvelopeResponse;
}
