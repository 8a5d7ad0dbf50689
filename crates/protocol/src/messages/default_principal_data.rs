// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `DefaultPrincipalData`, versions 0.

use crate::{DecodeError, Decoder, Encoder, KString, Message};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DefaultPrincipalData {
    /// `string`, versions 0.
    pub type_: KString,
    /// `string`, versions 0.
    pub name: KString,
    /// `bool`, versions 0.
    pub token_authenticated: bool,
}

impl Message for DefaultPrincipalData {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.type_ = d.string(true)?;
        m.name = d.string(true)?;
        m.token_authenticated = d.bool()?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.string(&self.type_, true);
        e.string(&self.name, true);
        e.bool(self.token_authenticated);
        e.uvarint(0);
    }
}
