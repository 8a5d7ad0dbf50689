//! Committed offsets of one group: OffsetCommit, OffsetFetch, OffsetDelete and expiry.
//!
//! Rules of expiry (KIP-211): offsets of an empty group live as long as the group is empty; those
//! of a stable group of consumers since their commit, unless a member subscribes to the topic;
//! those committed from outside group management since their commit. An offset with an expiry of
//! its own keeps to that.

use std::collections::{BTreeMap, BTreeSet};

use milena_types::{
    LeaderEpoch, Offset, PartitionIndex, ProducerId, Timestamp, TopicId, TopicName,
};

use super::{
    CommitOffset, CommitRequest, FetchRequest, FetchedOffset, FetchedTopic, Generation, GroupError,
    GroupState, OffsetKey, Reply, ReplyId,
    effects::Effects,
    group::Group,
    stored::{Change, CommittedOffset},
    writes::AfterWrite,
};

/// What a committed offset takes in memory about, without its metadata.
const OFFSET_BYTES: usize = 256;
/// The number of offsets that one write deletes.
const DROPPED_AT_ONCE_MAX: usize = 4_096;

#[derive(Debug, Default)]
pub(crate) struct Offsets {
    /// Changed by [`Offsets::apply`] alone.
    pub(crate) committed: BTreeMap<OffsetKey, CommittedOffset>,
    /// The bytes of all their metadata.
    metadata_bytes: usize,
    /// The number of commits and deletions of a partition that are queued for the log.
    pub(crate) pending: BTreeMap<OffsetKey, usize>,
    /// In the log, but of transactions that are not decided.
    pub(crate) undecided: BTreeMap<ProducerId, BTreeMap<OffsetKey, CommittedOffset>>,
}

impl Offsets {
    pub(crate) fn is_blank(&self) -> bool {
        self.committed.is_empty() && self.pending.is_empty() && self.undecided.is_empty()
    }

    fn is_unstable(&self, key: &OffsetKey) -> bool {
        self.undecided.values().any(|offsets| offsets.contains_key(key))
    }

    pub(crate) fn apply(&mut self, key: OffsetKey, value: Option<CommittedOffset>) {
        self.metadata_bytes += value.as_ref().map_or(0, |offset| offset.metadata.len());
        let former = match value {
            Some(offset) => self.committed.insert(key, offset),
            None => self.committed.remove(&key),
        };
        self.metadata_bytes -= former.map_or(0, |offset| offset.metadata.len());
    }

    /// What the committed offsets take in memory about.
    pub(crate) fn committed_bytes(&self) -> usize {
        self.committed.len() * OFFSET_BYTES + self.metadata_bytes
    }

    pub(crate) fn add_pending(&mut self, key: &OffsetKey) {
        *self.pending.entry(key.clone()).or_default() += 1;
    }

    pub(crate) fn remove_pending(&mut self, key: &OffsetKey) {
        if let Some(count) = self.pending.get_mut(key) {
            *count -= 1;
            if *count == 0 {
                self.pending.remove(key);
            }
        }
    }

    /// Every partition that has an offset now or may soon have one.
    pub(crate) fn keys(&self) -> BTreeSet<OffsetKey> {
        let undecided = self.undecided.values().flat_map(BTreeMap::keys);
        self.committed.keys().chain(self.pending.keys()).chain(undecided).cloned().collect()
    }

    fn fetched(&self, key: &OffsetKey, require_stable: bool) -> FetchedOffset {
        let error =
            (require_stable && self.is_unstable(key)).then_some(GroupError::UnstableOffsetCommit);
        match self.committed.get(key).filter(|_| error.is_none()) {
            Some(found) => FetchedOffset {
                partition: key.1,
                topic: found.topic,
                offset: found.offset,
                leader_epoch: found.leader_epoch,
                metadata: found.metadata.clone(),
                error,
            },
            None => FetchedOffset { error, ..FetchedOffset::none(key.1) },
        }
    }
}

impl FetchedOffset {
    /// "No offset", as the protocol has it.
    pub fn none(partition: PartitionIndex) -> Self {
        Self {
            partition,
            topic: None,
            offset: Offset(-1),
            leader_epoch: LeaderEpoch::NONE,
            metadata: "".into(),
            error: None,
        }
    }
}

