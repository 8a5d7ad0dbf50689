// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `SaslHandshakeResponse`, versions 0-1.

use crate::{DecodeError, Decoder, Encoder, KString, Message};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SaslHandshakeResponse {
    /// `int16`, versions 0-1.
    pub error_code: i16,
    /// `[]string`, versions 0-1.
    pub mechanisms: Vec<KString>,
}

impl Message for SaslHandshakeResponse {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=1;
    const FLEXIBLE_FROM: i16 = i16::MAX;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.error_code = d.i16()?;
        m.mechanisms = d.array(false)?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.i16(self.error_code);
        e.array(&self.mechanisms, false);
    }
}
