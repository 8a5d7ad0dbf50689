//! Committed offsets of groups that share one partition of `__consumer_offsets`, so that one
//! coordinator loads them all.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::Args;
use milena_protocol::{
    ErrorCode,
    messages::{
        find_coordinator_request::FindCoordinatorRequest,
        offset_commit_request::{
            OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
        },
        offset_fetch_request::{
            OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopics,
        },
    },
};
use serde_json::{Value, json};

use crate::connection::Connection;

/// `offsets.topic.num.partitions`, by default.
const OFFSETS_PARTITIONS: i32 = 50;

#[derive(Args)]
pub(crate) struct OffsetsArgs {
    /// A topic with at least that many partitions.
    #[arg(long)]
    topic: String,
    /// The partitions that each group has an offset of.
    #[arg(long, default_value_t = 1000)]
    partitions: i32,
    #[arg(long, default_value_t = 100)]
    groups: usize,
    /// How often each offset is committed.
    #[arg(long, default_value_t = 1)]
    commits: i64,
    /// How long to wait for the coordinator, in seconds.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
}

/// Commits an offset of each partition for each group.
pub(crate) fn commit(bootstrap: &str, args: &OffsetsArgs) -> anyhow::Result<Value> {
    let groups = groups(args.groups);
    let mut coordinator = loaded(bootstrap, args, &groups[0])?;
    for offset in 1..=args.commits {
        for group in &groups {
            let committed = |partition_index| OffsetCommitRequestPartition {
                partition_index,
                committed_offset: offset,
                committed_metadata: Some("".into()),
                ..Default::default()
            };
            let request = OffsetCommitRequest {
                group_id: group.as_str().into(),
                generation_id_or_member_epoch: -1,
                topics: vec![OffsetCommitRequestTopic {
                    name: args.topic.as_str().into(),
                    partitions: (0..args.partitions).map(committed).collect(),
                    ..Default::default()
                }],
                ..Default::default()
            };
            let response = coordinator.call(&request, 8)?;
            let mut partitions = response.topics.iter().flat_map(|topic| &topic.partitions);
            if let Some(failed) = partitions.find(|partition| partition.error_code != 0) {
                bail!("committing for {group}: error {}", failed.error_code);
            }
        }
    }
    Ok(json!({"offsets": groups.len() as i64 * i64::from(args.partitions)}))
}

/// Waits until the coordinator has all offsets, and reports for how long.
pub(crate) fn fetch(bootstrap: &str, args: &OffsetsArgs) -> anyhow::Result<Value> {
    let started = Instant::now();
    let groups = groups(args.groups);
    let mut coordinator = loaded(bootstrap, args, &groups[0])?;
    let waited = started.elapsed();
    for group in &groups {
        let (error, offsets) = offsets(&mut coordinator, args, group)?;
        if error != 0 || offsets.iter().any(|offset| *offset != args.commits) {
            bail!("{group} does not have the offsets that were committed: error {error}");
        }
    }
    Ok(json!({"loaded_ms": waited.as_secs_f64() * 1000.0}))
}

/// The coordinator of the groups, once it serves them.
fn loaded(bootstrap: &str, args: &OffsetsArgs, group: &str) -> anyhow::Result<Connection> {
    let deadline = Instant::now() + Duration::from_secs(args.seconds);
    loop {
        let served = coordinator(bootstrap, group).and_then(|mut found| {
            let (error, _) = offsets(&mut found, args, group)?;
            if error != 0 {
                bail!("the coordinator of {group}: error {error}");
            }
            Ok(found)
        });
        match served {
            Ok(found) => return Ok(found),
            Err(error) if Instant::now() > deadline => return Err(error),
            Err(_) => std::thread::sleep(Duration::from_millis(2)),
        }
    }
}

fn coordinator(bootstrap: &str, group: &str) -> anyhow::Result<Connection> {
    let request = FindCoordinatorRequest { key: group.into(), ..Default::default() };
    let found = Connection::open(bootstrap)?.call(&request, 3)?;
    if found.error_code != ErrorCode::None.code() {
        bail!("finding the coordinator of {group}: error {}", found.error_code);
    }
    Connection::open(&format!("{}:{}", &*found.host, found.port))
}

fn offsets(
    coordinator: &mut Connection,
    args: &OffsetsArgs,
    group: &str,
) -> anyhow::Result<(i16, Vec<i64>)> {
    let asked = OffsetFetchRequestGroup {
        group_id: group.into(),
        topics: Some(vec![OffsetFetchRequestTopics {
            name: args.topic.as_str().into(),
            partition_indexes: (0..args.partitions).collect(),
            ..Default::default()
        }]),
        ..Default::default()
    };
    let request = OffsetFetchRequest { groups: vec![asked], ..Default::default() };
    let response = coordinator.call(&request, 8)?;
    let found = response.groups.first().context("an empty response to OffsetFetch")?;
    let partitions = found.topics.iter().flat_map(|topic| &topic.partitions);
    Ok((found.error_code, partitions.map(|partition| partition.committed_offset).collect()))
}

/// Names of groups that are all in one partition, by Java's hash of them.
fn groups(count: usize) -> Vec<String> {
    let partition_of = |group: &str| {
        let hash = group
            .encode_utf16()
            .fold(0_i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(unit.into()));
        hash.checked_abs().unwrap_or(0) % OFFSETS_PARTITIONS
    };
    let names = (0..).map(|number| format!("group-{number}"));
    names.filter(|name| partition_of(name) == 0).take(count).collect()
}
