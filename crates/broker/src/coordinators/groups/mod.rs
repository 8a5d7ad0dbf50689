//! Group coordinators: the pure state machine of `milena-coordinator`, run on the partitions of
//! `__consumer_offsets` that this broker leads.
//!
//! [`Groups`] finds the [`shard`] of a group's partition. A shard loads its partition, takes
//! requests under one short lock, has one append under way at a time, and replies to what depends
//! on it once it is committed. One task per broker runs the timers of all shards.
//!
//! Not here: the rules of groups (they are the state machine's) and what requests look like in each
//! version (`api/`).

mod config;
mod errors;
mod load;
mod shard;
mod timers;
mod write;

use std::{
    collections::BTreeMap,
    sync::{Arc, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use milena_coordinator::groups::{
    CommitRequest, DescribedGroup, FetchRequest, FetchedTopic, GroupError, GroupId,
    HeartbeatRequest, JoinError, JoinRequest, JoinResponse, LeaveRequest, LeaveResult, ListFilter,
    ListedGroup, OffsetKey, Reply, Request, SyncRequest, SyncResponse,
};
use milena_kafka_config::EffectiveConfig;
use milena_runtime::Runtime;
use milena_storage::{BudgetPermit, Partition};
use milena_types::{PartitionIndex, TopicName, TopicPartition};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use config::ShardConfig;
use shard::GroupShard;
use timers::Timers;

use crate::{
    context::RequestContext,
    leadership::{lifecycle::LeadershipObserver, resolve::LeaderResolver},
    memory::count::ByteCount,
    topics::internal::CONSUMER_OFFSETS,
};

pub(crate) use errors::code_of;

/// A reply is of its request's kind: the state machine sees to that.
const OWN_KIND: &str = "a request gets the reply of its own kind";

/// By partition of `__consumer_offsets`.
type Shards = BTreeMap<PartitionIndex, Arc<GroupShard>>;

/// The groups whose coordinator is this broker.
pub(crate) struct Groups {
    leaders: LeaderResolver,
    shards: RwLock<Shards>,
    timers: Arc<Timers>,
    /// Cancelled when requests should no longer wait for other members.
    stopping: CancellationToken,
}

impl Groups {
    /// The groups of one life of a broker. `stopping` ends waits for other members with
    /// COORDINATOR_NOT_AVAILABLE.
    pub(crate) fn new(
        leaders: LeaderResolver,
        config: EffectiveConfig<'_>,
        log_growth_bytes: u64,
        memory: ByteCount,
        runtime: Runtime,
        stopping: CancellationToken,
    ) -> Arc<Self> {
        let timers =
            Arc::new(Timers::new(runtime, ShardConfig::new(config, log_growth_bytes), memory));
        let groups =
            Arc::new(Self { leaders, shards: RwLock::default(), timers: timers.clone(), stopping });
        let timed = groups.clone();
        timers.runtime.spawn(async move { timed.run_timers().await });
        groups
    }

    /// Ticks the coordinators when their deadlines come, and has offsets expire, until the broker
    /// stops; then replies to all waiting requests.
    async fn run_timers(self: Arc<Self>) {
        let timers = &self.timers;
        let stopping = timers.runtime.stopping();
        let expiry_interval_ms = timers.config.expiry_interval_ms.max(1);
        let mut expiry = timers.monotonic_ms().saturating_add(expiry_interval_ms);
        while !stopping.is_cancelled() {
            let next = || self.shards().iter().filter_map(|shard| shard.next_deadline()).min();
            tokio::select! {
                biased;
                () = stopping.cancelled() => break,
                () = timers.sleep_until_due(expiry, next) => {}
            }
            let now = timers.monotonic_ms();
            for shard in self.shards() {
                shard.tick();
                if expiry <= now {
                    shard.expire_offsets();
                }
            }
            if expiry <= now {
                expiry = now.saturating_add(expiry_interval_ms);
            }
        }
        self.shards().iter().for_each(|shard| shard.close());
    }

    pub(crate) async fn join(
        &self,
        context: &RequestContext,
        request: JoinRequest,
    ) -> Result<JoinResponse, JoinError> {
        let (group, member) = (request.group.clone(), request.member.clone());
        match self.call(context, &group, Request::Join(request)).await {
            Ok(Reply::Join(joined)) => joined,
            Ok(_) => unreachable!("{OWN_KIND}"),
            Err(error) => Err(JoinError { error, member }),
        }
    }

    pub(crate) async fn sync(
        &self,
        context: &RequestContext,
        request: SyncRequest,
    ) -> Result<SyncResponse, GroupError> {
        match self.call(context, &request.group.clone(), Request::Sync(request)).await? {
            Reply::Sync(synced) => synced,
            _ => unreachable!("{OWN_KIND}"),
        }
    }

    pub(crate) async fn heartbeat(
        &self,
        context: &RequestContext,
        request: HeartbeatRequest,
    ) -> Result<(), GroupError> {
        match self.call(context, &request.group.clone(), Request::Heartbeat(request)).await? {
            Reply::Heartbeat(outcome) => outcome,
            _ => unreachable!("{OWN_KIND}"),
        }
    }

    pub(crate) async fn leave(
        &self,
        context: &RequestContext,
        request: LeaveRequest,
    ) -> Result<Vec<LeaveResult>, GroupError> {
        match self.call(context, &request.group.clone(), Request::Leave(request)).await? {
            Reply::Leave(left) => left,
            _ => unreachable!("{OWN_KIND}"),
        }
    }

    /// `admission` is held until the log has the offsets or has refused them, also when the request
    /// has ended by then.
    pub(crate) async fn commit(
        &self,
        context: &RequestContext,
        request: CommitRequest,
        admission: BudgetPermit,
    ) -> Result<Vec<Result<(), GroupError>>, GroupError> {
        let shard = self.shard_of(&request.group)?;
        let reply = shard.call(Request::Commit(request), Some(admission))?;
        match self.reply(context, reply).await? {
            Reply::Commit(outcomes) => Ok(outcomes),
            _ => unreachable!("{OWN_KIND}"),
        }
    }

    pub(crate) async fn fetch(
        &self,
        context: &RequestContext,
        request: FetchRequest,
    ) -> Result<Vec<FetchedTopic>, GroupError> {
        match self.call(context, &request.group.clone(), Request::Fetch(request)).await? {
            Reply::Fetch(topics) => Ok(topics),
            _ => unreachable!("{OWN_KIND}"),
        }
    }

    pub(crate) async fn delete_offsets(
        &self,
        context: &RequestContext,
        group: GroupId,
        keys: Vec<OffsetKey>,
    ) -> Result<Vec<Result<(), GroupError>>, GroupError> {
        match self.call(context, &group.clone(), Request::DeleteOffsets { group, keys }).await? {
            Reply::DeleteOffsets(outcome) => outcome,
            _ => unreachable!("{OWN_KIND}"),
        }
    }

    pub(crate) async fn describe(
        &self,
        context: &RequestContext,
        group: GroupId,
    ) -> Result<DescribedGroup, GroupError> {
        match self.call(context, &group.clone(), Request::Describe(group)).await? {
            Reply::Describe(described) => described,
            _ => unreachable!("{OWN_KIND}"),
        }
    }

    pub(crate) async fn delete(
        &self,
        context: &RequestContext,
        group: GroupId,
    ) -> Result<(), GroupError> {
        match self.call(context, &group.clone(), Request::Delete(group)).await? {
            Reply::Delete(outcome) => outcome,
            _ => unreachable!("{OWN_KIND}"),
        }
    }

    /// The groups of this broker, and whether more may be found once everything is loaded.
    pub(crate) fn list(&self, filter: &ListFilter) -> (Vec<ListedGroup>, bool) {
        let (mut groups, mut loading) = (Vec::new(), false);
        for shard in self.shards() {
            match shard.list(filter) {
                Ok(listed) => groups.extend(listed),
                Err(GroupError::CoordinatorLoadInProgress) => loading = true,
                Err(_) => {}
            }
        }
        (groups, loading)
    }

    /// Sends a request to the shard of a group and waits for the reply.
    async fn call(
        &self,
        context: &RequestContext,
        group: &GroupId,
        request: Request,
    ) -> Result<Reply, GroupError> {
        let waits_for_members = matches!(request, Request::Join(_) | Request::Sync(_));
        let reply = self.shard_of(group)?.call(request, None)?;
        if !waits_for_members {
            return self.reply(context, reply).await;
        }
        // A member stays in its group until its session ends.
        tokio::select! {
            biased;
            reply = reply => reply.map_err(|_| GroupError::NotCoordinator),
            () = self.stopping.cancelled() => Err(GroupError::CoordinatorNotAvailable),
            () = context.ended() => Err(GroupError::CoordinatorNotAvailable),
        }
    }

    /// Waits at most for an append, which takes long where the disk is full. A broker that stops sees
    /// it through.
    async fn reply(
        &self,
        context: &RequestContext,
        mut reply: oneshot::Receiver<Reply>,
    ) -> Result<Reply, GroupError> {
        tokio::select! {
            biased;
            reply = &mut reply => return reply.map_err(|_| GroupError::NotCoordinator),
            () = context.ended() => {}
        }
        if !context.connection_stops() {
            return Err(GroupError::CoordinatorNotAvailable);
        }
        reply.await.map_err(|_| GroupError::NotCoordinator)
    }

    fn shard_of(&self, group: &GroupId) -> Result<Arc<GroupShard>, GroupError> {
        let image = self.leaders.image();
        let topic = image.topic(CONSUMER_OFFSETS).ok_or(GroupError::NotCoordinator)?;
        let index = partition_of(group.as_str(), topic.partition_count());
        match self.read_shards().get(&index) {
            Some(shard) => Ok(shard.clone()),
            // The image names this broker, whose log is about to be opened.
            None if topic
                .partition(index)
                .is_some_and(|partition| self.leaders.leads(partition)) =>
            {
                Err(GroupError::CoordinatorLoadInProgress)
            }
            None => Err(GroupError::NotCoordinator),
        }
    }

    fn shards(&self) -> Vec<Arc<GroupShard>> {
        self.read_shards().values().cloned().collect()
    }

    fn read_shards(&self) -> RwLockReadGuard<'_, Shards> {
        self.shards.read().expect("no panic while shards are changed")
    }

    fn write_shards(&self) -> RwLockWriteGuard<'_, Shards> {
        self.shards.write().expect("no panic while shards are changed")
    }
}

