// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `ConsumerGroupRegularExpressionValue`, versions 0.

use crate::{DecodeError, Decoder, Encoder, KString, Message};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConsumerGroupRegularExpressionValue {
    /// `[]string`, versions 0.
    pub topics: Vec<KString>,
    /// `int64`, versions 0.
    pub version: i64,
    /// `int64`, versions 0.
    pub timestamp: i64,
}

impl Message for ConsumerGroupRegularExpressionValue {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.topics = d.array(true)?;
        m.version = d.i64()?;
        m.timestamp = d.i64()?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.array(&self.topics, true);
        e.i64(self.version);
        e.i64(self.timestamp);
        e.uvarint(0);
    }
}
