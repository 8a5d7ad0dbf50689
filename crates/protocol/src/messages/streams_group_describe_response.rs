// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `StreamsGroupDescribeResponse`, versions 0.

use crate::{DecodeError, Decoder, Encoder, KString, Message};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StreamsGroupDescribeResponse {
    /// `int32`, versions 0.
    pub throttle_time_ms: i32,
    /// `[]DescribedGroup`, versions 0.
    pub groups: Vec<DescribedGroup>,
}

impl Message for StreamsGroupDescribeResponse {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.throttle_time_ms = d.i32()?;
        m.groups = d.structs(true, version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.i32(self.throttle_time_ms);
        e.structs(&self.groups, true, version);
        e.uvarint(0);
    }
}

/// Part of [`StreamsGroupDescribeResponse`], versions 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Endpoint {
    /// `string`, versions 0.
    pub host: KString,
    /// `uint16`, versions 0.
    pub port: u16,
}

impl Message for Endpoint {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, _version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.host = d.string(true)?;
        m.port = d.u16()?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.string(&self.host, true);
        e.u16(self.port);
        e.uvarint(0);
    }
}

/// Part of [`StreamsGroupDescribeResponse`], versions 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TaskOffset {
    /// `string`, versions 0.
    pub subtopology_id: KString,
    /// `int32`, versions 0.
    pub partition: i32,
    /// `int64`, versions 0.
    pub offset: i64,
}

impl Message for TaskOffset {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, _version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.subtopology_id = d.string(true)?;
        m.partition = d.i32()?;
        m.offset = d.i64()?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.string(&self.subtopology_id, true);
        e.i32(self.partition);
        e.i64(self.offset);
        e.uvarint(0);
    }
}

/// Part of [`StreamsGroupDescribeResponse`], versions 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Assignment {
    /// `[]TaskIds`, versions 0.
    pub active_tasks: Vec<TaskIds>,
    /// `[]TaskIds`, versions 0.
    pub standby_tasks: Vec<TaskIds>,
    /// `[]TaskIds`, versions 0.
    pub warmup_tasks: Vec<TaskIds>,
}

impl Message for Assignment {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.active_tasks = d.structs(true, version)?;
        m.standby_tasks = d.structs(true, version)?;
        m.warmup_tasks = d.structs(true, version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.structs(&self.active_tasks, true, version);
        e.structs(&self.standby_tasks, true, version);
        e.structs(&self.warmup_tasks, true, version);
        e.uvarint(0);
    }
}

/// Part of [`StreamsGroupDescribeResponse`], versions 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TaskIds {
    /// `string`, versions 0.
    pub subtopology_id: KString,
    /// `[]int32`, versions 0.
    pub partitions: Vec<i32>,
}

impl Message for TaskIds {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, _version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.subtopology_id = d.string(true)?;
        m.partitions = d.array(true)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.string(&self.subtopology_id, true);
        e.array(&self.partitions, true);
        e.uvarint(0);
    }
}

/// Part of [`StreamsGroupDescribeResponse`], versions 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KeyValue {
    /// `string`, versions 0.
    pub key: KString,
    /// `string`, versions 0.
    pub value: KString,
}

impl Message for KeyValue {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, _version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.key = d.string(true)?;
        m.value = d.string(true)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.string(&self.key, true);
        e.string(&self.value, true);
        e.uvarint(0);
    }
}

/// Part of [`StreamsGroupDescribeResponse`], versions 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicInfo {
    /// `string`, versions 0.
    pub name: KString,
    /// `int32`, versions 0.
    pub partitions: i32,
    /// `int16`, versions 0.
    pub replication_factor: i16,
    /// `[]KeyValue`, versions 0.
    pub topic_configs: Vec<KeyValue>,
}

impl Message for TopicInfo {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.name = d.string(true)?;
        m.partitions = d.i32()?;
        m.replication_factor = d.i16()?;
        m.topic_configs = d.structs(true, version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.string(&self.name, true);
        e.i32(self.partitions);
        e.i16(self.replication_factor);
        e.structs(&self.topic_configs, true, version);
        e.uvarint(0);
    }
}

/// Part of [`StreamsGroupDescribeResponse`], versions 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Subtopology {
    /// `string`, versions 0.
    pub subtopology_id: KString,
    /// `[]string`, versions 0.
    pub source_topics: Vec<KString>,
    /// `[]string`, versions 0.
    pub repartition_sink_topics: Vec<KString>,
    /// `[]TopicInfo`, versions 0.
    pub state_changelog_topics: Vec<TopicInfo>,
    /// `[]TopicInfo`, versions 0.
    pub repartition_source_topics: Vec<TopicInfo>,
}

impl Message for Subtopology {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.subtopology_id = d.string(true)?;
        m.source_topics = d.array(true)?;
        m.repartition_sink_topics = d.array(true)?;
        m.state_changelog_topics = d.structs(true, version)?;
        m.repartition_source_topics = d.structs(true, version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.string(&self.subtopology_id, true);
        e.array(&self.source_topics, true);
        e.array(&self.repartition_sink_topics, true);
        e.structs(&self.state_changelog_topics, true, version);
        e.structs(&self.repartition_source_topics, true, version);
        e.uvarint(0);
    }
}

