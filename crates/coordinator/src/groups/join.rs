//! JoinGroup, and rebalances up to the point where a new generation is formed.

use std::sync::Arc;

use bytes::Bytes;
use milena_protocol::Uuid;

use super::{
    AppendError, GroupConfig, GroupError, GroupState, JoinRequest, JoinResponse, MemberId, Reply,
    ReplyId,
    effects::Effects,
    group::{Group, fail_superseded_join},
    member::{Member, MemberSettings},
    state::JoinPhase,
    stored::Change,
    writes::{AfterWrite, StaticReplacement},
};

/// How often at most a group looks whether static members are back.
const STATIC_MEMBERS_WAIT_MS_MIN: i32 = 1_000;

/// A JoinGroup on its way through the group.
pub(crate) struct Join {
    pub(crate) reply: ReplyId,
    pub(crate) request: JoinRequest,
    pub(crate) settings: MemberSettings,
}

impl Join {
    pub(crate) fn new(reply: ReplyId, mut request: JoinRequest) -> Self {
        let settings = MemberSettings {
            session_timeout_ms: request.session_timeout_ms,
            rebalance_timeout_ms: request.rebalance_timeout_ms,
            protocols: std::mem::take(&mut request.protocols),
        };
        Self { reply, request, settings }
    }

    /// A new member id: the instance id or the client id, and a version 4 UUID.
    fn fresh_member_id(&self) -> MemberId {
        const VERSION_4: u128 = 0x4000 << 64;
        const VARIANT: u128 = 0b10 << 62;
        let bits = self.request.fresh & !(0xf000 << 64) & !(0b11 << 62) | VERSION_4 | VARIANT;
        let name =
            self.request.instance.as_ref().map_or(&*self.request.client_id, |id| id.as_str());
        format!("{name}-{}", Uuid::from_u128(bits)).into()
    }
}

impl Group {
    pub(crate) fn join(&mut self, join: Join, effects: &mut Effects<'_>) {
        if !self.has_room_for(join.request.member.as_ref(), effects.config.max_size) {
            if let Some(id) = &join.request.member {
                self.remove_member_and_rebalance(id, effects);
            }
            effects.fail_join(join.reply, GroupError::GroupMaxSizeReached, None);
        } else if !self.has_bytes_for(&join, effects.config) {
            effects.fail_join(join.reply, GroupError::GroupMaxSizeReached, join.request.member);
        } else if self.state == GroupState::Dead || (effects.is_full && self.is_new(&join.request))
        {
            effects.fail_join(join.reply, GroupError::CoordinatorNotAvailable, join.request.member);
        } else if !self.supports(&join.request.protocol_type, &join.settings) {
            effects.fail_join(
                join.reply,
                GroupError::InconsistentGroupProtocol,
                join.request.member,
            );
        } else if let Some(id) = join.request.member.clone() {
            self.join_known(id, join, effects);
        } else {
            self.join_new(join, effects);
        }
    }

    /// While members are joining, those that wait count, not all: so that the last to rejoin are
    /// turned away when the limit was lowered.
    fn has_room_for(&self, member: Option<&MemberId>, max_size: usize) -> bool {
        let known = member.and_then(|id| self.members.get(id));
        match self.state {
            GroupState::Empty | GroupState::Dead => true,
            GroupState::PreparingRebalance => {
                known.is_some_and(|member| member.awaiting_join.is_some())
                    || self.count_awaiting_join() < max_size
            }
            GroupState::CompletingRebalance | GroupState::Stable => {
                known.is_some() || self.members.len() < max_size
            }
        }
    }

    /// Whether what the member says of itself is within the limits, its own and the group's.
    fn has_bytes_for(&self, join: &Join, config: &GroupConfig) -> bool {
        let bytes = join.settings.bytes();
        let is_own = |member: &&Member| Some(&member.id) == join.request.member.as_ref();
        let others = self.members.values().filter(|member| !is_own(member));
        bytes <= config.member_bytes_max
            && others.map(|member| member.settings.bytes()).sum::<usize>() + bytes
                <= config.group_bytes_max
    }

