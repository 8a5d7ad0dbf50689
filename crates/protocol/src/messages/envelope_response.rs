// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `EnvelopeResponse`, versions 0.

use bytes::Bytes;

use crate::{DecodeError, Decoder, Encoder, Message};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EnvelopeResponse {
    /// `bytes`, versions 0, default null.
    pub response_data: Option<Bytes>,
    /// `int16`, versions 0.
    pub error_code: i16,
}

impl Message for EnvelopeResponse {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.response_data = d.nullable_bytes(true)?;
        m.error_code = d.i16()?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.nullable_bytes(self.response_data.as_ref(), true);
        e.i16(self.error_code);
        e.uvarint(0);
    }
}
