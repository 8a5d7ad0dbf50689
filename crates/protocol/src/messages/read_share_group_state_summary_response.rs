// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `ReadShareGroupStateSummaryResponse`, versions 0-1.

use crate::{DecodeError, Decoder, Encoder, KString, Message, Uuid};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReadShareGroupStateSummaryResponse {
    /// `[]ReadStateSummaryResult`, versions 0-1.
    pub results: Vec<ReadStateSummaryResult>,
}

impl Message for ReadShareGroupStateSummaryResponse {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=1;
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

/// Part of [`ReadShareGroupStateSummaryResponse`], versions 0-1.
#[derive(Clone, Debug, PartialEq)]
pub struct PartitionResult {
    /// `int32`, versions 0-1.
    pub partition: i32,
    /// `int16`, versions 0-1.
    pub error_code: i16,
    /// `string`, versions 0-1, default null.
    pub error_message: Option<KString>,
    /// `int32`, versions 0-1.
    pub state_epoch: i32,
    /// `int32`, versions 0-1.
    pub leader_epoch: i32,
    /// `int64`, versions 0-1.
    pub start_offset: i64,
    /// `int32`, versions 1, default -1.
    pub delivery_complete_count: i32,
}

impl Default for PartitionResult {
    fn default() -> Self {
        Self {
            partition: Default::default(),
            error_code: Default::default(),
            error_message: Default::default(),
            state_epoch: Default::default(),
            leader_epoch: Default::default(),
            start_offset: Default::default(),
            delivery_complete_count: -1,
        }
    }
}

impl Message for PartitionResult {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=1;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.partition = d.i32()?;
        m.error_code = d.i16()?;
        m.error_message = d.nullable_string(true)?;
        m.state_epoch = d.i32()?;
        m.leader_epoch = d.i32()?;
        m.start_offset = d.i64()?;
        if version >= 1 { m.delivery_complete_count = d.i32()?; }
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.i32(self.partition);
        e.i16(self.error_code);
        e.nullable_string(self.error_message.as_ref(), true);
        e.i32(self.state_epoch);
        e.i32(self.leader_epoch);
        e.i64(self.start_offset);
        if version >= 1 { e.i32(self.delivery_complete_count); }
        e.uvarint(0);
    }
}

/// Part of [`ReadShareGroupStateSummaryResponse`], versions 0-1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReadStateSummaryResult {
    /// `uuid`, versions 0-1.
    pub topic_id: Uuid,
    /// `[]PartitionResult`, versions 0-1.
    pub partitions: Vec<PartitionResult>,
}

impl Message for ReadStateSummaryResult {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=1;
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
