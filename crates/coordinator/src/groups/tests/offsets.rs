//! OffsetCommit, OffsetFetch, OffsetDelete and expiry (behaviours 31 and 32).

use milena_types::{ProducerId, TopicId};

use super::*;

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

#[test]
fn an_unknown_group_has_no_offsets_and_no_error() {
    let mut harness = Harness::new();
    let fetched = harness.fetch(true);
    assert_eq!(
        (fetched.offset, fetched.leader_epoch, fetched.error),
        (Offset(-1), LeaderEpoch(-1), None)
    );
    assert_eq!(&*fetched.metadata, "");
    let all = FetchRequest { group: "g".into(), topics: None, require_stable: false };
    assert_eq!(harness.ask(Request::Fetch(all)), Some(Reply::Fetch(vec![])));
}

#[test]
fn metadata_and_leader_epoch_come_back_with_the_offset() {
    let mut harness = Harness::new();
    assert_eq!(harness.commit_as(None, 42), Ok(()));
    let fetched = harness.fetch(false);
    assert_eq!(
        (fetched.offset, fetched.leader_epoch, &*fetched.metadata),
        (Offset(42), LeaderEpoch(7), "at 42")
    );
}

#[test]
fn all_topics_are_fetched_when_none_is_named() {
    let mut harness = Harness::new();
    let offsets = [("b", 1, 4), ("a", 0, 1), ("b", 0, 3)];
    harness.ask(Request::Commit(commit(None, &offsets)));
    let all = FetchRequest { group: "g".into(), topics: None, require_stable: false };
    let Some(Reply::Fetch(topics)) = harness.ask(Request::Fetch(all)) else {
        panic!("not fetched")
    };
    let seen: Vec<(&str, Vec<i64>)> = topics
        .iter()
        .map(|topic| (topic.topic.as_str(), topic.partitions.iter().map(|p| p.offset.0).collect()))
        .collect();
    assert_eq!(seen, [("a", vec![1]), ("b", vec![3, 4])]);
}

#[test]
fn a_commit_is_neither_acknowledged_nor_visible_before_the_log_has_it() {
    let mut harness = Harness::new();
    harness.commit_as(None, 1).unwrap();
    let id = harness.send(Request::Commit(commit(None, &[("t", 0, 2)])));
    let _records = harness.coordinator.take_append(1 << 20).unwrap();
    let fetch =
        Request::Fetch(FetchRequest { group: "g".into(), topics: None, require_stable: false });
    let fetched = harness.send(fetch);
    let Some(Reply::Fetch(topics)) = harness.take(fetched) else { panic!("not fetched") };
    assert_eq!(topics[0].partitions[0].offset, Offset(1));
    assert_eq!(harness.take(id), None);
    harness.coordinator.append_ended(Ok(()), harness.now);
    harness.collect();
    assert_eq!(harness.take(id), Some(Reply::Commit(vec![Ok(())])));
    assert_eq!(harness.fetch(false).offset, Offset(2));
}

#[test]
fn a_commit_that_fails_is_an_error_and_leaves_the_offset() {
    for (failure, error) in [
        (AppendError::NotLeader, GroupError::NotCoordinator),
        (AppendError::Storage, GroupError::NotCoordinator),
        (AppendError::Unavailable, GroupError::CoordinatorNotAvailable),
        (AppendError::TooLarge, GroupError::InvalidCommitOffsetSize),
    ] {
        let mut harness = Harness::new();
        harness.commit_as(None, 1).unwrap();
        let id = harness.send(Request::Commit(commit(None, &[("t", 0, 2)])));
        assert!(harness.append(Err(failure)));
        assert_eq!(harness.take(id), Some(Reply::Commit(vec![Err(error)])));
        assert_eq!(harness.fetch(false).offset, Offset(1));
    }
}

#[test]
fn commits_that_wait_go_into_one_append() {
    let mut harness = Harness::new();
    let first = harness.send(Request::Commit(commit(None, &[("t", 0, 1)])));
    assert_eq!(harness.coordinator.take_append(1 << 20).unwrap().len(), 1);
    let second = harness.send(Request::Commit(commit(None, &[("t", 0, 2)])));
    let third = harness.send(Request::Commit(commit(None, &[("t", 1, 3)])));
    assert_eq!(harness.coordinator.take_append(1 << 20), None, "one at a time");
    harness.coordinator.append_ended(Ok(()), harness.now);
    assert_eq!(harness.coordinator.take_append(1 << 20).unwrap().len(), 2);
    harness.coordinator.append_ended(Ok(()), harness.now);
    harness.collect();
    for id in [first, second, third] {
        assert_eq!(harness.take(id), Some(Reply::Commit(vec![Ok(())])));
    }
}

