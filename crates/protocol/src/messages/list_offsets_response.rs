// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `ListOffsetsResponse`, versions 0-11.

use crate::{DecodeError, Decoder, Encoder, KString, Message};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListOffsetsResponse {
    /// `int32`, versions 2-11.
    pub throttle_time_ms: i32,
    /// `[]ListOffsetsTopicResponse`, versions 0-11.
    pub topics: Vec<ListOffsetsTopicResponse>,
}

impl Message for ListOffsetsResponse {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=11;
    const FLEXIBLE_FROM: i16 = 6;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        if version >= 2 { m.throttle_time_ms = d.i32()?; }
        m.topics = d.structs(flexible, version)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        if version >= 2 { e.i32(self.throttle_time_ms); }
        e.structs(&self.topics, flexible, version);
        if flexible {
            e.uvarint(0);
        }
    }
}

/// Part of [`ListOffsetsResponse`], versions 0-11.
#[derive(Clone, Debug, PartialEq)]
pub struct ListOffsetsPartitionResponse {
    /// `int32`, versions 0-11.
    pub partition_index: i32,
    /// `int16`, versions 0-11.
    pub error_code: i16,
    /// `[]int64`, versions 0.
    pub old_style_offsets: Vec<i64>,
    /// `int64`, versions 1-11, default -1.
    pub timestamp: i64,
    /// `int64`, versions 1-11, default -1.
    pub offset: i64,
    /// `int32`, versions 4-11, default -1.
    pub leader_epoch: i32,
}

impl Default for ListOffsetsPartitionResponse {
    fn default() -> Self {
        Self {
            partition_index: Default::default(),
            error_code: Default::default(),
            old_style_offsets: Default::default(),
            timestamp: -1,
            offset: -1,
            leader_epoch: -1,
        }
    }
}

impl Message for ListOffsetsPartitionResponse {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=11;
    const FLEXIBLE_FROM: i16 = 6;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.partition_index = d.i32()?;
        m.error_code = d.i16()?;
        if version <= 0 { m.old_style_offsets = d.array(flexible)?; }
        if version >= 1 { m.timestamp = d.i64()?; }
        if version >= 1 { m.offset = d.i64()?; }
        if version >= 4 { m.leader_epoch = d.i32()?; }
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.i32(self.partition_index);
        e.i16(self.error_code);
        if version <= 0 { e.array(&self.old_style_offsets, flexible); }
        if version >= 1 { e.i64(self.timestamp); }
        if version >= 1 { e.i64(self.offset); }
        if version >= 4 { e.i32(self.leader_epoch); }
        if flexible {
            e.uvarint(0);
        }
    }
}

/// Part of [`ListOffsetsResponse`], versions 0-11.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListOffsetsTopicResponse {
    /// `string`, versions 0-11.
    pub name: KString,
    /// `[]ListOffsetsPartitionResponse`, versions 0-11.
    pub partitions: Vec<ListOffsetsPartitionResponse>,
}

impl Message for ListOffsetsTopicResponse {
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
