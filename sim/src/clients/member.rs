//! A member of a group with the classic protocol: it joins, commits for the partitions it is
//! assigned, and stays by heartbeats.
//!
//! What is checked: what members are given and in which generation ([`crate::groups`]); what a
//! member commits, or finds committed when it takes a partition, is never below what a generation
//! before it committed (promise 6 of the history).

use std::collections::BTreeMap;

use bytes::Bytes;
use milena_client::{ClientError, Connection};
use milena_protocol::{
    ErrorCode,
    messages::{
        heartbeat_request::HeartbeatRequest,
        join_group_request::{JoinGroupRequest, JoinGroupRequestProtocol},
        leave_group_request::{LeaveGroupRequest, MemberIdentity},
        offset_commit_request::{
            OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
        },
        sync_group_request::{SyncGroupRequest, SyncGroupRequestAssignment},
    },
};
use milena_testkit::history::Event;

use super::actor::Actor;

const GROUP: &str = "members";
/// The last version in which offsets are committed by topic name.
const COMMIT_VERSION: i16 = 9;
/// How long a member pauses that comes back when the group has gone on without it, in ms: longer
/// than its session and a rebalance may take.
const ABSENCE_MS: std::ops::Range<u64> = 1500..4500;
/// How many heartbeats a member lives for at most before it leaves or dies.
const HEARTBEATS_MAX: u64 = 40;

struct Member {
    actor: Actor,
    id: String,
    /// The offset that was committed last, by partition.
    committed: BTreeMap<i32, i64>,
}

/// What a member was given.
struct Assigned {
    generation: i32,
    partitions: Vec<i32>,
}

/// Is a member again and again while work goes on, and then until it was one once more.
pub(super) async fn run(actor: Actor) {
    let mut member = Member { actor, id: String::new(), committed: BTreeMap::new() };
    loop {
        let last = !member.actor.is_working();
        match member.live().await {
            Ok(()) if last => return,
            Ok(()) => {}
            Err(error) => {
                member.actor.world.trace.line(&member.actor.name, format_args!("{error}"));
            }
        }
        member.actor.reconnect();
        // Longer than a commit stays on its way.
        member.actor.rest(300..700).await;
    }
}

impl Member {
    /// One membership, until it ends in any way.
    async fn live(&mut self) -> Result<(), ClientError> {
        let coordinator = self.actor.coordinator(GROUP).await?;
        let Some(mut assigned) = self.join(&coordinator).await? else { return Ok(()) };
        self.resume(&assigned).await?;
        let beats = self.actor.rng.below(HEARTBEATS_MAX);
        let mut beat = 0;
        while beat < beats || !self.actor.is_working() && beat == 0 {
            beat += 1;
            self.actor.rest(10..250).await;
            let absent = self.actor.rng.chance(40);
            if absent {
                self.actor.rest(ABSENCE_MS).await;
            }
            if (absent || self.actor.rng.chance(600))
                && !self.commit(&coordinator, &assigned).await?
            {
                return Ok(());
            }
            match self.heartbeat(&coordinator, &assigned).await? {
                ErrorCode::None => {}
                ErrorCode::RebalanceInProgress => {
                    let Some(next) = self.join(&coordinator).await? else { return Ok(()) };
                    let former = std::mem::replace(&mut assigned, next);
                    self.resume(&assigned).await?;
                    if self.actor.rng.chance(300) {
                        // As a commit that was held up: it is refused.
                        self.commit(&coordinator, &former).await?;
                    }
                }
                ErrorCode::UnknownMemberId => {
                    self.id.clear();
                    return Ok(());
                }
                _ => return Ok(()),
            }
        }
        if self.actor.rng.chance(500) || !self.actor.is_working() {
            self.leave(&coordinator).await?;
        } else if self.actor.rng.chance(500) {
            // It dies; another comes in its place.
            self.id.clear();
        }
        Ok(())
    }

