//! Records that groups append to the log, and the effects of their commit or failure.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;

use super::{
    Generation, GroupError, GroupId, MemberId, ReplyId, member::MemberSettings, stored::Change,
};

/// Changes that go into the log together, in one batch.
#[derive(Debug)]
pub(crate) struct Write {
    pub(crate) group: GroupId,
    pub(crate) changes: Vec<Change>,
    pub(crate) then: AfterWrite,
}

/// The effect of a completed write.
#[derive(Debug)]
pub(crate) enum AfterWrite {
    /// Nothing but the change itself.
    Nothing,
    ReplyToCommit {
        reply: ReplyId,
        outcomes: Vec<Result<(), GroupError>>,
    },
    ReplyToDeleteOffsets {
        reply: ReplyId,
        outcomes: Vec<Result<(), GroupError>>,
    },
    /// Hand the leader's assignments to the members.
    Assign {
        generation: Generation,
        assignments: BTreeMap<MemberId, Bytes>,
    },
    /// Reply to the JoinGroup of a static member that restarted, or restore its former id.
    ReplaceStatic(Box<StaticReplacement>),
    /// The group is gone.
    Delete {
        reply: Option<ReplyId>,
    },
}

/// A static member that came back under a new member id while its group was stable.
#[derive(Debug)]
pub(crate) struct StaticReplacement {
    pub(crate) reply: ReplyId,
    pub(crate) generation: Generation,
    pub(crate) former_id: MemberId,
    pub(crate) id: MemberId,
    pub(crate) former_settings: MemberSettings,
    pub(crate) former_leader: Option<MemberId>,
    pub(crate) can_skip_assignment: bool,
}

/// Writes in the order in which the log gets them. At most one append is under way.
#[derive(Debug, Default)]
pub(crate) struct Writes {
    pub(crate) queued: VecDeque<Write>,
    pub(crate) under_way: Option<Vec<Write>>,
}
