//! A group's deadlines: sessions, joins and assignments.

use super::{GroupState, MemberId, effects::Effects, group::Group, state::JoinPhase};

impl Group {
    /// When [`Group::tick`] has something to do next.
    pub(crate) fn next_deadline(&self) -> Option<u64> {
        let sessions = self.members.values().map(|member| member.expires_at);
        let pending = self.pending_members.values().copied();
        let joining = self.join_phase.map(JoinPhase::deadline);
        sessions.chain(pending).chain(joining).chain(self.sync_deadline).min()
    }

    /// Handles every deadline that has come.
    pub(crate) fn tick(&mut self, effects: &mut Effects<'_>) {
        let now = effects.now.monotonic_ms;
        let pending = self.pending_members.len();
        self.pending_members.retain(|_, expires_at| *expires_at > now);
        if self.pending_members.len() < pending {
            self.try_complete_join(effects);
        }
        self.expire_sessions(effects);
        if let Some(phase) = self.join_phase.filter(|phase| phase.deadline() <= now) {
            self.join_deadline(phase, effects);
        }
        if self.sync_deadline.is_some_and(|deadline| deadline <= now) {
            self.expire_pending_sync(effects);
        }
    }

    fn expire_sessions(&mut self, effects: &mut Effects<'_>) {
        let now = effects.now.monotonic_ms;
        let due: Vec<MemberId> = self
            .members
            .values()
            .filter(|member| member.expires_at <= now)
            .map(|m| m.id.clone())
            .collect();
        for id in due {
            // An earlier one's end may have renewed or removed this one.
            let Some(member) = self.members.get(&id).filter(|member| member.expires_at <= now)
            else {
                continue;
            };
            if member.is_kept_waiting() {
                self.renew_session(&id, effects);
            } else {
                self.remove_member_and_rebalance(&id, effects);
            }
        }
    }

    fn join_deadline(&mut self, phase: JoinPhase, effects: &mut Effects<'_>) {
        match phase {
            JoinPhase::Initial { remaining_ms, .. }
                if self.new_member_added && remaining_ms > 0 =>
            {
                self.new_member_added = false;
                let delay = effects.config.initial_rebalance_delay_ms.min(remaining_ms);
                let deadline = effects.now.monotonic_ms.saturating_add(delay);
                self.join_phase =
                    Some(JoinPhase::Initial { deadline, remaining_ms: remaining_ms - delay });
            }
            _ => self.complete_join(effects),
        }
    }

    /// Removes members that joined but did not request their assignment in time: the others wait
    /// for them.
    fn expire_pending_sync(&mut self, effects: &mut Effects<'_>) {
        self.sync_deadline = None;
        if !matches!(self.state, GroupState::CompletingRebalance | GroupState::Stable) {
            return;
        }
        let late: Vec<MemberId> = std::mem::take(&mut self.pending_sync).into_iter().collect();
        for id in &late {
            self.remove_member(id);
        }
        if !late.is_empty() {
            self.prepare_rebalance(effects);
        }
    }
}