    /// Joins and synchronises; none if it has to begin anew.
    async fn join(&mut self, coordinator: &Connection) -> Result<Option<Assigned>, ClientError> {
        let newest = self.actor.world.groups.newest();
        let mut response = coordinator.call(&self.join_request()).await?;
        if ErrorCode::from_code(response.error_code) == ErrorCode::MemberIdRequired {
            self.id = response.member_id.to_string();
            response = coordinator.call(&self.join_request()).await?;
        }
        let code = ErrorCode::from_code(response.error_code);
        self.actor.world.trace.line(
            &self.actor.name,
            format_args!("joined: {} generation {}", code.name(), response.generation_id),
        );
        if code != ErrorCode::None {
            if code == ErrorCode::UnknownMemberId {
                self.id.clear();
            }
            return Ok(None);
        }
        self.id = response.member_id.to_string();
        let generation = response.generation_id;
        self.actor.world.groups.joined(&self.actor.world.findings, newest, generation);
        let mut assignments = Vec::new();
        if response.leader == response.member_id {
            let partitions = self.actor.world.plan.topics[0].partitions;
            let count = response.members.len().max(1) as i32;
            for (n, member) in response.members.iter().enumerate() {
                let mine = (0..partitions).filter(|partition| partition % count == n as i32);
                let mine: Vec<i32> = mine.collect();
                let assignment: Bytes = mine.iter().map(|partition| *partition as u8).collect();
                let member_id = member.member_id.clone();
                self.actor.world.groups.chosen(generation, &member_id, mine);
                assignments.push(SyncGroupRequestAssignment {
                    member_id,
                    assignment,
                    ..Default::default()
                });
            }
        }
        let request = SyncGroupRequest {
            group_id: GROUP.into(),
            generation_id: generation,
            member_id: self.id.as_str().into(),
            protocol_type: Some("consumer".into()),
            protocol_name: response.protocol_name.clone(),
            assignments,
            ..Default::default()
        };
        let response = coordinator.call(&request).await?;
        match ErrorCode::from_code(response.error_code) {
            ErrorCode::None => {
                let partitions: Vec<i32> =
                    response.assignment.iter().map(|partition| i32::from(*partition)).collect();
                let world = &self.actor.world;
                world.groups.assigned(&world.findings, generation, &self.id, &partitions);
                Ok(Some(Assigned { generation, partitions }))
            }
            ErrorCode::UnknownMemberId => {
                self.id.clear();
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    fn join_request(&self) -> JoinGroupRequest {
        let protocol = JoinGroupRequestProtocol {
            name: "range".into(),
            metadata: Bytes::from_static(b"m"),
            ..Default::default()
        };
        JoinGroupRequest {
            group_id: GROUP.into(),
            session_timeout_ms: 1200,
            rebalance_timeout_ms: 1500,
            member_id: self.id.as_str().into(),
            protocol_type: "consumer".into(),
            protocols: vec![protocol],
            ..Default::default()
        }
    }

    /// Looks what is committed for the partitions that it was given.
    async fn resume(&mut self, assigned: &Assigned) -> Result<(), ClientError> {
        for partition in assigned.partitions.iter().copied() {
            let offset = look(&self.actor, partition).await?;
            self.committed.insert(partition, offset.max(0));
        }
        Ok(())
    }

    /// Commits one offset more of one of its partitions. False if it is a member no more.
    async fn commit(
        &mut self,
        coordinator: &Connection,
        assigned: &Assigned,
    ) -> Result<bool, ClientError> {
        let count = assigned.partitions.len() as u64;
        if count == 0 {
            return Ok(true);
        }
        let partition = assigned.partitions[self.actor.rng.below(count) as usize];
        let offset = self.committed.get(&partition).copied().unwrap_or(0) + 1;
        let partitions = vec![OffsetCommitRequestPartition {
            partition_index: partition,
            committed_offset: offset,
            ..Default::default()
        }];
        let name = self.actor.world.plan.topics[0].name.into();
        let request = OffsetCommitRequest {
            group_id: GROUP.into(),
            generation_id_or_member_epoch: assigned.generation,
            member_id: self.id.as_str().into(),
            topics: vec![OffsetCommitRequestTopic { name, partitions, ..Default::default() }],
            ..Default::default()
        };
        let (groups, findings) = (&self.actor.world.groups, &self.actor.world.findings);
        let newest = groups.newest();
        let response = coordinator.call_at(&request, COMMIT_VERSION).await?;
        let done = response.topics.iter().flat_map(|t| &t.partitions).next();
        let code = done
            .map_or(ErrorCode::UnknownServerError, |done| ErrorCode::from_code(done.error_code));
        groups.committed(findings, newest, assigned.generation, code == ErrorCode::None);
        match code {
            ErrorCode::None => {
                self.committed.insert(partition, offset);
                let event = Event::Committed { group: GROUP.to_owned(), partition, offset };
                self.actor.world.note(&self.actor.name, event);
                Ok(true)
            }
            ErrorCode::RebalanceInProgress => Ok(true),
            code => {
                self.actor.world.trace.line(
                    &self.actor.name,
                    format_args!("commit in generation {}: {}", assigned.generation, code.name()),
                );
                if code == ErrorCode::UnknownMemberId {
                    self.id.clear();
                }
                Ok(false)
            }
        }
    }

    async fn heartbeat(
        &self,
        coordinator: &Connection,
        assigned: &Assigned,
    ) -> Result<ErrorCode, ClientError> {
        let request = HeartbeatRequest {
            group_id: GROUP.into(),
            generation_id: assigned.generation,
            member_id: self.id.as_str().into(),
            ..Default::default()
        };
        Ok(ErrorCode::from_code(coordinator.call(&request).await?.error_code))
    }

    async fn leave(&mut self, coordinator: &Connection) -> Result<(), ClientError> {
        let member_id = self.id.as_str();
        let members = vec![MemberIdentity { member_id: member_id.into(), ..Default::default() }];
        let request = LeaveGroupRequest {
            group_id: GROUP.into(),
            member_id: member_id.into(),
            members,
            ..Default::default()
        };
        coordinator.call(&request).await?;
        self.id.clear();
        Ok(())
    }
}

/// Looks what is committed for every partition, until there is an answer.
pub(super) async fn look_once(actor: &mut Actor) {
    for partition in 0..actor.world.plan.topics[0].partitions {
        while let Err(error) = look(actor, partition).await {
            actor.world.trace.line(&actor.name, format_args!("{error}"));
            actor.reconnect();
            actor.rest(20..200).await;
        }
    }
}

/// The offset that is committed for a partition; -1 for none.
async fn look(actor: &Actor, partition: i32) -> Result<i64, ClientError> {
    let topic = actor.world.plan.topics[0].name;
    let call = actor.world.ask();
    let found = actor.client.committed_offsets(GROUP, &[(topic, partition)]).await?;
    let offset = found.first().map_or(-1, |found| found.offset.raw());
    let (group, call) = (GROUP.to_owned(), Some(call));
    actor.world.note(&actor.name, Event::Resumed { group, partition, offset, call });
    Ok(offset)
}
