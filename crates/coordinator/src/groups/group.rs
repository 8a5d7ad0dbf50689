//! One group: its state, its members, and the rules that several requests share.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use bytes::{Buf, Bytes};
use milena_types::Timestamp;

use super::{
    Generation, GroupError, GroupId, InstanceId, MemberId, Reply, ReplyId,
    effects::Effects,
    member::{Member, MemberSettings, pending_bytes},
    offsets::Offsets,
    state::{GroupState, JoinPhase},
    stored::StoredGroup,
};

/// The protocol type of consumers, whose metadata the coordinator can read.
const CONSUMER: &str = "consumer";

/// A group. See [`super`] for what holds between its parts.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) id: GroupId,
    pub(crate) state: GroupState,
    pub(crate) state_since: Option<Timestamp>,
    pub(crate) generation: Generation,
    pub(crate) protocol_type: Option<Arc<str>>,
    pub(crate) protocol: Option<Arc<str>>,
    pub(crate) leader: Option<MemberId>,
    pub(crate) members: BTreeMap<MemberId, Member>,
    pub(crate) static_members: BTreeMap<InstanceId, MemberId>,
    /// Ids given out to members that have yet to join with them, and when they expire.
    pub(crate) pending_members: BTreeMap<MemberId, u64>,
    /// The topics of this generation's subscriptions, where they can be read.
    pub(crate) subscribed: Option<BTreeSet<Box<str>>>,
    /// Present in PreparingRebalance only.
    pub(crate) join_phase: Option<JoinPhase>,
    /// A member came during the initial delay, which therefore is extended.
    pub(crate) new_member_added: bool,
    /// Members of this generation that have not sent SyncGroup, and until when they may.
    pub(crate) pending_sync: BTreeSet<MemberId>,
    pub(crate) sync_deadline: Option<u64>,
    /// The leader's assignment is on its way into the log.
    pub(crate) assigning: bool,
    pub(crate) offsets: Offsets,
    /// The generation that the log has.
    pub(crate) committed: Option<Arc<StoredGroup>>,
    /// The deadline that the coordinator's timers have for this group.
    pub(crate) armed: Option<u64>,
    /// What the members take, unless they have changed since.
    pub(crate) member_bytes: Option<usize>,
    /// What the coordinator counts for this group.
    pub(crate) counted: usize,
}

/// About how many bytes of memory a group takes, without members and offsets.
const GROUP_BYTES: usize = 1024;

impl Group {
    pub(crate) fn new(id: GroupId) -> Self {
        Self {
            id,
            state: GroupState::Empty,
            state_since: None,
            generation: Generation(0),
            protocol_type: None,
            protocol: None,
            leader: None,
            members: BTreeMap::new(),
            static_members: BTreeMap::new(),
            pending_members: BTreeMap::new(),
            subscribed: None,
            join_phase: None,
            new_member_added: false,
            pending_sync: BTreeSet::new(),
            sync_deadline: None,
            assigning: false,
            offsets: Offsets::default(),
            committed: None,
            armed: None,
            member_bytes: None,
            counted: 0,
        }
    }

    /// What it takes in memory about.
    pub(crate) fn bytes(&mut self) -> usize {
        let members = || self.members.values().map(Member::bytes).sum();
        let members = *self.member_bytes.get_or_insert_with(members);
        let pending = self.pending_members.keys().map(pending_bytes).sum::<usize>();
        GROUP_BYTES + self.id.as_str().len() + members + pending + self.offsets.committed_bytes()
    }

    /// Nothing would be missed if the group were forgotten.
    pub(crate) fn is_blank(&self) -> bool {
        self.state == GroupState::Empty
            && self.generation == Generation(0)
            && self.pending_members.is_empty()
            && self.committed.is_none()
            && self.offsets.is_blank()
    }

    pub(crate) fn set_state(&mut self, state: GroupState, effects: &Effects<'_>) {
        self.state = state;
        self.state_since = Some(effects.now.wall);
    }

