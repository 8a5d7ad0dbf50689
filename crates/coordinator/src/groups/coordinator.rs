//! The groups of one partition of `__consumer_offsets`, with what they have in common: the log's
//! queue, the timers, loading and snapshots.

use std::collections::{BTreeMap, BTreeSet};

use milena_types::{ProducerId, TopicId, TopicName};

use super::{
    AppendError, GroupConfig, GroupError, GroupId, JoinRequest, ListFilter, ListedGroup, Now,
    OffsetKey, Reply, ReplyId, Request, StoredChange, StoredRecord,
    effects::Effects,
    group::Group,
    join::Join,
    offsets::fetch_of_unknown_group,
    stored::Change,
    writes::{AfterWrite, Write, Writes},
};

/// Where a snapshot continues: after this group's record, or after this offset of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SnapshotCursor {
    group: GroupId,
    key: Option<OffsetKey>,
}

/// The groups of one partition of `__consumer_offsets`. See [`super`] for its inputs and effects.
///
/// Loading: [`Coordinator::replay`] every record of the log in order, then [`Coordinator::start`];
/// requests only after that.
#[derive(Debug)]
pub struct Coordinator {
    config: GroupConfig,
    groups: BTreeMap<GroupId, Group>,
    writes: Writes,
    replies: Vec<(ReplyId, Reply)>,
    timers: BTreeSet<(u64, GroupId)>,
    /// What all groups take in memory about.
    bytes: usize,
    is_full: bool,
}

impl Coordinator {
    /// A coordinator without groups.
    pub fn new(config: GroupConfig) -> Self {
        Self {
            config,
            groups: BTreeMap::new(),
            writes: Writes::default(),
            replies: Vec::new(),
            timers: BTreeSet::new(),
            bytes: 0,
            is_full: false,
        }
    }

    /// What all groups take in memory about: members, assignments and committed offsets.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether there is memory for more. Where there is none, new members, and offsets of partitions
    /// that the group has none of, are turned away with COORDINATOR_NOT_AVAILABLE; what is there
    /// stays, and may change.
    pub fn set_full(&mut self, is_full: bool) {
        self.is_full = is_full;
    }

    /// Loading: applies the next record of the log.
    pub fn replay(&mut self, StoredChange { group, change }: StoredChange) {
        let deletes = matches!(change, Change::Group(None) | Change::Offset(_, None));
        self.group_or_new(&group).apply(change);
        if deletes {
            self.forget_if_blank(&group);
        }
    }

    /// Loading: a record of a transactional batch. Its offset counts once the transaction is
    /// committed.
    pub fn replay_transactional(&mut self, producer: ProducerId, stored: StoredChange) {
        match stored {
            StoredChange { group, change: Change::Offset(key, Some(offset)) } => {
                let offsets = &mut self.group_or_new(&group).offsets;
                offsets.undecided.entry(producer).or_default().insert(key, offset);
            }
            other => self.replay(other),
        }
    }

    /// A transaction's marker is in the log: its offsets count from here on, or never did.
    pub fn end_transaction(&mut self, producer: ProducerId, committed: bool) {
        let mut blank = Vec::new();
        for group in self.groups.values_mut() {
            let decided = group.offsets.undecided.remove(&producer).unwrap_or_default();
            for (key, offset) in decided.into_iter().filter(|_| committed) {
                group.offsets.apply(key, Some(offset));
            }
            if group.is_blank() {
                blank.push(group.id.clone());
            }
        }
        for id in blank {
            self.forget_if_blank(&id);
        }
    }

    /// Ends loading: members' sessions start again.
    pub fn start(&mut self, now: Now) {
        let ids: Vec<GroupId> = self.groups.keys().cloned().collect();
        for id in ids {
            self.in_group(&id, now, |group, effects| group.restore(effects));
        }
    }

