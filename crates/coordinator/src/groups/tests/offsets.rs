//! OffsetCommit, OffsetFetch, OffsetDelete and expiry (behaviours 31 and 32).

use milena_types::{ProducerId, TopicName};

use super::*;

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

#[test]
fn an_unknown_group_has_no_offsets_and_no_error() {
    let mut bench = Bench::new();
    let fetched = bench.fetch(true);
    assert_eq!(
        (fetched.offset, fetched.leader_epoch, fetched.error),
        (Offset(-1), LeaderEpoch(-1), None)
    );
    assert_eq!(&*fetched.metadata, "");
    let all = FetchRequest { group: "g".into(), topics: None, require_stable: false };
    assert_eq!(bench.ask(Request::Fetch(all)), Some(Reply::Fetch(vec![])));
}

#[test]
fn metadata_and_leader_epoch_come_back_with_the_offset() {
    let mut bench = Bench::new();
    assert_eq!(bench.commit_as(None, 42), Ok(()));
    let fetched = bench.fetch(false);
    assert_eq!(
        (fetched.offset, fetched.leader_epoch, &*fetched.metadata),
        (Offset(42), LeaderEpoch(7), "at 42")
    );
}

#[test]
fn all_topics_are_fetched_when_none_is_named() {
    let mut bench = Bench::new();
    let offsets = [("b", 1, 4), ("a", 0, 1), ("b", 0, 3)];
    bench.ask(Request::Commit(commit(None, &offsets)));
    let all = FetchRequest { group: "g".into(), topics: None, require_stable: false };
    let Some(Reply::Fetch(topics)) = bench.ask(Request::Fetch(all)) else { panic!("not fetched") };
    let seen: Vec<(&str, Vec<i64>)> = topics
        .iter()
        .map(|topic| (topic.topic.as_str(), topic.partitions.iter().map(|p| p.offset.0).collect()))
        .collect();
    assert_eq!(seen, [("a", vec![1]), ("b", vec![3, 4])]);
}

#[test]
fn a_commit_is_neither_answered_nor_visible_before_the_log_has_it() {
    let mut bench = Bench::new();
    bench.commit_as(None, 1).unwrap();
    let id = bench.send(Request::Commit(commit(None, &[("t", 0, 2)])));
    let _records = bench.coordinator.take_append(1 << 20).unwrap();
    let fetch =
        Request::Fetch(FetchRequest { group: "g".into(), topics: None, require_stable: false });
    let fetched = bench.send(fetch);
    let Some(Reply::Fetch(topics)) = bench.take(fetched) else { panic!("not fetched") };
    assert_eq!(topics[0].partitions[0].offset, Offset(1));
    assert_eq!(bench.take(id), None);
    bench.coordinator.append_ended(Ok(()), bench.now);
    bench.collect();
    assert_eq!(bench.take(id), Some(Reply::Commit(vec![Ok(())])));
    assert_eq!(bench.fetch(false).offset, Offset(2));
}

#[test]
fn a_commit_that_fails_is_an_error_and_leaves_the_offset() {
    for (failure, error) in [
        (AppendError::NotLeader, GroupError::NotCoordinator),
        (AppendError::Storage, GroupError::NotCoordinator),
        (AppendError::Unavailable, GroupError::CoordinatorNotAvailable),
        (AppendError::TooLarge, GroupError::InvalidCommitOffsetSize),
    ] {
        let mut bench = Bench::new();
        bench.commit_as(None, 1).unwrap();
        let id = bench.send(Request::Commit(commit(None, &[("t", 0, 2)])));
        assert!(bench.append(Err(failure)));
        assert_eq!(bench.take(id), Some(Reply::Commit(vec![Err(error)])));
        assert_eq!(bench.fetch(false).offset, Offset(1));
    }
}

