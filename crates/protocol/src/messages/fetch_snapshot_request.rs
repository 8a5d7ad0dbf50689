// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `FetchSnapshotRequest`, versions 0-1.

use crate::{ApiKey, DecodeError, Decoder, Encoder, KString, Message, Request, Uuid};

/// The message.
#[derive(Clone, Debug, PartialEq)]
pub struct FetchSnapshotRequest {
    /// `string`, versions 0-1, tag 0, default null.
    pub cluster_id: Option<KString>,
    /// `int32`, versions 0-1, default -1.
    pub replica_id: i32,
    /// `int32`, versions 0-1, default 0x7fffffff.
    pub max_bytes: i32,
    /// `[]TopicSnapshot`, versions 0-1.
    pub topics: Vec<TopicSnapshot>,
}

impl Default for FetchSnapshotRequest {
    fn default() -> Self {
        Self {
            cluster_id: Default::default(),
            replica_id: -1,
            max_bytes: 2147483647,
            topics: Default::default(),
        }
    }
}

impl Message for FetchSnapshotRequest {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=1;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.replica_id = d.i32()?;
        m.max_bytes = d.i32()?;
        m.topics = d.structs(true, version)?;
        for _ in 0..d.tag_count()? {
            let (tag, outer) = d.begin_tag()?;
            match tag {
                0 => m.cluster_id = d.nullable_string(true)?,
                _ => {}
            }
            d.end_tag(outer);
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.i32(self.replica_id);
        e.i32(self.max_bytes);
        e.structs(&self.topics, true, version);
        let has_0 = self.cluster_id.is_some();
        e.uvarint(u32::from(has_0));
        if has_0 { e.tagged(0, |e| { e.nullable_string(self.cluster_id.as_ref(), true); }); }
    }
}

impl Request for FetchSnapshotRequest {
    const KEY: ApiKey = ApiKey::FetchSnapshot;
    type Response = super::fetch_snapshot_response::FetchSnapshotResponse;
}

/// Part of [`FetchSnapshotRequest`], versions 0-1.
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

/// Part of [`FetchSnapshotRequest`], versions 0-1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PartitionSnapshot {
    /// `int32`, versions 0-1.
    pub partition: i32,
    /// `int32`, versions 0-1.
    pub current_leader_epoch: i32,
    /// `SnapshotId`, versions 0-1.
    pub snapshot_id: SnapshotId,
    /// `int64`, versions 0-1.
    pub position: i64,
    /// `uuid`, versions 1, tag 0.
    pub replica_directory_id: Uuid,
}

impl Message for PartitionSnapshot {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=1;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.partition = d.i32()?;
        m.current_leader_epoch = d.i32()?;
        m.snapshot_id = SnapshotId::decode(d, version)?;
        m.position = d.i64()?;
        for _ in 0..d.tag_count()? {
            let (tag, outer) = d.begin_tag()?;
            match tag {
                0 if version >= 1 => m.replica_directory_id = d.uuid()?,
                _ => {}
            }
            d.end_tag(outer);
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.i32(self.partition);
        e.i32(self.current_leader_epoch);
        self.snapshot_id.encode(e, version);
        e.i64(self.position);
        let has_0 = version >= 1 && !self.replica_directory_id.is_nil();
        e.uvarint(u32::from(has_0));
        if has_0 { e.tagged(0, |e| { e.uuid(self.replica_directory_id); }); }
    }
}

/// Part of [`FetchSnapshotRequest`], versions 0-1.
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
