// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `ShareGroupTargetAssignmentMetadataValue`, versions 0.

use crate::{DecodeError, Decoder, Encoder, Message};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShareGroupTargetAssignmentMetadataValue {
    /// `int32`, versions 0.
    pub assignment_epoch: i32,
    /// `int64`, versions 0, tag 0, default 0.
    pub assignment_timestamp: i64,
}

impl Message for ShareGroupTargetAssignmentMetadataValue {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.assignment_epoch = d.i32()?;
        for _ in 0..d.tag_count()? {
            let (tag, outer) = d.begin_tag()?;
            match tag {
                0 => m.assignment_timestamp = d.i64()?,
                _ => {}
            }
            d.end_tag(outer);
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.i32(self.assignment_epoch);
        let has_0 = self.assignment_timestamp != 0;
        e.uvarint(u32::from(has_0));
        if has_0 { e.tagged(0, |e| { e.i64(self.assignment_timestamp); }); }
    }
}