    /// Handles a request. Its reply comes out of [`Coordinator::take_replies`], perhaps only after
    /// later inputs.
    pub fn request(&mut self, to: ReplyId, request: Request, now: Now) {
        match request {
            Request::Join(request) => self.join(to, request, now),
            Request::Sync(request) => {
                let id = request.group.clone();
                let known =
                    self.in_group(&id, now, |group, effects| group.sync(to, request, effects));
                self.reply_if_unknown(known, to, || Reply::Sync(Err(GroupError::UnknownMemberId)));
            }
            Request::Heartbeat(request) => {
                let outcome = self.in_group(&request.group, now, |group, effects| {
                    group.heartbeat(&request, effects)
                });
                let outcome = outcome.unwrap_or(Err(GroupError::UnknownMemberId));
                self.replies.push((to, Reply::Heartbeat(outcome)));
            }
            Request::Leave(request) => {
                let members = &request.members;
                let left = self
                    .in_group(&request.group, now, |group, effects| group.leave(members, effects));
                let left = left.unwrap_or_else(|| Ok(super::sync::unknown_members(members)));
                self.replies.push((to, Reply::Leave(left)));
            }
            Request::Commit(request) => {
                // A commit from outside group management makes the group.
                if request.generation.0 < 0 && !self.groups.contains_key(&request.group) {
                    self.group_or_new(&request.group);
                }
                let (id, count) = (request.group.clone(), request.offsets.len());
                let known =
                    self.in_group(&id, now, |group, effects| group.commit(to, request, effects));
                let unknown = || Reply::Commit(vec![Err(GroupError::IllegalGeneration); count]);
                self.reply_if_unknown(known, to, unknown);
            }
            Request::Fetch(request) => {
                let fetched = match self.groups.get(&request.group) {
                    Some(group) => group.fetch(request),
                    None => fetch_of_unknown_group(request),
                };
                self.replies.push((to, Reply::Fetch(fetched)));
            }
            Request::DeleteOffsets { group, keys } => {
                let known = self.in_group(&group, now, |group, effects| {
                    group.delete_offsets(to, keys, effects);
                });
                self.reply_if_unknown(known, to, || {
                    Reply::DeleteOffsets(Err(GroupError::GroupIdNotFound))
                });
            }
            Request::Describe(id) => {
                let group = self.groups.get(&id).ok_or(GroupError::GroupIdNotFound);
                self.replies.push((to, Reply::Describe(group.map(Group::describe))));
            }
            Request::Delete(id) => {
                let known =
                    self.in_group(&id, now, |group, effects| group.delete(Some(to), effects));
                self.reply_if_unknown(known, to, || {
                    Reply::Delete(Err(GroupError::GroupIdNotFound))
                });
            }
        }
    }

    /// ListGroups, of this partition.
    pub fn list(&self, filter: &ListFilter) -> Vec<ListedGroup> {
        self.groups.values().filter_map(|group| group.list(filter)).collect()
    }

    /// Handles every deadline that has come.
    pub fn tick(&mut self, now: Now) {
        while let Some((_, id)) =
            self.timers.first().filter(|(at, _)| *at <= now.monotonic_ms).cloned()
        {
            self.in_group(&id, now, |group, effects| group.tick(effects));
        }
    }

    /// When [`Coordinator::tick`] has something to do next, on the monotonic clock.
    pub fn next_deadline(&self) -> Option<u64> {
        self.timers.first().map(|(at, _)| *at)
    }

    /// Deletes offsets whose retention is over, and groups that are empty without them.
    pub fn expire_offsets(&mut self, now: Now) {
        let ids: Vec<GroupId> = self.groups.keys().cloned().collect();
        for id in ids {
            self.in_group(&id, now, |group, effects| group.expire_offsets(effects));
        }
    }

