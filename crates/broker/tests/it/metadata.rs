//! Metadata, DescribeCluster, DescribeTopicPartitions.

use std::collections::BTreeMap;

use milena_protocol::{
    ErrorCode,
    messages::{
        describe_cluster_request::DescribeClusterRequest,
        describe_topic_partitions_request::DescribeTopicPartitionsRequest,
        metadata_request::{MetadataRequest, MetadataRequestTopic},
        metadata_response::MetadataResponseTopic,
    },
};

use crate::{
    cluster::{Cluster, ClusterOptions},
    wire::{Client, batch, only_produced, produce_request},
};

/// "Was not asked for" (KIP-430).
const NOT_ASKED: i32 = i32::MIN;

fn about(names: &[&str]) -> MetadataRequest {
    let topic =
        |name: &&str| MetadataRequestTopic { name: Some((*name).into()), ..Default::default() };
    MetadataRequest { topics: Some(names.iter().map(topic).collect()), ..Default::default() }
}

async fn with_auto_creation(enabled: bool) -> Cluster {
    let kafka_config = BTreeMap::from([
        ("auto.create.topics.enable".to_owned(), enabled.to_string()),
        ("num.partitions".to_owned(), "2".to_owned()),
    ]);
    Cluster::start_with(ClusterOptions { brokers: 1, kafka_config, ..ClusterOptions::default() })
        .await
}

async fn only(
    client: &mut Client,
    version: i16,
    request: &MetadataRequest,
) -> MetadataResponseTopic {
    let mut response = client.call(version, request).await;
    assert_eq!(response.topics.len(), 1);
    response.topics.remove(0)
}

#[tokio::test]
async fn one_request_makes_no_more_partitions_than_a_request_may() {
    let cluster = with_auto_creation(true).await;
    let mut client = cluster.connect(1).await;
    let names: Vec<String> = (0..5_001).map(|n| format!("t{n}")).collect();
    let mut request = about(&names.iter().map(String::as_str).collect::<Vec<_>>());
    request.allow_auto_topic_creation = true;
    let refused = client.call(9, &request).await;
    let code = ErrorCode::PolicyViolation.code();
    assert!(refused.topics.len() == 5_001 && refused.topics.iter().all(|t| t.error_code == code));
    assert_eq!(cluster.any().images().current().topics().count(), 0);
    request.topics.as_mut().expect("topics").truncate(100);
    let created = client.call(9, &request).await;
    assert!(
        created.topics.iter().all(|topic| topic.error_code == 0 && topic.partitions.len() == 2)
    );
    cluster.stop().await;
}

#[tokio::test]
async fn every_version_names_brokers_topics_and_leaders() {
    let cluster = Cluster::start().await;
    cluster.create_topic("t", 6).await;
    let mut client = cluster.connect(1).await;
    for version in 0..=12 {
        let response = client.call(version, &about(&["t"])).await;
        let ids: Vec<i32> = response.brokers.iter().map(|broker| broker.node_id).collect();
        assert_eq!(ids, [1, 2, 3]);
        for broker in &response.brokers {
            let address = cluster.broker(broker.node_id).address();
            assert_eq!((&*broker.host, broker.port), ("127.0.0.1", i32::from(address.port())));
            let zone = ["zone-a", "zone-b", "zone-c"][broker.node_id as usize - 1];
            assert_eq!(broker.rack.as_deref(), (version >= 1).then_some(zone));
        }
        assert_eq!(response.cluster_id.is_some(), version >= 2);
        assert_eq!(response.cluster_authorized_operations, NOT_ASKED);
        let topic = &response.topics[0];
        assert_eq!((topic.error_code, topic.is_internal), (0, false));
        assert_eq!(topic.topic_authorized_operations, NOT_ASKED);
        assert_eq!(topic.topic_id.is_nil(), version < 10);
        assert_eq!(topic.partitions.len(), 6);
        for partition in &topic.partitions {
            assert_eq!(partition.error_code, 0);
            assert_eq!(partition.leader_id, cluster.leader("t", partition.partition_index));
            assert_eq!(partition.leader_epoch, if version >= 7 { 0 } else { -1 });
            assert_eq!((partition.replica_nodes.len(), partition.isr_nodes.len()), (3, 3));
        }
        let led_by =
            |id| topic.partitions.iter().filter(|partition| partition.leader_id == id).count();
        assert_eq!([led_by(1), led_by(2), led_by(3)], [2, 2, 2], "leaders are spread");
    }
    cluster.stop().await;
}

#[tokio::test]
async fn no_list_is_all_topics_and_an_empty_list_none() {
    let cluster = Cluster::single().await;
    cluster.create_topic("a", 1).await;
    cluster.create_topic("b", 1).await;
    let mut client = cluster.connect(1).await;
    let all = MetadataRequest { topics: None, ..Default::default() };
    assert_eq!(client.call(0, &about(&[])).await.topics.len(), 2);
    for version in 1..=12 {
        assert_eq!(client.call(version, &all).await.topics.len(), 2, "version {version}");
        assert_eq!(client.call(version, &about(&[])).await.topics.len(), 0, "version {version}");
    }
    cluster.stop().await;
}

