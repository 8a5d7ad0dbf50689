// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `SnapshotHeaderRecord`, versions 0.

use crate::{DecodeError, Decoder, Encoder, Message};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SnapshotHeaderRecord {
    /// `int16`, versions 0.
    pub version: i16,
    /// `int64`, versions 0.
    pub last_contained_log_timestamp: i64,
}

impl Message for SnapshotHeaderRecord {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.version = d.i16()?;
        m.last_contained_log_timestamp = d.i64()?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.i16(self.version);
        e.i64(self.last_contained_log_timestamp);
        e.uvarint(0);
    }
}