#[test]
fn commits_that_wait_go_into_one_append() {
    let mut bench = Bench::new();
    let first = bench.send(Request::Commit(commit(None, &[("t", 0, 1)])));
    assert_eq!(bench.coordinator.take_append(1 << 20).unwrap().len(), 1);
    let second = bench.send(Request::Commit(commit(None, &[("t", 0, 2)])));
    let third = bench.send(Request::Commit(commit(None, &[("t", 1, 3)])));
    assert_eq!(bench.coordinator.take_append(1 << 20), None, "one at a time");
    bench.coordinator.append_ended(Ok(()), bench.now);
    assert_eq!(bench.coordinator.take_append(1 << 20).unwrap().len(), 2);
    bench.coordinator.append_ended(Ok(()), bench.now);
    bench.collect();
    for id in [first, second, third] {
        assert_eq!(bench.take(id), Some(Reply::Commit(vec![Ok(())])));
    }
}

#[test]
fn an_append_is_cut_at_its_size_between_writes() {
    let mut bench = Bench::new();
    for offset in 0..3 {
        bench.send(Request::Commit(commit(None, &[("t", 0, offset), ("t", 1, offset)])));
    }
    let mut sizes = Vec::new();
    while let Some(records) = bench.coordinator.take_append(1) {
        sizes.push(records.len());
        bench.coordinator.append_ended(Ok(()), bench.now);
    }
    assert_eq!(sizes, [2, 2, 2]);
}

#[test]
fn members_must_be_of_the_generation_and_strangers_cannot_commit_to_a_group_with_members() {
    let mut bench = Bench::new();
    let members = bench.stable(1);
    assert_eq!(bench.commit_as(Some(&members[0]), 1), Ok(()));
    assert_eq!(bench.commit_as(None, 1), Err(GroupError::UnknownMemberId));
    let mut other = members[0].clone();
    other.generation = Generation(9);
    assert_eq!(bench.commit_as(Some(&other), 1), Err(GroupError::IllegalGeneration));
    other.member = "stranger".into();
    assert_eq!(bench.commit_as(Some(&other), 1), Err(GroupError::UnknownMemberId));
    bench.leave(Some(&members[0].member), None).unwrap();
    assert_eq!(bench.commit_as(None, 1), Ok(()), "an administrator resets offsets");
}

#[test]
fn a_generation_of_a_group_that_does_not_exist_is_illegal() {
    let mut bench = Bench::new();
    let joined = bench.stable(1).remove(0);
    let mut fresh = Bench::new();
    assert_eq!(fresh.commit_as(Some(&joined), 1), Err(GroupError::IllegalGeneration));
    assert!(fresh.coordinator.list(&ListFilter::default()).is_empty());
}

#[test]
fn metadata_that_is_too_long_fails_its_partition_only() {
    let mut bench = Bench::new();
    let mut request = commit(None, &[("t", 0, 1), ("t", 1, 2)]);
    request.offsets[0].metadata = "x".repeat(4_097).into();
    let outcome = bench.ask(Request::Commit(request));
    assert_eq!(outcome, Some(Reply::Commit(vec![Err(GroupError::OffsetMetadataTooLarge), Ok(())])));
    assert_eq!(bench.fetch(false).offset, Offset(-1));
}

#[test]
fn commits_renew_the_members_session() {
    let mut bench = Bench::new();
    let members = bench.stable(1);
    for offset in 0..4 {
        bench.wait(9_000);
        assert_eq!(bench.commit_as(Some(&members[0]), offset), Ok(()));
    }
    assert_eq!(bench.heartbeat(&members[0]), Ok(()));
}

fn delete(bench: &mut Bench, topics: &[&str]) -> Result<Vec<Result<(), GroupError>>, GroupError> {
    let keys = topics.iter().map(|topic| (topic.parse().unwrap(), PartitionIndex(0))).collect();
    match bench.ask(Request::DeleteOffsets { group: "g".into(), keys }) {
        Some(Reply::DeleteOffsets(outcome)) => outcome,
        other => panic!("not deleted: {other:?}"),
    }
}

