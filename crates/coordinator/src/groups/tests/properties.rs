//! Whatever clients, the clock and the log do, groups keep their invariants.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

/// One random event. Small numbers choose among the clients.
#[derive(Clone, Debug)]
enum Step {
    Join { client: usize, changed: bool },
    StaticRestart { client: usize },
    Sync { client: usize },
    Heartbeat { client: usize },
    Leave { client: usize },
    Commit { client: usize, partition: i32, offset: i64 },
    Outsider { partition: i32, offset: i64 },
    Delete,
    DeleteOffset { partition: i32 },
    Wait { ms: u64 },
    Append { fails: bool },
    Reload,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let client = 0..4_usize;
    let step = prop_oneof![
        6 => (client.clone(), prop::bool::weighted(0.2))
            .prop_map(|(client, changed)| Step::Join { client, changed }),
        1 => client.clone().prop_map(|client| Step::StaticRestart { client }),
        6 => client.clone().prop_map(|client| Step::Sync { client }),
        2 => client.clone().prop_map(|client| Step::Heartbeat { client }),
        1 => client.clone().prop_map(|client| Step::Leave { client }),
        4 => (client, 0..3_i32, 0..100_i64)
            .prop_map(|(client, partition, offset)| Step::Commit { client, partition, offset }),
        1 => (0..3_i32, 0..100_i64)
            .prop_map(|(partition, offset)| Step::Outsider { partition, offset }),
        1 => Just(Step::Delete),
        1 => (0..3_i32).prop_map(|partition| Step::DeleteOffset { partition }),
        4 => prop_oneof![Just(100_u64), Just(3_000), Just(12_000), Just(60_000)]
            .prop_map(|ms| Step::Wait { ms }),
        8 => prop::bool::weighted(0.1).prop_map(|fails| Step::Append { fails }),
        1 => Just(Step::Reload),
    ];
    prop::collection::vec(step, 1..120)
}

#[derive(Default, Clone)]
struct Client {
    member: Option<MemberId>,
    joined: Option<JoinResponse>,
    joining: Option<ReplyId>,
    syncing: Option<ReplyId>,
}

/// Clients that follow the protocol, and a model of what they were promised. Clients 2 and 3 are
/// static.
struct World {
    harness: Harness,
    clients: Vec<Client>,
    /// Commits in the order in which they were sent, with what they set.
    commits: BTreeMap<ReplyId, (i32, i64)>,
    /// The last commit of each partition that was acknowledged, none after a deletion.
    acknowledged: BTreeMap<i32, i64>,
    generation: Generation,
    leaders: BTreeMap<Generation, MemberId>,
    /// Assignments handed out, by generation and member.
    assigned: BTreeMap<(Generation, MemberId), String>,
}

fn request(client: usize, changed: bool) -> JoinRequest {
    let topics: &[&str] = if changed { &["t", "u"] } else { &["t"] };
    JoinRequest {
        instance: (client >= 2).then(|| format!("i{client}").as_str().into()),
        member_id_required: true,
        can_skip_assignment: client == 3,
        protocols: vec![protocol("range", topics)],
        ..join(&format!("c{client}"))
    }
}