/// The reply for a group that does not exist: no offsets, and no error either.
pub(crate) fn fetch_of_unknown_group(request: FetchRequest) -> Vec<FetchedTopic> {
    let topics = request.topics.unwrap_or_default().into_iter();
    topics
        .map(|(topic, partitions)| FetchedTopic {
            topic,
            partitions: partitions.into_iter().map(FetchedOffset::none).collect(),
        })
        .collect()
}

impl Group {
    pub(crate) fn commit(
        &mut self,
        reply: ReplyId,
        request: CommitRequest,
        effects: &mut Effects<'_>,
    ) {
        if let Err(error) = self.check_commit(&request, effects) {
            let outcomes = vec![Err(error); request.offsets.len()];
            return effects.reply(reply, Reply::Commit(outcomes));
        }
        let mut outcomes = Vec::with_capacity(request.offsets.len());
        let mut changes = Vec::with_capacity(request.offsets.len());
        for offset in request.offsets {
            if offset.metadata.len() > effects.config.offset_metadata_max_bytes {
                outcomes.push(Err(GroupError::OffsetMetadataTooLarge));
            } else if effects.is_full && !self.offsets.committed.contains_key(&offset.key) {
                outcomes.push(Err(GroupError::CoordinatorNotAvailable));
            } else {
                outcomes.push(Ok(()));
                changes.push(commit_change(offset, effects.now.wall));
            }
        }
        if changes.is_empty() {
            return effects.reply(reply, Reply::Commit(outcomes));
        }
        self.write_offsets(changes, AfterWrite::ReplyToCommit { reply, outcomes }, effects);
    }

    fn write_offsets(&mut self, changes: Vec<Change>, then: AfterWrite, effects: &mut Effects<'_>) {
        for change in &changes {
            if let Change::Offset(key, _) = change {
                self.offsets.add_pending(key);
            }
        }
        effects.write(&self.id, changes, then);
    }

    /// Deletes offsets without a waiting request, in writes small enough for any batch.
    pub(crate) fn drop_offsets(
        &mut self,
        keys: impl IntoIterator<Item = OffsetKey>,
        effects: &mut Effects<'_>,
    ) {
        let mut keys = keys.into_iter().peekable();
        while keys.peek().is_some() {
            let part = keys.by_ref().take(DROPPED_AT_ONCE_MAX);
            let changes = part.map(|key| Change::Offset(key, None)).collect();
            self.write_offsets(changes, AfterWrite::Nothing, effects);
        }
    }

    fn check_commit(
        &mut self,
        request: &CommitRequest,
        effects: &Effects<'_>,
    ) -> Result<(), GroupError> {
        if self.state == GroupState::Dead {
            return Err(GroupError::CoordinatorNotAvailable);
        }
        let names_member = request.member.is_some() || request.instance.is_some();
        if request.generation < Generation(0) && (self.state == GroupState::Empty || !names_member)
        {
            // From outside group management, which only a group without members takes.
            let empty = self.state == GroupState::Empty;
            return if empty { Ok(()) } else { Err(GroupError::UnknownMemberId) };
        }
        let id = self.check_generation(
            request.member.as_ref(),
            request.instance.as_ref(),
            request.generation,
        )?;
        if self.state == GroupState::CompletingRebalance {
            return Err(GroupError::RebalanceInProgress);
        }
        self.renew_session(&id, effects);
        Ok(())
    }

    pub(crate) fn fetch(&self, request: FetchRequest) -> Vec<FetchedTopic> {
        let Some(topics) = request.topics else { return self.fetch_all(request.require_stable) };
        let fetched = topics.into_iter().map(|(topic, partitions)| {
            let partitions = partitions
                .into_iter()
                .map(|partition| {
                    self.offsets.fetched(&(topic.clone(), partition), request.require_stable)
                })
                .collect();
            FetchedTopic { topic, partitions }
        });
        fetched.collect()
    }

    fn fetch_all(&self, require_stable: bool) -> Vec<FetchedTopic> {
        let mut topics: Vec<FetchedTopic> = Vec::new();
        for key in self.offsets.committed.keys() {
            let fetched = self.offsets.fetched(key, require_stable);
            match topics.last_mut().filter(|last| last.topic == key.0) {
                Some(last) => last.partitions.push(fetched),
                None => {
                    topics.push(FetchedTopic { topic: key.0.clone(), partitions: vec![fetched] });
                }
            }
        }
        topics
    }

