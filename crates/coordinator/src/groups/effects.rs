//! The effects of one input on a group: replies, and writes for the log.

use std::collections::VecDeque;

use super::{
    GroupConfig, GroupError, GroupId, JoinError, MemberId, Now, Reply, ReplyId,
    stored::Change,
    writes::{AfterWrite, Write},
};

/// The effects of one input, with the time and the configuration it is handled under.
pub(crate) struct Effects<'a> {
    pub(crate) now: Now,
    pub(crate) config: &'a GroupConfig,
    /// There is no memory for more members.
    pub(crate) is_full: bool,
    pub(crate) replies: &'a mut Vec<(ReplyId, Reply)>,
    pub(crate) writes: &'a mut VecDeque<Write>,
}

impl Effects<'_> {
    /// The monotonic time `ms` from now; at least a millisecond, so that a deadline is always
    /// ahead.
    pub(crate) fn after(&self, ms: i32) -> u64 {
        self.now.monotonic_ms.saturating_add(u64::try_from(ms).unwrap_or(0).max(1))
    }

    pub(crate) fn reply(&mut self, to: ReplyId, reply: Reply) {
        self.replies.push((to, reply));
    }

    pub(crate) fn fail_join(&mut self, to: ReplyId, error: GroupError, member: Option<MemberId>) {
        self.reply(to, Reply::Join(Err(JoinError { error, member })));
    }

    pub(crate) fn write(&mut self, group: &GroupId, changes: Vec<Change>, then: AfterWrite) {
        self.writes.push_back(Write { group: group.clone(), changes, then });
    }
}
