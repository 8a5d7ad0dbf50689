//! SyncGroup, Heartbeat, LeaveGroup: the requests of members between rebalances.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::{
    AppendError, Generation, GroupConfig, GroupError, GroupState, HeartbeatRequest, InstanceId,
    LeaveResult, LeavingMember, MemberId, Reply, ReplyId, SyncRequest, SyncResponse,
    effects::Effects, group::Group, join::consistent, stored::Change, writes::AfterWrite,
};

impl Group {
    pub(crate) fn sync(&mut self, reply: ReplyId, request: SyncRequest, effects: &mut Effects<'_>) {
        let checked = self
            .check_sync(&request)
            .and_then(|id| within_limits(&request.assignments, effects.config).map(|()| id));
        let id = match checked {
            Ok(id) => id,
            Err(error) => return effects.reply(reply, Reply::Sync(Err(error))),
        };
        self.pending_sync.remove(&id);
        if self.pending_sync.is_empty() {
            self.sync_deadline = None;
        }
        if self.state == GroupState::Stable {
            self.renew_session(&id, effects);
            let synced = self.sync_response(&id);
            return effects.reply(reply, Reply::Sync(Ok(synced)));
        }
        if let Some(member) = self.members.get_mut(&id)
            && let Some(superseded) = member.awaiting_sync.replace(reply)
        {
            effects.reply(superseded, Reply::Sync(Err(GroupError::RebalanceInProgress)));
        }
        if self.is_leader(&id) && !self.assigning {
            self.store_assignment(request.assignments, effects);
        }
    }

    fn check_sync(&self, request: &SyncRequest) -> Result<MemberId, GroupError> {
        let id = self.check_generation(
            request.member.as_ref(),
            request.instance.as_ref(),
            request.generation,
        )?;
        if !consistent(request.protocol_type.as_ref(), self.protocol_type.as_ref())
            || !consistent(request.protocol.as_ref(), self.protocol.as_ref())
        {
            return Err(GroupError::InconsistentGroupProtocol);
        }
        match self.state {
            GroupState::CompletingRebalance | GroupState::Stable => Ok(id),
            GroupState::PreparingRebalance => Err(GroupError::RebalanceInProgress),
            GroupState::Empty => Err(GroupError::UnknownMemberId),
            GroupState::Dead => Err(GroupError::CoordinatorNotAvailable),
        }
    }

    /// Checks that a request is from a member of the current generation.
    pub(crate) fn check_generation(
        &self,
        member: Option<&MemberId>,
        instance: Option<&InstanceId>,
        generation: Generation,
    ) -> Result<MemberId, GroupError> {
        if self.state == GroupState::Dead {
            return Err(GroupError::CoordinatorNotAvailable);
        }
        let id = self.check_member(member, instance)?;
        if generation != self.generation {
            return Err(GroupError::IllegalGeneration);
        }
        Ok(id)
    }

    fn sync_response(&self, id: &MemberId) -> SyncResponse {
        SyncResponse {
            protocol_type: self.protocol_type.clone().unwrap_or_default(),
            protocol: self.protocol.clone().unwrap_or_default(),
            assignment: self
                .members
                .get(id)
                .map(|member| member.assignment.clone())
                .unwrap_or_default(),
        }
    }

    /// Writes the leader's assignment; members that it left out get an empty one, strangers none.
    fn store_assignment(&mut self, assignments: Vec<(MemberId, Bytes)>, effects: &mut Effects<'_>) {
        let mut all: BTreeMap<MemberId, Bytes> = BTreeMap::new();
        for (id, assignment) in assignments {
            if self.members.contains_key(&id) {
                all.insert(id, assignment);
            }
        }
        let stored = self.to_stored(|member| all.get(&member.id).cloned().unwrap_or_default());
        self.assigning = true;
        let then = AfterWrite::Assign { generation: self.generation, assignments: all };
        effects.write(&self.id, vec![Change::Group(Some(stored))], then);
    }

