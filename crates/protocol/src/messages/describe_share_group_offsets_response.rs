// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `DescribeShareGroupOffsetsResponse`, versions 0-1.

use crate::{DecodeError, Decoder, Encoder, KString, Message, Uuid};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeShareGroupOffsetsResponse {
    /// `int32`, versions 0-1.
    pub throttle_time_ms: i32,
    /// `[]DescribeShareGroupOffsetsResponseGroup`, versions 0-1.
    pub groups: Vec<DescribeShareGroupOffsetsResponseGroup>,
}

impl Message for DescribeShareGroupOffsetsResponse {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=1;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.throttle_time_ms = d.i32()?;
        m.groups = d.structs(true, version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.i32(self.throttle_time_ms);
        e.structs(&self.groups, true, version);
        e.uvarint(0);
    }
}

/// Part of [`DescribeShareGroupOffsetsResponse`], versions 0-1.
#[derive(Clone, Debug, PartialEq)]
pub struct DescribeShareGroupOffsetsResponsePartition {
    /// `int32`, versions 0-1.
    pub partition_index: i32,
    /// `int64`, versions 0-1.
    pub start_offset: i64,
    /// `int32`, versions 0-1.
    pub leader_epoch: i32,
    /// `int64`, versions 1, default -1.
    pub lag: i64,
    /// `int16`, versions 0-1.
    pub error_code: i16,
    /// `string`, versions 0-1, default null.
    pub error_message: Option<KString>,
}

impl Default for DescribeShareGroupOffsetsResponsePartition {
    fn default() -> Self {
        Self {
            partition_index: Default::default(),
            start_offset: Default::default(),
            leader_epoch: Default::default(),
            lag: -1,
            error_code: Default::default(),
            error_message: Default::default(),
        }
    }
}

impl Message for DescribeShareGroupOffsetsResponsePartition {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=1;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.partition_index = d.i32()?;
        m.start_offset = d.i64()?;
        m.leader_epoch = d.i32()?;
        if version >= 1 { m.lag = d.i64()?; }
        m.error_code = d.i16()?;
        m.error_message = d.nullable_string(true)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.i32(self.partition_index);
        e.i64(self.start_offset);
        e.i32(self.leader_epoch);
        if version >= 1 { e.i64(self.lag); }
        e.i16(self.error_code);
        e.nullable_string(self.error_message.as_ref(), true);
        e.uvarint(0);
    }
}

/// Part of [`DescribeShareGroupOffsetsResponse`], versions 0-1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeShareGroupOffsetsResponseTopic {
    /// `string`, versions 0-1.
    pub topic_name: KString,
    /// `uuid`, versions 0-1.
    pub topic_id: Uuid,
    /// `[]DescribeShareGroupOffsetsResponsePartition`, versions 0-1.
    pub partitions: Vec<DescribeShareGroupOffsetsResponsePartition>,
}

impl Message for DescribeShareGroupOffsetsResponseTopic {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=1;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.topic_name = d.string(true)?;
        m.topic_id = d.uuid()?;
        m.partitions = d.structs(true, version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.string(&self.topic_name, true);
        e.uuid(self.topic_id);
        e.structs(&self.partitions, true, version);
        e.uvarint(0);
    }
}

/// Part of [`DescribeShareGroupOffsetsResponse`], versions 0-1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeShareGroupOffsetsResponseGroup {
    /// `string`, versions 0-1.
    pub group_id: KString,
    /// `[]DescribeShareGroupOffsetsResponseTopic`, versions 0-1.
    pub topics: Vec<DescribeShareGroupOffsetsResponseTopic>,
    /// `int16`, versions 0-1.
    pub error_code: i16,
    /// `string`, versions 0-1, default null.
    pub error_message: Option<KString>,
}

impl Message for DescribeShareGroupOffsetsResponseGroup {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=1;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.group_id = d.string(true)?;
        m.topics = d.structs(true, version)?;
        m.error_code = d.i16()?;
        m.error_message = d.nullable_string(true)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.string(&self.group_id, true);
        e.structs(&self.topics, true, version);
        e.i16(self.error_code);
        e.nullable_string(self.error_message.as_ref(), true);
        e.uvarint(0);
    }
}
