// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `ShareGroupStatePartitionMetadataValue`, versions 0.

use crate::{DecodeError, Decoder, Encoder, KString, Message, Uuid};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShareGroupStatePartitionMetadataValue {
    /// `[]TopicPartitionsInfo`, versions 0.
    pub initializing_topics: Vec<TopicPartitionsInfo>,
    /// `[]TopicPartitionsInfo`, versions 0.
    pub initialized_topics: Vec<TopicPartitionsInfo>,
    /// `[]TopicInfo`, versions 0.
    pub deleting_topics: Vec<TopicInfo>,
}

impl Message for ShareGroupStatePartitionMetadataValue {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.initializing_topics = d.structs(true, version)?;
        m.initialized_topics = d.structs(true, version)?;
        m.deleting_topics = d.structs(true, version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.structs(&self.initializing_topics, true, version);
        e.structs(&self.initialized_topics, true, version);
        e.structs(&self.deleting_topics, true, version);
        e.uvarint(0);
    }
}

/// Part of [`ShareGroupStatePartitionMetadataValue`], versions 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicPartitionsInfo {
    /// `uuid`, versions 0.
    pub topic_id: Uuid,
    /// `string`, versions 0.
    pub topic_name: KString,
    /// `[]int32`, versions 0.
    pub partitions: Vec<i32>,
}

impl Message for TopicPartitionsInfo {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, _version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.topic_id = d.uuid()?;
        m.topic_name = d.string(true)?;
        m.partitions = d.array(true)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.uuid(self.topic_id);
        e.string(&self.topic_name, true);
        e.array(&self.partitions, true);
        e.uvarint(0);
    }
}

/// Part of [`ShareGroupStatePartitionMetadataValue`], versions 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicInfo {
    /// `uuid`, versions 0.
    pub topic_id: Uuid,
    /// `string`, versions 0.
    pub topic_name: KString,
}

impl Message for TopicInfo {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, _version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.topic_id = d.uuid()?;
        m.topic_name = d.string(true)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.uuid(self.topic_id);
        e.string(&self.topic_name, true);
        e.uvarint(0);
    }
}
