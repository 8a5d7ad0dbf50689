// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `WriteShareGroupStateRequest`, versions 0-1.

use crate::{ApiKey, DecodeError, Decoder, Encoder, KString, Message, Request, Uuid};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WriteShareGroupStateRequest {
    /// `string`, versions 0-1.
    pub group_id: KString,
    /// `[]WriteStateData`, versions 0-1.
    pub topics: Vec<WriteStateData>,
}

impl Message for WriteShareGroupStateRequest {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=1;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.group_id = d.string(true)?;
        m.topics = d.structs(true, version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.string(&self.group_id, true);
        e.structs(&self.topics, true, version);
        e.uvarint(0);
    }
}

impl Request for WriteShareGroupStateRequest {
    const KEY: ApiKey = ApiKey::WriteShareGroupState;
    type Response = super::write_share_group_state_response::WriteShareGroupStateResponse;
}

/// Part of [`WriteShareGroupStateRequest`], versions 0-1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StateBatch {
    /// `int64`, versions 0-1.
    pub first_offset: i64,
    /// `int64`, versions 0-1.
    pub last_offset: i64,
    /// `int8`, versions 0-1.
    pub delivery_state: i8,
    /// `int16`, versions 0-1.
    pub delivery_count: i16,
}

impl Message for StateBatch {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=1;
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

/// Part of [`WriteShareGroupStateRequest`], versions 0-1.
#[derive(Clone, Debug, PartialEq)]
pub struct PartitionData {
    /// `int32`, versions 0-1.
    pub partition: i32,
    /// `int32`, versions 0-1.
    pub state_epoch: i32,
    /// `int32`, versions 0-1.
    pub leader_epoch: i32,
    /// `int64`, versions 0-1.
    pub start_offset: i64,
    /// `int32`, versions 1, default -1.
    pub delivery_complete_count: i32,
    /// `[]StateBatch`, versions 0-1.
    pub state_batches: Vec<StateBatch>,
}

impl Default for PartitionData {
    fn default() -> Self {
        Self {
            partition: Default::default(),
            state_epoch: Default::default(),
            leader_epoch: Default::default(),
            start_offset: Default::default(),
            delivery_complete_count: -1,
            state_batches: Default::default(),
        }
    }
}

impl Message for PartitionData {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=1;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.partition = d.i32()?;
        m.state_epoch = d.i32()?;
        m.leader_epoch = d.i32()?;
        m.start_offset = d.i64()?;
        if version >= 1 { m.delivery_complete_count = d.i32()?; }
        m.state_batches = d.structs(true, version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.i32(self.partition);
        e.i32(self.state_epoch);
        e.i32(self.leader_epoch);
        e.i64(self.start_offset);
        if version >= 1 { e.i32(self.delivery_complete_count); }
        e.structs(&self.state_batches, true, version);
        e.uvarint(0);
    }
}

/// Part of [`WriteShareGroupStateRequest`], versions 0-1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WriteStateData {
    /// `uuid`, versions 0-1.
    pub topic_id: Uuid,
    /// `[]PartitionData`, versions 0-1.
    pub partitions: Vec<PartitionData>,
}

impl Message for WriteStateData {
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
