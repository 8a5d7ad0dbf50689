// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `LegacyOffsetCommitValue`, versions 0.

use crate::{DecodeError, Decoder, Encoder, KString, Message};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LegacyOffsetCommitValue {
    /// `int64`, versions 0.
    pub offset: i64,
    /// `string`, versions 0.
    pub metadata: KString,
    /// `int64`, versions 0.
    pub commit_timestamp: i64,
}

impl Message for LegacyOffsetCommitValue {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = i16::MAX;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.offset = d.i64()?;
        m.metadata = d.string(false)?;
        m.commit_timestamp = d.i64()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.i64(self.offset);
        e.string(&self.metadata, false);
        e.i64(self.commit_timestamp);
    }
}
