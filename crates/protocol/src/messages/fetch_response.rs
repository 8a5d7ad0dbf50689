// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `FetchResponse`, versions 0-18.

use crate::{DecodeError, Decoder, Encoder, KString, Message, Records, Uuid};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FetchResponse {
    /// `int32`, versions 1-18.
    pub throttle_time_ms: i32,
    /// `int16`, versions 7-18.
    pub error_code: i16,
    /// `int32`, versions 7-18, default 0.
    pub session_id: i32,
    /// `[]FetchableTopicResponse`, versions 0-18.
    pub responses: Vec<FetchableTopicResponse>,
    /// `[]NodeEndpoint`, versions 16-18, tag 0.
    pub node_endpoints: Vec<NodeEndpoint>,
}

impl Message for FetchResponse {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=18;
    const FLEXIBLE_FROM: i16 = 12;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        if version >= 1 { m.throttle_time_ms = d.i32()?; }
        if version >= 7 { m.error_code = d.i16()?; }
        if version >= 7 { m.session_id = d.i32()?; }
        m.responses = d.structs(flexible, version)?;
        if flexible {
            for _ in 0..d.tag_count()? {
                let (tag, outer) = d.begin_tag()?;
                match tag {
                    0 if version >= 16 => m.node_endpoints = d.structs(true, version)?,
                    _ => {}
                }
                d.end_tag(outer);
            }
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        if version >= 1 { e.i32(self.throttle_time_ms); }
        if version >= 7 { e.i16(self.error_code); }
        if version >= 7 { e.i32(self.session_id); }
        e.structs(&self.responses, flexible, version);
        if flexible {
            let has_0 = version >= 16 && !self.node_endpoints.is_empty();
            e.uvarint(u32::from(has_0));
            if has_0 { e.tagged(0, |e| { e.structs(&self.node_endpoints, true, version); }); }
        }
    }
}

/// Part of [`FetchResponse`], versions 12-18.
#[derive(Clone, Debug, PartialEq)]
pub struct EpochEndOffset {
    /// `int32`, versions 12-18, default -1.
    pub epoch: i32,
    /// `int64`, versions 12-18, default -1.
    pub end_offset: i64,
}

impl Default for EpochEndOffset {
    fn default() -> Self {
        Self {
            epoch: -1,
            end_offset: -1,
        }
    }
}

impl Message for EpochEndOffset {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=18;
    const FLEXIBLE_FROM: i16 = 12;

    fn decode(d: &mut Decoder, _version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.epoch = d.i32()?;
        m.end_offset = d.i64()?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.i32(self.epoch);
        e.i64(self.end_offset);
        e.uvarint(0);
    }
}

/// Part of [`FetchResponse`], versions 12-18.
#[derive(Clone, Debug, PartialEq)]
pub struct LeaderIdAndEpoch {
    /// `int32`, versions 12-18, default -1.
    pub leader_id: i32,
    /// `int32`, versions 12-18, default -1.
    pub leader_epoch: i32,
}

impl Default for LeaderIdAndEpoch {
    fn default() -> Self {
        Self {
            leader_id: -1,
            leader_epoch: -1,
        }
    }
}

impl Message for LeaderIdAndEpoch {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=18;
    const FLEXIBLE_FROM: i16 = 12;

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

/// Part of [`FetchResponse`], versions 12-18.
#[derive(Clone, Debug, PartialEq)]
pub struct SnapshotId {
    /// `int64`, versions 12-18, default -1.
    pub end_offset: i64,
    /// `int32`, versions 12-18, default -1.
    pub epoch: i32,
}

impl Default for SnapshotId {
    fn default() -> Self {
        Self {
            end_offset: -1,
            epoch: -1,
        }
    }
}

impl Message for SnapshotId {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=18;
    const FLEXIBLE_FROM: i16 = 12;

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

/// Part of [`FetchResponse`], versions 4-18.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AbortedTransaction {
    /// `int64`, versions 4-18.
    pub producer_id: i64,
    /// `int64`, versions 4-18.
    pub first_offset: i64,
}

impl Message for AbortedTransaction {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=18;
    const FLEXIBLE_FROM: i16 = 12;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.producer_id = d.i64()?;
        m.first_offset = d.i64()?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.i64(self.producer_id);
        e.i64(self.first_offset);
        if flexible {
            e.uvarint(0);
        }
    }
}

/// Part of [`FetchResponse`], versions 0-18.
#[derive(Clone, Debug, PartialEq)]
pub struct PartitionData {
    /// `int32`, versions 0-18.
    pub partition_index: i32,
    /// `int16`, versions 0-18.
    pub error_code: i16,
    /// `int64`, versions 0-18.
    pub high_watermark: i64,
    /// `int64`, versions 4-18, default -1.
    pub last_stable_offset: i64,
    /// `int64`, versions 5-18, default -1.
    pub log_start_offset: i64,
    /// `EpochEndOffset`, versions 12-18, tag 0.
    pub diverging_epoch: EpochEndOffset,
    /// `LeaderIdAndEpoch`, versions 12-18, tag 1.
    pub current_leader: LeaderIdAndEpoch,
    /// `SnapshotId`, versions 12-18, tag 2.
    pub snapshot_id: SnapshotId,
    /// `[]AbortedTransaction`, versions 4-18.
    pub aborted_transactions: Option<Vec<AbortedTransaction>>,
    /// `int32`, versions 11-18, default -1.
    pub preferred_read_replica: i32,
    /// `records`, versions 0-18.
    pub records: Option<Records>,
}

