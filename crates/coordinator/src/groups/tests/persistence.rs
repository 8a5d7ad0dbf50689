//! What the log keeps, and how a coordinator starts from it.

use milena_protocol::{
    encode_versioned,
    messages::{
        group_metadata_value::{GroupMetadataValue, MemberMetadata},
        offset_commit_value::OffsetCommitValue,
    },
};

use super::*;

#[test]
fn members_of_a_loaded_group_go_on_without_a_rebalance() {
    let mut bench = Bench::new();
    let members = bench.stable(2);
    bench.commit_as(Some(&members[0]), 5).unwrap();
    let mut loaded = bench.reloaded();
    assert_eq!(loaded.describe(), bench.describe());
    for member in &members {
        assert_eq!(loaded.heartbeat(member), Ok(()));
        let sync = loaded.sync(member, &[]);
        assert_eq!(loaded.assignment(sync).unwrap(), member.member.as_str());
    }
    assert_eq!(loaded.fetch(false).offset, Offset(5));
    assert_eq!(loaded.commit_as(Some(&members[1]), 6), Ok(()));
}

#[test]
fn sessions_of_loaded_members_start_anew() {
    let mut bench = Bench::new();
    let members = bench.stable(2);
    bench.wait(9_000);
    let mut loaded = bench.reloaded();
    loaded.wait(9_999);
    assert_eq!(loaded.heartbeat(&members[0]), Ok(()));
    loaded.wait(1);
    assert_eq!(loaded.heartbeat(&members[1]), Err(GroupError::UnknownMemberId));
}

#[test]
fn a_loaded_group_that_is_larger_than_the_maximum_rebalances() {
    let mut bench = Bench::new();
    let members = bench.stable(2);
    let mut loaded = Bench::with(GroupConfig { max_size: 1, ..GroupConfig::default() });
    for record in &bench.log {
        loaded.coordinator.replay(&record.key, record.value.as_ref()).unwrap();
    }
    loaded.coordinator.start(loaded.now);
    assert_eq!(loaded.heartbeat(&members[0]), Err(GroupError::RebalanceInProgress));
}

#[test]
fn records_of_unknown_types_are_passed_over_and_damaged_ones_reported() {
    let mut bench = Bench::new();
    let key = Bytes::from_static(&[0, 99, 1, 2, 3]);
    assert_eq!(bench.coordinator.replay(&key, None).unwrap(), Replayed::UnknownType(99));
    assert!(bench.coordinator.replay(&Bytes::from_static(&[0, 2, 0, 9]), None).is_err());
    assert!(bench.coordinator.replay(&Bytes::new(), None).is_err());
    bench.commit_as(None, 1).unwrap();
    let damaged = Bytes::from_static(&[0, 3, 1]);
    assert!(bench.coordinator.replay(&bench.log[0].key, Some(&damaged)).is_err());
}

