// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `ElectLeadersRequest`, versions 0-2.

use crate::{ApiKey, DecodeError, Decoder, Encoder, KString, Message, Request};

/// The message.
#[derive(Clone, Debug, PartialEq)]
pub struct ElectLeadersRequest {
    /// `int8`, versions 1-2.
    pub election_type: i8,
    /// `[]TopicPartitions`, versions 0-2.
    pub topic_partitions: Option<Vec<TopicPartitions>>,
    /// `int32`, versions 0-2, default 60000.
    pub timeout_ms: i32,
}

impl Default for ElectLeadersRequest {
    fn default() -> Self {
        Self {
            election_type: Default::default(),
            topic_partitions: Some(Default::default()),
            timeout_ms: 60000,
        }
    }
}

impl Message for ElectLeadersRequest {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=2;
    const FLEXIBLE_FROM: i16 = 2;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        if version >= 1 { m.election_type = d.i8()?; }
        m.topic_partitions = d.nullable_structs(flexible, version)?;
        m.timeout_ms = d.i32()?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        if version >= 1 { e.i8(self.election_type); }
        e.nullable_structs(self.topic_partitions.as_ref(), flexible, version);
        e.i32(self.timeout_ms);
        if flexible {
            e.uvarint(0);
        }
    }
}

impl Request for ElectLeadersRequest {
    const KEY: ApiKey = ApiKey::ElectLeaders;
    type Response = super::elect_leaders_response::ElectLeadersResponse;
}

/// Part of [`ElectLeadersRequest`], versions 0-2.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicPartitions {
    /// `string`, versions 0-2.
    pub topic: KString,
    /// `[]int32`, versions 0-2.
    pub partitions: Vec<i32>,
}

impl Message for TopicPartitions {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=2;
    const FLEXIBLE_FROM: i16 = 2;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.topic = d.string(flexible)?;
        m.partitions = d.array(flexible)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.string(&self.topic, flexible);
        e.array(&self.partitions, flexible);
        if flexible {
            e.uvarint(0);
        }
    }
}