    /// Makes the live state what the log has, after loading. Sessions start anew.
    pub(crate) fn restore(&mut self, effects: &mut Effects<'_>) {
        let Some(stored) = self.committed.clone() else { return };
        self.generation = stored.generation;
        self.state_since = stored.state_since;
        self.protocol_type =
            (!stored.protocol_type.is_empty()).then(|| stored.protocol_type.clone());
        let Some(protocol) = stored.protocol.clone().filter(|_| !stored.members.is_empty()) else {
            self.subscribed = self.read_subscriptions();
            return;
        };
        for member in &stored.members {
            let expires_at = effects.after(member.session_timeout_ms);
            let member = Member::restore(member, &protocol, expires_at);
            if let Some(instance) = &member.instance {
                self.static_members.insert(instance.clone(), member.id.clone());
            }
            self.members.insert(member.id.clone(), member);
        }
        self.member_bytes = None;
        self.protocol = Some(protocol);
        self.leader = stored.leader.clone().filter(|leader| self.members.contains_key(leader));
        self.leader = self.leader.take().or_else(|| self.members.keys().next().cloned());
        self.state = GroupState::Stable;
        self.subscribed = self.read_subscriptions();
        if self.members.len() > effects.config.max_size {
            self.prepare_rebalance(effects);
        }
    }

    /// The group as it is now, with the given assignments, for the log.
    pub(crate) fn to_stored(&self, assignment: impl Fn(&Member) -> Bytes) -> Arc<StoredGroup> {
        let protocol = self.protocol.clone().unwrap_or_default();
        let members =
            self.members.values().map(|member| member.stored(&protocol, assignment(member)));
        Arc::new(StoredGroup {
            protocol_type: self.protocol_type.clone().unwrap_or_default(),
            generation: self.generation,
            protocol: self.protocol.clone(),
            leader: self.leader.clone(),
            state_since: self.state_since,
            members: members.collect(),
        })
    }

    pub(crate) fn is_leader(&self, member: &MemberId) -> bool {
        self.leader.as_ref() == Some(member)
    }

    /// Checks that a request is from a member of this group, and from the one that has the instance
    /// id.
    pub(crate) fn check_member(
        &self,
        member: Option<&MemberId>,
        instance: Option<&InstanceId>,
    ) -> Result<MemberId, GroupError> {
        let known = match instance {
            Some(instance) => match self.static_members.get(instance) {
                Some(current) if Some(current) != member => {
                    return Err(GroupError::FencedInstanceId);
                }
                current => current,
            },
            None => member.filter(|member| self.members.contains_key(member)),
        };
        known.cloned().ok_or(GroupError::UnknownMemberId)
    }

    pub(crate) fn count_awaiting_join(&self) -> usize {
        self.members.values().filter(|member| member.awaiting_join.is_some()).count()
    }

    /// The longest that any member needs to join again.
    pub(crate) fn rebalance_timeout_ms(&self) -> i32 {
        self.members.values().map(|member| member.settings.rebalance_timeout_ms).max().unwrap_or(0)
    }

    /// Whether a member with these protocols would have one in common with all others.
    pub(crate) fn supports(&self, protocol_type: &str, settings: &MemberSettings) -> bool {
        if self.state == GroupState::Empty {
            return !protocol_type.is_empty() && !settings.protocols.is_empty();
        }
        let common = self.common_protocols();
        self.protocol_type.as_deref() == Some(protocol_type)
            && settings.protocols.iter().any(|protocol| common.contains(&*protocol.name))
    }

    /// The protocols that all members have.
    fn common_protocols(&self) -> BTreeSet<&str> {
        let mut members = self.members.values();
        let Some(first) = members.next() else { return BTreeSet::new() };
        let mut common: BTreeSet<&str> = first.protocol_names().collect();
        for member in members {
            let own: BTreeSet<&str> = member.protocol_names().collect();
            common.retain(|name| own.contains(name));
        }
        common
    }

    /// The protocol with most votes: each member votes for the first of its own that all have.
    /// Where votes are equal, the leader's order decides. None if they have none in common, or
    /// there are no members.
    pub(crate) fn select_protocol(&self) -> Option<Arc<str>> {
        let common = self.common_protocols();
        let mut votes: BTreeMap<&str, usize> = BTreeMap::new();
        for member in self.members.values() {
            let choice = member.protocol_names().find(|name| common.contains(name))?;
            *votes.entry(choice).or_default() += 1;
        }
        let most = votes.values().max()?;
        let leader = self.leader.as_ref().and_then(|leader| self.members.get(leader));
        let leader = leader.or_else(|| self.members.values().next())?;
        let mut preferred = leader.settings.protocols.iter().map(|protocol| &protocol.name);
        preferred.find(|name| votes.get(&***name) == Some(most)).cloned()
    }

