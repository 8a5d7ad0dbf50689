// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `ReadShareGroupStateResponse`, versions 0.

use crate::{DecodeError, Decoder, Encoder, KString, Message, Uuid};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReadShareGroupStateResponse {
    /// `[]ReadStateResult`, versions 0.
    pub results: Vec<ReadStateResult>,
}

impl Message for ReadShareGroupStateResponse {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.results = d.structs(true, version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.structs(&self.results, true, version);
        e.uvarint(0);
    }
}

/// Part of [`ReadShareGroupStateResponse`], versions 0.
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

/// Part of [`ReadShareGroupStateResponse`], versions 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PartitionResult {
    /// `int32`, versions 0.
    pub partition: i32,
    /// `int16`, versions 0.
    pub error_code: i16,
    /// `string`, versions 0, default null.
    pub error_message: Option<KString>,
    /// `int32`, versions 0.
    pub state_epoch: i32,
    /// `int64`, versions 0.
    pub start_offset: i64,
    /// `[]StateBatch`, versions 0.
    pub state_batches: Vec<StateBatch>,
}

impl Message for PartitionResult {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.partition = d.i32()?;
        m.error_code = d.i16()?;
        m.error_message = d.nullable_string(true)?;
        m.state_epoch = d.i32()?;
        m.start_offset = d.i64()?;
        m.state_batches = d.structs(true, version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.i32(self.partition);
        e.i16(self.error_code);
        e.nullable_string(self.error_message.as_ref(), true);
        e.i32(self.state_epoch);
        e.i64(self.start_offset);
        e.structs(&self.state_batches, true, version);
        e.uvarint(0);
    }
}

/// Part of [`ReadShareGroupStateResponse`], versions 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReadStateResult {
    /// `uuid`, versions 0.
    pub topic_id: Uuid,
    /// `[]PartitionResult`, versions 0.
    pub partitions: Vec<PartitionResult>,
}

impl Message for ReadStateResult {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.topic_id = d.uuid()?;
        m.partitions = d.structs(true, version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.uuid(self.topic_id);
        e.structs(&self.partitions, true, version);
        e.uvarint(0);
    }
}
