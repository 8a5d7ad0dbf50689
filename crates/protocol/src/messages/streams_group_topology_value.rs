// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `StreamsGroupTopologyValue`, versions 0.

use crate::{DecodeError, Decoder, Encoder, KString, Message};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StreamsGroupTopologyValue {
    /// `int32`, versions 0.
    pub epoch: i32,
    /// `[]Subtopology`, versions 0.
    pub subtopologies: Vec<Subtopology>,
}

impl Message for StreamsGroupTopologyValue {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.epoch = d.i32()?;
        m.subtopologies = d.structs(true, version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.i32(self.epoch);
        e.structs(&self.subtopologies, true, version);
        e.uvarint(0);
    }
}

/// Part of [`StreamsGroupTopologyValue`], versions 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicConfig {
    /// `string`, versions 0.
    pub key: KString,
    /// `string`, versions 0.
    pub value: KString,
}

impl Message for TopicConfig {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, _version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.key = d.string(true)?;
        m.value = d.string(true)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.string(&self.key, true);
        e.string(&self.value, true);
        e.uvarint(0);
    }
}

/// Part of [`StreamsGroupTopologyValue`], versions 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicInfo {
    /// `string`, versions 0.
    pub name: KString,
    /// `int32`, versions 0.
    pub partitions: i32,
    /// `int16`, versions 0.
    pub replication_factor: i16,
    /// `[]TopicConfig`, versions 0.
    pub topic_configs: Vec<TopicConfig>,
}

impl Message for TopicInfo {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.name = d.string(true)?;
        m.partitions = d.i32()?;
        m.replication_factor = d.i16()?;
        m.topic_configs = d.structs(true, version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.string(&self.name, true);
        e.i32(self.partitions);
        e.i16(self.replication_factor);
        e.structs(&self.topic_configs, true, version);
        e.uvarint(0);
    }
}

/// Part of [`StreamsGroupTopologyValue`], versions 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CopartitionGroup {
    /// `[]int16`, versions 0.
    pub source_topics: Vec<i16>,
    /// `[]int16`, versions 0.
    pub source_topic_regex: Vec<i16>,
    /// `[]int16`, versions 0.
    pub repartition_source_topics: Vec<i16>,
}

impl Message for CopartitionGroup {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, _version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.source_topics = d.array(true)?;
        m.source_topic_regex = d.array(true)?;
        m.repartition_source_topics = d.array(true)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.array(&self.source_topics, true);
        e.array(&self.source_topic_regex, true);
        e.array(&self.repartition_source_topics, true);
        e.uvarint(0);
    }
}

/// Part of [`StreamsGroupTopologyValue`], versions 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Subtopology {
    /// `string`, versions 0.
    pub subtopology_id: KString,
    /// `[]string`, versions 0.
    pub source_topics: Vec<KString>,
    /// `[]string`, versions 0.
    pub source_topic_regex: Vec<KString>,
    /// `[]TopicInfo`, versions 0.
    pub state_changelog_topics: Vec<TopicInfo>,
    /// `[]string`, versions 0.
    pub repartition_sink_topics: Vec<KString>,
    /// `[]TopicInfo`, versions 0.
    pub repartition_source_topics: Vec<TopicInfo>,
    /// `[]CopartitionGroup`, versions 0.
    pub copartition_groups: Vec<CopartitionGroup>,
}

impl Message for Subtopology {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.subtopology_id = d.string(true)?;
        m.source_topics = d.array(true)?;
        m.source_topic_regex = d.array(true)?;
        m.state_changelog_topics = d.structs(true, version)?;
        m.repartition_sink_topics = d.array(true)?;
        m.repartition_source_topics = d.structs(true, version)?;
        m.copartition_groups = d.structs(true, version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.string(&self.subtopology_id, true);
        e.array(&self.source_topics, true);
        e.array(&self.source_topic_regex, true);
        e.structs(&self.state_changelog_topics, true, version);
        e.array(&self.repartition_sink_topics, true);
        e.structs(&self.repartition_source_topics, true, version);
        e.structs(&self.copartition_groups, true, version);
        e.uvarint(0);
    }
}