    /// Whether it would be one member more.
    fn is_new(&self, request: &JoinRequest) -> bool {
        let is_known = request.member.as_ref().is_some_and(|id| self.members.contains_key(id));
        let instance = request.instance.as_ref();
        !is_known && !instance.is_some_and(|id| self.static_members.contains_key(id))
    }

    fn join_new(&mut self, join: Join, effects: &mut Effects<'_>) {
        let id = join.fresh_member_id();
        let static_member =
            join.request.instance.as_ref().and_then(|id| self.static_members.get(id)).cloned();
        if let Some(former_id) = static_member {
            self.replace_static(former_id, id, join, effects);
        } else if join.request.instance.is_none() && join.request.member_id_required {
            self.pending_members
                .insert(id.clone(), effects.after(join.settings.session_timeout_ms));
            effects.fail_join(join.reply, GroupError::MemberIdRequired, Some(id));
        } else {
            self.add_member(id, join, effects);
        }
    }

    fn join_known(&mut self, id: MemberId, join: Join, effects: &mut Effects<'_>) {
        if self.pending_members.contains_key(&id) && join.request.instance.is_none() {
            return self.add_member(id, join, effects);
        }
        if let Err(error) = self.check_member(Some(&id), join.request.instance.as_ref()) {
            return effects.fail_join(join.reply, error, Some(id));
        }
        let same_protocols =
            self.members.get(&id).is_some_and(|m| m.settings.protocols == join.settings.protocols);
        match self.state {
            GroupState::PreparingRebalance => self.update_member(&id, join, effects),
            // The response to its first join may have been lost.
            GroupState::CompletingRebalance if same_protocols => {
                self.reply_with_current(&id, join.reply, effects);
            }
            GroupState::Stable if same_protocols && !self.is_leader(&id) => {
                self.reply_with_current(&id, join.reply, effects);
            }
            // A leader that joins again wants a rebalance, for reasons that its metadata does not
            // show.
            GroupState::CompletingRebalance | GroupState::Stable => {
                self.update_member(&id, join, effects);
            }
            GroupState::Empty | GroupState::Dead => {
                effects.fail_join(join.reply, GroupError::UnknownMemberId, Some(id));
            }
        }
    }

    /// Replies with the current generation, without a rebalance.
    fn reply_with_current(&mut self, id: &MemberId, reply: ReplyId, effects: &mut Effects<'_>) {
        self.renew_session(id, effects);
        let joined = self.join_response(id);
        effects.reply(reply, Reply::Join(Ok(joined)));
    }

    fn join_response(&self, id: &MemberId) -> JoinResponse {
        let protocol = self.protocol.clone().unwrap_or_default();
        let members = if self.is_leader(id) {
            self.members.values().map(|member| member.joined(&protocol)).collect()
        } else {
            Vec::new()
        };
        JoinResponse {
            member: id.clone(),
            generation: self.generation,
            protocol_type: self.protocol_type.clone().unwrap_or_default(),
            protocol,
            leader: self.leader.clone().unwrap_or_else(|| id.clone()),
            skip_assignment: false,
            members,
        }
    }

    fn add_member(&mut self, id: MemberId, join: Join, effects: &mut Effects<'_>) {
        let Join { reply, request, settings } = join;
        self.pending_members.remove(&id);
        if self.members.is_empty() {
            self.protocol_type = Some(request.protocol_type);
        }
        self.leader.get_or_insert_with(|| id.clone());
        if let Some(instance) = &request.instance {
            self.static_members.insert(instance.clone(), id.clone());
        }
        if self.state == GroupState::PreparingRebalance && self.generation.0 == 0 {
            self.new_member_added = true;
        }
        let member = Member {
            id: id.clone(),
            instance: request.instance,
            client_id: request.client_id,
            client_host: request.client_host,
            settings,
            assignment: Bytes::new(),
            is_new: true,
            awaiting_join: Some(reply),
            awaiting_sync: None,
            expires_at: effects
                .now
                .monotonic_ms
                .saturating_add(effects.config.new_member_join_timeout_ms),
        };
        self.members.insert(id, member);
        self.member_bytes = None;
        self.rebalance_or_continue(effects);
    }

