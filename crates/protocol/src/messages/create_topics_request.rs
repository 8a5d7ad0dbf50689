// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `CreateTopicsRequest`, versions 0-7.

use crate::{ApiKey, DecodeError, Decoder, Encoder, KString, Message, Request};

/// The message.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateTopicsRequest {
    /// `[]CreatableTopic`, versions 0-7.
    pub topics: Vec<CreatableTopic>,
    /// `int32`, versions 0-7, default 60000.
    pub timeout_ms: i32,
    /// `bool`, versions 1-7, default false.
    pub validate_only: bool,
}

impl Default for CreateTopicsRequest {
    fn default() -> Self {
        Self {
            topics: Default::default(),
            timeout_ms: 60000,
            validate_only: Default::default(),
        }
    }
}

impl Message for CreateTopicsRequest {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=7;
    const FLEXIBLE_FROM: i16 = 5;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.topics = d.structs(flexible, version)?;
        m.timeout_ms = d.i32()?;
        if version >= 1 { m.validate_only = d.bool()?; }
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.structs(&self.topics, flexible, version);
        e.i32(self.timeout_ms);
        if version >= 1 { e.bool(self.validate_only); }
        if flexible {
            e.uvarint(0);
        }
    }
}

impl Request for CreateTopicsRequest {
    const KEY: ApiKey = ApiKey::CreateTopics;
    type Response = super::create_topics_response::CreateTopicsResponse;
}

/// Part of [`CreateTopicsRequest`], versions 0-7.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CreatableReplicaAssignment {
    /// `int32`, versions 0-7.
    pub partition_index: i32,
    /// `[]int32`, versions 0-7.
    pub broker_ids: Vec<i32>,
}

impl Message for CreatableReplicaAssignment {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=7;
    const FLEXIBLE_FROM: i16 = 5;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.partition_index = d.i32()?;
        m.broker_ids = d.array(flexible)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.i32(self.partition_index);
        e.array(&self.broker_ids, flexible);
        if flexible {
            e.uvarint(0);
        }
    }
}

/// Part of [`CreateTopicsRequest`], versions 0-7.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CreatableTopicConfig {
    /// `string`, versions 0-7.
    pub name: KString,
    /// `string`, versions 0-7.
    pub value: Option<KString>,
}

impl Message for CreatableTopicConfig {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=7;
    const FLEXIBLE_FROM: i16 = 5;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.name = d.string(flexible)?;
        m.value = d.nullable_string(flexible)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.string(&self.name, flexible);
        e.nullable_string(self.value.as_ref(), flexible);
        if flexible {
            e.uvarint(0);
        }
    }
}

/// Part of [`CreateTopicsRequest`], versions 0-7.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CreatableTopic {
    /// `string`, versions 0-7.
    pub name: KString,
    /// `int32`, versions 0-7.
    pub num_partitions: i32,
    /// `int16`, versions 0-7.
    pub replication_factor: i16,
    /// `[]CreatableReplicaAssignment`, versions 0-7.
    pub assignments: Vec<CreatableReplicaAssignment>,
    /// `[]CreatableTopicConfig`, versions 0-7.
    pub configs: Vec<CreatableTopicConfig>,
}

impl Message for CreatableTopic {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=7;
    const FLEXIBLE_FROM: i16 = 5;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.name = d.string(flexible)?;
        m.num_partitions = d.i32()?;
        m.replication_factor = d.i16()?;
        m.assignments = d.structs(flexible, version)?;
        m.configs = d.structs(flexible, version)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.string(&self.name, flexible);
        e.i32(self.num_partitions);
        e.i16(self.replication_factor);
        e.structs(&self.assignments, flexible, version);
        e.structs(&self.configs, flexible, version);
        if flexible {
            e.uvarint(0);
        }
    }
}
