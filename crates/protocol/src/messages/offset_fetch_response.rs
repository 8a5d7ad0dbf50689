// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `OffsetFetchResponse`, versions 0-10.

use crate::{DecodeError, Decoder, Encoder, KString, Message, Uuid};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetFetchResponse {
    /// `int32`, versions 3-10.
    pub throttle_time_ms: i32,
    /// `[]OffsetFetchResponseTopic`, versions 0-7.
    pub topics: Vec<OffsetFetchResponseTopic>,
    /// `int16`, versions 2-7, default 0.
    pub error_code: i16,
    /// `[]OffsetFetchResponseGroup`, versions 8-10.
    pub groups: Vec<OffsetFetchResponseGroup>,
}

impl Message for OffsetFetchResponse {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=10;
    const FLEXIBLE_FROM: i16 = 6;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        if version >= 3 { m.throttle_time_ms = d.i32()?; }
        if version <= 7 { m.topics = d.structs(flexible, version)?; }
        if version >= 2 && version <= 7 { m.error_code = d.i16()?; }
        if version >= 8 { m.groups = d.structs(flexible, version)?; }
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        if version >= 3 { e.i32(self.throttle_time_ms); }
        if version <= 7 { e.structs(&self.topics, flexible, version); }
        if version >= 2 && version <= 7 { e.i16(self.error_code); }
        if version >= 8 { e.structs(&self.groups, flexible, version); }
        if flexible {
            e.uvarint(0);
        }
    }
}

/// Part of [`OffsetFetchResponse`], versions 0-7.
#[derive(Clone, Debug, PartialEq)]
pub struct OffsetFetchResponsePartition {
    /// `int32`, versions 0-7.
    pub partition_index: i32,
    /// `int64`, versions 0-7.
    pub committed_offset: i64,
    /// `int32`, versions 5-7, default -1.
    pub committed_leader_epoch: i32,
    /// `string`, versions 0-7.
    pub metadata: Option<KString>,
    /// `int16`, versions 0-7.
    pub error_code: i16,
}

impl Default for OffsetFetchResponsePartition {
    fn default() -> Self {
        Self {
            partition_index: Default::default(),
            committed_offset: Default::default(),
            committed_leader_epoch: -1,
            metadata: Default::default(),
            error_code: Default::default(),
        }
    }
}

impl Message for OffsetFetchResponsePartition {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=10;
    const FLEXIBLE_FROM: i16 = 6;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.partition_index = d.i32()?;
        m.committed_offset = d.i64()?;
        if version >= 5 { m.committed_leader_epoch = d.i32()?; }
        m.metadata = d.nullable_string(flexible)?;
        m.error_code = d.i16()?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.i32(self.partition_index);
        e.i64(self.committed_offset);
        if version >= 5 { e.i32(self.committed_leader_epoch); }
        e.nullable_string(self.metadata.as_ref(), flexible);
        e.i16(self.error_code);
        if flexible {
            e.uvarint(0);
        }
    }
}

/// Part of [`OffsetFetchResponse`], versions 0-7.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetFetchResponseTopic {
    /// `string`, versions 0-7.
    pub name: KString,
    /// `[]OffsetFetchResponsePartition`, versions 0-7.
    pub partitions: Vec<OffsetFetchResponsePartition>,
}

impl Message for OffsetFetchResponseTopic {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=10;
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

/// Part of [`OffsetFetchResponse`], versions 8-10.
#[derive(Clone, Debug, PartialEq)]
pub struct OffsetFetchResponsePartitions {
    /// `int32`, versions 8-10.
    pub partition_index: i32,
    /// `int64`, versions 8-10.
    pub committed_offset: i64,
    /// `int32`, versions 8-10, default -1.
    pub committed_leader_epoch: i32,
    /// `string`, versions 8-10.
    pub metadata: Option<KString>,
    /// `int16`, versions 8-10.
    pub error_code: i16,
}

impl Default for OffsetFetchResponsePartitions {
    fn default() -> Self {
        Self {
            partition_index: Default::default(),
            committed_offset: Default::default(),
            committed_leader_epoch: -1,
            metadata: Default::default(),
            error_code: Default::default(),
        }
    }
}

impl Message for OffsetFetchResponsePartitions {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=10;
    const FLEXIBLE_FROM: i16 = 6;

    fn decode(d: &mut Decoder, _version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.partition_index = d.i32()?;
        m.committed_offset = d.i64()?;
        m.committed_leader_epoch = d.i32()?;
        m.metadata = d.nullable_string(true)?;
        m.error_code = d.i16()?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.i32(self.partition_index);
        e.i64(self.committed_offset);
        e.i32(self.committed_leader_epoch);
        e.nullable_string(self.metadata.as_ref(), true);
        e.i16(self.error_code);
        e.uvarint(0);
    }
}

/// Part of [`OffsetFetchResponse`], versions 8-10.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetFetchResponseTopics {
    /// `string`, versions 8-9.
    pub name: KString,
    /// `uuid`, versions 10.
    pub topic_id: Uuid,
    /// `[]OffsetFetchResponsePartitions`, versions 8-10.
    pub partitions: Vec<OffsetFetchResponsePartitions>,
}

impl Message for OffsetFetchResponseTopics {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=10;
    const FLEXIBLE_FROM: i16 = 6;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        if version <= 9 { m.name = d.string(true)?; }
        if version >= 10 { m.topic_id = d.uuid()?; }
        m.partitions = d.structs(true, version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        if version <= 9 { e.string(&self.name, true); }
        if version >= 10 { e.uuid(self.topic_id); }
        e.structs(&self.partitions, true, version);
        e.uvarint(0);
    }
}

/// Part of [`OffsetFetchResponse`], versions 8-10.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetFetchResponseGroup {
    /// `string`, versions 8-10.
    pub group_id: KString,
    /// `[]OffsetFetchResponseTopics`, versions 8-10.
    pub topics: Vec<OffsetFetchResponseTopics>,
    /// `int16`, versions 8-10, default 0.
    pub error_code: i16,
}

impl Message for OffsetFetchResponseGroup {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=10;
    const FLEXIBLE_FROM: i16 = 6;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.group_id = d.string(true)?;
        m.topics = d.structs(true, version)?;
        m.error_code = d.i16()?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.string(&self.group_id, true);
        e.structs(&self.topics, true, version);
        e.i16(self.error_code);
        e.uvarint(0);
    }
}
