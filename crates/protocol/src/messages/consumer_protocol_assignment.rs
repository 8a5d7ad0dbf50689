// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `ConsumerProtocolAssignment`, versions 0-3.

use bytes::Bytes;

use crate::{DecodeError, Decoder, Encoder, KString, Message};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConsumerProtocolAssignment {
    /// `[]TopicPartition`, versions 0-3.
    pub assigned_partitions: Vec<TopicPartition>,
    /// `bytes`, versions 0-3, default null.
    pub user_data: Option<Bytes>,
}

impl Message for ConsumerProtocolAssignment {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=3;
    const FLEXIBLE_FROM: i16 = i16::MAX;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.assigned_partitions = d.structs(false, version)?;
        m.user_data = d.nullable_bytes(false)?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.structs(&self.assigned_partitions, false, version);
        e.nullable_bytes(self.user_data.as_ref(), false);
    }
}

/// Part of [`ConsumerProtocolAssignment`], versions 0-3.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicPartition {
    /// `string`, versions 0-3.
    pub topic: KString,
    /// `[]int32`, versions 0-3.
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
