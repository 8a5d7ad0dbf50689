//! Groups as seen by clients and in the log.

mod membership;
mod offsets;
mod persistence;
mod properties;
mod static_members;

use std::collections::BTreeMap;

use bytes::Bytes;
use milena_protocol::Uuid;
use milena_types::{LeaderEpoch, Offset, PartitionIndex, Timestamp, TopicId};

use super::*;

/// A coordinator, its log, and its clock.
pub(super) struct Harness {
    pub(super) coordinator: Coordinator,
    pub(super) now: Now,
    pub(super) log: Vec<StoredRecord>,
    pub(super) replies: BTreeMap<ReplyId, Reply>,
    next_reply: u64,
}

impl Harness {
    pub(super) fn new() -> Self {
        Self::with(GroupConfig::default())
    }

    pub(super) fn with(config: GroupConfig) -> Self {
        Self {
            coordinator: Coordinator::new(config),
            now: Now { monotonic_ms: 0, wall: Timestamp(1_000_000) },
            log: Vec::new(),
            replies: BTreeMap::new(),
            next_reply: 0,
        }
    }

    /// Sends a request and leaves what it wants to write alone.
    pub(super) fn send(&mut self, request: Request) -> ReplyId {
        self.next_reply += 1;
        let id = ReplyId(self.next_reply);
        self.coordinator.request(id, request, self.now);
        self.collect();
        id
    }

    /// Sends a request, commits what there is to write, and gives the reply if there is one.
    pub(super) fn ask(&mut self, request: Request) -> Option<Reply> {
        let id = self.send(request);
        self.commit_all();
        self.replies.remove(&id)
    }

    pub(super) fn commit_all(&mut self) {
        while self.append(Ok(())) {}
    }

    /// One append with the given outcome; false if there was nothing to append.
    pub(super) fn append(&mut self, outcome: Result<(), AppendError>) -> bool {
        let Some(records) = self.coordinator.take_append(1 << 20) else { return false };
        if outcome.is_ok() {
            self.log.extend(records);
        }
        self.coordinator.append_ended(outcome, self.now);
        self.collect();
        true
    }

    /// Advances the time, tick by tick.
    pub(super) fn wait(&mut self, ms: u64) {
        let end = self.now.monotonic_ms + ms;
        while let Some(at) = self.coordinator.next_deadline().filter(|at| *at <= end) {
            self.advance_to(at.max(self.now.monotonic_ms));
            self.coordinator.tick(self.now);
            self.collect();
            self.commit_all();
        }
        self.advance_to(end);
    }

    fn advance_to(&mut self, at: u64) {
        self.now.wall.0 += (at - self.now.monotonic_ms) as i64;
        self.now.monotonic_ms = at;
    }

    fn collect(&mut self) {
        for (id, reply) in self.coordinator.take_replies() {
            let twice = self.replies.insert(id, reply);
            assert_eq!(twice, None, "each request is answered once");
        }
    }

    pub(super) fn take(&mut self, id: ReplyId) -> Option<Reply> {
        self.replies.remove(&id)
    }

    pub(super) fn join_response(&mut self, id: ReplyId) -> JoinResponse {
        match self.take(id) {
            Some(Reply::Join(Ok(joined))) => joined,
            other => panic!("not joined: {other:?}"),
        }
    }

    pub(super) fn join_failed(&mut self, id: ReplyId) -> GroupError {
        match self.take(id) {
            Some(Reply::Join(Err(failed))) => failed.error,
            other => panic!("not a failed join: {other:?}"),
        }
    }

    pub(super) fn join(&mut self, join: &JoinRequest) -> ReplyId {
        let mut join = join.clone();
        join.fresh = u128::from(self.next_reply + 1);
        self.send(Request::Join(join))
    }

    /// Joins as v0 to v3 clients do, which need no second round.
    pub(super) fn sync(
        &mut self,
        joined: &JoinResponse,
        assignments: &[(&MemberId, &str)],
    ) -> ReplyId {
        self.send(Request::Sync(SyncRequest {
            group: "g".into(),
            member: Some(joined.member.clone()),
            instance: None,
            generation: joined.generation,
            protocol_type: Some(joined.protocol_type.clone()),
            protocol: Some(joined.protocol.clone()),
            assignments: assignments
                .iter()
                .map(|(member, what)| ((*member).clone(), Bytes::copy_from_slice(what.as_bytes())))
                .collect(),
        }))
    }

    pub(super) fn heartbeat(&mut self, joined: &JoinResponse) -> Result<(), GroupError> {
        self.heartbeat_as(joined, None)
    }

    pub(super) fn heartbeat_as(
        &mut self,
        joined: &JoinResponse,
        instance: Option<&str>,
    ) -> Result<(), GroupError> {
        let reply = self.ask(Request::Heartbeat(HeartbeatRequest {
            group: "g".into(),
            member: Some(joined.member.clone()),
            instance: instance.map(Into::into),
            generation: joined.generation,
        }));
        match reply {
            Some(Reply::Heartbeat(outcome)) => outcome,
            other => panic!("not a heartbeat: {other:?}"),
        }
    }

    pub(super) fn leave(
        &mut self,
        member: Option<&MemberId>,
        instance: Option<&str>,
    ) -> Result<(), GroupError> {
        let members =
            vec![LeavingMember { member: member.cloned(), instance: instance.map(Into::into) }];
        match self.ask(Request::Leave(LeaveRequest { group: "g".into(), members })) {
            Some(Reply::Leave(Ok(left))) => left[0].outcome,
            other => panic!("not left: {other:?}"),
        }
    }

    pub(super) fn describe(&mut self) -> Result<DescribedGroup, GroupError> {
        match self.ask(Request::Describe("g".into())) {
            Some(Reply::Describe(group)) => group,
            other => panic!("not described: {other:?}"),
        }
    }