    /// Removes a member, without a reply to its requests and without a rebalance.
    pub(crate) fn remove_member(&mut self, id: &MemberId) -> Option<Member> {
        let member = self.members.remove(id)?;
        self.member_bytes = None;
        self.pending_sync.remove(id);
        if let Some(instance) = &member.instance
            && self.static_members.get(instance) == Some(id)
        {
            self.static_members.remove(instance);
        }
        if self.is_leader(id) {
            self.leader = self.members.keys().next().cloned();
        }
        Some(member)
    }

    /// Removes a member, replies to its waiting requests, and has the others rebalance.
    pub(crate) fn remove_member_and_rebalance(&mut self, id: &MemberId, effects: &mut Effects<'_>) {
        let Some(member) = self.remove_member(id) else { return };
        fail_requests_of(&member, GroupError::UnknownMemberId, effects);
        if matches!(self.state, GroupState::Stable | GroupState::CompletingRebalance) {
            self.prepare_rebalance(effects);
        } else {
            self.try_complete_join(effects);
        }
    }

    /// Restarts a member's session.
    pub(crate) fn renew_session(&mut self, id: &MemberId, effects: &Effects<'_>) {
        if let Some(member) = self.members.get_mut(id) {
            member.expires_at = effects.after(member.settings.session_timeout_ms);
        }
    }

    /// The topics that the members of this generation subscribe to: None unless the group is one of
    /// consumers whose subscriptions can be read.
    pub(crate) fn read_subscriptions(&self) -> Option<BTreeSet<Box<str>>> {
        if self.protocol_type.as_deref() != Some(CONSUMER) {
            return None;
        }
        let mut topics = BTreeSet::new();
        for member in self.members.values() {
            topics.extend(subscribed_topics(member.metadata(self.protocol.as_deref()?))?);
        }
        Some(topics)
    }

    pub(crate) fn is_consumer_group(&self) -> bool {
        self.protocol_type.as_deref() == Some(CONSUMER)
    }

    /// Whether members read the topic, as far as is known.
    pub(crate) fn subscribes_to(&self, topic: &str) -> bool {
        self.subscribed.as_ref().is_none_or(|topics| topics.contains(topic))
    }

    /// Fails every waiting request: the coordinator no longer owns the group.
    pub(crate) fn fail_waiting_requests(&mut self, error: GroupError, effects: &mut Effects<'_>) {
        for member in self.members.values_mut() {
            fail_requests_of(member, error, effects);
            member.awaiting_join = None;
            member.awaiting_sync = None;
        }
    }
}

fn fail_requests_of(member: &Member, error: GroupError, effects: &mut Effects<'_>) {
    if let Some(reply) = member.awaiting_join {
        effects.fail_join(reply, error, None);
    }
    if let Some(reply) = member.awaiting_sync {
        effects.reply(reply, Reply::Sync(Err(error)));
    }
}

/// Fails a member's join that a newer one of the same member replaces: its client no longer waits.
pub(crate) fn fail_superseded_join(
    former: Option<ReplyId>,
    member: &MemberId,
    effects: &mut Effects<'_>,
) {
    if let Some(former) = former {
        effects.fail_join(former, GroupError::RebalanceInProgress, Some(member.clone()));
    }
}

/// The topics of a ConsumerProtocolSubscription (any version: they come first in all), None if it
/// is not one.
fn subscribed_topics(mut metadata: Bytes) -> Option<BTreeSet<Box<str>>> {
    let _version = metadata.try_get_i16().ok()?;
    let count = metadata.try_get_i32().ok()?;
    let mut topics = BTreeSet::new();
    for _ in 0..count {
        let length = usize::try_from(metadata.try_get_i16().ok()?).ok()?;
        if metadata.len() < length {
            return None;
        }
        let topic = metadata.split_to(length);
        topics.insert(std::str::from_utf8(&topic).ok()?.into());
    }
    Some(topics)
}
