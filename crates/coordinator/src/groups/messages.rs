//! Requests to a [`Coordinator`](super::Coordinator) and its replies. Byte strings in requests are
//! kept as they are: pass copies, not slices of a whole request.

use std::{collections::BTreeSet, sync::Arc};

use bytes::Bytes;
use milena_types::{LeaderEpoch, Offset, PartitionIndex, Timestamp, TopicId, TopicName};

use super::{Generation, GroupError, GroupId, GroupState, InstanceId, MemberId};

/// The time, twice: what timers run by, and what records show.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Now {
    /// Milliseconds since some fixed moment; never goes back.
    pub monotonic_ms: u64,
    /// The date.
    pub wall: Timestamp,
}

/// Identifies a request until its reply, which comes exactly once. Chosen by the driver.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ReplyId(pub u64);

/// A partition that offsets are committed for.
pub type OffsetKey = (TopicName, PartitionIndex);

/// A client's request to a group.
#[derive(Debug)]
pub enum Request {
    Join(JoinRequest),
    Sync(SyncRequest),
    Heartbeat(HeartbeatRequest),
    Leave(LeaveRequest),
    Commit(CommitRequest),
    /// OffsetFetch of one group.
    Fetch(FetchRequest),
    DeleteOffsets {
        group: GroupId,
        /// The partitions whose offsets should go.
        keys: Vec<OffsetKey>,
    },
    /// DescribeGroups of one group.
    Describe(GroupId),
    /// DeleteGroups of one group.
    Delete(GroupId),
}

/// The reply to the request of the same name.
#[derive(Debug, PartialEq, Eq)]
pub enum Reply {
    Join(Result<JoinResponse, JoinError>),
    Sync(Result<SyncResponse, GroupError>),
    Heartbeat(Result<(), GroupError>),
    /// To [`Request::Leave`]: one entry per member, in the request's order.
    Leave(Result<Vec<LeaveResult>, GroupError>),
    /// To [`Request::Commit`]: one entry per offset, in the request's order.
    Commit(Vec<Result<(), GroupError>>),
    Fetch(Vec<FetchedTopic>),
    /// To [`Request::DeleteOffsets`]: one entry per key, in the request's order, or an error of the
    /// whole.
    DeleteOffsets(Result<Vec<Result<(), GroupError>>, GroupError>),
    Describe(Result<DescribedGroup, GroupError>),
    Delete(Result<(), GroupError>),
}

/// A protocol that a member can use (an assignor of consumers), with the member's metadata for it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Protocol {
    /// For example `range`.
    pub name: Arc<str>,
    /// Opaque to the coordinator, but for the subscription of consumers.
    pub metadata: Bytes,
}

impl Protocol {
    /// What a protocol with this name and metadata takes in memory about. One that says nothing
    /// takes memory all the same.
    pub fn bytes_of(name: &str, metadata: &[u8]) -> usize {
        const PROTOCOL_BYTES: usize = 96;
        PROTOCOL_BYTES + name.len() + metadata.len()
    }
}

#[derive(Clone, Debug)]
pub struct JoinRequest {
    pub group: GroupId,
    /// None to become a member.
    pub member: Option<MemberId>,
    /// `group.instance.id` of a static member.
    pub instance: Option<InstanceId>,
    pub client_id: Arc<str>,
    /// The client's host, as `/` and an address.
    pub client_host: Arc<str>,
    /// The longest time without a heartbeat.
    pub session_timeout_ms: i32,
    /// The longest time the member needs to join again.
    pub rebalance_timeout_ms: i32,
    /// `consumer`, `connect`, …
    pub protocol_type: Arc<str>,
    /// The member's protocols, the preferred first.
    pub protocols: Vec<Protocol>,
    /// v4+: a new dynamic member gets its id first, and joins with it (KIP-394).
    pub member_id_required: bool,
    /// v9+: the leader understands `skip_assignment` (KIP-814).
    pub can_skip_assignment: bool,
    /// Random bits, for the member id if one is needed.
    pub fresh: u128,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JoinResponse {
    pub member: MemberId,
    pub generation: Generation,
    /// The group's protocol type.
    pub protocol_type: Arc<str>,
    pub protocol: Arc<str>,
    pub leader: MemberId,
    /// The member leads but need not assign (KIP-814).
    pub skip_assignment: bool,
    /// To the leader: every member with its metadata. Empty to others.
    pub members: Vec<JoinedMember>,
}

/// A member as the leader sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JoinedMember {
    pub member: MemberId,
    /// Its `group.instance.id`.
    pub instance: Option<InstanceId>,
    /// Its metadata for the protocol chosen.
    pub metadata: Bytes,
}

/// A JoinGroup that failed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JoinError {
    pub error: GroupError,
    /// The member id in the response.
    pub member: Option<MemberId>,
}

