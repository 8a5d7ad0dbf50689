//! DescribeLogDirs: the partitions of which this broker is a replica, and how many bytes those that
//! it leads have.
//!
//! There is one directory, the broker's own. A partition's size counts its records wherever they
//! are: most are in the object store, which all brokers share, so it is its leader's alone; other
//! replicas have 0 bytes, and lag by nothing. Requested partitions of which this broker is no replica
//! are left out.
//!
//! Errors: CLUSTER_AUTHORIZATION_FAILED.

use std::{
    collections::{BTreeMap, HashSet},
    path::Path,
};

use milena_protocol::{
    ApiKey, ErrorCode,
    messages::{
        describe_log_dirs_request::DescribeLogDirsRequest,
        describe_log_dirs_response::{
            DescribeLogDirsPartition, DescribeLogDirsResponse, DescribeLogDirsResult,
            DescribeLogDirsTopic,
        },
    },
};
use milena_types::{PartitionIndex, TopicName, TopicPartition};

use super::apis::ClusterApis;
use crate::{
    access::{Operation, Resource},
    api::definition::ApiDefinition,
    context::RequestContext,
};

pub(crate) const API: ApiDefinition = ApiDefinition {
    limits: "one directory a broker",
    notes: &[
        (3, "CLUSTER_AUTHORIZATION_FAILED; before, an empty response"),
        (4, "the size and the free bytes of the directory's volume (KIP-827)"),
    ],
    computes: true,
    ..ApiDefinition::new(ApiKey::DescribeLogDirs, 0..=5)
};

pub(crate) async fn handle(
    context: &RequestContext,
    apis: &ClusterApis,
    request: DescribeLogDirsRequest,
) -> DescribeLogDirsResponse {
    if !context.allows(Operation::Describe, Resource::Cluster) {
        let error_code = ErrorCode::ClusterAuthorizationFailed.code();
        return DescribeLogDirsResponse { error_code, ..Default::default() };
    }
    let dir = &apis.data_dir;
    let (total_bytes, usable_bytes) = space(dir);
    let result = DescribeLogDirsResult {
        error_code: 0,
        log_dir: dir.to_string_lossy().as_ref().into(),
        topics: sizes(apis, &request),
        total_bytes,
        usable_bytes,
        ..Default::default()
    };
    DescribeLogDirsResponse { results: vec![result], ..Default::default() }
}

fn sizes(apis: &ClusterApis, request: &DescribeLogDirsRequest) -> Vec<DescribeLogDirsTopic> {
    let requested: Option<HashSet<(&str, i32)>> = request.topics.as_ref().map(|topics| {
        let of_topic =
            |t: &'_ milena_protocol::messages::describe_log_dirs_request::DescribableLogDirTopic| {
                t.partitions.clone()
            };
        topics.iter().flat_map(|t| of_topic(t).into_iter().map(|n| (&*t.topic, n))).collect()
    });
    let image = apis.images.current();
    let mut topics: BTreeMap<TopicName, Vec<DescribeLogDirsPartition>> = BTreeMap::new();
    for topic in image.topics() {
        let name = topic.name();
        let is_requested = |index: PartitionIndex| {
            requested.as_ref().is_none_or(|asked| asked.contains(&(name.as_str(), index.0)))
        };
        for (index, partition) in topic.partitions().filter(|(index, _)| is_requested(*index)) {
            let open =
                apis.partitions.partition(TopicPartition { topic: topic.id(), partition: index });
            if open.is_none() && !partition.replicas.contains(&apis.broker) {
                continue;
            }
            topics.entry(name.clone()).or_default().push(DescribeLogDirsPartition {
                partition_index: index.0,
                partition_size: open
                    .map_or(0, |open| i64::try_from(open.size_bytes()).unwrap_or(i64::MAX)),
                offset_lag: 0,
                is_future_key: false,
            });
        }
    }
    let described = topics.into_iter();
    described
        .map(|(name, partitions)| DescribeLogDirsTopic { name: name.as_str().into(), partitions })
        .collect()
}

/// Bytes of the volume that `dir` is on, and how many of them can be used; -1 where that cannot be
/// known.
fn space(dir: &Path) -> (i64, i64) {
    let Ok(stat) = rustix::fs::statvfs(dir) else { return (-1, -1) };
    let bytes =
        |blocks: u64| i64::try_from(blocks.saturating_mul(stat.f_frsize)).unwrap_or(i64::MAX);
    (bytes(stat.f_blocks), bytes(stat.f_bavail))
}
