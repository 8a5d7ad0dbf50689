// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `ShareUpdateKey`, versions 0.

use crate::{DecodeError, Decoder, Encoder, KString, Message, Uuid};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShareUpdateKey {
    /// `string`, versions 0.
    pub group_id: KString,
    /// `uuid`, versions 0.
    pub topic_id: Uuid,
    /// `int32`, versions 0.
    pub partition: i32,
}

impl Message for ShareUpdateKey {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = i16::MAX;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.group_id = d.string(false)?;
        m.topic_id = d.uuid()?;
        m.partition = d.i32()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.string(&self.group_id, false);
        e.uuid(self.topic_id);
        e.i32(self.partition);
    }
}
