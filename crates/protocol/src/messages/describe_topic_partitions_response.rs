// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `DescribeTopicPartitionsResponse`, versions 0.

use crate::{DecodeError, Decoder, Encoder, KString, Message, Uuid};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeTopicPartitionsResponse {
    /// `int32`, versions 0.
    pub throttle_time_ms: i32,
    /// `[]DescribeTopicPartitionsResponseTopic`, versions 0.
    pub topics: Vec<DescribeTopicPartitionsResponseTopic>,
    /// `Cursor`, versions 0, default null.
    pub next_cursor: Option<Cursor>,
}

impl Message for DescribeTopicPartitionsResponse {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.throttle_time_ms = d.i32()?;
        m.topics = d.structs(true, version)?;
        m.next_cursor = d.nullable_struct(version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.i32(self.throttle_time_ms);
        e.structs(&self.topics, true, version);
        e.nullable_struct(self.next_cursor.as_ref(), version);
        e.uvarint(0);
    }
}

/// Part of [`DescribeTopicPartitionsResponse`], versions 0.
#[derive(Clone, Debug, PartialEq)]
pub struct DescribeTopicPartitionsResponsePartition {
    /// `int16`, versions 0.
    pub error_code: i16,
    /// `int32`, versions 0.
    pub partition_index: i32,
    /// `int32`, versions 0.
    pub leader_id: i32,
    /// `int32`, versions 0, default -1.
    pub leader_epoch: i32,
    /// `[]int32`, versions 0.
    pub replica_nodes: Vec<i32>,
    /// `[]int32`, versions 0.
    pub isr_nodes: Vec<i32>,
    /// `[]int32`, versions 0, default null.
    pub eligible_leader_replicas: Option<Vec<i32>>,
    /// `[]int32`, versions 0, default null.
    pub last_known_elr: Option<Vec<i32>>,
    /// `[]int32`, versions 0.
    pub offline_replicas: Vec<i32>,
}

impl Default for DescribeTopicPartitionsResponsePartition {
    fn default() -> Self {
        Self {
            error_code: Default::default(),
            partition_index: Default::default(),
            leader_id: Default::default(),
            leader_epoch: -1,
            replica_nodes: Default::default(),
            isr_nodes: Default::default(),
            eligible_leader_replicas: Default::default(),
            last_known_elr: Default::default(),
            offline_replicas: Default::default(),
        }
    }
}

impl Message for DescribeTopicPartitionsResponsePartition {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, _version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.error_code = d.i16()?;
        m.partition_index = d.i32()?;
        m.leader_id = d.i32()?;
        m.leader_epoch = d.i32()?;
        m.replica_nodes = d.array(true)?;
        m.isr_nodes = d.array(true)?;
        m.eligible_leader_replicas = d.nullable_array(true)?;
        m.last_known_elr = d.nullable_array(true)?;
        m.offline_replicas = d.array(true)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.i16(self.error_code);
        e.i32(self.partition_index);
        e.i32(self.leader_id);
        e.i32(self.leader_epoch);
        e.array(&self.replica_nodes, true);
        e.array(&self.isr_nodes, true);
        e.nullable_array(self.eligible_leader_replicas.as_ref(), true);
        e.nullable_array(self.last_known_elr.as_ref(), true);
        e.array(&self.offline_replicas, true);
        e.uvarint(0);
    }
}

/// Part of [`DescribeTopicPartitionsResponse`], versions 0.
#[derive(Clone, Debug, PartialEq)]
pub struct DescribeTopicPartitionsResponseTopic {
    /// `int16`, versions 0.
    pub error_code: i16,
    /// `string`, versions 0.
    pub name: Option<KString>,
    /// `uuid`, versions 0.
    pub topic_id: Uuid,
    /// `bool`, versions 0, default false.
    pub is_internal: bool,
    /// `[]DescribeTopicPartitionsResponsePartition`, versions 0.
    pub partitions: Vec<DescribeTopicPartitionsResponsePartition>,
    /// `int32`, versions 0, default -2147483648.
    pub topic_authorized_operations: i32,
}

impl Default for DescribeTopicPartitionsResponseTopic {
    fn default() -> Self {
        Self {
            error_code: Default::default(),
            name: Default::default(),
            topic_id: Default::default(),
            is_internal: Default::default(),
            partitions: Default::default(),
            topic_authorized_operations: -2147483648,
        }
    }
}

impl Message for DescribeTopicPartitionsResponseTopic {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.error_code = d.i16()?;
        m.name = d.nullable_string(true)?;
        m.topic_id = d.uuid()?;
        m.is_internal = d.bool()?;
        m.partitions = d.structs(true, version)?;
        m.topic_authorized_operations = d.i32()?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.i16(self.error_code);
        e.nullable_string(self.name.as_ref(), true);
        e.uuid(self.topic_id);
        e.bool(self.is_internal);
        e.structs(&self.partitions, true, version);
        e.i32(self.topic_authorized_operations);
        e.uvarint(0);
    }
}

/// Part of [`DescribeTopicPartitionsResponse`], versions 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cursor {
    /// `string`, versions 0.
    pub topic_name: KString,
    /// `int32`, versions 0.
    pub partition_index: i32,
}

impl Message for Cursor {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, _version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.topic_name = d.string(true)?;
        m.partition_index = d.i32()?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.string(&self.topic_name, true);
        e.i32(self.partition_index);
        e.uvarint(0);
    }
}