#[test]
fn an_append_is_cut_at_its_size_between_writes() {
    let mut harness = Harness::new();
    for offset in 0..3 {
        harness.send(Request::Commit(commit(None, &[("t", 0, offset), ("t", 1, offset)])));
    }
    let mut sizes = Vec::new();
    while let Some(records) = harness.coordinator.take_append(1) {
        sizes.push(records.len());
        harness.coordinator.append_ended(Ok(()), harness.now);
    }
    assert_eq!(sizes, [2, 2, 2]);
}

#[test]
fn members_must_be_of_the_generation_and_strangers_cannot_commit_to_a_group_with_members() {
    let mut harness = Harness::new();
    let members = harness.stable(1);
    assert_eq!(harness.commit_as(Some(&members[0]), 1), Ok(()));
    assert_eq!(harness.commit_as(None, 1), Err(GroupError::UnknownMemberId));
    let mut other = members[0].clone();
    other.generation = Generation(9);
    assert_eq!(harness.commit_as(Some(&other), 1), Err(GroupError::IllegalGeneration));
    other.member = "stranger".into();
    assert_eq!(harness.commit_as(Some(&other), 1), Err(GroupError::UnknownMemberId));
    harness.leave(Some(&members[0].member), None).unwrap();
    assert_eq!(harness.commit_as(None, 1), Ok(()), "an administrator resets offsets");
}

#[test]
fn a_generation_of_a_group_that_does_not_exist_is_illegal() {
    let mut harness = Harness::new();
    let joined = harness.stable(1).remove(0);
    let mut fresh = Harness::new();
    assert_eq!(fresh.commit_as(Some(&joined), 1), Err(GroupError::IllegalGeneration));
    assert!(fresh.coordinator.list(&ListFilter::default()).is_empty());
}

#[test]
fn metadata_that_is_too_long_fails_its_partition_only() {
    let mut harness = Harness::new();
    let mut request = commit(None, &[("t", 0, 1), ("t", 1, 2)]);
    request.offsets[0].metadata = "x".repeat(4_097).into();
    let outcome = harness.ask(Request::Commit(request));
    assert_eq!(outcome, Some(Reply::Commit(vec![Err(GroupError::OffsetMetadataTooLarge), Ok(())])));
    assert_eq!(harness.fetch(false).offset, Offset(-1));
}

#[test]
fn without_memory_an_offset_may_change_and_none_is_added() {
    let mut harness = Harness::new();
    let empty = harness.coordinator.bytes();
    assert_eq!(harness.commit_as(None, 5), Ok(()));
    assert!(harness.coordinator.bytes() > empty);
    harness.coordinator.set_full(true);
    let both = commit(None, &[("t", 0, 6), ("t", 1, 6)]);
    let full = GroupError::CoordinatorNotAvailable;
    let reply = harness.ask(Request::Commit(both));
    assert_eq!(reply, Some(Reply::Commit(vec![Ok(()), Err(full)])));
    assert_eq!(harness.fetch(false).offset, Offset(6));
    let other = CommitRequest { group: "new".into(), ..commit(None, &[("t", 0, 1)]) };
    let reply = harness.ask(Request::Commit(other));
    assert_eq!(reply, Some(Reply::Commit(vec![Err(full)])));
    assert_eq!(harness.coordinator.list(&ListFilter::default()).len(), 1);
}

#[test]
fn the_metadata_of_offsets_counts() {
    let mut harness = Harness::new();
    let mut large = commit(None, &[("t", 0, 1)]);
    large.offsets[0].metadata = "m".repeat(4000).into();
    harness.ask(Request::Commit(large));
    let held = harness.coordinator.bytes();
    assert!(held > 4000, "{held}");
    assert_eq!(harness.commit_as(None, 2), Ok(()));
    assert!(harness.coordinator.bytes() < held - 3900);
}

#[test]
fn commits_renew_the_members_session() {
    let mut harness = Harness::new();
    let members = harness.stable(1);
    for offset in 0..4 {
        harness.wait(9_000);
        assert_eq!(harness.commit_as(Some(&members[0]), offset), Ok(()));
    }
    assert_eq!(harness.heartbeat(&members[0]), Ok(()));
}

fn delete(
    harness: &mut Harness,
    topics: &[&str],
) -> Result<Vec<Result<(), GroupError>>, GroupError> {
    let keys = topics.iter().map(|topic| (topic.parse().unwrap(), PartitionIndex(0))).collect();
    match harness.ask(Request::DeleteOffsets { group: "g".into(), keys }) {
        Some(Reply::DeleteOffsets(outcome)) => outcome,
        other => panic!("not deleted: {other:?}"),
    }
}

