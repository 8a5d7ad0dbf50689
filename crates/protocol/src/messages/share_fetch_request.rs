// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `ShareFetchRequest`, versions 1-2.

use crate::{ApiKey, DecodeError, Decoder, Encoder, KString, Message, Request, Uuid};

/// The message.
#[derive(Clone, Debug, PartialEq)]
pub struct ShareFetchRequest {
    /// `string`, versions 1-2, default null.
    pub group_id: Option<KString>,
    /// `string`, versions 1-2.
    pub member_id: Option<KString>,
    /// `int32`, versions 1-2.
    pub share_session_epoch: i32,
    /// `int32`, versions 1-2.
    pub max_wait_ms: i32,
    /// `int32`, versions 1-2.
    pub min_bytes: i32,
    /// `int32`, versions 1-2, default 0x7fffffff.
    pub max_bytes: i32,
    /// `int32`, versions 1-2.
    pub max_records: i32,
    /// `int32`, versions 1-2.
    pub batch_size: i32,
    /// `int8`, versions 2, default 0.
    pub share_acquire_mode: i8,
    /// `bool`, versions 2, default false.
    pub is_renew_ack: bool,
    /// `[]FetchTopic`, versions 1-2.
    pub topics: Vec<FetchTopic>,
    /// `[]ForgottenTopic`, versions 1-2.
    pub forgotten_topics_data: Vec<ForgottenTopic>,
}

impl Default for ShareFetchRequest {
    fn default() -> Self {
        Self {
            group_id: Default::default(),
            member_id: Default::default(),
            share_session_epoch: Default::default(),
            max_wait_ms: Default::default(),
            min_bytes: Default::default(),
            max_bytes: 2147483647,
            max_records: Default::default(),
            batch_size: Default::default(),
            share_acquire_mode: Default::default(),
            is_renew_ack: Default::default(),
            topics: Default::default(),
            forgotten_topics_data: Default::default(),
        }
    }
}

impl Message for ShareFetchRequest {
    const VERSIONS: std::ops::RangeInclusive<i16> = 1..=2;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.group_id = d.nullable_string(true)?;
        m.member_id = d.nullable_string(true)?;
        m.share_session_epoch = d.i32()?;
        m.max_wait_ms = d.i32()?;
        m.min_bytes = d.i32()?;
        m.max_bytes = d.i32()?;
        m.max_records = d.i32()?;
        m.batch_size = d.i32()?;
        if version >= 2 { m.share_acquire_mode = d.i8()?; }
        if version >= 2 { m.is_renew_ack = d.bool()?; }
        m.topics = d.structs(true, version)?;
        m.forgotten_topics_data = d.structs(true, version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.nullable_string(self.group_id.as_ref(), true);
        e.nullable_string(self.member_id.as_ref(), true);
        e.i32(self.share_session_epoch);
        e.i32(self.max_wait_ms);
        e.i32(self.min_bytes);
        e.i32(self.max_bytes);
        e.i32(self.max_records);
        e.i32(self.batch_size);
        if version >= 2 { e.i8(self.share_acquire_mode); }
        if version >= 2 { e.bool(self.is_renew_ack); }
        e.structs(&self.topics, true, version);
        e.structs(&self.forgotten_topics_data, true, version);
        e.uvarint(0);
    }
}

impl Request for ShareFetchRequest {
    const KEY: ApiKey = ApiKey::ShareFetch;
    type Response = super::share_fetch_response::ShareFetchResponse;
}

/// Part of [`ShareFetchRequest`], versions 1-2.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AcknowledgementBatch {
    /// `int64`, versions 1-2.
    pub first_offset: i64,
    /// `int64`, versions 1-2.
    pub last_offset: i64,
    /// `[]int8`, versions 1-2.
    pub acknowledge_types: Vec<i8>,
}

impl Message for AcknowledgementBatch {
    const VERSIONS: std::ops::RangeInclusive<i16> = 1..=2;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, _version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.first_offset = d.i64()?;
        m.last_offset = d.i64()?;
        m.acknowledge_types = d.array(true)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.i64(self.first_offset);
        e.i64(self.last_offset);
        e.array(&self.acknowledge_types, true);
        e.uvarint(0);
    }
}

/// Part of [`ShareFetchRequest`], versions 1-2.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FetchPartition {
    /// `int32`, versions 1-2.
    pub partition_index: i32,
    /// `[]AcknowledgementBatch`, versions 1-2.
    pub acknowledgement_batches: Vec<AcknowledgementBatch>,
}

impl Message for FetchPartition {
    const VERSIONS: std::ops::RangeInclusive<i16> = 1..=2;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.partition_index = d.i32()?;
        m.acknowledgement_batches = d.structs(true, version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.i32(self.partition_index);
        e.structs(&self.acknowledgement_batches, true, version);
        e.uvarint(0);
    }
}

/// Part of [`ShareFetchRequest`], versions 1-2.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FetchTopic {
    /// `uuid`, versions 1-2.
    pub topic_id: Uuid,
    /// `[]FetchPartition`, versions 1-2.
    pub partitions: Vec<FetchPartition>,
}

impl Message for FetchTopic {
    const VERSIONS: std::ops::RangeInclusive<i16> = 1..=2;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.topic_id = d.uuid()?;
        m.partitions = d.structs(true, version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.uuid(self.topic_id);
        e.structs(&self.partitions, true, version);
        e.uvarint(0);
    }
}

/// Part of [`ShareFetchRequest`], versions 1-2.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ForgottenTopic {
    /// `uuid`, versions 1-2.
    pub topic_id: Uuid,
    /// `[]int32`, versions 1-2.
    pub partitions: Vec<i32>,
}

impl Message for ForgottenTopic {
    const VERSIONS: std::ops::RangeInclusive<i16> = 1..=2;
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