impl LeadershipObserver for Groups {
    /// The groups of the partition are loaded and served from now on.
    fn on_election(&self, topic: &TopicName, partition: &Arc<Partition>) {
        if topic.as_str() != CONSUMER_OFFSETS {
            return;
        }
        let shard = GroupShard::start(
            partition.clone(),
            self.timers.clone(),
            self.leaders.images().clone(),
        );
        let mut shards = self.write_shards();
        if let Some(former) = shards.insert(partition.id().partition, shard) {
            former.close();
        }
    }

    /// Every request that waits for a group of the partition gets NOT_COORDINATOR.
    fn on_resignation(&self, partition: TopicPartition) {
        let mut shards = self.write_shards();
        if shards.get(&partition.partition).is_some_and(|shard| shard.partition.id() == partition)
            && let Some(shard) = shards.remove(&partition.partition)
        {
            shard.close();
        }
    }

    /// Deletes the offsets of the topics.
    fn on_topics_deleted(&self) {
        for shard in self.shards() {
            shard.forget_deleted_topics();
        }
    }
}

/// The partition of `__consumer_offsets` that a group is in: Java's hash of its id, as Kafka does
/// it, so that a log taken over from Kafka is found again.
pub(crate) fn partition_of(group: &str, partitions: i32) -> PartitionIndex {
    let hash = group
        .encode_utf16()
        .fold(0_i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(unit.into()));
    // The absolute value, and zero for the one number that has none.
    PartitionIndex(hash.checked_abs().unwrap_or(0) % partitions.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_placed_as_kafka_places_them() {
        // Java: Math.abs("my-group".hashCode()) % 50 and so on.
        for (group, hash) in [("", 0), ("abc", 96_354), ("polygenelubricants", 0), ("ä", 228)] {
            assert_eq!(partition_of(group, 50), PartitionIndex(hash % 50), "{group}");
        }
    }
}