impl World {
    fn new() -> Self {
        Self {
            harness: Harness::new(),
            clients: vec![Client::default(); 4],
            commits: BTreeMap::new(),
            acknowledged: BTreeMap::new(),
            generation: Generation(0),
            leaders: BTreeMap::new(),
            assigned: BTreeMap::new(),
        }
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Join { client, changed } => {
                let member = self.clients[client].member.clone();
                let id = self.harness.join(&JoinRequest { member, ..request(client, changed) });
                self.clients[client].joining = Some(id);
            }
            Step::StaticRestart { client } if client >= 2 => {
                self.clients[client] = Client::default();
                let id = self.harness.join(&request(client, false));
                self.clients[client].joining = Some(id);
            }
            Step::Sync { client } => {
                let Some(joined) = self.clients[client].joined.clone() else { return };
                let names: Vec<String> = joined
                    .members
                    .iter()
                    .map(|m| format!("{}@{}", m.member, joined.generation))
                    .collect();
                let all: Vec<(&MemberId, &str)> = joined
                    .members
                    .iter()
                    .map(|m| &m.member)
                    .zip(names.iter().map(String::as_str))
                    .collect();
                let id =
                    self.harness.sync(&joined, if joined.skip_assignment { &[] } else { &all });
                self.clients[client].syncing = Some(id);
            }
            Step::Heartbeat { client } => {
                let Some(joined) = self.clients[client].joined.clone() else { return };
                let id = self.harness.send(Request::Heartbeat(HeartbeatRequest {
                    group: "g".into(),
                    member: Some(joined.member),
                    instance: None,
                    generation: joined.generation,
                }));
                assert!(self.harness.take(id).is_some(), "heartbeats are answered at once");
            }
            Step::Leave { client } => {
                let Some(member) = self.clients[client].member.take() else { return };
                let members = vec![LeavingMember { member: Some(member), instance: None }];
                let id =
                    self.harness.send(Request::Leave(LeaveRequest { group: "g".into(), members }));
                assert!(self.harness.take(id).is_some(), "leaving is answered at once");
                self.clients[client].joined = None;
            }
            Step::Commit { client, partition, offset } => {
                let Some(joined) = self.clients[client].joined.clone() else { return };
                self.commit(Some(&joined), partition, offset);
            }
            Step::Outsider { partition, offset } => self.commit(None, partition, offset),
            Step::Delete => {
                let id = self.harness.send(Request::Delete("g".into()));
                self.harness.commit_all();
                if self.harness.take(id) == Some(Reply::Delete(Ok(()))) {
                    self.read_replies();
                    self.acknowledged.clear();
                    self.generation = Generation(0);
                    self.leaders.clear();
                    self.assigned.clear();
                }
            }
            Step::DeleteOffset { partition } => {
                self.harness.commit_all();
                self.read_replies();
                let keys = vec![("t".parse().unwrap(), PartitionIndex(partition))];
                match self.harness.ask(Request::DeleteOffsets { group: "g".into(), keys }) {
                    Some(Reply::DeleteOffsets(Ok(outcomes))) if outcomes[0].is_ok() => {
                        self.acknowledged.remove(&partition);
                    }
                    _ => {}
                }
            }
            Step::Wait { ms } => self.harness.wait(ms),
            Step::Append { fails } => {
                self.harness.append(if fails { Err(AppendError::Unavailable) } else { Ok(()) });
            }
            Step::Reload => {
                self.harness.commit_all();
                self.read_replies();
                self.harness.coordinator.unload(GroupError::NotCoordinator, self.harness.now);
                self.harness.collect();
                self.read_replies();
                self.harness = self.harness.reloaded();
                // A generation that got no assignment is not in the log, and its number is used
                // again.
                self.leaders.clear();
                let handed_out = self.assigned.keys().map(|(generation, _)| *generation).max();
                self.generation = handed_out.unwrap_or_default();
            }
            Step::StaticRestart { .. } => {}
        }
        self.read_replies();
    }

    fn commit(&mut self, joined: Option<&JoinResponse>, partition: i32, offset: i64) {
        let id = self.harness.send(Request::Commit(commit(joined, &[("t", partition, offset)])));
        self.commits.insert(id, (partition, offset));
    }

    fn read_replies(&mut self) {
        for (id, reply) in std::mem::take(&mut self.harness.replies) {
            match reply {
                Reply::Join(outcome) => self.read_join(id, outcome),
                Reply::Sync(Ok(synced)) => self.read_sync(id, &synced),
                Reply::Commit(outcomes) => {
                    let (partition, offset) = self.commits.remove(&id).expect("a commit was sent");
                    if outcomes == [Ok(())] {
                        self.acknowledged.insert(partition, offset);
                    }
                }
                _ => {}
            }
        }
    }

    fn read_join(&mut self, id: ReplyId, outcome: Result<JoinResponse, JoinError>) {
        let client = self.clients.iter_mut().find(|client| client.joining == Some(id));
        match outcome {
            Ok(joined) => {
                assert!(joined.generation >= self.generation, "generations never go back");
                self.generation = joined.generation;
                if !joined.members.is_empty() && !joined.skip_assignment {
                    let ids: BTreeSet<_> = joined.members.iter().map(|m| &m.member).collect();
                    assert!(ids.contains(&joined.member) && ids.len() == joined.members.len());
                    let leader =
                        self.leaders.entry(joined.generation).or_insert(joined.member.clone());
                    assert_eq!(*leader, joined.member, "a generation has one leader");
                }
                if let Some(client) = client {
                    client.member = Some(joined.member.clone());
                    client.joined = Some(joined);
                    client.joining = None;
                }
            }
            Err(failed) => {
                if let Some(client) = client {
                    client.joined = None;
                    client.joining = None;
                    client.member = match failed.error {
                        GroupError::MemberIdRequired | GroupError::RebalanceInProgress => {
                            failed.member
                        }
                        _ => None,
                    };
                }
            }
        }
    }

    fn read_sync(&mut self, id: ReplyId, synced: &SyncResponse) {
        let Some(client) = self.clients.iter_mut().find(|client| client.syncing == Some(id)) else {
            return;
        };
        let Some(joined) = client.joined.clone() else { return };
        let assignment = String::from_utf8(synced.assignment.to_vec()).unwrap();
        let first =
            self.assigned.entry((joined.generation, joined.member)).or_insert(assignment.clone());
        assert_eq!(*first, assignment, "a member of a generation has one assignment");
    }

    fn check(&mut self) {
        let deadline = self.harness.coordinator.next_deadline();
        assert!(
            deadline.is_none_or(|at| at > self.harness.now.monotonic_ms)
                || !self.harness.log.is_empty()
        );
        let described = self.harness.coordinator_state();
        if let Some(group) = described.filter(|group| group.state == GroupState::Stable) {
            let mut given: Vec<&Bytes> = group
                .members
                .iter()
                .map(|m| &m.assignment)
                .filter(|bytes| !bytes.is_empty())
                .collect();
            given.sort();
            let count = given.len();
            given.dedup();
            assert_eq!(given.len(), count, "no two members have the same assignment");
        }
    }

    /// With nothing under way, what the log says is what clients were promised.
    fn check_at_rest(&mut self) {
        self.harness.commit_all();
        self.read_replies();
        let reloaded = self.harness.reloaded();
        assert_eq!(reloaded.snapshot(), self.harness.snapshot(), "the log replays to the state");
        let mut compact = Harness::new();
        compact.log = self.harness.snapshot();
        assert_eq!(compact.reloaded().snapshot(), self.harness.snapshot(), "so does a snapshot");
        for (partition, offset) in self.acknowledged.clone() {
            let topics = Some(vec![("t".parse().unwrap(), vec![PartitionIndex(partition)])]);
            let request = FetchRequest { group: "g".into(), topics, require_stable: true };
            let Some(Reply::Fetch(topics)) = self.harness.ask(Request::Fetch(request)) else {
                panic!()
            };
            assert_eq!(topics[0].partitions[0].offset, Offset(offset), "partition {partition}");
        }
        if self.harness.state() == GroupState::Stable {
            assert_eq!(self.harness.reloaded().describe(), self.harness.describe());
        }
    }
}

impl Harness {
    /// The group as it is, without committing what is queued.
    fn coordinator_state(&mut self) -> Option<DescribedGroup> {
        let id = self.send(Request::Describe("g".into()));
        match self.take(id) {
            Some(Reply::Describe(group)) => group.ok(),
            other => panic!("not described: {other:?}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn groups_keep_their_invariants(steps in steps()) {
        let mut world = World::new();
        for step in &steps {
            world.step(step);
            world.check();
        }
        world.check_at_rest();
    }

    #[test]
    fn damaged_records_never_panic(
        key in prop::collection::vec(any::<u8>(), 0..40),
        value in prop::collection::vec(any::<u8>(), 0..80),
        kind in 0..4_u8,
    ) {
        let mut key = key;
        if key.len() > 1 {
            (key[0], key[1]) = (0, kind);
        }
        let mut coordinator = Coordinator::new(GroupConfig::default());
        let value = Bytes::from(value);
        if let Ok(change) = StoredChange::decode(&Bytes::from(key), Some(&value)) {
            coordinator.replay(change);
        }
        coordinator.start(Harness::new().now);
    }
}