    pub(crate) fn delete_offsets(
        &mut self,
        reply: ReplyId,
        keys: Vec<OffsetKey>,
        effects: &mut Effects<'_>,
    ) {
        let refused = match self.state {
            GroupState::Dead => Some(GroupError::GroupIdNotFound),
            GroupState::Empty => None,
            _ if !self.is_consumer_group() => Some(GroupError::NonEmptyGroup),
            _ => None,
        };
        if let Some(error) = refused {
            return effects.reply(reply, Reply::DeleteOffsets(Err(error)));
        }
        let in_use = self.state != GroupState::Empty;
        let mut outcomes = Vec::with_capacity(keys.len());
        let mut changes = Vec::new();
        for key in keys {
            if in_use && self.subscribes_to(key.0.as_str()) {
                outcomes.push(Err(GroupError::GroupSubscribedToTopic));
                continue;
            }
            outcomes.push(Ok(()));
            if self.offsets.committed.contains_key(&key) || self.offsets.pending.contains_key(&key)
            {
                changes.push(Change::Offset(key, None));
            }
        }
        if changes.is_empty() {
            return effects.reply(reply, Reply::DeleteOffsets(Ok(outcomes)));
        }
        self.write_offsets(changes, AfterWrite::ReplyToDeleteOffsets { reply, outcomes }, effects);
    }

    /// Deletes the offsets of topics that are gone: those for which `is_gone` holds.
    pub(crate) fn forget_topics(
        &mut self,
        is_gone: &dyn Fn(&TopicName, Option<TopicId>) -> bool,
        effects: &mut Effects<'_>,
    ) {
        if self.state == GroupState::Dead {
            return;
        }
        // What is on its way into the log is later than what is committed, and may be of a newer
        // topic of the name: a deletion behind it would delete that.
        let gone = self.offsets.committed.iter().filter(|(key, offset)| {
            is_gone(&key.0, offset.topic) && !self.offsets.pending.contains_key(key)
        });
        let keys: Vec<OffsetKey> = gone.map(|(key, _)| key.clone()).collect();
        self.drop_offsets(keys, effects);
    }

    /// Deletes offsets that have expired, and the group if it has then neither offsets nor members.
    pub(crate) fn expire_offsets(&mut self, effects: &mut Effects<'_>) {
        if self.state == GroupState::Dead {
            return;
        }
        let now = effects.now.wall;
        let retention_ms = effects.config.offsets_retention_ms;
        let expired = self.offsets.committed.iter().filter(|(key, offset)| {
            let idle = !self.offsets.pending.contains_key(key) && !self.offsets.is_unstable(key);
            idle && match (self.retained_since(key, offset), offset.expires) {
                (None, _) => false,
                (Some(_), Some(expires)) => now >= expires,
                (Some(since), None) => now.0.saturating_sub(since.0) >= retention_ms,
            }
        });
        let expired: Vec<OffsetKey> = expired.map(|(key, _)| key.clone()).collect();
        let keeps_offsets = self.offsets.committed.len() > expired.len()
            || !self.offsets.pending.is_empty()
            || !self.offsets.undecided.is_empty();
        if self.state == GroupState::Empty && !keeps_offsets && self.pending_members.is_empty() {
            self.delete(None, effects);
        } else {
            self.drop_offsets(expired, effects);
        }
    }

    /// From when the retention of an offset counts; None while it must be kept.
    fn retained_since(&self, key: &OffsetKey, offset: &CommittedOffset) -> Option<Timestamp> {
        match (self.protocol_type.as_ref(), self.state) {
            (None, _) => Some(offset.committed),
            (Some(_), GroupState::Empty) => Some(self.state_since.unwrap_or(offset.committed)),
            (Some(_), GroupState::Stable) if self.is_consumer_group() => {
                (!self.subscribes_to(key.0.as_str())).then_some(offset.committed)
            }
            (Some(_), _) => None,
        }
    }
}

fn commit_change(offset: CommitOffset, now: Timestamp) -> Change {
    let value = CommittedOffset {
        offset: offset.offset,
        leader_epoch: offset.leader_epoch,
        topic: Some(offset.topic),
        metadata: offset.metadata,
        committed: now,
        expires: offset.expires,
    };
    Change::Offset(offset.key, Some(value))
}
