// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `ListOffsetsRequest`, versions 0-11.

use crate::{ApiKey, DecodeError, Decoder, Encoder, KString, Message, Request};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListOffsetsRequest {
    /// `int32`, versions 0-11.
    pub replica_id: i32,
    /// `int8`, versions 2-11.
    pub isolation_level: i8,
    /// `[]ListOffsetsTopic`, versions 0-11.
    pub topics: Vec<ListOffsetsTopic>,
    /// `int32`, versions 10-11.
    pub timeout_ms: i32,
}

impl Message for ListOffsetsRequest {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=11;
    const FLEXIBLE_FROM: i16 = 6;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.replica_id = d.i32()?;
        if version >= 2 { m.isolation_level = d.i8()?; }
        m.topics = d.structs(flexible, version)?;
        if version >= 10 { m.timeout_ms = d.i32()?; }
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.i32(self.replica_id);
        if version >= 2 { e.i8(self.isolation_level); }
        e.structs(&self.topics, flexible, version);
        if version >= 10 { e.i32(self.timeout_ms); }
        if flexible {
            e.uvarint(0);
        }
    }
}

impl Request for ListOffsetsRequest {
    const KEY: ApiKey = ApiKey::ListOffsets;
    type Response = super::list_offsets_response::ListOffsetsResponse;
}

/// Part of [`ListOffsetsRequest`], versions 0-11.
#[derive(Clone, Debug, PartialEq)]
pub struct ListOffsetsPartition {
    /// `int32`, versions 0-11.
    pub partition_index: i32,
    /// `int32`, versions 4-11, default -1.
    pub current_leader_epoch: i32,
    /// `int64`, versions 0-11.
    pub timestamp: i64,
    /// `int32`, versions 0, default 1.
    pub max_num_offsets: i32,
}

impl Default for ListOffsetsPartition {
    fn default() -> Self {
        Self {
            partition_index: Default::default(),
            current_leader_epoch: -1,
            timestamp: Default::default(),
            max_num_offsets: 1,
        }
    }
}

impl Message for ListOffsetsPartition {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=11;
    const FLEXIBLE_FROM: i16 = 6;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.partition_index = d.i32()?;
        if version >= 4 { m.current_leader_epoch = d.i32()?; }
        m.timestamp = d.i64()?;
        if version <= 0 { m.max_num_offsets = d.i32()?; }
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.i32(self.partition_index);
        if version >= 4 { e.i32(self.current_leader_epoch); }
        e.i64(self.timestamp);
        if version <= 0 { e.i32(self.max_num_offsets); }
        if flexible {
            e.uvarint(0);
        }
    }
}

/// Part of [`ListOffsetsRequest`], versions 0-11.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListOffsetsTopic {
    /// `string`, versions 0-11.
    pub name: KString,
    /// `[]ListOffsetsPartition`, versions 0-11.
    pub partitions: Vec<ListOffsetsPartition>,
}

impl Message for ListOffsetsTopic {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=11;
    const FLEXIBLE_FROM: i16 = 6;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.name = d.string(flexible)?;
        m.partitions = d.structs(flexible, version)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.string(&self.name, flexible);
        e.structs(&self.partitions, flexible, version);
        if flexible {
            e.uvarint(0);
        }
    }
}
