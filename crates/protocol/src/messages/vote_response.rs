// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `VoteResponse`, versions 0-2.

use crate::{DecodeError, Decoder, Encoder, KString, Message};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VoteResponse {
    /// `int16`, versions 0-2.
    pub error_code: i16,
    /// `[]TopicData`, versions 0-2.
    pub topics: Vec<TopicData>,
    /// `[]NodeEndpoint`, versions 1-2, tag 0.
    pub node_endpoints: Vec<NodeEndpoint>,
}

impl Message for VoteResponse {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=2;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.error_code = d.i16()?;
        m.topics = d.structs(true, version)?;
        for _ in 0..d.tag_count()? {
            let (tag, outer) = d.begin_tag()?;
            match tag {
                0 if version >= 1 => m.node_endpoints = d.structs(true, version)?,
                _ => {}
            }
            d.end_tag(outer);
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.i16(self.error_code);
        e.structs(&self.topics, true, version);
        let has_0 = version >= 1 && !self.node_endpoints.is_empty();
        e.uvarint(u32::from(has_0));
        if has_0 { e.tagged(0, |e| { e.structs(&self.node_endpoints, true, version); }); }
    }
}

/// Part of [`VoteResponse`], versions 0-2.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PartitionData {
    /// `int32`, versions 0-2.
    pub partition_index: i32,
    /// `int16`, versions 0-2.
    pub error_code: i16,
    /// `int32`, versions 0-2.
    pub leader_id: i32,
    /// `int32`, versions 0-2.
    pub leader_epoch: i32,
    /// `bool`, versions 0-2.
    pub vote_granted: bool,
}

impl Message for PartitionData {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=2;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, _version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.partition_index = d.i32()?;
        m.error_code = d.i16()?;
        m.leader_id = d.i32()?;
        m.leader_epoch = d.i32()?;
        m.vote_granted = d.bool()?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.i32(self.partition_index);
        e.i16(self.error_code);
        e.i32(self.leader_id);
        e.i32(self.leader_epoch);
        e.bool(self.vote_granted);
        e.uvarint(0);
    }
}

/// Part of [`VoteResponse`], versions 0-2.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicData {
    /// `string`, versions 0-2.
    pub topic_name: KString,
    /// `[]PartitionData`, versions 0-2.
    pub partitions: Vec<PartitionData>,
}

impl Message for TopicData {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=2;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.topic_name = d.string(true)?;
        m.partitions = d.structs(true, version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.string(&self.topic_name, true);
        e.structs(&self.partitions, true, version);
        e.uvarint(0);
    }
}

/// Part of [`VoteResponse`], versions 1-2.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodeEndpoint {
    /// `int32`, versions 1-2.
    pub node_id: i32,
    /// `string`, versions 1-2.
    pub host: KString,
    /// `uint16`, versions 1-2.
    pub port: u16,
}

impl Message for NodeEndpoint {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=2;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, _version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.node_id = d.i32()?;
        m.host = d.string(true)?;
        m.port = d.u16()?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.i32(self.node_id);
        e.string(&self.host, true);
        e.u16(self.port);
        e.uvarint(0);
    }
}
