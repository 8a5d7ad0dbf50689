//! DescribeLogDirs: how many bytes the partitions led by this broker have.
//!
//! There is one directory, the broker's own. A partition's size counts its records wherever they
//! are: most are in the object store, which all brokers share, so a partition is listed by its
//! leader alone. Requested partitions that are not led here are left out.
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
use milena_types::TopicName;

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
    for partition in apis.partitions.all() {
        let id = partition.id();
        // A partition whose topic has just been deleted has no name any more.
        let Some(name) = image.topic_name(id.topic) else { continue };
        if requested
            .as_ref()
            .is_some_and(|requested| !requested.contains(&(name.as_str(), id.partition.0)))
        {
            continue;
        }
        topics.entry(name.clone()).or_default().push(DescribeLogDirsPartition {
            partition_index: id.partition.0,
            partition_size: i64::try_from(partition.size_bytes()).unwrap_or(i64::MAX),
            offset_lag: 0,
            is_future_key: false,
        });
    }
    let sorted = topics.into_iter().map(|(name, mut partitions)| {
        partitions.sort_unstable_by_key(|partition| partition.partition_index);
        DescribeLogDirsTopic { name: name.as_str().into(), partitions }
    });
    sorted.collect()
}

/// Bytes of the volume that `dir` is on, and how many of them can be used; -1 where that cannot be
/// known.
fn space(dir: &Path) -> (i64, i64) {
    let Ok(stat) = rustix::fs::statvfs(dir) else { return (-1, -1) };
    let bytes =
        |blocks: u64| i64::try_from(blocks.saturating_mul(stat.f_frsize)).unwrap_or(i64::MAX);
    (bytes(stat.f_blocks), bytes(stat.f_bavail))
}
