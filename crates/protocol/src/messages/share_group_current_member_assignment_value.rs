// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `ShareGroupCurrentMemberAssignmentValue`, versions 0.

use crate::{DecodeError, Decoder, Encoder, Message, Uuid};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShareGroupCurrentMemberAssignmentValue {
    /// `int32`, versions 0.
    pub member_epoch: i32,
    /// `int32`, versions 0.
    pub previous_member_epoch: i32,
    /// `int8`, versions 0.
    pub state: i8,
    /// `[]TopicPartitions`, versions 0.
    pub assigned_partitions: Vec<TopicPartitions>,
}

impl Message for ShareGroupCurrentMemberAssignmentValue {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.member_epoch = d.i32()?;
        m.previous_member_epoch = d.i32()?;
        m.state = d.i8()?;
        m.assigned_partitions = d.structs(true, version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.i32(self.member_epoch);
        e.i32(self.previous_member_epoch);
        e.i8(self.state);
        e.structs(&self.assigned_partitions, true, version);
        e.uvarint(0);
    }
}

/// Part of [`ShareGroupCurrentMemberAssignmentValue`], versions 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicPartitions {
    /// `uuid`, versions 0.
    pub topic_id: Uuid,
    /// `[]int32`, versions 0.
    pub partitions: Vec<i32>,
}

impl Message for TopicPartitions {
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
