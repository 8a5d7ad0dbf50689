// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `LegacyOffsetCommitKey`, versions 0.

use crate::{DecodeError, Decoder, Encoder, KString, Message};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LegacyOffsetCommitKey {
    /// `string`, versions 0.
    pub group: KString,
    /// `string`, versions 0.
    pub topic: KString,
    /// `int32`, versions 0.
    pub partition: i32,
}

impl Message for LegacyOffsetCommitKey {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = i16::MAX;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.group = d.string(false)?;
        m.topic = d.string(false)?;
        m.partition = d.i32()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.string(&self.group, false);
        e.string(&self.topic, false);
        e.i32(self.partition);
    }
}
