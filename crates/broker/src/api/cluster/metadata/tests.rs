use milena_protocol::Uuid;

use super::*;
use crate::topics::tests::OfflineCluster;

fn named(name: &str) -> MetadataRequestTopic {
    MetadataRequestTopic { name: Some(name.into()), ..Default::default() }
}

fn of_id(id: Uuid) -> MetadataRequestTopic {
    MetadataRequestTopic { topic_id: id, name: None }
}

fn view(image: &MetadataImage, version: i16) -> ListenerView<'_> {
    ListenerView { image, listener: "PLAINTEXT", version }
}

fn names(topics: &[MetadataResponseTopic]) -> Vec<&str> {
    topics.iter().map(|topic| topic.name.as_deref().unwrap_or("")).collect()
}

#[tokio::test]
async fn no_list_is_all_topics_and_an_empty_one_none_but_in_version_0() {
    assert_eq!(selection(None, 1).await, Ok(TopicSelection::All));
    assert_eq!(selection(Some(&[]), 1).await, Ok(TopicSelection::Names(Vec::new())));
    assert_eq!(selection(Some(&[]), 0).await, Ok(TopicSelection::All));
}

#[tokio::test]
async fn ids_are_refused_before_version_12() {
    let id = Uuid::from_u128(7);
    for version in [10, 11] {
        let refused = selection(Some(&[named("a"), of_id(id)]), version).await.unwrap_err();
        assert!(refused.iter().all(|topic| topic.error_code == ErrorCode::InvalidRequest.code()));
        assert_eq!(refused.len(), 2);
        assert_eq!((refused[1].name.as_deref(), refused[1].topic_id), (Some(""), id));
    }
    assert_eq!(
        selection(Some(&[of_id(id), of_id(id)]), 12).await,
        Ok(TopicSelection::Ids(vec![TopicId(id)]))
    );
}

#[tokio::test]
async fn topics_are_in_the_order_of_the_request_each_once() {
    let cluster = OfflineCluster::new(3, &[]).await;
    for name in ["b", "a", "c"] {
        cluster.create(name, 1, 3).await;
    }
    let image = cluster.images.current();
    let list = ["c", "missing", "a", "c", "not valid"].map(named);
    let selection = selection(Some(&list), 9).await.unwrap();
    let topics = view(&image, 9).topics(&selection, &HashMap::new(), |_| true).await;
    assert_eq!(names(&topics), ["c", "missing", "a", "not valid"]);
    let codes: Vec<i16> = topics.iter().map(|topic| topic.error_code).collect();
    assert_eq!(codes, [0, 3, 0, 17]);
    let all =
        view(&image, 9).topics(&TopicSelection::All, &HashMap::new(), |name| name != "b").await;
    assert_eq!(names(&all), ["a", "c"]);
}

#[tokio::test]
async fn a_topic_made_again_has_another_id_and_the_old_one_is_unknown() {
    let cluster = OfflineCluster::new(1, &[]).await;
    let first = cluster.create("t", 1, 1).await;
    let gone = cluster.topics().delete(&"t".parse().unwrap(), first.id).await.unwrap();
    cluster.shown(gone).await;
    let second = cluster.create("t", 1, 1).await;
    let image = cluster.images.current();
    let selection = TopicSelection::Ids(vec![first.id, second.id]);
    let topics = view(&image, 12).topics(&selection, &HashMap::new(), |_| true).await;
    assert_eq!(
        (topics[0].error_code, topics[0].name.clone()),
        (ErrorCode::UnknownTopicId.code(), None)
    );
    assert_eq!((topics[1].error_code, names(&topics)[1]), (0, "t"));
    let hidden = view(&image, 12).topics(&selection, &HashMap::new(), |_| false).await;
    let code = ErrorCode::TopicAuthorizationFailed.code();
    assert_eq!((hidden[1].error_code, hidden[1].name.clone()), (code, None));
}

#[tokio::test]
async fn a_partition_whose_leader_is_gone_still_has_its_leader_epoch() {
    let cluster = OfflineCluster::new(3, &[]).await;
    cluster.create("t", 3, 3).await;
    let image = cluster.images.current();
    let topic = &view(&image, 9).topics(&TopicSelection::All, &HashMap::new(), |_| true).await[0];
    for partition in &topic.partitions {
        assert_eq!((partition.error_code, partition.leader_epoch), (0, 0));
        assert_eq!(partition.leader_id, partition.replica_nodes[0]);
        assert_eq!(partition.isr_nodes, partition.replica_nodes);
        assert!(partition.offline_replicas.is_empty());
    }
    cluster.metadata.deregister(&cluster.registrations[1]).await.unwrap();
    let image = cluster.images.wait_until(|image| image.brokers().len() == 2).await.unwrap();
    assert_eq!(brokers(&image, "PLAINTEXT").iter().map(|b| b.node_id).collect::<Vec<_>>(), [1, 3]);
    assert!(brokers(&image, "SSL").is_empty());
    for version in [0, 5, 9] {
        let topic =
            &view(&image, version).topics(&TopicSelection::All, &HashMap::new(), |_| true).await[0];
        for partition in &topic.partitions {
            let led = partition.leader_id != -1;
            assert!(partition.leader_epoch >= 0);
            assert_eq!(partition.offline_replicas, [2]);
            assert_eq!(partition.replica_nodes.contains(&2), version > 0);
            assert!(!partition.isr_nodes.contains(&2));
            let code = match (led, version) {
                (false, _) => ErrorCode::LeaderNotAvailable,
                (true, 0) => ErrorCode::ReplicaNotAvailable,
                (true, _) => ErrorCode::None,
            };
            assert_eq!(partition.error_code, code.code());
        }
    }
}

#[tokio::test]
async fn a_leader_without_the_clients_listener_is_named_as_such_from_version_6_on() {
    let cluster = OfflineCluster::new(1, &[]).await;
    cluster.create("t", 1, 1).await;
    let image = cluster.images.current();
    for (version, code) in [(5, ErrorCode::LeaderNotAvailable), (6, ErrorCode::ListenerNotFound)] {
        let view = ListenerView { listener: "SSL", ..view(&image, version) };
        let topic = &view.topics(&TopicSelection::All, &HashMap::new(), |_| true).await[0];
        assert_eq!(topic.partitions[0].error_code, code.code());
        assert_eq!(topic.partitions[0].leader_id, -1);
    }
}

/// How often others have their turn meanwhile.
async fn turns_of<T>(work: impl Future<Output = T>) -> usize {
    let mut work = std::pin::pin!(work);
    let mut turns = 0;
    while futures_util::poll!(work.as_mut()).is_pending() {
        turns += 1;
    }
    turns
}

#[tokio::test]
async fn many_names_give_others_their_turn() {
    let cluster = OfflineCluster::new(1, &[]).await;
    cluster.create("large", 1000, 1).await;
    let image = cluster.images.current();
    let list: Vec<_> = (0..1000).map(|n| named(&format!("missing-{n}"))).collect();
    assert!(turns_of(selection(Some(&list), 9)).await >= 3);
    let names = TopicSelection::Names(list.into_iter().filter_map(|topic| topic.name).collect());
    let (view, failed) = (view(&image, 9), HashMap::new());
    assert!(turns_of(view.topics(&names, &failed, |_| true)).await >= 3);
    assert_eq!(turns_of(view.topics(&TopicSelection::All, &failed, |_| true)).await, 1);
    assert!(view.bytes_of(&TopicSelection::All) >= 1000 * PARTITION_BYTES);
}
