//! Committed offsets of a group, without being a member of it.

use milena_protocol::{
    ErrorCode, Request,
    messages::{
        find_coordinator_request::FindCoordinatorRequest,
        find_coordinator_response::FindCoordinatorResponse,
        offset_commit_request::{
            OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
        },
        offset_fetch_request::{
            OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopic,
            OffsetFetchRequestTopics,
        },
    },
};
use milena_types::{LeaderEpoch, Offset};

use crate::{Client, ClientError, Connection};

/// The last versions that name topics and not their ids, which is all that is needed here.
const LAST_BY_NAME: i16 = 9;

/// An offset that a group has committed, or is to commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommittedOffset {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// The next offset that the group will read.
    pub offset: Offset,
    /// The leader epoch of the record before it, if known.
    pub leader_epoch: LeaderEpoch,
    /// Text that the group committed with it.
    pub metadata: String,
}

impl Client {
    /// Commits offsets of a group that has no members.
    pub async fn commit_offsets(
        &self,
        group: &str,
        offsets: &[CommittedOffset],
    ) -> Result<(), ClientError> {
        let topic = |o: &CommittedOffset| OffsetCommitRequestTopic {
            name: o.topic.as_str().into(),
            partitions: vec![OffsetCommitRequestPartition {
                partition_index: o.partition,
                committed_offset: o.offset.raw(),
                committed_leader_epoch: o.leader_epoch.raw(),
                committed_metadata: Some(o.metadata.as_str().into()),
                ..Default::default()
            }],
            ..Default::default()
        };
        let request = OffsetCommitRequest {
            group_id: group.into(),
            generation_id_or_member_epoch: -1,
            topics: offsets.iter().map(topic).collect(),
            ..Default::default()
        };
        self.call_coordinator(group, &request, |response| {
            for partition in response.topics.iter().flat_map(|t| &t.partitions) {
                ClientError::check(
                    format!("committing offsets of group {group}"),
                    partition.error_code,
                    None,
                )?;
            }
            Ok(())
        })
        .await
    }

    /// The offsets that a group has committed for some partitions; those without one are left out.
    pub async fn committed_offsets(
        &self,
        group: &str,
        partitions: &[(&str, i32)],
    ) -> Result<Vec<CommittedOffset>, ClientError> {
        self.fetch_offsets(group, Some(partitions)).await
    }

    /// All offsets that a group has committed, in order of topics and partitions.
    pub async fn all_committed_offsets(
        &self,
        group: &str,
    ) -> Result<Vec<CommittedOffset>, ClientError> {
        let mut found = self.fetch_offsets(group, None).await?;
        found.sort_by(|a, b| (&a.topic, a.partition).cmp(&(&b.topic, b.partition)));
        Ok(found)
    }

    async fn fetch_offsets(
        &self,
        group: &str,
        partitions: Option<&[(&str, i32)]>,
    ) -> Result<Vec<CommittedOffset>, ClientError> {
        let request = offset_fetch(group, partitions);
        let what = format!("committed offsets of group {group}");
        self.call_coordinator(group, &request, |response| {
            ClientError::check(&*what, response.error_code, None)?;
            let mut found = Vec::new();
            let mut add = |topic: &str, index, code, offset, epoch, metadata: Option<&str>| {
                ClientError::check(&*what, code, None)?;
                if offset >= 0 {
                    found.push(CommittedOffset {
                        topic: topic.to_owned(),
                        partition: index,
                        offset: Offset(offset),
                        leader_epoch: LeaderEpoch(epoch),
                        metadata: metadata.unwrap_or_default().to_owned(),
                    });
                }
                Ok::<_, ClientError>(())
            };
            for topic in &response.topics {
                for p in &topic.partitions {
                    let (offset, epoch) = (p.committed_offset, p.committed_leader_epoch);
                    add(
                        &topic.name,
                        p.partition_index,
                        p.error_code,
                        offset,
                        epoch,
                        p.metadata.as_deref(),
                    )?;
                }
            }
            for group in &response.groups {
                ClientError::check(&*what, group.error_code, None)?;
                for topic in &group.topics {
                    for p in &topic.partitions {
                        let (offset, epoch) = (p.committed_offset, p.committed_leader_epoch);
                        add(
                            &topic.name,
                            p.partition_index,
                            p.error_code,
                            offset,
                            epoch,
                            p.metadata.as_deref(),
                        )?;
                    }
                }
            }
            Ok(found)
        })
        .await
    }

    async fn coordinator(&self, group: &str) -> Result<Connection, ClientError> {
        let request = FindCoordinatorRequest {
            key: group.into(),
            coordinator_keys: vec![group.into()],
            ..Default::default()
        };
        let response: FindCoordinatorResponse = self.any_broker().await?.call(&request).await?;
        let what = format!("coordinator of group {group}");
        let node = match response.coordinators.first() {
            Some(found) => {
                ClientError::check(&*what, found.error_code, found.error_message.as_deref())?;
                found.node_id
            }
            None => {
                ClientError::check(&*what, response.error_code, response.error_message.as_deref())?;
                response.node_id
            }
        };
        let id = milena_types::BrokerId(node);
        match self.broker(id).await {
            // It may be a broker that no metadata has named yet.
            Err(error) if error.code() == Some(ErrorCode::LeaderNotAvailable) => {
                self.metadata(Some(&[])).await?;
                self.broker(id).await
            }
            other => other,
        }
    }

    pub(crate) async fn call_coordinator<R: Request, T>(
        &self,
        group: &str,
        request: &R,
        check: impl Fn(&R::Response) -> Result<T, ClientError>,
    ) -> Result<T, ClientError> {
        let mut retry = self.retry();
        loop {
            let attempt = async {
                let coordinator = self.coordinator(group).await?;
                let version = coordinator.version_of(R::KEY)?.min(LAST_BY_NAME);
                coordinator.call_at(request, version).await
            };
            match attempt.await.and_then(|response| check(&response)) {
                Ok(value) => return Ok(value),
                Err(error) => retry.after(error).await?,
            }
        }
    }
}

/// A request for one group's offsets, filled for versions with one group and with several; without
/// partitions, for all that it has committed.
fn offset_fetch(group: &str, partitions: Option<&[(&str, i32)]>) -> OffsetFetchRequest {
    let old = |(topic, index): &(&str, i32)| OffsetFetchRequestTopic {
        name: (*topic).into(),
        partition_indexes: vec![*index],
    };
    let new = |(topic, index): &(&str, i32)| OffsetFetchRequestTopics {
        name: (*topic).into(),
        partition_indexes: vec![*index],
        ..Default::default()
    };
    OffsetFetchRequest {
        group_id: group.into(),
        topics: partitions.map(|partitions| partitions.iter().map(old).collect()),
        groups: vec![OffsetFetchRequestGroup {
            group_id: group.into(),
            topics: partitions.map(|partitions| partitions.iter().map(new).collect()),
            ..Default::default()
        }],
        ..Default::default()
    }
}
