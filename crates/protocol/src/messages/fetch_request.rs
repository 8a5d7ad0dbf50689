// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `FetchRequest`, versions 0-18.

use crate::{ApiKey, DecodeError, Decoder, Encoder, KString, Message, Request, Uuid};

/// The message.
#[derive(Clone, Debug, PartialEq)]
pub struct FetchRequest {
    /// `string`, versions 12-18, tag 0, default null.
    pub cluster_id: Option<KString>,
    /// `int32`, versions 0-14, default -1.
    pub replica_id: i32,
    /// `ReplicaState`, versions 15-18, tag 1.
    pub replica_state: ReplicaState,
    /// `int32`, versions 0-18.
    pub max_wait_ms: i32,
    /// `int32`, versions 0-18.
    pub min_bytes: i32,
    /// `int32`, versions 3-18, default 0x7fffffff.
    pub max_bytes: i32,
    /// `int8`, versions 4-18, default 0.
    pub isolation_level: i8,
    /// `int32`, versions 7-18, default 0.
    pub session_id: i32,
    /// `int32`, versions 7-18, default -1.
    pub session_epoch: i32,
    /// `[]FetchTopic`, versions 0-18.
    pub topics: Vec<FetchTopic>,
    /// `[]ForgottenTopic`, versions 7-18.
    pub forgotten_topics_data: Vec<ForgottenTopic>,
    /// `string`, versions 11-18.
    pub rack_id: KString,
}

impl Default for FetchRequest {
    fn default() -> Self {
        Self {
            cluster_id: Default::default(),
            replica_id: -1,
            replica_state: Default::default(),
            max_wait_ms: Default::default(),
            min_bytes: Default::default(),
            max_bytes: 2147483647,
            isolation_level: Default::default(),
            session_id: Default::default(),
            session_epoch: -1,
            topics: Default::default(),
            forgotten_topics_data: Default::default(),
            rack_id: Default::default(),
        }
    }
}

impl Message for FetchRequest {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=18;
    const FLEXIBLE_FROM: i16 = 12;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        if version <= 14 { m.replica_id = d.i32()?; }
        m.max_wait_ms = d.i32()?;
        m.min_bytes = d.i32()?;
        if version >= 3 { m.max_bytes = d.i32()?; }
        if version >= 4 { m.isolation_level = d.i8()?; }
        if version >= 7 { m.session_id = d.i32()?; }
        if version >= 7 { m.session_epoch = d.i32()?; }
        m.topics = d.structs(flexible, version)?;
        if version >= 7 { m.forgotten_topics_data = d.structs(flexible, version)?; }
        if version >= 11 { m.rack_id = d.string(flexible)?; }
        if flexible {
            for _ in 0..d.tag_count()? {
                let (tag, outer) = d.begin_tag()?;
                match tag {
                    0 if version >= 12 => m.cluster_id = d.nullable_string(true)?,
                    1 if version >= 15 => m.replica_state = ReplicaState::decode(d, version)?,
                    _ => {}
                }
                d.end_tag(outer);
            }
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        if version <= 14 { e.i32(self.replica_id); }
        e.i32(self.max_wait_ms);
        e.i32(self.min_bytes);
        if version >= 3 { e.i32(self.max_bytes); }
        if version >= 4 { e.i8(self.isolation_level); }
        if version >= 7 { e.i32(self.session_id); }
        if version >= 7 { e.i32(self.session_epoch); }
        e.structs(&self.topics, flexible, version);
        if version >= 7 { e.structs(&self.forgotten_topics_data, flexible, version); }
        if version >= 11 { e.string(&self.rack_id, flexible); }
        if flexible {
            let has_0 = version >= 12 && self.cluster_id.is_some();
            let has_1 = version >= 15 && self.replica_state != ReplicaState::default();
            e.uvarint(u32::from(has_0) + u32::from(has_1));
            if has_0 { e.tagged(0, |e| { e.nullable_string(self.cluster_id.as_ref(), true); }); }
            if has_1 { e.tagged(1, |e| { self.replica_state.encode(e, version); }); }
        }
    }
}

impl Request for FetchRequest {
    const KEY: ApiKey = ApiKey::Fetch;
    type Response = super::fetch_response::FetchResponse;
}

/// Part of [`FetchRequest`], versions 15-18.
#[derive(Clone, Debug, PartialEq)]
pub struct ReplicaState {
    /// `int32`, versions 15-18, default -1.
    pub replica_id: i32,
    /// `int64`, versions 15-18, default -1.
    pub replica_epoch: i64,
}