    fn update_member(&mut self, id: &MemberId, join: Join, effects: &mut Effects<'_>) {
        self.member_bytes = None;
        let Some(member) = self.members.get_mut(id) else { return };
        member.settings = join.settings;
        let superseded = member.awaiting_join.replace(join.reply);
        fail_superseded_join(superseded, id, effects);
        self.rebalance_or_continue(effects);
    }

    /// A static member came back without its member id: it gets a new one, and the old one is
    /// fenced (KIP-345).
    fn replace_static(
        &mut self,
        former_id: MemberId,
        id: MemberId,
        join: Join,
        effects: &mut Effects<'_>,
    ) {
        let former_leader = self.leader.clone();
        let Some(mut member) = self.members.remove(&former_id) else { return };
        if let Some(reply) = member.awaiting_join.replace(join.reply) {
            effects.fail_join(reply, GroupError::FencedInstanceId, Some(former_id.clone()));
        }
        if let Some(reply) = member.awaiting_sync.take() {
            effects.reply(reply, Reply::Sync(Err(GroupError::FencedInstanceId)));
        }
        let former_settings = std::mem::replace(&mut member.settings, join.settings);
        self.rename_member(member, id.clone());
        self.renew_session(&id, effects);

        let keeps_protocol =
            self.state == GroupState::Stable && self.select_protocol() == self.protocol;
        if keeps_protocol {
            let stored = self.to_stored(|member| member.assignment.clone());
            let replacement = StaticReplacement {
                reply: join.reply,
                generation: self.generation,
                former_id,
                id,
                former_settings,
                former_leader,
                can_skip_assignment: join.request.can_skip_assignment,
            };
            let then = AfterWrite::ReplaceStatic(Box::new(replacement));
            effects.write(&self.id, vec![Change::Group(Some(stored))], then);
        } else {
            // While the leader assigns, it may already work with the former id: all must join
            // again.
            self.rebalance_or_continue(effects);
        }
    }

    /// Puts a member that was taken out of `members` back under another id.
    fn rename_member(&mut self, mut member: Member, id: MemberId) {
        let former_id = std::mem::replace(&mut member.id, id.clone());
        if let Some(instance) = &member.instance {
            self.static_members.insert(instance.clone(), id.clone());
        }
        if self.is_leader(&former_id) {
            self.leader = Some(id.clone());
        }
        if self.pending_sync.remove(&former_id) {
            self.pending_sync.insert(id.clone());
        }
        self.members.insert(id, member);
        self.member_bytes = None;
    }

    /// The log has the new id of a static member, or could not take it.
    pub(crate) fn static_replaced(
        &mut self,
        replacement: StaticReplacement,
        outcome: Result<(), AppendError>,
        effects: &mut Effects<'_>,
    ) {
        let current = self.state == GroupState::Stable && self.generation == replacement.generation;
        let waiting = self.members.get(&replacement.id).and_then(|member| member.awaiting_join);
        if !current || waiting != Some(replacement.reply) {
            // It left, was replaced again, or takes part in a rebalance that began meanwhile, and
            // is answered there.
            return;
        }
        if outcome.is_err() {
            let Some(mut member) = self.members.remove(&replacement.id) else { return };
            member.awaiting_join = None;
            member.settings = replacement.former_settings;
            self.rename_member(member, replacement.former_id.clone());
            self.renew_session(&replacement.former_id, effects);
            return effects.fail_join(replacement.reply, GroupError::UnknownMemberId, None);
        }
        self.renew_session(&replacement.id, effects);
        if let Some(member) = self.members.get_mut(&replacement.id) {
            member.awaiting_join = None;
        }
        let mut joined = self.join_response(&replacement.id);
        if replacement.can_skip_assignment {
            joined.skip_assignment = self.is_leader(&replacement.id);
        } else {
            // An older leader would compute an assignment that a stable group does not take: it
            // must not think that it leads, so it gets the id it had before.
            joined.leader = replacement.former_leader.unwrap_or(replacement.former_id);
            joined.members.clear();
        }
        effects.reply(replacement.reply, Reply::Join(Ok(joined)));
    }

    /// After a member joined: starts a rebalance, or continues the current one.
    fn rebalance_or_continue(&mut self, effects: &mut Effects<'_>) {
        match self.state {
            GroupState::Empty | GroupState::CompletingRebalance | GroupState::Stable => {
                self.prepare_rebalance(effects);
            }
            GroupState::PreparingRebalance => self.try_complete_join(effects),
            GroupState::Dead => {}
        }
    }

