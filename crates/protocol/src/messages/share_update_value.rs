// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `ShareUpdateValue`, versions 0.

use crate::{DecodeError, Decoder, Encoder, Message};

/// The message.
#[derive(Clone, Debug, PartialEq)]
pub struct ShareUpdateValue {
    /// `int32`, versions 0.
    pub snapshot_epoch: i32,
    /// `int32`, versions 0.
    pub leader_epoch: i32,
    /// `int64`, versions 0.
    pub start_offset: i64,
    /// `int32`, versions 0, tag 0, default -1.
    pub delivery_complete_count: i32,
    /// `[]StateBatch`, versions 0.
    pub state_batches: Vec<StateBatch>,
}

impl Default for ShareUpdateValue {
    fn default() -> Self {
        Self {
            snapshot_epoch: Default::default(),
            leader_epoch: Default::default(),
            start_offset: Default::default(),
            delivery_complete_count: -1,
            state_batches: Default::default(),
        }
    }
}

impl Message for ShareUpdateValue {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.snapshot_epoch = d.i32()?;
        m.leader_epoch = d.i32()?;
        m.start_offset = d.i64()?;
        m.state_batches = d.structs(true, version)?;
        for _ in 0..d.tag_count()? {
            let (tag, outer) = d.begin_tag()?;
            match tag {
                0 => m.delivery_complete_count = d.i32()?,
                _ => {}
            }
            d.end_tag(outer);
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.i32(self.snapshot_epoch);
        e.i32(self.leader_epoch);
        e.i64(self.start_offset);
        e.structs(&self.state_batches, true, version);
        let has_0 = self.delivery_complete_count != -1;
        e.uvarint(u32::from(has_0));
        if has_0 { e.tagged(0, |e| { e.i32(self.delivery_complete_count); }); }
    }
}

/// Part of [`ShareUpdateValue`], versions 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StateBatch {
    /// `int64`, versions 0.
    pub first_offset: i64,
    /// `int64`, versions 0.
    pub last_offset: i64,
    /// `int8`, versions 0.
    pub delivery_state: i8,
    /// `int16`, versions 0.
    pub delivery_count: i16,
}

impl Message for StateBatch {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, _version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.first_offset = d.i64()?;
        m.last_offset = d.i64()?;
        m.delivery_state = d.i8()?;
        m.delivery_count = d.i16()?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.i64(self.first_offset);
        e.i64(self.last_offset);
        e.i8(self.delivery_state);
        e.i16(self.delivery_count);
        e.uvarint(0);
    }
}
