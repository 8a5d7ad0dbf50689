// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `StreamsGroupHeartbeatResponse`, versions 0.

use crate::{DecodeError, Decoder, Encoder, KString, Message};

/// The message.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamsGroupHeartbeatResponse {
    /// `int32`, versions 0.
    pub throttle_time_ms: i32,
    /// `int16`, versions 0.
    pub error_code: i16,
    /// `string`, versions 0, default null.
    pub error_message: Option<KString>,
    /// `string`, versions 0.
    pub member_id: KString,
    /// `int32`, versions 0.
    pub member_epoch: i32,
    /// `int32`, versions 0.
    pub heartbeat_interval_ms: i32,
    /// `int32`, versions 0.
    pub acceptable_recovery_lag: i32,
    /// `int32`, versions 0.
    pub task_offset_interval_ms: i32,
    /// `[]Status`, versions 0.
    pub status: Option<Vec<Status>>,
    /// `[]TaskIds`, versions 0, default null.
    pub active_tasks: Option<Vec<TaskIds>>,
    /// `[]TaskIds`, versions 0, default null.
    pub standby_tasks: Option<Vec<TaskIds>>,
    /// `[]TaskIds`, versions 0, default null.
    pub warmup_tasks: Option<Vec<TaskIds>>,
    /// `int32`, versions 0.
    pub endpoint_information_epoch: i32,
    /// `[]EndpointToPartitions`, versions 0, default null.
    pub partitions_by_user_endpoint: Option<Vec<EndpointToPartitions>>,
}

impl Default for StreamsGroupHeartbeatResponse {
    fn default() -> Self {
        Self {
            throttle_time_ms: Default::default(),
            error_code: Default::default(),
            error_message: Default::default(),
            member_id: Default::default(),
            member_epoch: Default::default(),
            heartbeat_interval_ms: Default::default(),
            acceptable_recovery_lag: Default::default(),
            task_offset_interval_ms: Default::default(),
            status: Some(Default::default()),
            active_tasks: Default::default(),
            standby_tasks: Default::default(),
            warmup_tasks: Default::default(),
            endpoint_information_epoch: Default::default(),
            partitions_by_user_endpoint: Default::default(),
        }
    }
}

impl Message for StreamsGroupHeartbeatResponse {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.throttle_time_ms = d.i32()?;
        m.error_code = d.i16()?;
        m.error_message = d.nullable_string(true)?;
        m.member_id = d.string(true)?;
        m.member_epoch = d.i32()?;
        m.heartbeat_interval_ms = d.i32()?;
        m.acceptable_recovery_lag = d.i32()?;
        m.task_offset_interval_ms = d.i32()?;
        m.status = d.nullable_structs(true, version)?;
        m.active_tasks = d.nullable_structs(true, version)?;
        m.standby_tasks = d.nullable_structs(true, version)?;
        m.warmup_tasks = d.nullable_structs(true, version)?;
        m.endpoint_information_epoch = d.i32()?;
        m.partitions_by_user_endpoint = d.nullable_structs(true, version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.i32(self.throttle_time_ms);
        e.i16(self.error_code);
        e.nullable_string(self.error_message.as_ref(), true);
        e.string(&self.member_id, true);
        e.i32(self.member_epoch);
        e.i32(self.heartbeat_interval_ms);
        e.i32(self.acceptable_recovery_lag);
        e.i32(self.task_offset_interval_ms);
        e.nullable_structs(self.status.as_ref(), true, version);
        e.nullable_structs(self.active_tasks.as_ref(), true, version);
        e.nullable_structs(self.standby_tasks.as_ref(), true, version);
        e.nullable_structs(self.warmup_tasks.as_ref(), true, version);
        e.i32(self.endpoint_information_epoch);
        e.nullable_structs(self.partitions_by_user_endpoint.as_ref(), true, version);
        e.uvarint(0);
    }
}

/// Part of [`StreamsGroupHeartbeatResponse`], versions 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Status {
    /// `int8`, versions 0.
    pub status_code: i8,
    /// `string`, versions 0.
    pub status_detail: KString,
}

impl Message for Status {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, _version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.status_code = d.i8()?;
        m.status_detail = d.string(true)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.i8(self.status_code);
        e.string(&self.status_detail, true);
        e.uvarint(0);
    }
}

/// Part of [`StreamsGroupHeartbeatResponse`], versions 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicPartition {
    /// `string`, versions 0.
    pub topic: KString,
    /// `[]int32`, versions 0.
    pub partitions: Vec<i32>,
}

impl Message for TopicPartition {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, _version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.topic = d.string(true)?;
        m.partitions = d.array(true)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.string(&self.topic, true);
        e.array(&self.partitions, true);
        e.uvarint(0);
    }
}

/// Part of [`StreamsGroupHeartbeatResponse`], versions 0.
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

/// Part of [`StreamsGroupHeartbeatResponse`], versions 0.
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

/// Part of [`StreamsGroupHeartbeatResponse`], versions 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EndpointToPartitions {
    /// `Endpoint`, versions 0.
    pub user_endpoint: Endpoint,
    /// `[]TopicPartition`, versions 0.
    pub active_partitions: Vec<TopicPartition>,
    /// `[]TopicPartition`, versions 0.
    pub standby_partitions: Vec<TopicPartition>,
}

impl Message for EndpointToPartitions {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.user_endpoint = Endpoint::decode(d, version)?;
        m.active_partitions = d.structs(true, version)?;
        m.standby_partitions = d.structs(true, version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        self.user_endpoint.encode(e, version);
        e.structs(&self.active_partitions, true, version);
        e.structs(&self.standby_partitions, true, version);
        e.uvarint(0);
    }
}