    /// Has all members join again.
    pub(crate) fn prepare_rebalance(&mut self, effects: &mut Effects<'_>) {
        if self.state == GroupState::CompletingRebalance {
            self.fail_assignment(GroupError::RebalanceInProgress, effects);
        }
        self.sync_deadline = None;
        self.pending_sync.clear();
        self.assigning = false;
        let timeout_ms = self.rebalance_timeout_ms();
        self.join_phase = Some(if self.state == GroupState::Empty {
            let delay = effects.config.initial_rebalance_delay_ms;
            JoinPhase::Initial {
                deadline: effects.now.monotonic_ms.saturating_add(delay),
                remaining_ms: u64::try_from(timeout_ms).unwrap_or(0).saturating_sub(delay),
            }
        } else {
            JoinPhase::Joining { deadline: effects.after(timeout_ms) }
        });
        self.set_state(GroupState::PreparingRebalance, effects);
        self.try_complete_join(effects);
    }

    /// Ends the joining if everybody has joined.
    pub(crate) fn try_complete_join(&mut self, effects: &mut Effects<'_>) {
        let joining = matches!(self.join_phase, Some(JoinPhase::Joining { .. }));
        let all_joined = self.members.values().all(|member| member.awaiting_join.is_some());
        if joining && all_joined && self.pending_members.is_empty() {
            self.complete_join(effects);
        }
    }

    /// Forms the next generation of those who joined, and of static members, which may be away for
    /// a while.
    pub(crate) fn complete_join(&mut self, effects: &mut Effects<'_>) {
        let gone: Vec<MemberId> = self
            .members
            .values()
            .filter(|member| member.awaiting_join.is_none() && member.instance.is_none())
            .map(|member| member.id.clone())
            .collect();
        for id in gone {
            self.remove_member(&id);
        }
        if !self.elect_leader() && !self.members.is_empty() {
            // Only static members, all of them away: wait until one is back or their sessions end.
            let wait_ms = self.rebalance_timeout_ms().max(STATIC_MEMBERS_WAIT_MS_MIN);
            let deadline = effects.after(wait_ms);
            self.join_phase = Some(JoinPhase::Joining { deadline });
            return;
        }
        self.join_phase = None;
        self.new_member_added = false;
        self.generation = self.generation.next();
        self.protocol = self.select_protocol();
        self.subscribed = self.read_subscriptions();
        if self.members.is_empty() {
            self.leader = None;
            self.set_state(GroupState::Empty, effects);
            let stored = self.to_stored(|_| Bytes::new());
            effects.write(&self.id, vec![Change::Group(Some(stored))], AfterWrite::Nothing);
        } else {
            self.set_state(GroupState::CompletingRebalance, effects);
            self.reply_to_joins(effects);
        }
    }

    /// Makes a member that joined the leader; false if there is none.
    fn elect_leader(&mut self) -> bool {
        let joined =
            |id: &MemberId| self.members.get(id).is_some_and(|m| m.awaiting_join.is_some());
        if !self.leader.as_ref().is_some_and(joined) {
            let Some(any) = self.members.keys().find(|id| joined(id)) else { return false };
            self.leader = Some(any.clone());
        }
        true
    }

    fn reply_to_joins(&mut self, effects: &mut Effects<'_>) {
        let ids: Vec<MemberId> = self.members.keys().cloned().collect();
        for id in ids {
            let joined = self.join_response(&id);
            if let Some(member) = self.members.get_mut(&id) {
                member.is_new = false;
                if let Some(reply) = member.awaiting_join.take() {
                    effects.reply(reply, Reply::Join(Ok(joined)));
                }
            }
            self.renew_session(&id, effects);
            self.pending_sync.insert(id);
        }
        self.sync_deadline = Some(effects.after(self.rebalance_timeout_ms()));
    }
}

/// Whether two optional texts, where both are given, are the same.
pub(crate) fn consistent(asked: Option<&Arc<str>>, actual: Option<&Arc<str>>) -> bool {
    asked.is_none_or(|asked| Some(asked) == actual)
}
