//! Classic consumer groups: the state machine of one partition of `__consumer_offsets`.
//!
//! A [`Coordinator`] owns every group of its partition. It is a mutable object, driven by calls:
//!
//! - Inputs change it: requests with a [`ReplyId`] ([`Coordinator::request`]), the time
//!   ([`Coordinator::tick`]), the log's records while it loads ([`Coordinator::replay`]), and the
//!   outcome of an append ([`Coordinator::append_ended`]).
//! - Effects of an input are queued in it. After every input the driver takes them out: replies
//!   ([`Coordinator::take_replies`]) and the records of the next append
//!   ([`Coordinator::take_append`], if [`Coordinator::wants_append`]), and asks when the next tick
//!   is due ([`Coordinator::next_deadline`]).
//!
//! Invariants
//! - **Pending and committed are apart.** A change that must last is a queued write until the log
//!   has it. Replies that depend on it are given after that, OffsetFetch and snapshots show
//!   committed state only, and a failed append is reverted, with an error to the request.
//! - One append is under way at a time, so that the committed state after it is the replay of the
//!   log up to it. Everything queued meanwhile goes into the next one.
//! - Replaying the log, or a snapshot of it, gives the committed state again: commits go through
//!   the same function as replay does.
//! - A group's generation never goes back while the group exists; a generation has one leader.
//! - A group in state Dead has its deletion in the log's queue; it comes back as Empty if that
//!   fails.
//!
//! Not here: whether topics exist and whether a principal may do what it asks (the broker's API
//! layer), and which broker owns the partition.

mod admin;
mod config;
mod coordinator;
mod effects;
mod error;
mod group;
mod join;
mod member;
mod messages;
mod names;
mod offsets;
mod state;
mod stored;
mod sync;
mod timers;
mod writes;

#[cfg(test)]
mod tests;

pub use config::{GROUP_BYTES_MAX, GroupConfig, MEMBER_BYTES_MAX};
pub use coordinator::{Coordinator, SnapshotCursor};
pub use error::{AppendError, GroupError};
pub use messages::{
    CommitOffset, CommitRequest, DescribedGroup, DescribedMember, FetchRequest, FetchedOffset,
    FetchedTopic, HeartbeatRequest, JoinError, JoinRequest, JoinResponse, JoinedMember,
    LeaveRequest, LeaveResult, LeavingMember, ListFilter, ListedGroup, Now, OffsetKey, Protocol,
    Reply, ReplyId, Request, SyncRequest, SyncResponse,
};
pub use names::{Generation, GroupId, InstanceId, MemberId};
pub use state::GroupState;
pub use stored::{StoredChange, StoredRecord, StoredRecordError};
pub use sync::assigned_bytes;