    /// Deletes the offsets of topics that are gone: those for whose topic `is_gone` holds. The id is
    /// that of the topic which had the name at the commit; None if the record does not say.
    pub fn forget_topics(
        &mut self,
        is_gone: &dyn Fn(&TopicName, Option<TopicId>) -> bool,
        now: Now,
    ) {
        let ids: Vec<GroupId> = self.groups.keys().cloned().collect();
        for id in ids {
            self.in_group(&id, now, |group, effects| group.forget_topics(is_gone, effects));
        }
    }

    /// The replies that are due, in the order in which they became so.
    pub fn take_replies(&mut self) -> Vec<(ReplyId, Reply)> {
        std::mem::take(&mut self.replies)
    }

    /// Whether [`Coordinator::take_append`] would give something.
    pub fn wants_append(&self) -> bool {
        self.writes.under_way.is_none() && !self.writes.queued.is_empty()
    }

    /// The records of the next append, as one batch of up to about `max_bytes` (more if one write
    /// alone has more). None while nothing is queued or an append is under way:
    /// [`Coordinator::append_ended`] ends it.
    pub fn take_append(&mut self, max_bytes: usize) -> Option<Vec<StoredRecord>> {
        if !self.wants_append() {
            return None;
        }
        let (mut taken, mut records, mut bytes) = (Vec::new(), Vec::new(), 0);
        while let Some(write) = self.writes.queued.pop_front() {
            let encoded: Vec<StoredRecord> =
                write.changes.iter().map(|change| change.encode(&write.group)).collect();
            let size: usize = encoded.iter().map(StoredRecord::len).sum();
            if !taken.is_empty() && bytes + size > max_bytes {
                self.writes.queued.push_front(write);
                break;
            }
            bytes += size;
            records.extend(encoded);
            taken.push(write);
        }
        self.writes.under_way = Some(taken);
        Some(records)
    }

    /// The append under way is committed, or nothing of it is or will be in the log.
    ///
    /// # Panics
    /// If none is under way.
    pub fn append_ended(&mut self, outcome: Result<(), AppendError>, now: Now) {
        let ended = self.writes.under_way.take();
        for write in ended.expect("an append is under way before it ends") {
            self.write_ended(write, outcome, now);
        }
    }

    fn write_ended(&mut self, write: Write, outcome: Result<(), AppendError>, now: Now) {
        let Write { group: id, changes, then } = write;
        let group = self.group_or_new(&id);
        for change in changes {
            if let Change::Offset(key, _) = &change {
                group.offsets.remove_pending(key);
            }
            if outcome.is_ok() {
                group.apply(change);
            }
        }
        if let AfterWrite::Delete { reply } = then {
            return self.delete_ended(&id, reply, outcome, now);
        }
        self.in_group(&id, now, |group, effects| group.follow_up(then, outcome, effects));
    }

    fn delete_ended(
        &mut self,
        id: &GroupId,
        reply: Option<ReplyId>,
        outcome: Result<(), AppendError>,
        now: Now,
    ) {
        // Offsets are deleted by writes before this one; if one of those failed, the group must
        // stay for them.
        let remains = self.groups.get(id).is_some_and(|group| !group.offsets.committed.is_empty());
        let outcome = if remains { outcome.and(Err(AppendError::Unavailable)) } else { outcome };
        if outcome.is_ok() {
            if let Some(group) = self.groups.remove(id) {
                self.bytes -= group.counted;
                if let Some(at) = group.armed {
                    self.timers.remove(&(at, id.clone()));
                }
            }
        } else {
            self.in_group(id, now, |group, _| group.undelete());
        }
        if let Some(reply) = reply {
            self.replies.push((reply, Reply::Delete(outcome.map_err(AppendError::for_offsets))));
        }
    }

    /// Whether offsets of undecided transactions were replayed: only the log has them, snapshots do
    /// not.
    pub fn has_undecided_offsets(&self) -> bool {
        self.groups.values().any(|group| !group.offsets.undecided.is_empty())
    }

