// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `EndQuorumEpochRequest`, versions 0-1.

use crate::{ApiKey, DecodeError, Decoder, Encoder, KString, Message, Request, Uuid};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EndQuorumEpochRequest {
    /// `string`, versions 0-1, default null.
    pub cluster_id: Option<KString>,
    /// `[]TopicData`, versions 0-1.
    pub topics: Vec<TopicData>,
    /// `[]LeaderEndpoint`, versions 1.
    pub leader_endpoints: Vec<LeaderEndpoint>,
}

impl Message for EndQuorumEpochRequest {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=1;
    const FLEXIBLE_FROM: i16 = 1;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.cluster_id = d.nullable_string(flexible)?;
        m.topics = d.structs(flexible, version)?;
        if version >= 1 { m.leader_endpoints = d.structs(flexible, version)?; }
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.nullable_string(self.cluster_id.as_ref(), flexible);
        e.structs(&self.topics, flexible, version);
        if version >= 1 { e.structs(&self.leader_endpoints, flexible, version); }
        if flexible {
            e.uvarint(0);
        }
    }
}

impl Request for EndQuorumEpochRequest {
    const KEY: ApiKey = ApiKey::EndQuorumEpoch;
    type Response = super::end_quorum_epoch_response::EndQuorumEpochResponse;
}

/// Part of [`EndQuorumEpochRequest`], versions 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReplicaInfo {
    /// `int32`, versions 1.
    pub candidate_id: i32,
    /// `uuid`, versions 1.
    pub candidate_directory_id: Uuid,
}

impl Message for ReplicaInfo {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=1;
    const FLEXIBLE_FROM: i16 = 1;

    fn decode(d: &mut Decoder, _version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.candidate_id = d.i32()?;
        m.candidate_directory_id = d.uuid()?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.i32(self.candidate_id);
        e.uuid(self.candidate_directory_id);
        e.uvarint(0);
    }
}

/// Part of [`EndQuorumEpochRequest`], versions 0-1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PartitionData {
    /// `int32`, versions 0-1.
    pub partition_index: i32,
    /// `int32`, versions 0-1.
    pub leader_id: i32,
    /// `int32`, versions 0-1.
    pub leader_epoch: i32,
    /// `[]int32`, versions 0.
    pub preferred_successors: Vec<i32>,
    /// `[]ReplicaInfo`, versions 1.
    pub preferred_candidates: Vec<ReplicaInfo>,
}

impl Message for PartitionData {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=1;
    const FLEXIBLE_FROM: i16 = 1;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.partition_index = d.i32()?;
        m.leader_id = d.i32()?;
        m.leader_epoch = d.i32()?;
        if version <= 0 { m.preferred_successors = d.array(flexible)?; }
        if version >= 1 { m.preferred_candidates = d.structs(flexible, version)?; }
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.i32(self.partition_index);
        e.i32(self.leader_id);
        e.i32(self.leader_epoch);
        if version <= 0 { e.array(&self.preferred_successors, flexible); }
        if version >= 1 { e.structs(&self.preferred_candidates, flexible, version); }
        if flexible {
            e.uvarint(0);
        }
    }
}

/// Part of [`EndQuorumEpochRequest`], versions 0-1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicData {
    /// `string`, versions 0-1.
    pub topic_name: KString,
    /// `[]PartitionData`, versions 0-1.
    pub partitions: Vec<PartitionData>,
}

impl Message for TopicData {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=1;
    const FLEXIBLE_FROM: i16 = 1;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.topic_name = d.string(flexible)?;
        m.partitions = d.structs(flexible, version)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.string(&self.topic_name, flexible);
        e.structs(&self.partitions, flexible, version);
        if flexible {
            e.uvarint(0);
        }
    }
}

/// Part of [`EndQuorumEpochRequest`], versions 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LeaderEndpoint {
    /// `string`, versions 1.
    pub name: KString,
    /// `string`, versions 1.
    pub host: KString,
    /// `uint16`, versions 1.
    pub port: u16,
}

impl Message for LeaderEndpoint {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=1;
    const FLEXIBLE_FROM: i16 = 1;

    fn decode(d: &mut Decoder, _version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.name = d.string(true)?;
        m.host = d.string(true)?;
        m.port = d.u16()?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.string(&self.name, true);
        e.string(&self.host, true);
        e.u16(self.port);
        e.uvarint(0);
    }
}