/// Part of [`StreamsGroupDescribeResponse`], versions 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Topology {
    /// `int32`, versions 0.
    pub epoch: i32,
    /// `[]Subtopology`, versions 0, default null.
    pub subtopologies: Option<Vec<Subtopology>>,
}

impl Message for Topology {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.epoch = d.i32()?;
        m.subtopologies = d.nullable_structs(true, version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.i32(self.epoch);
        e.nullable_structs(self.subtopologies.as_ref(), true, version);
        e.uvarint(0);
    }
}

/// Part of [`StreamsGroupDescribeResponse`], versions 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Member {
    /// `string`, versions 0.
    pub member_id: KString,
    /// `int32`, versions 0.
    pub member_epoch: i32,
    /// `string`, versions 0, default null.
    pub instance_id: Option<KString>,
    /// `string`, versions 0, default null.
    pub rack_id: Option<KString>,
    /// `string`, versions 0.
    pub client_id: KString,
    /// `string`, versions 0.
    pub client_host: KString,
    /// `int32`, versions 0.
    pub topology_epoch: i32,
    /// `string`, versions 0.
    pub process_id: KString,
    /// `Endpoint`, versions 0, default null.
    pub user_endpoint: Option<Endpoint>,
    /// `[]KeyValue`, versions 0.
    pub client_tags: Vec<KeyValue>,
    /// `[]TaskOffset`, versions 0.
    pub task_offsets: Vec<TaskOffset>,
    /// `[]TaskOffset`, versions 0.
    pub task_end_offsets: Vec<TaskOffset>,
    /// `Assignment`, versions 0.
    pub assignment: Assignment,
    /// `Assignment`, versions 0.
    pub target_assignment: Assignment,
    /// `bool`, versions 0.
    pub is_classic: bool,
}

impl Message for Member {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.member_id = d.string(true)?;
        m.member_epoch = d.i32()?;
        m.instance_id = d.nullable_string(true)?;
        m.rack_id = d.nullable_string(true)?;
        m.client_id = d.string(true)?;
        m.client_host = d.string(true)?;
        m.topology_epoch = d.i32()?;
        m.process_id = d.string(true)?;
        m.user_endpoint = d.nullable_struct(version)?;
        m.client_tags = d.structs(true, version)?;
        m.task_offsets = d.structs(true, version)?;
        m.task_end_offsets = d.structs(true, version)?;
        m.assignment = Assignment::decode(d, version)?;
        m.target_assignment = Assignment::decode(d, version)?;
        m.is_classic = d.bool()?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.string(&self.member_id, true);
        e.i32(self.member_epoch);
        e.nullable_string(self.instance_id.as_ref(), true);
        e.nullable_string(self.rack_id.as_ref(), true);
        e.string(&self.client_id, true);
        e.string(&self.client_host, true);
        e.i32(self.topology_epoch);
        e.string(&self.process_id, true);
        e.nullable_struct(self.user_endpoint.as_ref(), version);
        e.structs(&self.client_tags, true, version);
        e.structs(&self.task_offsets, true, version);
        e.structs(&self.task_end_offsets, true, version);
        self.assignment.encode(e, version);
        self.target_assignment.encode(e, version);
        e.bool(self.is_classic);
        e.uvarint(0);
    }
}

/// Part of [`StreamsGroupDescribeResponse`], versions 0.
#[derive(Clone, Debug, PartialEq)]
pub struct DescribedGroup {
    /// `int16`, versions 0.
    pub error_code: i16,
    /// `string`, versions 0, default null.
    pub error_message: Option<KString>,
    /// `string`, versions 0.
    pub group_id: KString,
    /// `string`, versions 0.
    pub group_state: KString,
    /// `int32`, versions 0.
    pub group_epoch: i32,
    /// `int32`, versions 0.
    pub assignment_epoch: i32,
    /// `Topology`, versions 0, default null.
    pub topology: Option<Topology>,
    /// `[]Member`, versions 0.
    pub members: Vec<Member>,
    /// `int32`, versions 0, default -2147483648.
    pub authorized_operations: i32,
}

impl Default for DescribedGroup {
    fn default() -> Self {
        Self {
            error_code: Default::default(),
            error_message: Default::default(),
            group_id: Default::default(),
            group_state: Default::default(),
            group_epoch: Default::default(),
            assignment_epoch: Default::default(),
            topology: Default::default(),
            members: Default::default(),
            authorized_operations: -2147483648,
        }
    }
}

impl Message for DescribedGroup {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.error_code = d.i16()?;
        m.error_message = d.nullable_string(true)?;
        m.group_id = d.string(true)?;
        m.group_state = d.string(true)?;
        m.group_epoch = d.i32()?;
        m.assignment_epoch = d.i32()?;
        m.topology = d.nullable_struct(version)?;
        m.members = d.structs(true, version)?;
        m.authorized_operations = d.i32()?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.i16(self.error_code);
        e.nullable_string(self.error_message.as_ref(), true);
        e.string(&self.group_id, true);
        e.string(&self.group_state, true);
        e.i32(self.group_epoch);
        e.i32(self.assignment_epoch);
        e.nullable_struct(self.topology.as_ref(), version);
        e.structs(&self.members, true, version);
        e.i32(self.authorized_operations);
        e.uvarint(0);
    }
}
