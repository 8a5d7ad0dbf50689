// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `StreamsGroupHeartbeatRequest`, versions 0.

use crate::{ApiKey, DecodeError, Decoder, Encoder, KString, Message, Request};

/// The message.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamsGroupHeartbeatRequest {
    /// `string`, versions 0.
    pub group_id: KString,
    /// `string`, versions 0.
    pub member_id: KString,
    /// `int32`, versions 0.
    pub member_epoch: i32,
    /// `int32`, versions 0.
    pub endpoint_information_epoch: i32,
    /// `string`, versions 0, default null.
    pub instance_id: Option<KString>,
    /// `string`, versions 0, default null.
    pub rack_id: Option<KString>,
    /// `int32`, versions 0, default -1.
    pub rebalance_timeout_ms: i32,
    /// `Topology`, versions 0, default null.
    pub topology: Option<Topology>,
    /// `[]TaskIds`, versions 0, default null.
    pub active_tasks: Option<Vec<TaskIds>>,
    /// `[]TaskIds`, versions 0, default null.
    pub standby_tasks: Option<Vec<TaskIds>>,
    /// `[]TaskIds`, versions 0, default null.
    pub warmup_tasks: Option<Vec<TaskIds>>,
    /// `string`, versions 0, default null.
    pub process_id: Option<KString>,
    /// `Endpoint`, versions 0, default null.
    pub user_endpoint: Option<Endpoint>,
    /// `[]KeyValue`, versions 0, default null.
    pub client_tags: Option<Vec<KeyValue>>,
    /// `[]TaskOffset`, versions 0, default null.
    pub task_offsets: Option<Vec<TaskOffset>>,
    /// `[]TaskOffset`, versions 0, default null.
    pub task_end_offsets: Option<Vec<TaskOffset>>,
    /// `bool`, versions 0, default false.
    pub shutdown_application: bool,
}

impl Default for StreamsGroupHeartbeatRequest {
    fn default() -> Self {
        Self {
            group_id: Default::default(),
            member_id: Default::default(),
            member_epoch: Default::default(),
            endpoint_information_epoch: Default::default(),
            instance_id: Default::default(),
            rack_id: Default::default(),
            rebalance_timeout_ms: -1,
            topology: Default::default(),
            active_tasks: Default::default(),
            standby_tasks: Default::default(),
            warmup_tasks: Default::default(),
            process_id: Default::default(),
            user_endpoint: Default::default(),
            client_tags: Default::default(),
            task_offsets: Default::default(),
            task_end_offsets: Default::default(),
            shutdown_application: Default::default(),
        }
    }
}

impl Message for StreamsGroupHeartbeatRequest {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.group_id = d.string(true)?;
        m.member_id = d.string(true)?;
        m.member_epoch = d.i32()?;
        m.endpoint_information_epoch = d.i32()?;
        m.instance_id = d.nullable_string(true)?;
        m.rack_id = d.nullable_string(true)?;
        m.rebalance_timeout_ms = d.i32()?;
        m.topology = d.nullable_struct(version)?;
        m.active_tasks = d.nullable_structs(true, version)?;
        m.standby_tasks = d.nullable_structs(true, version)?;
        m.warmup_tasks = d.nullable_structs(true, version)?;
        m.process_id = d.nullable_string(true)?;
        m.user_endpoint = d.nullable_struct(version)?;
        m.client_tags = d.nullable_structs(true, version)?;
        m.task_offsets = d.nullable_structs(true, version)?;
        m.task_end_offsets = d.nullable_structs(true, version)?;
        m.shutdown_application = d.bool()?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.string(&self.group_id, true);
        e.string(&self.member_id, true);
        e.i32(self.member_epoch);
        e.i32(self.endpoint_information_epoch);
        e.nullable_string(self.instance_id.as_ref(), true);
        e.nullable_string(self.rack_id.as_ref(), true);
        e.i32(self.rebalance_timeout_ms);
        e.nullable_struct(self.topology.as_ref(), version);
        e.nullable_structs(self.active_tasks.as_ref(), true, version);
        e.nullable_structs(self.standby_tasks.as_ref(), true, version);
        e.nullable_structs(self.warmup_tasks.as_ref(), true, version);
        e.nullable_string(self.process_id.as_ref(), true);
        e.nullable_struct(self.user_endpoint.as_ref(), version);
        e.nullable_structs(self.client_tags.as_ref(), true, version);
        e.nullable_structs(self.task_offsets.as_ref(), true, version);
        e.nullable_structs(self.task_end_offsets.as_ref(), true, version);
        e.bool(self.shutdown_application);
        e.uvarint(0);
    }
}