#[test]
fn offsets_are_deleted_unless_a_member_subscribes_to_the_topic() {
    let mut bench = Bench::new();
    assert_eq!(delete(&mut bench, &["t"]), Err(GroupError::GroupIdNotFound));
    let members = bench.stable(1);
    bench.ask(Request::Commit(commit(Some(&members[0]), &[("t", 0, 1), ("old", 0, 2)])));
    let outcome = delete(&mut bench, &["t", "old", "never"]);
    assert_eq!(outcome, Ok(vec![Err(GroupError::GroupSubscribedToTopic), Ok(()), Ok(())]));
    assert_eq!(bench.fetch(false).offset, Offset(1));
    assert_eq!(bench.reloaded().snapshot(), bench.snapshot());
    bench.leave(Some(&members[0].member), None).unwrap();
    assert_eq!(delete(&mut bench, &["t"]), Ok(vec![Ok(())]));
    assert_eq!(bench.fetch(false).offset, Offset(-1));
}

#[test]
fn offsets_of_other_protocol_types_are_deleted_only_without_members() {
    let mut bench = Bench::new();
    bench.stable_of(&[JoinRequest { protocol_type: "connect".into(), ..join("w") }]);
    assert_eq!(delete(&mut bench, &["t"]), Err(GroupError::NonEmptyGroup));
}

#[test]
fn deleting_the_group_covers_commits_that_are_on_their_way() {
    let mut bench = Bench::new();
    bench.send(Request::Commit(commit(None, &[("t", 0, 1)])));
    bench.send(Request::Delete("g".into()));
    bench.commit_all();
    assert!(bench.snapshot().is_empty() && bench.reloaded().snapshot().is_empty());
}

fn expire(bench: &mut Bench) {
    bench.coordinator.expire_offsets(bench.now);
    bench.commit_all();
}

#[test]
fn offsets_from_outside_group_management_expire_after_their_commit() {
    let mut bench = Bench::new();
    bench.commit_as(None, 1).unwrap();
    bench.wait(7 * DAY_MS - 1);
    expire(&mut bench);
    assert_eq!(bench.fetch(false).offset, Offset(1));
    bench.wait(1);
    expire(&mut bench);
    assert_eq!(bench.fetch(false).offset, Offset(-1));
    assert_eq!(
        bench.describe(),
        Err(GroupError::GroupIdNotFound),
        "the group goes with its last offset"
    );
    assert!(bench.reloaded().snapshot().is_empty());
}

#[test]
fn offsets_of_an_empty_group_expire_after_the_last_member_left() {
    let mut bench = Bench::new();
    let members = bench.stable(1);
    bench.commit_as(Some(&members[0]), 1).unwrap();
    for _ in 0..8 * 24 * 60 * 10 {
        bench.wait(6_000);
        bench.heartbeat(&members[0]).unwrap();
    }
    expire(&mut bench);
    assert_eq!(bench.fetch(false).offset, Offset(1), "a subscribed topic's offsets stay");
    bench.leave(Some(&members[0].member), None).unwrap();
    bench.wait(7 * DAY_MS - 1);
    expire(&mut bench);
    assert_eq!(bench.fetch(false).offset, Offset(1));
    let mut reloaded = bench.reloaded();
    for bench in [&mut bench, &mut reloaded] {
        bench.wait(1);
        expire(bench);
        assert_eq!(bench.fetch(false).offset, Offset(-1));
    }
}

#[test]
fn offsets_of_topics_that_a_stable_group_no_longer_reads_expire() {
    let mut bench =
        Bench::with(GroupConfig { offsets_retention_ms: 1_000, ..GroupConfig::default() });
    let members = bench.stable(1);
    bench.ask(Request::Commit(commit(Some(&members[0]), &[("t", 0, 1), ("old", 0, 2)])));
    bench.wait(1_000);
    expire(&mut bench);
    assert_eq!(bench.fetch(false).offset, Offset(1));
    assert_eq!(delete(&mut bench, &["old"]), Ok(vec![Ok(())]));
    assert_eq!(bench.snapshot().len(), 2, "the group and one offset");
}

