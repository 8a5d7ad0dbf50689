// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `OffsetForLeaderEpochResponse`, versions 0-4.

use crate::{DecodeError, Decoder, Encoder, KString, Message};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetForLeaderEpochResponse {
    /// `int32`, versions 2-4.
    pub throttle_time_ms: i32,
    /// `[]OffsetForLeaderTopicResult`, versions 0-4.
    pub topics: Vec<OffsetForLeaderTopicResult>,
}

impl Message for OffsetForLeaderEpochResponse {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=4;
    const FLEXIBLE_FROM: i16 = 4;

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

/// Part of [`OffsetForLeaderEpochResponse`], versions 0-4.
#[derive(Clone, Debug, PartialEq)]
pub struct EpochEndOffset {
    /// `int16`, versions 0-4.
    pub error_code: i16,
    /// `int32`, versions 0-4.
    pub partition: i32,
    /// `int32`, versions 1-4, default -1.
    pub leader_epoch: i32,
    /// `int64`, versions 0-4, default -1.
    pub end_offset: i64,
}

impl Default for EpochEndOffset {
    fn default() -> Self {
        Self {
            error_code: Default::default(),
            partition: Default::default(),
            leader_epoch: -1,
            end_offset: -1,
        }
    }
}

impl Message for EpochEndOffset {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=4;
    const FLEXIBLE_FROM: i16 = 4;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.error_code = d.i16()?;
        m.partition = d.i32()?;
        if version >= 1 { m.leader_epoch = d.i32()?; }
        m.end_offset = d.i64()?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.i16(self.error_code);
        e.i32(self.partition);
        if version >= 1 { e.i32(self.leader_epoch); }
        e.i64(self.end_offset);
        if flexible {
            e.uvarint(0);
        }
    }
}

/// Part of [`OffsetForLeaderEpochResponse`], versions 0-4.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetForLeaderTopicResult {
    /// `string`, versions 0-4.
    pub topic: KString,
    /// `[]EpochEndOffset`, versions 0-4.
    pub partitions: Vec<EpochEndOffset>,
}

impl Message for OffsetForLeaderTopicResult {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=4;
    const FLEXIBLE_FROM: i16 = 4;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.topic = d.string(flexible)?;
        m.partitions = d.structs(flexible, version)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.string(&self.topic, flexible);
        e.structs(&self.partitions, flexible, version);
        if flexible {
            e.uvarint(0);
        }
    }
}