    pub(super) fn state(&mut self) -> GroupState {
        self.describe().map_or(GroupState::Dead, |group| group.state)
    }

    /// A stable group of `count` dynamic members, the leader first.
    pub(super) fn stable(&mut self, count: usize) -> Vec<JoinResponse> {
        let joins: Vec<JoinRequest> = (0..count).map(|i| join(&format!("c{i}"))).collect();
        self.stable_of(&joins)
    }

    /// A stable group of those who join, the leader first; each is assigned its own member id.
    pub(super) fn stable_of(&mut self, joins: &[JoinRequest]) -> Vec<JoinResponse> {
        let ids: Vec<ReplyId> = joins.iter().map(|join| self.join(join)).collect();
        self.wait(6_000);
        let mut all: Vec<JoinResponse> = ids.into_iter().map(|id| self.join_response(id)).collect();
        all.sort_by_key(|joined| joined.member != joined.leader);
        self.sync_all(&all);
        all
    }

    pub(super) fn sync_all(&mut self, all: &[JoinResponse]) {
        let assignments: Vec<(&MemberId, &str)> =
            all.iter().map(|joined| (&joined.member, joined.member.as_str())).collect();
        let syncs: Vec<ReplyId> = all
            .iter()
            .map(|joined| {
                let leads = joined.member == joined.leader;
                self.sync(joined, if leads { &assignments } else { &[] })
            })
            .collect();
        self.commit_all();
        for (id, joined) in syncs.into_iter().zip(all) {
            assert_eq!(self.assignment(id), Ok(joined.member.as_str().to_owned()));
        }
    }

    pub(super) fn assignment(&mut self, id: ReplyId) -> Result<String, GroupError> {
        match self.take(id) {
            Some(Reply::Sync(Ok(synced))) => {
                Ok(String::from_utf8(synced.assignment.to_vec()).unwrap())
            }
            Some(Reply::Sync(Err(error))) => Err(error),
            other => panic!("not synced: {other:?}"),
        }
    }

    pub(super) fn commit_as(
        &mut self,
        joined: Option<&JoinResponse>,
        offset: i64,
    ) -> Result<(), GroupError> {
        match self.ask(Request::Commit(commit(joined, &[("t", 0, offset)]))) {
            Some(Reply::Commit(outcomes)) => outcomes[0],
            other => panic!("not a commit: {other:?}"),
        }
    }

    pub(super) fn fetch(&mut self, require_stable: bool) -> FetchedOffset {
        let topics = Some(vec![("t".parse().unwrap(), vec![PartitionIndex(0)])]);
        let request = FetchRequest { group: "g".into(), topics, require_stable };
        match self.ask(Request::Fetch(request)) {
            Some(Reply::Fetch(mut topics)) => topics.remove(0).partitions.remove(0),
            other => panic!("not fetched: {other:?}"),
        }
    }

    /// A coordinator that loads the log anew.
    pub(super) fn reloaded(&self) -> Self {
        let mut loaded = Self::new();
        for record in &self.log {
            loaded.coordinator.replay(decoded(record));
        }
        loaded.now = self.now;
        loaded.next_reply = self.next_reply;
        loaded.coordinator.start(self.now);
        loaded.log = self.log.clone();
        loaded
    }

    /// The committed state as one snapshot.
    pub(super) fn snapshot(&self) -> Vec<StoredRecord> {
        self.coordinator.snapshot(None, usize::MAX).0
    }
}

/// A consumer that joins group `g`, subscribed to `t`.
pub(super) fn join(client: &str) -> JoinRequest {
    JoinRequest {
        group: "g".into(),
        member: None,
        instance: None,
        client_id: client.into(),
        client_host: "/127.0.0.1".into(),
        session_timeout_ms: 10_000,
        rebalance_timeout_ms: 30_000,
        protocol_type: "consumer".into(),
        protocols: vec![protocol("range", &["t"])],
        member_id_required: false,
        can_skip_assignment: false,
        fresh: 0,
    }
}

pub(super) fn again(request: &JoinRequest, member: &MemberId) -> JoinRequest {
    JoinRequest { member: Some(member.clone()), ..request.clone() }
}

pub(super) fn protocol(name: &str, topics: &[&str]) -> Protocol {
    let mut metadata = vec![0, 1];
    metadata.extend((topics.len() as i32).to_be_bytes());
    for topic in topics {
        metadata.extend((topic.len() as i16).to_be_bytes());
        metadata.extend(topic.as_bytes());
    }
    metadata.extend([255, 255, 255, 255]);
    Protocol { name: name.into(), metadata: metadata.into() }
}

/// The id of the topics that [`commit`] names, all of them.
pub(super) const TOPIC: TopicId = TopicId(Uuid::from_u128(1));

pub(super) fn commit(joined: Option<&JoinResponse>, offsets: &[(&str, i32, i64)]) -> CommitRequest {
    let offsets = offsets.iter().map(|(topic, partition, offset)| CommitOffset {
        key: (topic.parse().unwrap(), PartitionIndex(*partition)),
        topic: TOPIC,
        offset: Offset(*offset),
        leader_epoch: LeaderEpoch(7),
        metadata: format!("at {offset}").into(),
        expires: None,
    });
    CommitRequest {
        group: "g".into(),
        member: joined.map(|joined| joined.member.clone()),
        instance: None,
        generation: joined.map_or(Generation::NONE, |joined| joined.generation),
        offsets: offsets.collect(),
    }
}

/// A record of the log as loading applies it.
fn decoded(record: &StoredRecord) -> StoredChange {
    StoredChange::decode(&record.key, record.value.as_ref()).unwrap()
}