#[test]
fn offsets_are_deleted_unless_a_member_subscribes_to_the_topic() {
    let mut harness = Harness::new();
    assert_eq!(delete(&mut harness, &["t"]), Err(GroupError::GroupIdNotFound));
    let members = harness.stable(1);
    harness.ask(Request::Commit(commit(Some(&members[0]), &[("t", 0, 1), ("old", 0, 2)])));
    let outcome = delete(&mut harness, &["t", "old", "never"]);
    assert_eq!(outcome, Ok(vec![Err(GroupError::GroupSubscribedToTopic), Ok(()), Ok(())]));
    assert_eq!(harness.fetch(false).offset, Offset(1));
    assert_eq!(harness.reloaded().snapshot(), harness.snapshot());
    harness.leave(Some(&members[0].member), None).unwrap();
    assert_eq!(delete(&mut harness, &["t"]), Ok(vec![Ok(())]));
    assert_eq!(harness.fetch(false).offset, Offset(-1));
}

#[test]
fn offsets_of_other_protocol_types_are_deleted_only_without_members() {
    let mut harness = Harness::new();
    harness.stable_of(&[JoinRequest { protocol_type: "connect".into(), ..join("w") }]);
    assert_eq!(delete(&mut harness, &["t"]), Err(GroupError::NonEmptyGroup));
}

#[test]
fn deleting_the_group_covers_commits_that_are_on_their_way() {
    let mut harness = Harness::new();
    harness.send(Request::Commit(commit(None, &[("t", 0, 1)])));
    harness.send(Request::Delete("g".into()));
    harness.commit_all();
    assert!(harness.snapshot().is_empty() && harness.reloaded().snapshot().is_empty());
}

fn expire(harness: &mut Harness) {
    harness.coordinator.expire_offsets(harness.now);
    harness.commit_all();
}

#[test]
fn offsets_from_outside_group_management_expire_after_their_commit() {
    let mut harness = Harness::new();
    harness.commit_as(None, 1).unwrap();
    harness.wait(7 * DAY_MS - 1);
    expire(&mut harness);
    assert_eq!(harness.fetch(false).offset, Offset(1));
    harness.wait(1);
    expire(&mut harness);
    assert_eq!(harness.fetch(false).offset, Offset(-1));
    assert_eq!(
        harness.describe(),
        Err(GroupError::GroupIdNotFound),
        "the group goes with its last offset"
    );
    assert!(harness.reloaded().snapshot().is_empty());
}

#[test]
fn offsets_of_an_empty_group_expire_after_the_last_member_left() {
    let mut harness = Harness::new();
    let members = harness.stable(1);
    harness.commit_as(Some(&members[0]), 1).unwrap();
    for _ in 0..8 * 24 * 60 * 10 {
        harness.wait(6_000);
        harness.heartbeat(&members[0]).unwrap();
    }
    expire(&mut harness);
    assert_eq!(harness.fetch(false).offset, Offset(1), "a subscribed topic's offsets stay");
    harness.leave(Some(&members[0].member), None).unwrap();
    harness.wait(7 * DAY_MS - 1);
    expire(&mut harness);
    assert_eq!(harness.fetch(false).offset, Offset(1));
    let mut reloaded = harness.reloaded();
    for harness in [&mut harness, &mut reloaded] {
        harness.wait(1);
        expire(harness);
        assert_eq!(harness.fetch(false).offset, Offset(-1));
    }
}

#[test]
fn offsets_of_topics_that_a_stable_group_no_longer_reads_expire() {
    let mut harness =
        Harness::with(GroupConfig { offsets_retention_ms: 1_000, ..GroupConfig::default() });
    let members = harness.stable(1);
    harness.ask(Request::Commit(commit(Some(&members[0]), &[("t", 0, 1), ("old", 0, 2)])));
    harness.wait(1_000);
    expire(&mut harness);
    assert_eq!(harness.fetch(false).offset, Offset(1));
    assert_eq!(delete(&mut harness, &["old"]), Ok(vec![Ok(())]));
    assert_eq!(harness.snapshot().len(), 2, "the group and one offset");
}

