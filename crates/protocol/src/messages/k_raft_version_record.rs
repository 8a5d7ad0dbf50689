// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `KRaftVersionRecord`, versions 0.

use crate::{DecodeError, Decoder, Encoder, Message};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KRaftVersionRecord {
    /// `int16`, versions 0.
    pub version: i16,
    /// `int16`, versions 0.
    pub k_raft_version: i16,
}

impl Message for KRaftVersionRecord {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.version = d.i16()?;
        m.k_raft_version = d.i16()?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.i16(self.version);
        e.i16(self.k_raft_version);
        e.uvarint(0);
    }
}
