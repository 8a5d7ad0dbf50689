// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `AlterPartitionResponse`, versions 0-3.

use crate::{DecodeError, Decoder, Encoder, KString, Message, Uuid};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AlterPartitionResponse {
    /// `int32`, versions 0-3.
    pub throttle_time_ms: i32,
    /// `int16`, versions 0-3.
    pub error_code: i16,
    /// `[]TopicData`, versions 0-3.
    pub topics: Vec<TopicData>,
}

impl Message for AlterPartitionResponse {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=3;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.throttle_time_ms = d.i32()?;
        m.error_code = d.i16()?;
        m.topics = d.structs(true, version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.i32(self.throttle_time_ms);
        e.i16(self.error_code);
        e.structs(&self.topics, true, version);
        e.uvarint(0);
    }
}

/// Part of [`AlterPartitionResponse`], versions 0-3.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PartitionData {
    /// `int32`, versions 0-3.
    pub partition_index: i32,
    /// `int16`, versions 0-3.
    pub error_code: i16,
    /// `int32`, versions 0-3.
    pub leader_id: i32,
    /// `int32`, versions 0-3.
    pub leader_epoch: i32,
    /// `[]int32`, versions 0-3.
    pub isr: Vec<i32>,
    /// `int8`, versions 1-3, default 0.
    pub leader_recovery_state: i8,
    /// `int32`, versions 0-3.
    pub partition_epoch: i32,
}

impl Message for PartitionData {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=3;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.partition_index = d.i32()?;
        m.error_code = d.i16()?;
        m.leader_id = d.i32()?;
        m.leader_epoch = d.i32()?;
        m.isr = d.array(true)?;
        if version >= 1 { m.leader_recovery_state = d.i8()?; }
        m.partition_epoch = d.i32()?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.i32(self.partition_index);
        e.i16(self.error_code);
        e.i32(self.leader_id);
        e.i32(self.leader_epoch);
        e.array(&self.isr, true);
        if version >= 1 { e.i8(self.leader_recovery_state); }
        e.i32(self.partition_epoch);
        e.uvarint(0);
    }
}

/// Part of [`AlterPartitionResponse`], versions 0-3.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicData {
    /// `string`, versions 0-1.
    pub topic_name: KString,
    /// `uuid`, versions 2-3.
    pub topic_id: Uuid,
    /// `[]PartitionData`, versions 0-3.
    pub partitions: Vec<PartitionData>,
}

impl Message for TopicData {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=3;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        if version <= 1 { m.topic_name = d.string(true)?; }
        if version >= 2 { m.topic_id = d.uuid()?; }
        m.partitions = d.structs(true, version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        if version <= 1 { e.string(&self.topic_name, true); }
        if version >= 2 { e.uuid(self.topic_id); }
        e.structs(&self.partitions, true, version);
        e.uvarint(0);
    }
}
