//! What groups want in the log, and what follows when it is there or cannot be.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;

use super::{Generation, GroupError, GroupId, MemberId, ReplyId, member::Terms, stored::Change};

/// Changes that go into the log together, in one batch.
#[derive(Debug)]
pub(crate) struct Write {
    pub(crate) group: GroupId,
    pub(crate) changes: Vec<Change>,
    pub(crate) then: Then,
}

/// What follows a write.
#[derive(Debug)]
pub(crate) enum Then {
    /// Nothing but the change itself.
    Nothing,
    AnswerCommit {
        reply: ReplyId,
        outcomes: Vec<Result<(), GroupError>>,
    },
    AnswerDeleteOffsets {
        reply: ReplyId,
        outcomes: Vec<Result<(), GroupError>>,
    },
    /// Hand the leader's assignments to the members.
    Assign {
        generation: Generation,
        assignments: BTreeMap<MemberId, Bytes>,
    },
    /// Answer the JoinGroup with which a static member came back, or put its former self back.
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
    pub(crate) former_terms: Terms,
    pub(crate) former_leader: Option<MemberId>,
    pub(crate) can_skip_assignment: bool,
}

/// Writes in the order in which the log gets them. At most one append is under way.
#[derive(Debug, Default)]
pub(crate) struct Writes {
    pub(crate) queued: VecDeque<Write>,
    pub(crate) under_way: Option<Vec<Write>>,
}
