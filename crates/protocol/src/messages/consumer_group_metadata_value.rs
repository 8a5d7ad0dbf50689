// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `ConsumerGroupMetadataValue`, versions 0.

use crate::{DecodeError, Decoder, Encoder, Message};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConsumerGroupMetadataValue {
    /// `int32`, versions 0.
    pub epoch: i32,
    /// `int64`, versions 0, tag 0, default 0.
    pub metadata_hash: i64,
}

impl Message for ConsumerGroupMetadataValue {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.epoch = d.i32()?;
        for _ in 0..d.tag_count()? {
            let (tag, outer) = d.begin_tag()?;
            match tag {
                0 => m.metadata_hash = d.i64()?,
                _ => {}
            }
            d.end_tag(outer);
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.i32(self.epoch);
        let has_0 = self.metadata_hash != 0;
        e.uvarint(u32::from(has_0));
        if has_0 { e.tagged(0, |e| { e.i64(self.metadata_hash); }); }
    }
}
