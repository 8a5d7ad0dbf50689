// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `ConsumerProtocolSubscription`, versions 0-3.

use bytes::Bytes;

use crate::{DecodeError, Decoder, Encoder, KString, Message};

/// The message.
#[derive(Clone, Debug, PartialEq)]
pub struct ConsumerProtocolSubscription {
    /// `[]string`, versions 0-3.
    pub topics: Vec<KString>,
    /// `bytes`, versions 0-3, default null.
    pub user_data: Option<Bytes>,
    /// `[]TopicPartition`, versions 1-3.
    pub owned_partitions: Vec<TopicPartition>,
    /// `int32`, versions 2-3, default -1.
    pub generation_id: i32,
    /// `string`, versions 3, default null.
    pub rack_id: Option<KString>,
}

impl Default for ConsumerProtocolSubscription {
    fn default() -> Self {
        Self {
            topics: Default::default(),
            user_data: Default::default(),
            owned_partitions: Default::default(),
            generation_id: -1,
            rack_id: Default::default(),
        }
    }
}

impl Message for ConsumerProtocolSubscription {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=3;
    const FLEXIBLE_FROM: i16 = i16::MAX;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.topics = d.array(false)?;
        m.user_data = d.nullable_bytes(false)?;
        if version >= 1 { m.owned_partitions = d.structs(false, version)?; }
        if version >= 2 { m.generation_id = d.i32()?; }
        if version >= 3 { m.rack_id = d.nullable_string(false)?; }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.array(&self.topics, false);
        e.nullable_bytes(self.user_data.as_ref(), false);
        if version >= 1 { e.structs(&self.owned_partitions, false, version); }
        if version >= 2 { e.i32(self.generation_id); }
        if version >= 3 { e.nullable_string(self.rack_id.as_ref(), false); }
    }
}

/// Part of [`ConsumerProtocolSubscription`], versions 1-3.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicPartition {
    /// `string`, versions 1-3.
    pub topic: KString,
    /// `[]int32`, versions 1-3.
    pub partitions: Vec<i32>,
}

impl Message for TopicPartition {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=3;
    const FLEXIBLE_FROM: i16 = i16::MAX;

    fn decode(d: &mut Decoder, _version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.topic = d.string(false)?;
        m.partitions = d.array(false)?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.string(&self.topic, false);
        e.array(&self.partitions, false);
    }
}
