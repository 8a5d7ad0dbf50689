// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `ProduceRequest`, versions 0-13.

use bytes::Bytes;

use crate::{ApiKey, DecodeError, Decoder, Encoder, KString, Message, Request, Uuid};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProduceRequest {
    /// `string`, versions 3-13, default null.
    pub transactional_id: Option<KString>,
    /// `int16`, versions 0-13.
    pub acks: i16,
    /// `int32`, versions 0-13.
    pub timeout_ms: i32,
    /// `[]TopicProduceData`, versions 0-13.
    pub topic_data: Vec<TopicProduceData>,
}

impl Message for ProduceRequest {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=13;
    const FLEXIBLE_FROM: i16 = 9;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        if version >= 3 { m.transactional_id = d.nullable_string(flexible)?; }
        m.acks = d.i16()?;
        m.timeout_ms = d.i32()?;
        m.topic_data = d.structs(flexible, version)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        if version >= 3 { e.nullable_string(self.transactional_id.as_ref(), flexible); }
        e.i16(self.acks);
        e.i32(self.timeout_ms);
        e.structs(&self.topic_data, flexible, version);
        if flexible {
            e.uvarint(0);
        }
    }
}

impl Request for ProduceRequest {
    const KEY: ApiKey = ApiKey::Produce;
    type Response = super::produce_response::ProduceResponse;
}

/// Part of [`ProduceRequest`], versions 0-13.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PartitionProduceData {
    /// `int32`, versions 0-13.
    pub index: i32,
    /// `records`, versions 0-13.
    pub records: Option<Bytes>,
}

impl Message for PartitionProduceData {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=13;
    const FLEXIBLE_FROM: i16 = 9;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.index = d.i32()?;
        m.records = d.nullable_bytes(flexible)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.i32(self.index);
        e.nullable_bytes(self.records.as_ref(), flexible);
        if flexible {
            e.uvarint(0);
        }
    }
}

/// Part of [`ProduceRequest`], versions 0-13.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicProduceData {
    /// `string`, versions 0-12.
    pub name: KString,
    /// `uuid`, versions 13.
    pub topic_id: Uuid,
    /// `[]PartitionProduceData`, versions 0-13.
    pub partition_data: Vec<PartitionProduceData>,
}

impl Message for TopicProduceData {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=13;
    const FLEXIBLE_FROM: i16 = 9;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        if version <= 12 { m.name = d.string(flexible)?; }
        if version >= 13 { m.topic_id = d.uuid()?; }
        m.partition_data = d.structs(flexible, version)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        if version <= 12 { e.string(&self.name, flexible); }
        if version >= 13 { e.uuid(self.topic_id); }
        e.structs(&self.partition_data, flexible, version);
        if flexible {
            e.uvarint(0);
        }
    }
}