impl Request for StreamsGroupHeartbeatRequest {
    const KEY: ApiKey = ApiKey::StreamsGroupHeartbeat;
    type Response = super::streams_group_heartbeat_response::StreamsGroupHeartbeatResponse;
}

/// Part of [`StreamsGroupHeartbeatRequest`], versions 0.
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

/// Part of [`StreamsGroupHeartbeatRequest`], versions 0.
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

/// Part of [`StreamsGroupHeartbeatRequest`], versions 0.
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

/// Part of [`StreamsGroupHeartbeatRequest`], versions 0.
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

/// Part of [`StreamsGroupHeartbeatRequest`], versions 0.
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

/// Part of [`StreamsGroupHeartbeatRequest`], versions 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CopartitionGroup {
    /// `[]int16`, versions 0.
    pub source_topics: Vec<i16>,
    /// `[]int16`, versions 0.
    pub source_topic_regex: Vec<i16>,
    /// `[]int16`, versions 0.
    pub repartition_source_topics: Vec<i16>,
}

impl Message for CopartitionGroup {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, _version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.source_topics = d.array(true)?;
        m.source_topic_regex = d.array(true)?;
        m.repartition_source_topics = d.array(true)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.array(&self.source_topics, true);
        e.array(&self.source_topic_regex, true);
        e.array(&self.repartition_source_topics, true);
        e.uvarint(0);
    }
}

/// Part of [`StreamsGroupHeartbeatRequest`], versions 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Subtopology {
    /// `string`, versions 0.
    pub subtopology_id: KString,
    /// `[]string`, versions 0.
    pub source_topics: Vec<KString>,
    /// `[]string`, versions 0.
    pub source_topic_regex: Vec<KString>,
    /// `[]TopicInfo`, versions 0.
    pub state_changelog_topics: Vec<TopicInfo>,
    /// `[]string`, versions 0.
    pub repartition_sink_topics: Vec<KString>,
    /// `[]TopicInfo`, versions 0.
    pub repartition_source_topics: Vec<TopicInfo>,
    /// `[]CopartitionGroup`, versions 0.
    pub copartition_groups: Vec<CopartitionGroup>,
}

impl Message for Subtopology {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.subtopology_id = d.string(true)?;
        m.source_topics = d.array(true)?;
        m.source_topic_regex = d.array(true)?;
        m.state_changelog_topics = d.structs(true, version)?;
        m.repartition_sink_topics = d.array(true)?;
        m.repartition_source_topics = d.structs(true, version)?;
        m.copartition_groups = d.structs(true, version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.string(&self.subtopology_id, true);
        e.array(&self.source_topics, true);
        e.array(&self.source_topic_regex, true);
        e.structs(&self.state_changelog_topics, true, version);
        e.array(&self.repartition_sink_topics, true);
        e.structs(&self.repartition_source_topics, true, version);
        e.structs(&self.copartition_groups, true, version);
        e.uvarint(0);
    }
}

/// Part of [`StreamsGroupHeartbeatRequest`], versions 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Topology {
    /// `int32`, versions 0.
    pub epoch: i32,
    /// `[]Subtopology`, versions 0.
    pub subtopologies: Vec<Subtopology>,
}

impl Message for Topology {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.epoch = d.i32()?;
        m.subtopologies = d.structs(true, version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.i32(self.epoch);
        e.structs(&self.subtopologies, true, version);
        e.uvarint(0);
    }
}
