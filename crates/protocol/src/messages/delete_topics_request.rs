// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `DeleteTopicsRequest`, versions 0-6.

use crate::{ApiKey, DecodeError, Decoder, Encoder, KString, Message, Request, Uuid};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeleteTopicsRequest {
    /// `[]DeleteTopicState`, versions 6.
    pub topics: Vec<DeleteTopicState>,
    /// `[]string`, versions 0-5.
    pub topic_names: Vec<KString>,
    /// `int32`, versions 0-6.
    pub timeout_ms: i32,
}

impl Message for DeleteTopicsRequest {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=6;
    const FLEXIBLE_FROM: i16 = 4;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        if version >= 6 { m.topics = d.structs(flexible, version)?; }
        if version <= 5 { m.topic_names = d.array(flexible)?; }
        m.timeout_ms = d.i32()?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        if version >= 6 { e.structs(&self.topics, flexible, version); }
        if version <= 5 { e.array(&self.topic_names, flexible); }
        e.i32(self.timeout_ms);
        if flexible {
            e.uvarint(0);
        }
    }
}

impl Request for DeleteTopicsRequest {
    const KEY: ApiKey = ApiKey::DeleteTopics;
    type Response = super::delete_topics_response::DeleteTopicsResponse;
}

/// Part of [`DeleteTopicsRequest`], versions 6.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeleteTopicState {
    /// `string`, versions 6, default null.
    pub name: Option<KString>,
    /// `uuid`, versions 6.
    pub topic_id: Uuid,
}

impl Message for DeleteTopicState {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=6;
    const FLEXIBLE_FROM: i16 = 4;

    fn decode(d: &mut Decoder, _version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.name = d.nullable_string(true)?;
        m.topic_id = d.uuid()?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.nullable_string(self.name.as_ref(), true);
        e.uuid(self.topic_id);
        e.uvarint(0);
    }
}
