// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `CreatePartitionsRequest`, versions 0-3.

use crate::{ApiKey, DecodeError, Decoder, Encoder, KString, Message, Request};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CreatePartitionsRequest {
    /// `[]CreatePartitionsTopic`, versions 0-3.
    pub topics: Vec<CreatePartitionsTopic>,
    /// `int32`, versions 0-3.
    pub timeout_ms: i32,
    /// `bool`, versions 0-3.
    pub validate_only: bool,
}

impl Message for CreatePartitionsRequest {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=3;
    const FLEXIBLE_FROM: i16 = 2;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.topics = d.structs(flexible, version)?;
        m.timeout_ms = d.i32()?;
        m.validate_only = d.bool()?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.structs(&self.topics, flexible, version);
        e.i32(self.timeout_ms);
        e.bool(self.validate_only);
        if flexible {
            e.uvarint(0);
        }
    }
}

impl Request for CreatePartitionsRequest {
    const KEY: ApiKey = ApiKey::CreatePartitions;
    type Response = super::create_partitions_response::CreatePartitionsResponse;
}

/// Part of [`CreatePartitionsRequest`], versions 0-3.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CreatePartitionsAssignment {
    /// `[]int32`, versions 0-3.
    pub broker_ids: Vec<i32>,
}

impl Message for CreatePartitionsAssignment {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=3;
    const FLEXIBLE_FROM: i16 = 2;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.broker_ids = d.array(flexible)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.array(&self.broker_ids, flexible);
        if flexible {
            e.uvarint(0);
        }
    }
}

/// Part of [`CreatePartitionsRequest`], versions 0-3.
#[derive(Clone, Debug, PartialEq)]
pub struct CreatePartitionsTopic {
    /// `string`, versions 0-3.
    pub name: KString,
    /// `int32`, versions 0-3.
    pub count: i32,
    /// `[]CreatePartitionsAssignment`, versions 0-3.
    pub assignments: Option<Vec<CreatePartitionsAssignment>>,
}

impl Default for CreatePartitionsTopic {
    fn default() -> Self {
        Self {
            name: Default::default(),
            count: Default::default(),
            assignments: Some(Default::default()),
        }
    }
}

impl Message for CreatePartitionsTopic {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=3;
    const FLEXIBLE_FROM: i16 = 2;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.name = d.string(flexible)?;
        m.count = d.i32()?;
        m.assignments = d.nullable_structs(flexible, version)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.string(&self.name, flexible);
        e.i32(self.count);
        e.nullable_structs(self.assignments.as_ref(), flexible, version);
        if flexible {
            e.uvarint(0);
        }
    }
}