#[tokio::test]
async fn a_topic_is_created_on_demand_and_can_be_written_to_at_once() {
    let cluster = with_auto_creation(true).await;
    let mut client = cluster.connect(1).await;
    for (version, name) in [(0, "zero"), (4, "four"), (12, "twelve")] {
        let topic = only(&mut client, version, &about(&[name])).await;
        assert_eq!((topic.error_code, topic.partitions.len()), (0, 2), "version {version}");
        let bytes = batch(&["a"]).bytes().clone();
        let produced = client.call(9, &produce_request(name, &[(1, bytes)], -1)).await;
        assert_eq!(only_produced(produced).error_code, 0);
    }
    let mut request = about(&["unwanted"]);
    request.allow_auto_topic_creation = false;
    let topic = only(&mut client, 9, &request).await;
    assert_eq!(topic.error_code, ErrorCode::UnknownTopicOrPartition.code());
    for name in ["not valid", "", ".."] {
        let topic = only(&mut client, 9, &about(&[name])).await;
        assert_eq!(
            (topic.error_code, topic.name.as_deref()),
            (ErrorCode::InvalidTopic.code(), Some(name))
        );
    }
    let all = client.call(9, &MetadataRequest { topics: None, ..Default::default() }).await;
    assert_eq!(all.topics.len(), 3, "nothing else was created");
    cluster.stop().await;
}

#[tokio::test]
async fn nothing_is_created_on_demand_where_the_broker_does_not_want_it() {
    let cluster = with_auto_creation(false).await;
    let mut client = cluster.connect(1).await;
    for version in [0, 4, 12] {
        let topic = only(&mut client, version, &about(&["t"])).await;
        assert_eq!(topic.error_code, ErrorCode::UnknownTopicOrPartition.code());
    }
    cluster.stop().await;
}

#[tokio::test]
async fn topics_are_found_by_id() {
    let cluster = Cluster::single().await;
    let id = cluster.create_topic("t", 1).await;
    let mut client = cluster.connect(1).await;
    let of = |id| MetadataRequest {
        topics: Some(vec![MetadataRequestTopic { topic_id: id, name: None }]),
        ..Default::default()
    };
    let topic = only(&mut client, 12, &of(id.0)).await;
    assert_eq!((topic.error_code, topic.name.as_deref()), (0, Some("t")));
    let topic = only(&mut client, 12, &of(milena_protocol::Uuid::from_u128(1))).await;
    assert_eq!((topic.error_code, topic.name), (ErrorCode::UnknownTopicId.code(), None));
    cluster.stop().await;
}

#[tokio::test]
async fn describe_cluster_and_metadata_agree() {
    let cluster = Cluster::start().await;
    cluster.create_topic("t", 1).await;
    let mut client = cluster.connect(3).await;
    for asked in [false, true] {
        let metadata = MetadataRequest {
            include_cluster_authorized_operations: asked,
            include_topic_authorized_operations: asked,
            ..about(&["t"])
        };
        let metadata = client.call(10, &metadata).await;
        for version in 0..=1 {
            let request = DescribeClusterRequest {
                include_cluster_authorized_operations: asked,
                ..Default::default()
            };
            let described = client.call(version, &request).await;
            assert_eq!(described.error_code, 0);
            assert_eq!(Some(&described.cluster_id), metadata.cluster_id.as_ref());
            assert_eq!(&*described.cluster_id, cluster.id().as_str());
            assert_eq!(described.controller_id, metadata.controller_id);
            assert_eq!(
                described.cluster_authorized_operations,
                metadata.cluster_authorized_operations
            );
            let of_metadata = metadata.brokers.iter().map(|b| (b.node_id, b.host.clone(), b.port));
            let of_described =
                described.brokers.iter().map(|b| (b.broker_id, b.host.clone(), b.port));
            assert!(of_metadata.eq(of_described));
        }
        assert!([1, 2, 3].contains(&metadata.controller_id));
        assert_eq!(metadata.cluster_authorized_operations == NOT_ASKED, !asked);
        assert_eq!(metadata.topics[0].topic_authorized_operations == NOT_ASKED, !asked);
    }
    cluster.stop().await;
}

#[tokio::test]
async fn partitions_are_described_page_by_page() {
    let options = ClusterOptions { brokers: 1, kafka_version: "4.1", ..ClusterOptions::default() };
    let cluster = Cluster::start_with(options).await;
    cluster.create_topic("a", 3).await;
    cluster.create_topic("b", 2).await;
    let mut client = cluster.connect(1).await;
    let mut request =
        DescribeTopicPartitionsRequest { response_partition_limit: 2, ..Default::default() };
    let mut seen = Vec::new();
    loop {
        let response = client.call(0, &request).await;
        for topic in &response.topics {
            seen.extend(
                topic
                    .partitions
                    .iter()
                    .map(|p| format!("{}-{}", &**topic.name.as_ref().unwrap(), p.partition_index)),
            );
            assert_ne!(topic.topic_authorized_operations, NOT_ASKED);
        }
        let Some(next) = response.next_cursor else { break };
        request.cursor =
            Some(milena_protocol::messages::describe_topic_partitions_request::Cursor {
                topic_name: next.topic_name,
                partition_index: next.partition_index,
            });
    }
    assert_eq!(seen, ["a-0", "a-1", "a-2", "b-0", "b-1"]);
    cluster.stop().await;
}

#[tokio::test]
async fn a_broker_that_is_down_is_no_leader_and_what_it_led_has_another() {
    let mut cluster = Cluster::start().await;
    cluster.create_topic("t", 3).await;
    cluster.stop_broker(3).await;
    let mut client = cluster.connect(1).await;
    let mut known = 3;
    while known > 2 {
        known = client.call(9, &about(&["t"])).await.brokers.len();
    }
    let topic = only(&mut client, 9, &about(&["t"])).await;
    for partition in &topic.partitions {
        assert_eq!((partition.error_code, &*partition.offline_replicas), (0, &[3][..]));
        assert_eq!(partition.isr_nodes.len(), 2);
        assert!(partition.isr_nodes.contains(&partition.leader_id));
    }
    let mut epochs: Vec<i32> = topic.partitions.iter().map(|p| p.leader_epoch).collect();
    epochs.sort_unstable();
    assert_eq!(epochs, [0, 0, 1]);
    cluster.stop().await;
}