impl Default for ReplicaState {
    fn default() -> Self {
        Self {
            replica_id: -1,
            replica_epoch: -1,
        }
    }
}

impl Message for ReplicaState {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=18;
    const FLEXIBLE_FROM: i16 = 12;

    fn decode(d: &mut Decoder, _version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.replica_id = d.i32()?;
        m.replica_epoch = d.i64()?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.i32(self.replica_id);
        e.i64(self.replica_epoch);
        e.uvarint(0);
    }
}

/// Part of [`FetchRequest`], versions 0-18.
#[derive(Clone, Debug, PartialEq)]
pub struct FetchPartition {
    /// `int32`, versions 0-18.
    pub partition: i32,
    /// `int32`, versions 9-18, default -1.
    pub current_leader_epoch: i32,
    /// `int64`, versions 0-18.
    pub fetch_offset: i64,
    /// `int32`, versions 12-18, default -1.
    pub last_fetched_epoch: i32,
    /// `int64`, versions 5-18, default -1.
    pub log_start_offset: i64,
    /// `int32`, versions 0-18.
    pub partition_max_bytes: i32,
    /// `uuid`, versions 17-18, tag 0.
    pub replica_directory_id: Uuid,
    /// `int64`, versions 18, tag 1, default 9223372036854775807.
    pub high_watermark: i64,
}

impl Default for FetchPartition {
    fn default() -> Self {
        Self {
            partition: Default::default(),
            current_leader_epoch: -1,
            fetch_offset: Default::default(),
            last_fetched_epoch: -1,
            log_start_offset: -1,
            partition_max_bytes: Default::default(),
            replica_directory_id: Default::default(),
            high_watermark: 9223372036854775807,
        }
    }
}

impl Message for FetchPartition {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=18;
    const FLEXIBLE_FROM: i16 = 12;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.partition = d.i32()?;
        if version >= 9 { m.current_leader_epoch = d.i32()?; }
        m.fetch_offset = d.i64()?;
        if version >= 12 { m.last_fetched_epoch = d.i32()?; }
        if version >= 5 { m.log_start_offset = d.i64()?; }
        m.partition_max_bytes = d.i32()?;
        if flexible {
            for _ in 0..d.tag_count()? {
                let (tag, outer) = d.begin_tag()?;
                match tag {
                    0 if version >= 17 => m.replica_directory_id = d.uuid()?,
                    1 if version >= 18 => m.high_watermark = d.i64()?,
                    _ => {}
                }
                d.end_tag(outer);
            }
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.i32(self.partition);
        if version >= 9 { e.i32(self.current_leader_epoch); }
        e.i64(self.fetch_offset);
        if version >= 12 { e.i32(self.last_fetched_epoch); }
        if version >= 5 { e.i64(self.log_start_offset); }
        e.i32(self.partition_max_bytes);
        if flexible {
            let has_0 = version >= 17 && !self.replica_directory_id.is_nil();
            let has_1 = version >= 18 && self.high_watermark != 9223372036854775807;
            e.uvarint(u32::from(has_0) + u32::from(has_1));
            if has_0 { e.tagged(0, |e| { e.uuid(self.replica_directory_id); }); }
            if has_1 { e.tagged(1, |e| { e.i64(self.high_watermark); }); }
        }
    }
}

/// Part of [`FetchRequest`], versions 0-18.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FetchTopic {
    /// `string`, versions 0-12.
    pub topic: KString,
    /// `uuid`, versions 13-18.
    pub topic_id: Uuid,
    /// `[]FetchPartition`, versions 0-18.
    pub partitions: Vec<FetchPartition>,
}

impl Message for FetchTopic {
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

/// Part of [`FetchRequest`], versions 7-18.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ForgottenTopic {
    /// `string`, versions 7-12.
    pub topic: KString,
    /// `uuid`, versions 13-18.
    pub topic_id: Uuid,
    /// `[]int32`, versions 7-18.
    pub partitions: Vec<i32>,
}

impl Message for ForgottenTopic {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=18;
    const FLEXIBLE_FROM: i16 = 12;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        if version <= 12 { m.topic = d.string(flexible)?; }
        if version >= 13 { m.topic_id = d.uuid()?; }
        m.partitions = d.array(flexible)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        if version <= 12 { e.string(&self.topic, flexible); }
        if version >= 13 { e.uuid(self.topic_id); }
        e.array(&self.partitions, flexible);
        if flexible {
            e.uvarint(0);
        }
    }
}
