//! Topics: creating one, and finding who leads its partitions.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use milena_protocol::{
    ErrorCode,
    messages::{
        create_partitions_request::{
            CreatePartitionsAssignment, CreatePartitionsRequest, CreatePartitionsTopic,
        },
        create_topics_request::{CreatableReplicaAssignment, CreatableTopic, CreateTopicsRequest},
        list_offsets_request::{ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic},
        metadata_request::{MetadataRequest, MetadataRequestTopic},
    },
};

use crate::connection::Connection;

/// The partitions that each broker leads, by the broker's HOST:PORT.
pub(crate) type Leaders = BTreeMap<String, Vec<i32>>;

/// So many in one request are not too many for any broker.
const PARTITIONS_A_REQUEST: i32 = 5_000;

/// Creates a topic, with the cluster's default replication or all on one broker, and waits for its
/// leaders.
pub(crate) fn create(
    bootstrap: &str,
    topic: &str,
    partitions: i32,
    broker: Option<i32>,
    limit: Duration,
) -> anyhow::Result<()> {
    let assignments = broker.map_or_else(Vec::new, |id| {
        let assigned =
            |partition_index| CreatableReplicaAssignment { partition_index, broker_ids: vec![id] };
        (0..partitions.min(PARTITIONS_A_REQUEST)).map(assigned).collect()
    });
    let wanted = CreatableTopic {
        name: topic.into(),
        num_partitions: if broker.is_some() { -1 } else { partitions.min(PARTITIONS_A_REQUEST) },
        replication_factor: -1,
        assignments,
        ..CreatableTopic::default()
    };
    let request =
        CreateTopicsRequest { topics: vec![wanted], timeout_ms: 30_000, ..Default::default() };
    let response = Connection::open(bootstrap)?.call(&request, 5)?;
    let answer = response.topics.first().context("an empty response to CreateTopics")?;
    let exists = answer.error_code == ErrorCode::TopicAlreadyExists.code();
    if answer.error_code != 0 && !exists {
        bail!("creating {topic}: error {} {:?}", answer.error_code, answer.error_message);
    }
    let mut count = PARTITIONS_A_REQUEST;
    while count < partitions && !exists {
        let next = partitions.min(count + PARTITIONS_A_REQUEST);
        grow(bootstrap, topic, count..next, broker)?;
        count = next;
    }
    // Brokers learn of new partitions one after the other.
    let deadline = Instant::now() + limit;
    while leaders(bootstrap, topic, limit)?.values().map(Vec::len).sum::<usize>()
        < partitions as usize
    {
        if Instant::now() > deadline {
            bail!("{topic} does not come to have {partitions} partitions");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// Adds partitions to a topic.
fn grow(
    bootstrap: &str,
    topic: &str,
    added: std::ops::Range<i32>,
    broker: Option<i32>,
) -> anyhow::Result<()> {
    let assigned = |id| {
        let one = || CreatePartitionsAssignment { broker_ids: vec![id] };
        added.clone().map(|_| one()).collect()
    };
    let wanted = CreatePartitionsTopic {
        name: topic.into(),
        count: added.end,
        assignments: broker.map(assigned),
    };
    let request =
        CreatePartitionsRequest { topics: vec![wanted], timeout_ms: 30_000, validate_only: false };
    let response = Connection::open(bootstrap)?.call(&request, 2)?;
    let answer = response.results.first().context("an empty response to CreatePartitions")?;
    if answer.error_code != 0 {
        bail!("growing {topic}: error {} {:?}", answer.error_code, answer.error_message);
    }
    Ok(())
}

/// The leaders of the partitions of `topic`. Waits until a broker responds and all have one.
pub(crate) fn leaders(bootstrap: &str, topic: &str, limit: Duration) -> anyhow::Result<Leaders> {
    let deadline = Instant::now() + limit;
    let asked =
        MetadataRequestTopic { name: Some(topic.into()), ..MetadataRequestTopic::default() };
    let request = MetadataRequest { topics: Some(vec![asked]), ..MetadataRequest::default() };
    let mut connection = loop {
        match Connection::open(bootstrap) {
            Ok(connection) => break connection,
            Err(error) if Instant::now() > deadline => return Err(error),
            Err(_) => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    loop {
        let response = connection.call(&request, 9)?;
        let brokers: BTreeMap<i32, String> = response
            .brokers
            .iter()
            .map(|b| (b.node_id, format!("{}:{}", &*b.host, b.port)))
            .collect();
        let found = response.topics.first().context("an empty response to Metadata")?;
        let mut leaders = Leaders::new();
        for partition in found.partitions.iter().filter(|p| p.error_code == 0) {
            if let Some(address) = brokers.get(&partition.leader_id) {
                leaders.entry(address.clone()).or_default().push(partition.partition_index);
            }
        }
        let led: usize = leaders.values().map(Vec::len).sum();
        if found.error_code == 0 && led > 0 && led == found.partitions.len() {
            leaders.values_mut().for_each(|partitions| partitions.sort_unstable());
            return Ok(leaders);
        }
        if Instant::now() > deadline {
            bail!(
                "no leaders for {topic}: error {}, {led} of {}",
                found.error_code,
                found.partitions.len()
            );
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The offsets after the last record of each partition.
pub(crate) fn ends(
    connection: &mut Connection,
    topic: &str,
    partitions: &[i32],
) -> anyhow::Result<BTreeMap<i32, i64>> {
    const LATEST: i64 = -1;
    let asked = |index: &i32| ListOffsetsPartition {
        partition_index: *index,
        current_leader_epoch: -1,
        timestamp: LATEST,
        ..ListOffsetsPartition::default()
    };
    let partitions = partitions.iter().map(asked).collect();
    let topics = vec![ListOffsetsTopic { name: topic.into(), partitions }];
    let request = ListOffsetsRequest { replica_id: -1, topics, ..Default::default() };
    let mut ends = BTreeMap::new();
    for partition in connection.call(&request, 6)?.topics.iter().flat_map(|topic| &topic.partitions)
    {
        if partition.error_code != 0 {
            bail!(
                "the end of partition {}: error {}",
                partition.partition_index,
                partition.error_code
            );
        }
        ends.insert(partition.partition_index, partition.offset);
    }
    Ok(ends)
}
