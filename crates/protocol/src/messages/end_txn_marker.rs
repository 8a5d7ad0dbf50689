// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `EndTxnMarker`, versions 0.

use crate::{DecodeError, Decoder, Encoder, Message};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EndTxnMarker {
    /// `int32`, versions 0.
    pub coordinator_epoch: i32,
}

impl Message for EndTxnMarker {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = i16::MAX;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.coordinator_epoch = d.i32()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.i32(self.coordinator_epoch);
    }
}