    /// A part of the committed state as records, after `cursor` (None: from the start), of about
    /// `max_bytes`; and where to go on, if there is more. What was committed behind the cursor
    /// since the first part is in the log after it, so a log that starts with the first part
    /// has the whole state.
    ///
    /// # Panics
    /// If an append is under way: whether it will be committed would be unknown, and the snapshot
    /// would follow it.
    pub fn snapshot(
        &self,
        cursor: Option<&SnapshotCursor>,
        max_bytes: usize,
    ) -> (Vec<StoredRecord>, Option<SnapshotCursor>) {
        assert!(self.writes.under_way.is_none(), "a snapshot is taken between appends");
        let (mut records, mut bytes) = (Vec::new(), 0);
        let groups = match cursor {
            None => self.groups.range::<GroupId, _>(..),
            Some(cursor) => self.groups.range(&cursor.group..),
        };
        for (id, group) in groups {
            let resumed = cursor.filter(|cursor| cursor.group == *id);
            for (key, change) in group.snapshot_after(resumed.map(|cursor| cursor.key.as_ref())) {
                let record = change.encode(id);
                bytes += record.len();
                records.push(record);
                if bytes >= max_bytes {
                    return (records, Some(SnapshotCursor { group: id.clone(), key }));
                }
            }
        }
        (records, None)
    }

    /// Ends the coordinator, whose partition has another owner: every waiting request gets `error`,
    /// and uncommitted changes are dropped. The replies are taken as usual.
    pub fn unload(&mut self, error: GroupError, now: Now) {
        let under_way = self.writes.under_way.take().unwrap_or_default();
        let queued = std::mem::take(&mut self.writes.queued);
        for write in under_way.into_iter().chain(queued) {
            if let Some(reply) = write.then.refused(error) {
                self.replies.push(reply);
            }
        }
        let mut groups = std::mem::take(&mut self.groups);
        self.timers.clear();
        let mut dropped = Default::default();
        self.bytes = 0;
        let mut effects = Effects {
            now,
            config: &self.config,
            is_full: false,
            replies: &mut self.replies,
            writes: &mut dropped,
        };
        for group in groups.values_mut() {
            group.fail_waiting_requests(error, &mut effects);
        }
    }

    fn join(&mut self, to: ReplyId, request: JoinRequest, now: Now) {
        let limits = self.config.min_session_timeout_ms..=self.config.max_session_timeout_ms;
        let id = request.group.clone();
        let refused = if id.as_str().is_empty() {
            Some(GroupError::InvalidGroupId)
        } else if !limits.contains(&request.session_timeout_ms) {
            Some(GroupError::InvalidSessionTimeout)
        } else if request.member.is_some() && !self.groups.contains_key(&id) {
            Some(GroupError::UnknownMemberId)
        } else {
            None
        };
        if let Some(error) = refused {
            let failed = super::JoinError { error, member: request.member };
            return self.replies.push((to, Reply::Join(Err(failed))));
        }
        self.group_or_new(&id);
        self.in_group(&id, now, |group, effects| group.join(Join::new(to, request), effects));
    }

    fn reply_if_unknown(&mut self, known: Option<()>, to: ReplyId, reply: impl FnOnce() -> Reply) {
        if known.is_none() {
            self.replies.push((to, reply()));
        }
    }

    fn group_or_new(&mut self, id: &GroupId) -> &mut Group {
        self.groups.entry(id.clone()).or_insert_with(|| Group::new(id.clone()))
    }

