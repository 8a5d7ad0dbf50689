// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `ShareGroupTargetAssignmentMemberValue`, versions 0.

use crate::{DecodeError, Decoder, Encoder, Message, Uuid};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShareGroupTargetAssignmentMemberValue {
    /// `[]TopicPartition`, versions 0.
    pub topic_partitions: Vec<TopicPartition>,
}

impl Message for ShareGroupTargetAssignmentMemberValue {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.topic_partitions = d.structs(true, version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.structs(&self.topic_partitions, true, version);
        e.uvarint(0);
    }
}

/// Part of [`ShareGroupTargetAssignmentMemberValue`], versions 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicPartition {
    /// `uuid`, versions 0.
    pub topic_id: Uuid,
    /// `[]int32`, versions 0.
    pub partitions: Vec<i32>,
}

impl Message for TopicPartition {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, _version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.topic_id = d.uuid()?;
        m.partitions = d.array(true)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.uuid(self.topic_id);
        e.array(&self.partitions, true);
        e.uvarint(0);
    }
}