#[test]
fn an_offset_with_its_own_expiry_keeps_to_it_also_after_a_reload() {
    let mut harness = Harness::new();
    let mut request = commit(None, &[("t", 0, 1)]);
    request.offsets[0].expires = Some(Timestamp(harness.now.wall.0 + 5_000));
    harness.ask(Request::Commit(request));
    let mut reloaded = harness.reloaded();
    for harness in [&mut harness, &mut reloaded] {
        harness.wait(4_999);
        expire(harness);
        assert_eq!(harness.fetch(false).offset, Offset(1));
        harness.wait(1);
        expire(harness);
        assert_eq!(harness.fetch(false).offset, Offset(-1));
    }
}

#[test]
fn offsets_of_a_deleted_topic_are_forgotten() {
    let mut harness = Harness::new();
    let mut request = commit(None, &[("t", 0, 1), ("u", 0, 2)]);
    request.offsets[1].topic = TopicId(Uuid::from_u128(2));
    harness.ask(Request::Commit(request));
    // What the records say of topics is there again after a reload.
    let mut harness = harness.reloaded();
    harness.coordinator.forget_topics(&|_, id| id == Some(TOPIC), harness.now);
    harness.commit_all();
    assert_eq!(harness.fetch(false).offset, Offset(-1));
    assert_eq!(harness.reloaded().snapshot().len(), 1);
}

/// The deletion of a topic is noticed late: another was made under its name, and has an offset.
#[test]
fn the_offset_of_a_topic_made_again_stays_when_the_one_before_is_forgotten() {
    let again = TopicId(Uuid::from_u128(2));
    for committed in [true, false] {
        let mut harness = Harness::new();
        harness.commit_as(None, 1).unwrap();
        let mut request = commit(None, &[("t", 0, 5)]);
        request.offsets[0].topic = again;
        harness.send(Request::Commit(request));
        if committed {
            harness.commit_all();
        }
        harness.coordinator.forget_topics(&|_, id| id == Some(TOPIC), harness.now);
        harness.commit_all();
        let fetched = harness.fetch(false);
        assert_eq!((fetched.offset, fetched.topic), (Offset(5), Some(again)));
        assert_eq!(harness.reloaded().fetch(false).offset, Offset(5));
    }
}

#[test]
fn undecided_transactional_offsets_are_unstable_until_the_transaction_ends() {
    for committed in [true, false] {
        let mut harness = Harness::new();
        harness.commit_as(None, 1).unwrap();
        let mut other = Harness::new();
        other.commit_as(None, 9).unwrap();
        let producer = ProducerId(3);
        harness.coordinator.replay_transactional(producer, decoded(&other.log[0]));

        let fetched = harness.fetch(true);
        assert_eq!(
            (fetched.error, fetched.offset),
            (Some(GroupError::UnstableOffsetCommit), Offset(-1))
        );
        assert_eq!(
            harness.fetch(false).offset,
            Offset(1),
            "those who do not ask get the stable one"
        );
        harness.coordinator.end_transaction(producer, committed);
        let fetched = harness.fetch(true);
        assert_eq!((fetched.error, fetched.offset), (None, Offset(if committed { 9 } else { 1 })));
    }
}

#[test]
fn a_group_with_very_many_offsets_is_deleted_in_batches_of_bounded_size() {
    let mut harness = Harness::new();
    for partition in 0..10_000 {
        harness.send(Request::Commit(commit(None, &[("t", partition, 1)])));
    }
    harness.commit_all();
    let id = harness.send(Request::Delete("g".into()));
    let mut batches = 0;
    while let Some(records) = harness.coordinator.take_append(50_000) {
        assert!(records.len() <= 4_096);
        harness.log.extend(records);
        harness.coordinator.append_ended(Ok(()), harness.now);
        batches += 1;
    }
    harness.collect();
    assert!(batches >= 3);
    assert_eq!(harness.take(id), Some(Reply::Delete(Ok(()))));
    assert!(harness.snapshot().is_empty() && harness.reloaded().snapshot().is_empty());
}

#[test]
fn a_group_stays_when_the_deletion_of_its_offsets_fails() {
    let mut harness = Harness::new();
    harness.commit_as(None, 1).unwrap();
    let id = harness.send(Request::Delete("g".into()));
    let _offsets = harness.coordinator.take_append(1).unwrap();
    harness.coordinator.append_ended(Err(AppendError::Storage), harness.now);
    harness.commit_all();
    assert_eq!(harness.take(id), Some(Reply::Delete(Err(GroupError::CoordinatorNotAvailable))));
    assert_eq!(harness.fetch(false).offset, Offset(1));
    assert_eq!(harness.reloaded().snapshot(), harness.snapshot());
    assert_eq!(harness.ask(Request::Delete("g".into())), Some(Reply::Delete(Ok(()))));
    assert!(harness.reloaded().snapshot().is_empty());
}