impl Default for PartitionData {
    fn default() -> Self {
        Self {
            partition_index: Default::default(),
            error_code: Default::default(),
            high_watermark: Default::default(),
            last_stable_offset: -1,
            log_start_offset: -1,
            diverging_epoch: Default::default(),
            current_leader: Default::default(),
            snapshot_id: Default::default(),
            aborted_transactions: Some(Default::default()),
            preferred_read_replica: -1,
            records: Some(Default::default()),
        }
    }
}

impl Message for PartitionData {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=18;
    const FLEXIBLE_FROM: i16 = 12;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.partition_index = d.i32()?;
        m.error_code = d.i16()?;
        m.high_watermark = d.i64()?;
        if version >= 4 { m.last_stable_offset = d.i64()?; }
        if version >= 5 { m.log_start_offset = d.i64()?; }
        if version >= 4 { m.aborted_transactions = d.nullable_structs(flexible, version)?; }
        if version >= 11 { m.preferred_read_replica = d.i32()?; }
        m.records = d.nullable_records(flexible)?;
        if flexible {
            for _ in 0..d.tag_count()? {
                let (tag, outer) = d.begin_tag()?;
                match tag {
                    0 if version >= 12 => m.diverging_epoch = EpochEndOffset::decode(d, version)?,
                    1 if version >= 12 => m.current_leader = LeaderIdAndEpoch::decode(d, version)?,
                    2 if version >= 12 => m.snapshot_id = SnapshotId::decode(d, version)?,
                    _ => {}
                }
                d.end_tag(outer);
            }
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.i32(self.partition_index);
        e.i16(self.error_code);
        e.i64(self.high_watermark);
        if version >= 4 { e.i64(self.last_stable_offset); }
        if version >= 5 { e.i64(self.log_start_offset); }
        if version >= 4 {
            e.nullable_structs(self.aborted_transactions.as_ref(), flexible, version);
        }
        if version >= 11 { e.i32(self.preferred_read_replica); }
        e.nullable_records(self.records.as_ref(), flexible);
        if flexible {
            let has_0 = version >= 12 && self.diverging_epoch != EpochEndOffset::default();
            let has_1 = version >= 12 && self.current_leader != LeaderIdAndEpoch::default();
            let has_2 = version >= 12 && self.snapshot_id != SnapshotId::default();
            e.uvarint(u32::from(has_0) + u32::from(has_1) + u32::from(has_2));
            if has_0 { e.tagged(0, |e| { self.diverging_epoch.encode(e, version); }); }
            if has_1 { e.tagged(1, |e| { self.current_leader.encode(e, version); }); }
            if has_2 { e.tagged(2, |e| { self.snapshot_id.encode(e, version); }); }
        }
    }
}

/// Part of [`FetchResponse`], versions 0-18.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FetchableTopicResponse {
    /// `string`, versions 0-12.
    pub topic: KString,
    /// `uuid`, versions 13-18.
    pub topic_id: Uuid,
    /// `[]PartitionData`, versions 0-18.
    pub partitions: Vec<PartitionData>,
}

impl Message for FetchableTopicResponse {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=18;
    const FLEXIBLE_FROM: i16 = 12;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        if version <= 12 { m.topic = d.string(flexible)?; }
        if version >= 13 { m.topic_id = d.uuid()?; }
        m.partitions = d.structs(flexible, version)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        if version <= 12 { e.string(&self.topic, flexible); }
        if version >= 13 { e.uuid(self.topic_id); }
        e.structs(&self.partitions, flexible, version);
        if flexible {
            e.uvarint(0);
        }
    }
}

/// Part of [`FetchResponse`], versions 16-18.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodeEndpoint {
    /// `int32`, versions 16-18.
    pub node_id: i32,
    /// `string`, versions 16-18.
    pub host: KString,
    /// `int32`, versions 16-18.
    pub port: i32,
    /// `string`, versions 16-18, default null.
    pub rack: Option<KString>,
}

impl Message for NodeEndpoint {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=18;
    const FLEXIBLE_FROM: i16 = 12;

    fn decode(d: &mut Decoder, _version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.node_id = d.i32()?;
        m.host = d.string(true)?;
        m.port = d.i32()?;
        m.rack = d.nullable_string(true)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.i32(self.node_id);
        e.string(&self.host, true);
        e.i32(self.port);
        e.nullable_string(self.rack.as_ref(), true);
        e.uvarint(0);
    }
}
