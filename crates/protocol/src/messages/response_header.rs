// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `ResponseHeader`, versions 0-1.

use crate::{DecodeError, Decoder, Encoder, Message};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ResponseHeader {
    /// `int32`, versions 0-1.
    pub correlation_id: i32,
}

impl Message for ResponseHeader {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=1;
    const FLEXIBLE_FROM: i16 = 1;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.correlation_id = d.i32()?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.i32(self.correlation_id);
        if flexible {
            e.uvarint(0);
        }
    }
}
