// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `StreamsGroupCurrentMemberAssignmentValue`, versions 0.

use crate::{DecodeError, Decoder, Encoder, KString, Message};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StreamsGroupCurrentMemberAssignmentValue {
    /// `int32`, versions 0.
    pub member_epoch: i32,
    /// `int32`, versions 0.
    pub previous_member_epoch: i32,
    /// `int8`, versions 0.
    pub state: i8,
    /// `[]TaskIds`, versions 0.
    pub active_tasks: Vec<TaskIds>,
    /// `[]TaskIds`, versions 0.
    pub standby_tasks: Vec<TaskIds>,
    /// `[]TaskIds`, versions 0.
    pub warmup_tasks: Vec<TaskIds>,
    /// `[]TaskIds`, versions 0.
    pub active_tasks_pending_revocation: Vec<TaskIds>,
    /// `[]TaskIds`, versions 0.
    pub standby_tasks_pending_revocation: Vec<TaskIds>,
    /// `[]TaskIds`, versions 0.
    pub warmup_tasks_pending_revocation: Vec<TaskIds>,
}

impl Message for StreamsGroupCurrentMemberAssignmentValue {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.member_epoch = d.i32()?;
        m.previous_member_epoch = d.i32()?;
        m.state = d.i8()?;
        m.active_tasks = d.structs(true, version)?;
        m.standby_tasks = d.structs(true, version)?;
        m.warmup_tasks = d.structs(true, version)?;
        m.active_tasks_pending_revocation = d.structs(true, version)?;
        m.standby_tasks_pending_revocation = d.structs(true, version)?;
        m.warmup_tasks_pending_revocation = d.structs(true, version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.i32(self.member_epoch);
        e.i32(self.previous_member_epoch);
        e.i8(self.state);
        e.structs(&self.active_tasks, true, version);
        e.structs(&self.standby_tasks, true, version);
        e.structs(&self.warmup_tasks, true, version);
        e.structs(&self.active_tasks_pending_revocation, true, version);
        e.structs(&self.standby_tasks_pending_revocation, true, version);
        e.structs(&self.warmup_tasks_pending_revocation, true, version);
        e.uvarint(0);
    }
}

/// Part of [`StreamsGroupCurrentMemberAssignmentValue`], versions 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TaskIds {
    /// `string`, versions 0.
    pub subtopology_id: KString,
    /// `[]int32`, versions 0.
    pub partitions: Vec<i32>,
    /// `[]int32`, versions 0, tag 0, default null.
    pub assignment_epochs: Option<Vec<i32>>,
}

impl Message for TaskIds {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, _version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.subtopology_id = d.string(true)?;
        m.partitions = d.array(true)?;
        for _ in 0..d.tag_count()? {
            let (tag, outer) = d.begin_tag()?;
            match tag {
                0 => m.assignment_epochs = d.nullable_array(true)?,
                _ => {}
            }
            d.end_tag(outer);
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.string(&self.subtopology_id, true);
        e.array(&self.partitions, true);
        let has_0 = self.assignment_epochs.is_some();
        e.uvarint(u32::from(has_0));
        if has_0 { e.tagged(0, |e| { e.nullable_array(self.assignment_epochs.as_ref(), true); }); }
    }
}
