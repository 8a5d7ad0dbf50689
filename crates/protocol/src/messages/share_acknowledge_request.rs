// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `ShareAcknowledgeRequest`, versions 1-2.

use crate::{ApiKey, DecodeError, Decoder, Encoder, KString, Message, Request, Uuid};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShareAcknowledgeRequest {
    /// `string`, versions 1-2, default null.
    pub group_id: Option<KString>,
    /// `string`, versions 1-2.
    pub member_id: Option<KString>,
    /// `int32`, versions 1-2.
    pub share_session_epoch: i32,
    /// `bool`, versions 2, default false.
    pub is_renew_ack: bool,
    /// `[]AcknowledgeTopic`, versions 1-2.
    pub topics: Vec<AcknowledgeTopic>,
}

impl Message for ShareAcknowledgeRequest {
    const VERSIONS: std::ops::RangeInclusive<i16> = 1..=2;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.group_id = d.nullable_string(true)?;
        m.member_id = d.nullable_string(true)?;
        m.share_session_epoch = d.i32()?;
        if version >= 2 { m.is_renew_ack = d.bool()?; }
        m.topics = d.structs(true, version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.nullable_string(self.group_id.as_ref(), true);
        e.nullable_string(self.member_id.as_ref(), true);
        e.i32(self.share_session_epoch);
        if version >= 2 { e.bool(self.is_renew_ack); }
        e.structs(&self.topics, true, version);
        e.uvarint(0);
    }
}

impl Request for ShareAcknowledgeRequest {
    const KEY: ApiKey = ApiKey::ShareAcknowledge;
    type Response = super::share_acknowledge_response::ShareAcknowledgeResponse;
}

/// Part of [`ShareAcknowledgeRequest`], versions 1-2.
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

/// Part of [`ShareAcknowledgeRequest`], versions 1-2.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AcknowledgePartition {
    /// `int32`, versions 1-2.
    pub partition_index: i32,
    /// `[]AcknowledgementBatch`, versions 1-2.
    pub acknowledgement_batches: Vec<AcknowledgementBatch>,
}

impl Message for AcknowledgePartition {
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

/// Part of [`ShareAcknowledgeRequest`], versions 1-2.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AcknowledgeTopic {
    /// `uuid`, versions 1-2.
    pub topic_id: Uuid,
    /// `[]AcknowledgePartition`, versions 1-2.
    pub partitions: Vec<AcknowledgePartition>,
}

impl Message for AcknowledgeTopic {
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
