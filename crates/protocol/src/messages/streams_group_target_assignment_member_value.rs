// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `StreamsGroupTargetAssignmentMemberValue`, versions 0.

use crate::{DecodeError, Decoder, Encoder, KString, Message};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StreamsGroupTargetAssignmentMemberValue {
    /// `[]TaskIds`, versions 0.
    pub active_tasks: Vec<TaskIds>,
    /// `[]TaskIds`, versions 0.
    pub standby_tasks: Vec<TaskIds>,
    /// `[]TaskIds`, versions 0.
    pub warmup_tasks: Vec<TaskIds>,
}

impl Message for StreamsGroupTargetAssignmentMemberValue {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.active_tasks = d.structs(true, version)?;
        m.standby_tasks = d.structs(true, version)?;
        m.warmup_tasks = d.structs(true, version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.structs(&self.active_tasks, true, version);
        e.structs(&self.standby_tasks, true, version);
        e.structs(&self.warmup_tasks, true, version);
        e.uvarint(0);
    }
}

/// Part of [`StreamsGroupTargetAssignmentMemberValue`], versions 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TaskIds {
    /// `string`, versions 0.
    pub subtopology_id: KString,
    /// `[]int32`, versions 0.
    pub partitions: Vec<i32>,
}

impl Message for TaskIds {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, _version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.subtopology_id = d.string(true)?;
        m.partitions = d.array(true)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.string(&self.subtopology_id, true);
        e.array(&self.partitions, true);
        e.uvarint(0);
    }
}
