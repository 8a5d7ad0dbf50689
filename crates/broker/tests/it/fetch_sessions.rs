//! Behaviour 29: incremental fetch sessions (KIP-227).

use milena_protocol::{
    ErrorCode,
    messages::{
        fetch_request::{FetchRequest, ForgottenTopic},
        fetch_response::FetchResponse,
    },
};

use crate::{
    cluster::Cluster,
    wire::{Client, batch, fetch_partition, fetch_request},
};

const VERSION: i16 = 12;

fn partitions(response: &FetchResponse) -> Vec<i32> {
    response
        .responses
        .iter()
        .flat_map(|topic| &topic.partitions)
        .map(|data| data.partition_index)
        .collect()
}

async fn open(client: &mut Client, all: &[(i32, i64)]) -> FetchResponse {
    let mut request = fetch_request("t", all);
    request.session_epoch = 0;
    let response = client.call(VERSION, &request).await;
    assert_eq!(response.error_code, 0);
    response
}

/// The next fetch of a session, which changes nothing in it.
fn next(session_id: i32, session_epoch: i32) -> FetchRequest {
    FetchRequest { session_id, session_epoch, topics: Vec::new(), ..fetch_request("t", &[]) }
}

#[tokio::test]
async fn a_full_fetch_makes_a_session_and_tells_every_partition() {
    let cluster = Cluster::single().await;
    cluster.create_topic("t", 3).await;
    let mut client = cluster.connect(1).await;
    let response = open(&mut client, &[(0, 0), (1, 0), (2, 0)]).await;
    assert_ne!(response.session_id, 0);
    assert_eq!(partitions(&response), [0, 1, 2]);
    for data in &response.responses[0].partitions {
        assert_eq!(
            (data.high_watermark, data.last_stable_offset),
            (0, 0),
            "never -1 in a full fetch"
        );
    }
}

#[tokio::test]
async fn incremental_answers_tell_changed_partitions_only() {
    let cluster = Cluster::single().await;
    cluster.create_topic("t", 3).await;
    let mut client = cluster.connect(1).await;
    let mut producer = cluster.connect(1).await;
    let id = open(&mut client, &[(0, 0), (1, 0), (2, 0)]).await.session_id;
    let response = client.call(VERSION, &next(id, 1)).await;
    assert_eq!((response.error_code, response.session_id), (0, id));
    assert!(response.responses.is_empty(), "nothing has changed");

    producer.produce(9, "t", 1, batch(&["a"]).into_bytes()).await;
    let response = client.call(VERSION, &next(id, 2)).await;
    assert_eq!(partitions(&response), [1]);

    // The client moves on behind the record: nothing new again.
    let mut moved = next(id, 3);
    moved.topics = fetch_request("t", &[(1, 1)]).topics;
    assert!(client.call(VERSION, &moved).await.responses.is_empty());
}

#[tokio::test]
async fn a_session_waits_for_any_of_its_partitions() {
    let cluster = Cluster::single().await;
    cluster.create_topic("t", 2).await;
    let mut client = cluster.connect(1).await;
    let mut producer = cluster.connect(1).await;
    let id = open(&mut client, &[(0, 0), (1, 0)]).await.session_id;
    let mut request = next(id, 1);
    request.max_wait_ms = 60_000;
    let sent = client.send(VERSION, &request).await;
    producer.produce(9, "t", 1, batch(&["a"]).into_bytes()).await;
    let response = client.receive::<FetchRequest>(VERSION, sent).await;
    assert_eq!(partitions(&response), [1]);
}

#[tokio::test]
async fn forgotten_partitions_are_not_told_any_more() {
    let cluster = Cluster::single().await;
    cluster.create_topic("t", 2).await;
    let mut client = cluster.connect(1).await;
    let mut producer = cluster.connect(1).await;
    let id = open(&mut client, &[(0, 0), (1, 0)]).await.session_id;
    let mut request = next(id, 1);
    request.forgotten_topics_data =
        vec![ForgottenTopic { topic: "t".into(), partitions: vec![0], ..Default::default() }];
    client.call(VERSION, &request).await;
    for partition in 0..2 {
        producer.produce(9, "t", partition, batch(&["a"]).into_bytes()).await;
    }
    assert_eq!(partitions(&client.call(VERSION, &next(id, 2)).await), [1]);
}

#[tokio::test]
async fn wrong_ids_and_epochs_are_refused() {
    let cluster = Cluster::single().await;
    cluster.create_topic("t", 1).await;
    let mut client = cluster.connect(1).await;
    let id = open(&mut client, &[(0, 0)]).await.session_id;
    let unknown = client.call(VERSION, &next(id ^ 1, 1)).await;
    assert_eq!(unknown.error_code, ErrorCode::FetchSessionIdNotFound.code());
    let wrong = client.call(VERSION, &next(id, 5)).await;
    assert_eq!(wrong.error_code, ErrorCode::InvalidFetchSessionEpoch.code());
    assert_eq!(client.call(VERSION, &next(id, 1)).await.error_code, 0);
}

#[tokio::test]
async fn a_session_ends_with_the_final_epoch_and_sessionless_fetches_have_id_0() {
    let cluster = Cluster::single().await;
    cluster.create_topic("t", 1).await;
    let mut client = cluster.connect(1).await;
    let id = open(&mut client, &[(0, 0)]).await.session_id;
    let mut last = fetch_request("t", &[(0, 0)]);
    (last.session_id, last.session_epoch) = (id, -1);
    let response = client.call(VERSION, &last).await;
    assert_eq!((response.error_code, response.session_id), (0, 0));
    assert_eq!(partitions(&response), [0]);
    let gone = client.call(VERSION, &next(id, 1)).await;
    assert_eq!(gone.error_code, ErrorCode::FetchSessionIdNotFound.code());
}

#[tokio::test]
async fn a_full_cache_answers_without_a_session() {
    let cluster = Cluster::single_with(&[("max.incremental.fetch.session.cache.slots", "1")]).await;
    cluster.create_topic("t", 1).await;
    let mut client = cluster.connect(1).await;
    assert_ne!(open(&mut client, &[(0, 0)]).await.session_id, 0);
    let response = open(&mut client, &[(0, 0)]).await;
    assert_eq!(response.session_id, 0);
    assert_eq!(partitions(&response), [0]);
}

#[tokio::test]
async fn an_error_is_told_every_time_until_it_is_over() {
    let cluster = Cluster::single().await;
    cluster.create_topic("t", 1).await;
    let mut client = cluster.connect(1).await;
    let mut request = fetch_request("t", &[(0, 0), (4, 0)]);
    request.session_epoch = 0;
    request.topics[0].partitions.push(fetch_partition(0, 0));
    let response = client.call(VERSION, &request).await;
    let id = response.session_id;
    for epoch in 1..3 {
        let response = client.call(VERSION, &next(id, epoch)).await;
        assert_eq!(partitions(&response), [4]);
        let code = response.responses[0].partitions[0].error_code;
        assert_eq!(code, ErrorCode::UnknownTopicOrPartition.code());
    }
}