    /// The log has the assignment of a generation, or could not take it.
    pub(crate) fn assigned(
        &mut self,
        generation: Generation,
        mut assignments: BTreeMap<MemberId, Bytes>,
        outcome: Result<(), AppendError>,
        effects: &mut Effects<'_>,
    ) {
        if self.state != GroupState::CompletingRebalance
            || self.generation != generation
            || !self.assigning
        {
            return; // The next rebalance has begun.
        }
        self.assigning = false;
        if let Err(error) = outcome {
            self.fail_assignment(error.for_group(), effects);
            return self.prepare_rebalance(effects);
        }
        self.set_state(GroupState::Stable, effects);
        self.member_bytes = None;
        let ids: Vec<MemberId> = self.members.keys().cloned().collect();
        for id in ids {
            let Some(member) = self.members.get_mut(&id) else { continue };
            member.assignment = assignments.remove(&id).unwrap_or_default();
            if let Some(reply) = member.awaiting_sync.take() {
                let synced = self.sync_response(&id);
                effects.reply(reply, Reply::Sync(Ok(synced)));
                self.renew_session(&id, effects);
            }
        }
    }

    /// Withdraws the assignments, and fails the SyncGroups that wait for them.
    pub(crate) fn fail_assignment(&mut self, error: GroupError, effects: &mut Effects<'_>) {
        self.member_bytes = None;
        let ids: Vec<MemberId> = self.members.keys().cloned().collect();
        for id in ids {
            let Some(member) = self.members.get_mut(&id) else { continue };
            member.assignment = Bytes::new();
            if let Some(reply) = member.awaiting_sync.take() {
                effects.reply(reply, Reply::Sync(Err(error)));
                self.renew_session(&id, effects);
            }
        }
    }

    pub(crate) fn heartbeat(
        &mut self,
        request: &HeartbeatRequest,
        effects: &Effects<'_>,
    ) -> Result<(), GroupError> {
        let id = self.check_generation(
            request.member.as_ref(),
            request.instance.as_ref(),
            request.generation,
        )?;
        self.renew_session(&id, effects);
        match self.state {
            GroupState::PreparingRebalance => Err(GroupError::RebalanceInProgress),
            _ => Ok(()),
        }
    }

    pub(crate) fn leave(
        &mut self,
        members: &[LeavingMember],
        effects: &mut Effects<'_>,
    ) -> Result<Vec<LeaveResult>, GroupError> {
        if self.state == GroupState::Dead {
            return Err(GroupError::CoordinatorNotAvailable);
        }
        let left = members.iter().map(|leaving| {
            let outcome = self.leave_one(leaving, effects);
            LeaveResult { leaving: leaving.clone(), outcome }
        });
        Ok(left.collect())
    }

    fn leave_one(
        &mut self,
        leaving: &LeavingMember,
        effects: &mut Effects<'_>,
    ) -> Result<(), GroupError> {
        let instance = leaving.instance.as_ref();
        let id = match &leaving.member {
            // An administrator removes the member with the instance id.
            None => instance.and_then(|id| self.static_members.get(id)).cloned(),
            Some(id) if self.pending_members.remove(id).is_some() => {
                self.try_complete_join(effects);
                return Ok(());
            }
            Some(id) => Some(self.check_member(Some(id), instance)?),
        };
        self.remove_member_and_rebalance(&id.ok_or(GroupError::UnknownMemberId)?, effects);
        Ok(())
    }
}

/// Whether each assignment and all together are as small as a group's record may be.
fn within_limits(
    assignments: &[(MemberId, Bytes)],
    config: &GroupConfig,
) -> Result<(), GroupError> {
    let sizes = || {
        assignments.iter().map(|(member, assignment)| assigned_bytes(member.as_str(), assignment))
    };
    let fits = sizes().all(|size| size <= config.member_bytes_max)
        && sizes().sum::<usize>() <= config.group_bytes_max;
    if fits { Ok(()) } else { Err(GroupError::GroupMaxSizeReached) }
}

/// What an assignment takes in memory about.
pub fn assigned_bytes(member: &str, assignment: &[u8]) -> usize {
    const ASSIGNMENT_BYTES: usize = 96;
    ASSIGNMENT_BYTES + member.len() + assignment.len()
}

/// The reply to LeaveGroup of a group that does not exist.
pub(crate) fn unknown_members(members: &[LeavingMember]) -> Vec<LeaveResult> {
    let outcome = Err(GroupError::UnknownMemberId);
    members.iter().map(|leaving| LeaveResult { leaving: leaving.clone(), outcome }).collect()
}