#[test]
fn a_snapshot_in_parts_is_the_snapshot() {
    let mut bench = Bench::new();
    let members = bench.stable(2);
    for partition in 0..20 {
        bench.ask(Request::Commit(commit(Some(&members[0]), &[("t", partition, 1)])));
    }
    let mut other = commit(None, &[("u", 0, 4), ("u", 1, 4)]);
    other.group = "a-group".into();
    bench.ask(Request::Commit(other));
    let whole = bench.snapshot();
    assert_eq!(whole.len(), 23);
    let (mut parts, mut cursor) = (Vec::new(), None);
    loop {
        let (part, next) = bench.coordinator.snapshot(cursor.as_ref(), 100);
        assert!(part.iter().map(StoredRecord::len).sum::<usize>() < 1_000);
        parts.extend(part);
        cursor = next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(parts, whole);
}

#[test]
fn a_log_that_starts_with_the_first_part_of_a_snapshot_has_everything() {
    let mut bench = Bench::new();
    for partition in 0..10 {
        bench.ask(Request::Commit(commit(None, &[("t", partition, 1)])));
    }
    bench.log.clear();
    let mut cursor = None;
    for step in 0.. {
        let (part, next) = bench.coordinator.snapshot(cursor.as_ref(), 200);
        bench.log.extend(part);
        cursor = next;
        if cursor.is_none() {
            break;
        }
        // Between the parts, clients commit on both sides of the cursor, and new groups come.
        bench.ask(Request::Commit(commit(None, &[("t", 0, step + 10), ("t", 9, step + 20)])));
        let mut other = commit(None, &[("t", 0, step)]);
        other.group = format!("{step}").into();
        bench.ask(Request::Commit(other));
    }
    assert_eq!(bench.reloaded().snapshot(), bench.snapshot());
}

#[test]
fn giving_the_partition_up_answers_everybody() {
    let mut bench = Bench::new();
    let members = bench.stable(2);
    let join = bench.join(&again(&join("c"), &members[0].member));
    let commits = [1, 2].map(|offset| {
        let id = bench.send(Request::Commit(commit(Some(&members[1]), &[("t", 0, offset)])));
        let _under_way = bench.coordinator.take_append(1 << 20);
        id
    });
    bench.coordinator.unload(GroupError::NotCoordinator, bench.now);
    bench.collect();
    assert_eq!(bench.join_failed(join), GroupError::NotCoordinator);
    for id in commits {
        assert_eq!(bench.take(id), Some(Reply::Commit(vec![Err(GroupError::NotCoordinator)])));
    }
    assert_eq!(
        (bench.coordinator.next_deadline(), bench.coordinator.wants_append()),
        (None, false)
    );
}

#[test]
fn giving_up_answers_a_static_member_whose_replacement_is_on_its_way() {
    let mut bench = Bench::new();
    let request = JoinRequest { instance: Some("i1".into()), ..join("c") };
    bench.stable_of(std::slice::from_ref(&request));
    let id = bench.join(&request);
    bench.coordinator.unload(GroupError::NotCoordinator, bench.now);
    bench.collect();
    assert_eq!(bench.join_failed(id), GroupError::NotCoordinator);
}

#[test]
fn offsets_of_every_version_that_kafka_wrote_are_read() {
    let mut bench = Bench::new();
    bench.commit_as(None, 1).unwrap();
    let key = bench.log[0].key.clone();
    let mut legacy_key = key.to_vec();
    legacy_key[1] = 0;
    for (version, key) in [
        (0, Bytes::from(legacy_key)),
        (1, key.clone()),
        (2, key.clone()),
        (3, key.clone()),
        (4, key),
    ] {
        let value = OffsetCommitValue {
            offset: 100 + i64::from(version),
            leader_epoch: 5,
            metadata: "note".into(),
            commit_timestamp: bench.now.wall.0,
            expire_timestamp: -1,
            ..Default::default()
        };
        let value = encode_versioned(&value, version, version);
        bench.coordinator.replay(&key, Some(&value)).unwrap();
        let fetched = bench.fetch(false);
        assert_eq!(fetched.offset, Offset(100 + i64::from(version)));
        assert_eq!(fetched.leader_epoch, LeaderEpoch(if version >= 3 { 5 } else { -1 }));
    }
}

#[test]
fn groups_of_every_version_that_kafka_wrote_are_read() {
    let mut bench = Bench::new();
    let member = bench.stable(1).remove(0);
    let key = bench.log[0].key.clone();
    for version in 0..=4 {
        let value = GroupMetadataValue {
            protocol_type: "consumer".into(),
            generation: 9,
            protocol: Some("range".into()),
            leader: Some(member.member.as_str().into()),
            current_state_timestamp: 5,
            members: vec![MemberMetadata {
                member_id: member.member.as_str().into(),
                client_id: "c".into(),
                client_host: "/h".into(),
                session_timeout: 10_000,
                subscription: protocol("range", &["t"]).metadata,
                assignment: Bytes::from_static(b"all"),
                ..Default::default()
            }],
        };
        let value = encode_versioned(&value, version, version);
        let mut loaded = Bench::new();
        loaded.coordinator.replay(&key, Some(&value)).unwrap();
        loaded.coordinator.start(loaded.now);
        let current = Joined { generation: Generation(9), ..member.clone() };
        assert_eq!(loaded.heartbeat(&current), Ok(()), "version {version}");
        let sync = loaded.sync(&current, &[]);
        assert_eq!(loaded.assignment(sync), Ok("all".to_owned()));
    }
}
