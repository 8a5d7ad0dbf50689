//! A partition as Metadata and DescribeTopicPartitions show it, to a client of one listener.

use milena_metadata::{MetadataImage, PartitionImage};
use milena_protocol::ErrorCode;
use milena_types::BrokerId;

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PartitionView {
    pub(crate) error: ErrorCode,
    /// -1 when there is none that the client can reach.
    pub(crate) leader: i32,
    pub(crate) leader_epoch: i32,
    pub(crate) replicas: Vec<i32>,
    pub(crate) isr: Vec<i32>,
    pub(crate) offline: Vec<i32>,
}

impl PartitionView {
    /// `named_errors`: the client knows LISTENER_NOT_FOUND (Metadata from version 6 on); before, a
    /// leader without the client's listener counts as not available.
    pub(crate) fn of(
        image: &MetadataImage,
        partition: &PartitionImage,
        listener: &str,
        named_errors: bool,
    ) -> Self {
        let reachable = |id: BrokerId| {
            image.broker(id).is_some_and(|broker| broker.listener(listener).is_some())
        };
        let (error, leader) = match image.live_leader(partition) {
            None => (ErrorCode::LeaderNotAvailable, -1),
            Some(leader) if reachable(leader) => (ErrorCode::None, leader.0),
            Some(_) if named_errors => (ErrorCode::ListenerNotFound, -1),
            Some(_) => (ErrorCode::LeaderNotAvailable, -1),
        };
        let ids = |list: &[BrokerId]| list.iter().map(|id| id.0).collect::<Vec<i32>>();
        let mut isr = ids(&image.isr(partition));
        if isr.is_empty() {
            // Kafka's set of in-sync replicas is never empty: the last leader stays in it.
            isr.push(partition.leader.0);
        }
        let unreachable = partition.replicas.iter().filter(|id| !reachable(**id)).map(|id| id.0);
        Self {
            error,
            leader,
            leader_epoch: partition.leader_epoch.raw(),
            replicas: ids(&partition.replicas),
            isr,
            offline: unreachable.collect(),
        }
    }

    /// As version 0 of Metadata has it: replicas that cannot be reached are left out, and that is
    /// an error.
    pub(crate) fn without_offline(mut self) -> Self {
        let offline = &self.offline;
        let before = (self.replicas.len(), self.isr.len());
        self.replicas.retain(|id| !offline.contains(id));
        self.isr.retain(|id| !offline.contains(id));
        if self.error == ErrorCode::None && before != (self.replicas.len(), self.isr.len()) {
            self.error = ErrorCode::ReplicaNotAvailable;
        }
        self
    }
}