#[derive(Clone, Debug)]
pub struct SyncRequest {
    pub group: GroupId,
    pub member: Option<MemberId>,
    /// `group.instance.id` of a static member.
    pub instance: Option<InstanceId>,
    /// The generation the member joined.
    pub generation: Generation,
    /// v5+: must be the group's.
    pub protocol_type: Option<Arc<str>>,
    /// v5+: must be the group's.
    pub protocol: Option<Arc<str>>,
    /// From the leader: an assignment per member.
    pub assignments: Vec<(MemberId, Bytes)>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SyncResponse {
    /// The group's protocol type.
    pub protocol_type: Arc<str>,
    pub protocol: Arc<str>,
    pub assignment: Bytes,
}

#[derive(Clone, Debug)]
pub struct HeartbeatRequest {
    pub group: GroupId,
    pub member: Option<MemberId>,
    /// `group.instance.id` of a static member.
    pub instance: Option<InstanceId>,
    pub generation: Generation,
}

#[derive(Clone, Debug)]
pub struct LeaveRequest {
    pub group: GroupId,
    pub members: Vec<LeavingMember>,
}

/// A leaving member, by its id or by its instance id.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LeavingMember {
    /// None: the member with the instance id.
    pub member: Option<MemberId>,
    /// `group.instance.id`.
    pub instance: Option<InstanceId>,
}

/// The outcome of one member's leaving.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LeaveResult {
    pub leaving: LeavingMember,
    pub outcome: Result<(), GroupError>,
}

/// OffsetCommit, of partitions known to exist.
#[derive(Clone, Debug)]
pub struct CommitRequest {
    pub group: GroupId,
    /// None from outside group management.
    pub member: Option<MemberId>,
    /// `group.instance.id` of a static member.
    pub instance: Option<InstanceId>,
    /// [`Generation::NONE`] from outside group management.
    pub generation: Generation,
    pub offsets: Vec<CommitOffset>,
}

/// An offset to commit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CommitOffset {
    pub key: OffsetKey,
    /// The topic that has the name now: one made later under the name has no part in the offset.
    pub topic: TopicId,
    /// The offset of the next record to read.
    pub offset: Offset,
    /// The leader epoch of the last record read, or [`LeaderEpoch::NONE`].
    pub leader_epoch: LeaderEpoch,
    /// The client's own note.
    pub metadata: Arc<str>,
    /// v2 to v4 with a retention time: when the offset expires, whatever the broker's retention.
    pub expires: Option<Timestamp>,
}

/// OffsetFetch of one group.
#[derive(Clone, Debug)]
pub struct FetchRequest {
    pub group: GroupId,
    /// None for all partitions that have an offset.
    pub topics: Option<Vec<(TopicName, Vec<PartitionIndex>)>>,
    /// v7+: refuse partitions with an undecided transactional offset (KIP-447).
    pub require_stable: bool,
}

/// The committed offsets of a topic.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FetchedTopic {
    pub topic: TopicName,
    pub partitions: Vec<FetchedOffset>,
}

/// The committed offset of a partition.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FetchedOffset {
    pub partition: PartitionIndex,
    /// The topic that it was committed for; None when there is no offset, or its record does not
    /// say.
    pub topic: Option<TopicId>,
    /// -1 when there is none.
    pub offset: Offset,
    pub leader_epoch: LeaderEpoch,
    pub metadata: Arc<str>,
    /// Why there is no offset although there may be one.
    pub error: Option<GroupError>,
}

/// A group as DescribeGroups shows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DescribedGroup {
    pub state: GroupState,
    /// Empty when it never had members.
    pub protocol_type: Arc<str>,
    /// The protocol chosen; empty unless stable.
    pub protocol: Arc<str>,
    /// Its members; metadata and assignments are empty unless stable.
    pub members: Vec<DescribedMember>,
}

/// A member as DescribeGroups shows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DescribedMember {
    pub member: MemberId,
    /// Its `group.instance.id`.
    pub instance: Option<InstanceId>,
    pub client_id: Arc<str>,
    pub client_host: Arc<str>,
    /// Its metadata for the protocol chosen.
    pub metadata: Bytes,
    pub assignment: Bytes,
}

/// ListGroups' filter. An empty set matches all.
#[derive(Clone, Debug, Default)]
pub struct ListFilter {
    /// v4+: states by name, in any case (KIP-518).
    pub states: BTreeSet<String>,
    /// v5+: group types by name, in any case (KIP-848). All groups here are `classic`.
    pub types: BTreeSet<String>,
}

/// A group as ListGroups shows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListedGroup {
    pub group: GroupId,
    /// Empty when it never had members.
    pub protocol_type: Arc<str>,
    pub state: GroupState,
}
