// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `ConsumerGroupHeartbeatRequest`, versions 0-1.

use crate::{ApiKey, DecodeError, Decoder, Encoder, KString, Message, Request, Uuid};

/// The message.
#[derive(Clone, Debug, PartialEq)]
pub struct ConsumerGroupHeartbeatRequest {
    /// `string`, versions 0-1.
    pub group_id: KString,
    /// `string`, versions 0-1.
    pub member_id: KString,
    /// `int32`, versions 0-1.
    pub member_epoch: i32,
    /// `string`, versions 0-1, default null.
    pub instance_id: Option<KString>,
    /// `string`, versions 0-1, default null.
    pub rack_id: Option<KString>,
    /// `int32`, versions 0-1, default -1.
    pub rebalance_timeout_ms: i32,
    /// `[]string`, versions 0-1, default null.
    pub subscribed_topic_names: Option<Vec<KString>>,
    /// `string`, versions 1, default null.
    pub subscribed_topic_regex: Option<KString>,
    /// `string`, versions 0-1, default null.
    pub server_assignor: Option<KString>,
    /// `[]TopicPartitions`, versions 0-1, default null.
    pub topic_partitions: Option<Vec<TopicPartitions>>,
}

impl Default for ConsumerGroupHeartbeatRequest {
    fn default() -> Self {
        Self {
            group_id: Default::default(),
            member_id: Default::default(),
            member_epoch: Default::default(),
            instance_id: Default::default(),
            rack_id: Default::default(),
            rebalance_timeout_ms: -1,
            subscribed_topic_names: Default::default(),
            subscribed_topic_regex: Default::default(),
            server_assignor: Default::default(),
            topic_partitions: Default::default(),
        }
    }
}

impl Message for ConsumerGroupHeartbeatRequest {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=1;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.group_id = d.string(true)?;
        m.member_id = d.string(true)?;
        m.member_epoch = d.i32()?;
        m.instance_id = d.nullable_string(true)?;
        m.rack_id = d.nullable_string(true)?;
        m.rebalance_timeout_ms = d.i32()?;
        m.subscribed_topic_names = d.nullable_array(true)?;
        if version >= 1 { m.subscribed_topic_regex = d.nullable_string(true)?; }
        m.server_assignor = d.nullable_string(true)?;
        m.topic_partitions = d.nullable_structs(true, version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.string(&self.group_id, true);
        e.string(&self.member_id, true);
        e.i32(self.member_epoch);
        e.nullable_string(self.instance_id.as_ref(), true);
        e.nullable_string(self.rack_id.as_ref(), true);
        e.i32(self.rebalance_timeout_ms);
        e.nullable_array(self.subscribed_topic_names.as_ref(), true);
        if version >= 1 { e.nullable_string(self.subscribed_topic_regex.as_ref(), true); }
        e.nullable_string(self.server_assignor.as_ref(), true);
        e.nullable_structs(self.topic_partitions.as_ref(), true, version);
        e.uvarint(0);
    }
}

impl Request for ConsumerGroupHeartbeatRequest {
    const KEY: ApiKey = ApiKey::ConsumerGroupHeartbeat;
    type Response = super::consumer_group_heartbeat_response::ConsumerGroupHeartbeatResponse;
}

/// Part of [`ConsumerGroupHeartbeatRequest`], versions 0-1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicPartitions {
    /// `uuid`, versions 0-1.
    pub topic_id: Uuid,
    /// `[]int32`, versions 0-1.
    pub partitions: Vec<i32>,
}

impl Message for TopicPartitions {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=1;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, _version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.topic_id = d.uuid()?;
        m.partitions = d.array(true)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.uuid(self.topic_id);
        e.array(&self.partitions, true);
        e.uvarint(0);
    }
}
