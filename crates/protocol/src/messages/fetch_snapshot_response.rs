// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `FetchSnapshotResponse`, versions 0-1.

use crate::{DecodeError, Decoder, Encoder, KString, Message, Records};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FetchSnapshotResponse {
    /// `int32`, versions 0-1.
    pub throttle_time_ms: i32,
    /// `int16`, versions 0-1.
    pub error_code: i16,
    /// `[]TopicSnapshot`, versions 0-1.
    pub topics: Vec<TopicSnapshot>,
    /// `[]NodeEndpoint`, versions 1, tag 0.
    pub node_endpoints: Vec<NodeEndpoint>,
}

impl Message for FetchSnapshotResponse {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=1;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.throttle_time_ms = d.i32()?;
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
        e.i32(self.throttle_time_ms);
        e.i16(self.error_code);
        e.structs(&self.topics, true, version);
        let has_0 = version >= 1 && !self.node_endpoints.is_empty();
        e.uvarint(u32::from(has_0));
        if has_0 { e.tagged(0, |e| { e.structs(&self.node_endpoints, true, version); }); }
    }
}

/// Part of [`FetchSnapshotResponse`], versions 0-1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SnapshotId {
    /// `int64`, versions 0-1.
    pub end_offset: i64,
    /// `int32`, versions 0-1.
    pub epoch: i32,
}

impl Message for SnapshotId {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=1;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, _version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.end_offset = d.i64()?;
        m.epoch = d.i32()?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.i64(self.end_offset);
        e.i32(self.epoch);
        e.uvarint(0);
    }
}

/// Part of [`FetchSnapshotResponse`], versions 0-1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LeaderIdAndEpoch {
    /// `int32`, versions 0-1.
    pub leader_id: i32,
    /// `int32`, versions 0-1.
    pub leader_epoch: i32,
}

impl Message for LeaderIdAndEpoch {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=1;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, _version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.leader_id = d.i32()?;
        m.leader_epoch = d.i32()?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.i32(self.leader_id);
        e.i32(self.leader_epoch);
        e.uvarint(0);
    }
}

/// Part of [`FetchSnapshotResponse`], versions 0-1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PartitionSnapshot {
    /// `int32`, versions 0-1.
    pub index: i32,
    /// `int16`, versions 0-1.
    pub error_code: i16,
    /// `SnapshotId`, versions 0-1.
    pub snapshot_id: SnapshotId,
    /// `LeaderIdAndEpoch`, versions 0-1, tag 0.
    pub current_leader: LeaderIdAndEpoch,
    /// `int64`, versions 0-1.
    pub size: i64,
    /// `int64`, versions 0-1.
    pub position: i64,
    /// `records`, versions 0-1.
    pub unaligned_records: Records,
}

impl Message for PartitionSnapshot {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=1;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.index = d.i32()?;
        m.error_code = d.i16()?;
        m.snapshot_id = SnapshotId::decode(d, version)?;
        m.size = d.i64()?;
        m.position = d.i64()?;
        m.unaligned_records = d.records(true)?;
        for _ in 0..d.tag_count()? {
            let (tag, outer) = d.begin_tag()?;
            match tag {
                0 => m.current_leader = LeaderIdAndEpoch::decode(d, version)?,
                _ => {}
            }
            d.end_tag(outer);
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.i32(self.index);
        e.i16(self.error_code);
        self.snapshot_id.encode(e, version);
        e.i64(self.size);
        e.i64(self.position);
        e.records(&self.unaligned_records, true);
        let has_0 = self.current_leader != LeaderIdAndEpoch::default();
        e.uvarint(u32::from(has_0));
        if has_0 { e.tagged(0, |e| { self.current_leader.encode(e, version); }); }
    }
}

/// Part of [`FetchSnapshotResponse`], versions 0-1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicSnapshot {
    /// `string`, versions 0-1.
    pub name: KString,
    /// `[]PartitionSnapshot`, versions 0-1.
    pub partitions: Vec<PartitionSnapshot>,
}

impl Message for TopicSnapshot {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=1;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.name = d.string(true)?;
        m.partitions = d.structs(true, version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.string(&self.name, true);
        e.structs(&self.partitions, true, version);
        e.uvarint(0);
    }
}

/// Part of [`FetchSnapshotResponse`], versions 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodeEndpoint {
    /// `int32`, versions 1.
    pub node_id: i32,
    /// `string`, versions 1.
    pub host: KString,
    /// `uint16`, versions 1.
    pub port: u16,
}

impl Message for NodeEndpoint {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=1;
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
