use milena_protocol::messages::describe_topic_partitions_request::TopicRequest;

use super::*;
use crate::topics::tests::OfflineCluster;

fn request(
    names: &[&str],
    limit: i32,
    cursor: Option<(&str, i32)>,
) -> DescribeTopicPartitionsRequest {
    let topic = |name: &&str| TopicRequest { name: (*name).into() };
    DescribeTopicPartitionsRequest {
        topics: names.iter().map(topic).collect(),
        response_partition_limit: limit,
        cursor: cursor.map(|(name, n)| From { topic_name: name.into(), partition_index: n }),
    }
}

/// Names, error codes and partition numbers.
type TopicRows = Vec<(String, i16, Vec<i32>)>;

fn topic_rows(response: &DescribeTopicPartitionsResponse) -> TopicRows {
    let numbers = |topic: &Topic| topic.partitions.iter().map(|p| p.partition_index).collect();
    let topic = |t: &Topic| (t.name.as_deref().unwrap_or("").to_owned(), t.error_code, numbers(t));
    response.topics.iter().map(topic).collect()
}

fn cursor(response: &DescribeTopicPartitionsResponse) -> Option<(String, i32)> {
    response.next_cursor.as_ref().map(|c| (c.topic_name.to_string(), c.partition_index))
}

async fn cluster() -> OfflineCluster {
    let cluster = OfflineCluster::new(3, &[]).await;
    for (name, partitions) in [("a", 3), ("b", 1), ("c", 4)] {
        cluster.create(name, partitions, 2).await;
    }
    cluster
}

#[tokio::test]
async fn paging_by_cursor_shows_every_partition_once_in_order() {
    let cluster = cluster().await;
    let image = cluster.images.current();
    for (limit, names) in
        [(1, &[][..]), (2, &[]), (3, &["c", "a", "b"]), (4, &["b", "c", "a"]), (2000, &[])]
    {
        let mut seen = Vec::new();
        let mut next: Option<(String, i32)> = None;
        loop {
            let from = next.as_ref().map(|(name, n)| (name.as_str(), *n));
            let response =
                page(&image, "PLAINTEXT", &request(names, limit, from), 2000, |_| true).await;
            let on_page: usize = response.topics.iter().map(|topic| topic.partitions.len()).sum();
            assert!((1..=limit as usize).contains(&on_page));
            for (name, code, partitions) in topic_rows(&response) {
                assert_eq!(code, 0);
                seen.extend(partitions.into_iter().map(|n| format!("{name}-{n}")));
            }
            next = cursor(&response);
            if next.is_none() {
                break;
            }
        }
        assert_eq!(seen, ["a-0", "a-1", "a-2", "b-0", "c-0", "c-1", "c-2", "c-3"], "limit {limit}");
    }
}

#[tokio::test]
async fn a_page_never_exceeds_the_brokers_limit_and_has_at_least_one() {
    let cluster = cluster().await;
    let image = cluster.images.current();
    let response = page(&image, "PLAINTEXT", &request(&["c"], 2000, None), 2, |_| true).await;
    assert_eq!(
        (topic_rows(&response)[0].2.clone(), cursor(&response)),
        (vec![0, 1], Some(("c".to_owned(), 2)))
    );
    let response = page(&image, "PLAINTEXT", &request(&["c"], 0, None), 2000, |_| true).await;
    assert_eq!(topic_rows(&response)[0].2, [0]);
}

#[tokio::test]
async fn unknown_and_hidden_topics_are_errors_only_when_named() {
    let cluster = cluster().await;
    let image = cluster.images.current();
    let named = request(&["zz", "b", "a", "in valid"], 2000, None);
    let response = page(&image, "PLAINTEXT", &named, 2000, |name| name != "a").await;
    let codes: Vec<_> =
        topic_rows(&response).into_iter().map(|(name, code, _)| (name, code)).collect();
    let expected =
        [("b", 0), ("in valid", 17), ("zz", 3), ("a", 29)].map(|(n, c)| (n.to_owned(), c));
    assert_eq!(codes, expected);
    let all = page(&image, "PLAINTEXT", &request(&[], 2000, None), 2000, |name| name != "a").await;
    assert_eq!(topic_rows(&all).len(), 2);
}

#[tokio::test]
async fn a_cursor_on_a_deleted_topic_goes_on_behind_it_and_a_negative_one_is_refused() {
    let cluster = cluster().await;
    let image = cluster.images.current();
    let response =
        page(&image, "PLAINTEXT", &request(&[], 2000, Some(("bb", 7))), 2000, |_| true).await;
    assert_eq!(topic_rows(&response).len(), 1);
    assert_eq!(topic_rows(&response)[0].2, [0, 1, 2, 3]);
    let response =
        page(&image, "PLAINTEXT", &request(&["a"], 2000, Some(("a", -1))), 2000, |_| true).await;
    assert_eq!(topic_rows(&response), [("a".to_owned(), ErrorCode::InvalidRequest.code(), vec![])]);
}

#[tokio::test]
async fn many_names_give_others_their_turn() {
    let cluster = cluster().await;
    let image = cluster.images.current();
    let names: Vec<String> = (0..1000).map(|n| format!("missing-{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let request = request(&names, 2000, None);
    let mut page = std::pin::pin!(page(&image, "PLAINTEXT", &request, 2000, |_| true));
    let mut turns = 0;
    while futures_util::poll!(page.as_mut()).is_pending() {
        turns += 1;
    }
    assert!(turns >= 6, "{turns}");
}
