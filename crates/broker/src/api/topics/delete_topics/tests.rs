use super::*;
use crate::topics::tests::OfflineCluster;

fn by_name(name: &str) -> DeleteTopicState {
    DeleteTopicState { name: Some(name.into()), topic_id: Uuid::nil() }
}

fn by_id(id: Uuid) -> DeleteTopicState {
    DeleteTopicState { name: None, topic_id: id }
}

fn code(target: &TopicTarget) -> ErrorCode {
    match target {
        Ok(_) => ErrorCode::None,
        Err(result) => ErrorCode::from_code(result.error_code),
    }
}

#[tokio::test]
async fn every_entry_has_one_result_in_order() {
    let cluster = OfflineCluster::new(1, &[]).await;
    let (a, b) = (cluster.create("a", 1, 1).await.id.0, cluster.create("b", 1, 1).await.id.0);
    let image = cluster.images.current();
    let unknown = Uuid::from_u128(9);
    let both = DeleteTopicState { name: Some("a".into()), topic_id: a };
    let neither = DeleteTopicState { name: None, topic_id: Uuid::nil() };
    let entries = vec![
        by_name("b"),
        by_name("missing"),
        by_id(unknown),
        both,
        neither,
        by_id(b),
        by_name("a"),
        by_name("a"),
    ];
    let targets = targets(&image, entries, |_, _| true);
    let codes: Vec<ErrorCode> = targets.iter().map(code).collect();
    let invalid = ErrorCode::InvalidRequest;
    let (no_name, no_id) = (ErrorCode::UnknownTopicOrPartition, ErrorCode::UnknownTopicId);
    let expected = [ErrorCode::None, no_name, no_id, invalid, invalid, invalid, invalid];
    assert_eq!(codes, expected);
    let (results, revision) = delete_all(&cluster.topics(), targets).await;
    let image = cluster.shown(revision.unwrap()).await;
    assert!(image.topic("b").is_none() && image.topic("a").is_some());
    assert_eq!((results[0].name.as_deref(), results[0].topic_id), (Some("b"), b));
    assert_eq!(results[1].name.as_deref(), Some("missing"));
}

#[tokio::test]
async fn who_may_not_see_a_topic_does_not_learn_its_name() {
    let cluster = OfflineCluster::new(1, &[]).await;
    let id = cluster.create("secret", 1, 1).await.id.0;
    let image = cluster.images.current();
    let entries = || vec![by_id(id), by_name("secret"), by_name("other")];
    for target in targets(&image, entries(), |_, _| false) {
        assert_eq!(code(&target), ErrorCode::TopicAuthorizationFailed);
        let result = target.unwrap_err();
        assert!(result.topic_id.is_nil() || result.name.is_none());
    }
    let only_see = |operation, _: &str| operation == Operation::Describe;
    let seen = targets(&image, vec![by_id(id)], only_see).remove(0).unwrap_err();
    assert_eq!(seen.name.as_deref(), Some("secret"));
}

#[test]
fn disabled_deletion_has_a_code_of_its_own_from_version_3_on() {
    let codes = |version| disabled(vec![by_name("a")], version)[0].error_code;
    assert_eq!(codes(2), ErrorCode::InvalidRequest.code());
    assert_eq!(codes(3), ErrorCode::TopicDeletionDisabled.code());
}

#[tokio::test]
async fn a_topic_made_again_meanwhile_is_left_alone() {
    let cluster = OfflineCluster::new(1, &[]).await;
    let first = cluster.create("t", 1, 1).await;
    let stale = targets(&cluster.images.current(), vec![by_name("t")], |_, _| true);
    cluster.shown(cluster.topics().delete(&"t".parse().unwrap(), first.id).await.unwrap()).await;
    cluster.create("t", 1, 1).await;
    let (results, revision) = delete_all(&cluster.topics(), stale).await;
    assert_eq!(results[0].error_code, ErrorCode::UnknownTopicOrPartition.code());
    assert_eq!(revision, None);
}