#[test]
fn an_offset_with_its_own_expiry_keeps_to_it_also_after_a_reload() {
    let mut bench = Bench::new();
    let mut request = commit(None, &[("t", 0, 1)]);
    request.offsets[0].expires = Some(Timestamp(bench.now.wall.0 + 5_000));
    bench.ask(Request::Commit(request));
    let mut reloaded = bench.reloaded();
    for bench in [&mut bench, &mut reloaded] {
        bench.wait(4_999);
        expire(bench);
        assert_eq!(bench.fetch(false).offset, Offset(1));
        bench.wait(1);
        expire(bench);
        assert_eq!(bench.fetch(false).offset, Offset(-1));
    }
}

#[test]
fn offsets_of_a_deleted_topic_are_forgotten() {
    let mut bench = Bench::new();
    bench.ask(Request::Commit(commit(None, &[("t", 0, 1), ("u", 0, 2)])));
    let gone: TopicName = "t".parse().unwrap();
    bench.coordinator.forget_topic(&gone, bench.now);
    bench.commit_all();
    assert_eq!(bench.fetch(false).offset, Offset(-1));
    assert_eq!(bench.reloaded().snapshot().len(), 1);
}

#[test]
fn undecided_transactional_offsets_are_unstable_until_the_transaction_ends() {
    for committed in [true, false] {
        let mut bench = Bench::new();
        bench.commit_as(None, 1).unwrap();
        let mut other = Bench::new();
        other.commit_as(None, 9).unwrap();
        let record = &other.log[0];
        let producer = ProducerId(3);
        let value = record.value.as_ref();
        bench.coordinator.replay_transactional(producer, &record.key, value).unwrap();

        let fetched = bench.fetch(true);
        assert_eq!(
            (fetched.error, fetched.offset),
            (Some(GroupError::UnstableOffsetCommit), Offset(-1))
        );
        assert_eq!(bench.fetch(false).offset, Offset(1), "those who do not ask get the stable one");
        bench.coordinator.end_transaction(producer, committed);
        let fetched = bench.fetch(true);
        assert_eq!((fetched.error, fetched.offset), (None, Offset(if committed { 9 } else { 1 })));
    }
}

#[test]
fn a_group_with_very_many_offsets_is_deleted_in_batches_of_bounded_size() {
    let mut bench = Bench::new();
    for partition in 0..10_000 {
        bench.send(Request::Commit(commit(None, &[("t", partition, 1)])));
    }
    bench.commit_all();
    let id = bench.send(Request::Delete("g".into()));
    let mut batches = 0;
    while let Some(records) = bench.coordinator.take_append(50_000) {
        assert!(records.len() <= 4_096);
        bench.log.extend(records);
        bench.coordinator.append_ended(Ok(()), bench.now);
        batches += 1;
    }
    bench.collect();
    assert!(batches >= 3);
    assert_eq!(bench.take(id), Some(Reply::Delete(Ok(()))));
    assert!(bench.snapshot().is_empty() && bench.reloaded().snapshot().is_empty());
}

#[test]
fn a_group_stays_when_the_deletion_of_its_offsets_fails() {
    let mut bench = Bench::new();
    bench.commit_as(None, 1).unwrap();
    let id = bench.send(Request::Delete("g".into()));
    let _offsets = bench.coordinator.take_append(1).unwrap();
    bench.coordinator.append_ended(Err(AppendError::Storage), bench.now);
    bench.commit_all();
    assert_eq!(bench.take(id), Some(Reply::Delete(Err(GroupError::CoordinatorNotAvailable))));
    assert_eq!(bench.fetch(false).offset, Offset(1));
    assert_eq!(bench.reloaded().snapshot(), bench.snapshot());
    assert_eq!(bench.ask(Request::Delete("g".into())), Some(Reply::Delete(Ok(()))));
    assert!(bench.reloaded().snapshot().is_empty());
}
