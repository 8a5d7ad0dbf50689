// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `ConsumerGroupPartitionMetadataValue`, versions 0.

use crate::{DecodeError, Decoder, Encoder, KString, Message, Uuid};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConsumerGroupPartitionMetadataValue {
    /// `[]TopicMetadata`, versions 0.
    pub topics: Vec<TopicMetadata>,
}

impl Message for ConsumerGroupPartitionMetadataValue {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.topics = d.structs(true, version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.structs(&self.topics, true, version);
        e.uvarint(0);
    }
}

/// Part of [`ConsumerGroupPartitionMetadataValue`], versions 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PartitionMetadata {
    /// `int32`, versions 0.
    pub partition: i32,
    /// `[]string`, versions 0.
    pub racks: Vec<KString>,
}

impl Message for PartitionMetadata {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, _version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.partition = d.i32()?;
        m.racks = d.array(true)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.i32(self.partition);
        e.array(&self.racks, true);
        e.uvarint(0);
    }
}

/// Part of [`ConsumerGroupPartitionMetadataValue`], versions 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicMetadata {
    /// `uuid`, versions 0.
    pub topic_id: Uuid,
    /// `string`, versions 0.
    pub topic_name: KString,
    /// `int32`, versions 0.
    pub num_partitions: i32,
    /// `[]PartitionMetadata`, versions 0.
    pub partition_metadata: Vec<PartitionMetadata>,
}

impl Message for TopicMetadata {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.topic_id = d.uuid()?;
        m.topic_name = d.string(true)?;
        m.num_partitions = d.i32()?;
        m.partition_metadata = d.structs(true, version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.uuid(self.topic_id);
        e.string(&self.topic_name, true);
        e.i32(self.num_partitions);
        e.structs(&self.partition_metadata, true, version);
        e.uvarint(0);
    }
}
