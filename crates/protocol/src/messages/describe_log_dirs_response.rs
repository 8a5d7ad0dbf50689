// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `DescribeLogDirsResponse`, versions 0-5.

use crate::{DecodeError, Decoder, Encoder, KString, Message};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeLogDirsResponse {
    /// `int32`, versions 0-5.
    pub throttle_time_ms: i32,
    /// `int16`, versions 3-5.
    pub error_code: i16,
    /// `[]DescribeLogDirsResult`, versions 0-5.
    pub results: Vec<DescribeLogDirsResult>,
}

impl Message for DescribeLogDirsResponse {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=5;
    const FLEXIBLE_FROM: i16 = 2;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.throttle_time_ms = d.i32()?;
        if version >= 3 { m.error_code = d.i16()?; }
        m.results = d.structs(flexible, version)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.i32(self.throttle_time_ms);
        if version >= 3 { e.i16(self.error_code); }
        e.structs(&self.results, flexible, version);
        if flexible {
            e.uvarint(0);
        }
    }
}

/// Part of [`DescribeLogDirsResponse`], versions 0-5.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeLogDirsPartition {
    /// `int32`, versions 0-5.
    pub partition_index: i32,
    /// `int64`, versions 0-5.
    pub partition_size: i64,
    /// `int64`, versions 0-5.
    pub offset_lag: i64,
    /// `bool`, versions 0-5.
    pub is_future_key: bool,
}

impl Message for DescribeLogDirsPartition {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=5;
    const FLEXIBLE_FROM: i16 = 2;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.partition_index = d.i32()?;
        m.partition_size = d.i64()?;
        m.offset_lag = d.i64()?;
        m.is_future_key = d.bool()?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.i32(self.partition_index);
        e.i64(self.partition_size);
        e.i64(self.offset_lag);
        e.bool(self.is_future_key);
        if flexible {
            e.uvarint(0);
        }
    }
}

/// Part of [`DescribeLogDirsResponse`], versions 0-5.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeLogDirsTopic {
    /// `string`, versions 0-5.
    pub name: KString,
    /// `[]DescribeLogDirsPartition`, versions 0-5.
    pub partitions: Vec<DescribeLogDirsPartition>,
}

impl Message for DescribeLogDirsTopic {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=5;
    const FLEXIBLE_FROM: i16 = 2;

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

/// Part of [`DescribeLogDirsResponse`], versions 0-5.
#[derive(Clone, Debug, PartialEq)]
pub struct DescribeLogDirsResult {
    /// `int16`, versions 0-5.
    pub error_code: i16,
    /// `string`, versions 0-5.
    pub log_dir: KString,
    /// `[]DescribeLogDirsTopic`, versions 0-5.
    pub topics: Vec<DescribeLogDirsTopic>,
    /// `int64`, versions 4-5, default -1.
    pub total_bytes: i64,
    /// `int64`, versions 4-5, default -1.
    pub usable_bytes: i64,
    /// `bool`, versions 5, default false.
    pub is_cordoned: bool,
}

impl Default for DescribeLogDirsResult {
    fn default() -> Self {
        Self {
            error_code: Default::default(),
            log_dir: Default::default(),
            topics: Default::default(),
            total_bytes: -1,
            usable_bytes: -1,
            is_cordoned: Default::default(),
        }
    }
}

impl Message for DescribeLogDirsResult {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=5;
    const FLEXIBLE_FROM: i16 = 2;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.error_code = d.i16()?;
        m.log_dir = d.string(flexible)?;
        m.topics = d.structs(flexible, version)?;
        if version >= 4 { m.total_bytes = d.i64()?; }
        if version >= 4 { m.usable_bytes = d.i64()?; }
        if version >= 5 { m.is_cordoned = d.bool()?; }
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.i16(self.error_code);
        e.string(&self.log_dir, flexible);
        e.structs(&self.topics, flexible, version);
        if version >= 4 { e.i64(self.total_bytes); }
        if version >= 4 { e.i64(self.usable_bytes); }
        if version >= 5 { e.bool(self.is_cordoned); }
        if flexible {
            e.uvarint(0);
        }
    }
}
