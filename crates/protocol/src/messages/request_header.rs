// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `RequestHeader`, versions 0-2.

use crate::{DecodeError, Decoder, Encoder, KString, Message};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RequestHeader {
    /// `int16`, versions 0-2.
    pub request_api_key: i16,
    /// `int16`, versions 0-2.
    pub request_api_version: i16,
    /// `int32`, versions 0-2.
    pub correlation_id: i32,
    /// `string`, versions 1-2.
    pub client_id: Option<KString>,
}

impl Message for RequestHeader {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=2;
    const FLEXIBLE_FROM: i16 = 2;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.request_api_key = d.i16()?;
        m.request_api_version = d.i16()?;
        m.correlation_id = d.i32()?;
        if version >= 1 { m.client_id = d.nullable_string(false)?; }
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.i16(self.request_api_key);
        e.i16(self.request_api_version);
        e.i32(self.correlation_id);
        if version >= 1 { e.nullable_string(self.client_id.as_ref(), false); }
        if flexible {
            e.uvarint(0);
        }
    }
}