    /// Runs `handle` on a group, and updates its timer. None if there is no such group.
    fn in_group<T>(
        &mut self,
        id: &GroupId,
        now: Now,
        handle: impl FnOnce(&mut Group, &mut Effects<'_>) -> T,
    ) -> Option<T> {
        let group = self.groups.get_mut(id)?;
        let writes = &mut self.writes.queued;
        let mut effects = Effects {
            now,
            config: &self.config,
            is_full: self.is_full,
            replies: &mut self.replies,
            writes,
        };
        let handled = handle(group, &mut effects);
        let bytes = group.bytes();
        self.bytes = self.bytes - std::mem::replace(&mut group.counted, bytes) + bytes;
        let deadline = group.next_deadline();
        if deadline != group.armed {
            if let Some(at) = std::mem::replace(&mut group.armed, deadline) {
                self.timers.remove(&(at, id.clone()));
            }
            if let Some(at) = deadline {
                self.timers.insert((at, id.clone()));
            }
        }
        self.forget_if_blank(id);
        Some(handled)
    }

    fn forget_if_blank(&mut self, id: &GroupId) {
        if self.groups.get(id).is_some_and(|group| group.is_blank() && group.armed.is_none())
            && let Some(group) = self.groups.remove(id)
        {
            self.bytes -= group.counted;
        }
    }
}

impl Group {
    /// Applies a change that was committed to the log.
    fn apply(&mut self, change: Change) {
        match change {
            Change::Group(stored) => self.committed = stored,
            Change::Offset(key, value) => self.offsets.apply(key, value),
        }
    }

    fn follow_up(
        &mut self,
        then: AfterWrite,
        outcome: Result<(), AppendError>,
        effects: &mut Effects<'_>,
    ) {
        let failed = outcome.map_err(AppendError::for_offsets);
        match then {
            AfterWrite::Nothing => {}
            AfterWrite::ReplyToCommit { reply, outcomes } => {
                let outcomes = outcomes.into_iter().map(|one| one.and(failed)).collect();
                effects.reply(reply, Reply::Commit(outcomes));
            }
            AfterWrite::ReplyToDeleteOffsets { reply, outcomes } => {
                let outcomes = outcomes.into_iter().map(|one| one.and(failed)).collect();
                effects.reply(reply, Reply::DeleteOffsets(Ok(outcomes)));
            }
            AfterWrite::Assign { generation, assignments } => {
                self.assigned(generation, assignments, outcome, effects);
            }
            AfterWrite::ReplaceStatic(replacement) => {
                self.static_replaced(*replacement, outcome, effects);
            }
            AfterWrite::Delete { .. } => unreachable!("deletions end with the coordinator"),
        }
    }

    /// The committed state as changes, each with the place in the order it has: None is the group
    /// itself, which comes before its offsets. `after` is the place to go on from.
    fn snapshot_after<'a>(
        &'a self,
        after: Option<Option<&'a OffsetKey>>,
    ) -> impl Iterator<Item = (Option<OffsetKey>, Change)> + 'a {
        use std::ops::Bound::{Excluded, Unbounded};
        let group = self.committed.as_ref().filter(|_| after.is_none());
        let group = group.map(|stored| (None, Change::Group(Some(stored.clone()))));
        let from = after.flatten().map_or(Unbounded, Excluded);
        let offsets = self.offsets.committed.range::<OffsetKey, _>((from, Unbounded));
        let offsets = offsets.map(|(key, offset)| {
            (Some(key.clone()), Change::Offset(key.clone(), Some(offset.clone())))
        });
        group.into_iter().chain(offsets)
    }
}

impl AfterWrite {
    /// The reply to the request that waits for a write when the write is dropped. Waiting members
    /// get theirs from the group.
    fn refused(self, error: GroupError) -> Option<(ReplyId, Reply)> {
        let all = |outcomes: Vec<Result<(), GroupError>>| {
            outcomes.into_iter().map(|one| one.and(Err(error))).collect::<Vec<_>>()
        };
        match self {
            Self::Nothing
            | Self::Assign { .. }
            | Self::ReplaceStatic(_)
            | Self::Delete { reply: None } => None,
            Self::ReplyToCommit { reply, outcomes } => Some((reply, Reply::Commit(all(outcomes)))),
            Self::ReplyToDeleteOffsets { reply, outcomes } => {
                Some((reply, Reply::DeleteOffsets(Ok(all(outcomes)))))
            }
            Self::Delete { reply: Some(reply) } => Some((reply, Reply::Delete(Err(error)))),
        }
    }
}
