// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `AlterPartitionRequest`, versions 0-3.

use crate::{ApiKey, DecodeError, Decoder, Encoder, KString, Message, Request, Uuid};

/// The message.
#[derive(Clone, Debug, PartialEq)]
pub struct AlterPartitionRequest {
    /// `int32`, versions 0-3.
    pub broker_id: i32,
    /// `int64`, versions 0-3, default -1.
    pub broker_epoch: i64,
    /// `[]TopicData`, versions 0-3.
    pub topics: Vec<TopicData>,
}

impl Default for AlterPartitionRequest {
    fn default() -> Self {
        Self {
            broker_id: Default::default(),
            broker_epoch: -1,
            topics: Default::default(),
        }
    }
}

impl Message for AlterPartitionRequest {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=3;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.broker_id = d.i32()?;
        m.broker_epoch = d.i64()?;
        m.topics = d.structs(true, version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.i32(self.broker_id);
        e.i64(self.broker_epoch);
        e.structs(&self.topics, true, version);
        e.uvarint(0);
    }
}

impl Request for AlterPartitionRequest {
    const KEY: ApiKey = ApiKey::AlterPartition;
    type Response = super::alter_partition_response::AlterPartitionResponse;
}

/// Part of [`AlterPartitionRequest`], versions 3.
#[derive(Clone, Debug, PartialEq)]
pub struct BrokerState {
    /// `int32`, versions 3.
    pub broker_id: i32,
    /// `int64`, versions 3, default -1.
    pub broker_epoch: i64,
}

impl Default for BrokerState {
    fn default() -> Self {
        Self {
            broker_id: Default::default(),
            broker_epoch: -1,
        }
    }
}

impl Message for BrokerState {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=3;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, _version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.broker_id = d.i32()?;
        m.broker_epoch = d.i64()?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.i32(self.broker_id);
        e.i64(self.broker_epoch);
        e.uvarint(0);
    }
}

/// Part of [`AlterPartitionRequest`], versions 0-3.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PartitionData {
    /// `int32`, versions 0-3.
    pub partition_index: i32,
    /// `int32`, versions 0-3.
    pub leader_epoch: i32,
    /// `[]int32`, versions 0-2.
    pub new_isr: Vec<i32>,
    /// `[]BrokerState`, versions 3.
    pub new_isr_with_epochs: Vec<BrokerState>,
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
        m.leader_epoch = d.i32()?;
        if version <= 2 { m.new_isr = d.array(true)?; }
        if version >= 3 { m.new_isr_with_epochs = d.structs(true, version)?; }
        if version >= 1 { m.leader_recovery_state = d.i8()?; }
        m.partition_epoch = d.i32()?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.i32(self.partition_index);
        e.i32(self.leader_epoch);
        if version <= 2 { e.array(&self.new_isr, true); }
        if version >= 3 { e.structs(&self.new_isr_with_epochs, true, version); }
        if version >= 1 { e.i8(self.leader_recovery_state); }
        e.i32(self.partition_epoch);
        e.uvarint(0);
    }
}

/// Part of [`AlterPartitionRequest`], versions 0-3.
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
