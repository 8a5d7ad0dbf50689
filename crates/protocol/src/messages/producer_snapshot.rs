// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `ProducerSnapshot`, versions 1.

use crate::{DecodeError, Decoder, Encoder, Message};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProducerSnapshot {
    /// `uint32`, versions 1.
    pub crc: u32,
    /// `[]ProducerEntry`, versions 1.
    pub producer_entries: Vec<ProducerEntry>,
}

impl Message for ProducerSnapshot {
    const VERSIONS: std::ops::RangeInclusive<i16> = 1..=1;
    const FLEXIBLE_FROM: i16 = i16::MAX;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.crc = d.u32()?;
        m.producer_entries = d.structs(false, version)?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.u32(self.crc);
        e.structs(&self.producer_entries, false, version);
    }
}

/// Part of [`ProducerSnapshot`], versions 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProducerEntry {
    /// `int64`, versions 1.
    pub producer_id: i64,
    /// `int16`, versions 1.
    pub epoch: i16,
    /// `int32`, versions 1.
    pub last_sequence: i32,
    /// `int64`, versions 1.
    pub last_offset: i64,
    /// `int32`, versions 1.
    pub offset_delta: i32,
    /// `int64`, versions 1.
    pub timestamp: i64,
    /// `int32`, versions 1.
    pub coordinator_epoch: i32,
    /// `int64`, versions 1.
    pub current_txn_first_offset: i64,
}

impl Message for ProducerEntry {
    const VERSIONS: std::ops::RangeInclusive<i16> = 1..=1;
    const FLEXIBLE_FROM: i16 = i16::MAX;

    fn decode(d: &mut Decoder, _version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.producer_id = d.i64()?;
        m.epoch = d.i16()?;
        m.last_sequence = d.i32()?;
        m.last_offset = d.i64()?;
        m.offset_delta = d.i32()?;
        m.timestamp = d.i64()?;
        m.coordinator_epoch = d.i32()?;
        m.current_txn_first_offset = d.i64()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.i64(self.producer_id);
        e.i16(self.epoch);
        e.i32(self.last_sequence);
        e.i64(self.last_offset);
        e.i32(self.offset_delta);
        e.i64(self.timestamp);
        e.i32(self.coordinator_epoch);
        e.i64(self.current_txn_first_offset);
    }
}
