//! Records in the log, and the start of a coordinator from them.

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
    let mut harness = Harness::new();
    let members = harness.stable(2);
    harness.commit_as(Some(&members[0]), 5).unwrap();
    let mut loaded = harness.reloaded();
    assert_eq!(loaded.describe(), harness.describe());
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
    let mut harness = Harness::new();
    let members = harness.stable(2);
    harness.wait(9_000);
    let mut loaded = harness.reloaded();
    loaded.wait(9_999);
    assert_eq!(loaded.heartbeat(&members[0]), Ok(()));
    loaded.wait(1);
    assert_eq!(loaded.heartbeat(&members[1]), Err(GroupError::UnknownMemberId));
}

#[test]
fn a_loaded_group_that_is_larger_than_the_maximum_rebalances() {
    let mut harness = Harness::new();
    let members = harness.stable(2);
    let mut loaded = Harness::with(GroupConfig { max_size: 1, ..GroupConfig::default() });
    for record in &harness.log {
        loaded.coordinator.replay(decoded(record));
    }
    loaded.coordinator.start(loaded.now);
    assert_eq!(loaded.heartbeat(&members[0]), Err(GroupError::RebalanceInProgress));
}

#[test]
fn records_of_unknown_types_are_passed_over_and_damaged_ones_reported() {
    let mut harness = Harness::new();
    let key = Bytes::from_static(&[0, 99, 1, 2, 3]);
    let unknown = StoredChange::decode(&key, None);
    assert!(matches!(unknown, Err(StoredRecordError::UnknownType(99))), "{unknown:?}");
    let is_damaged = |key: &Bytes, value: Option<&Bytes>| {
        matches!(StoredChange::decode(key, value), Err(StoredRecordError::Decode(_)))
    };
    assert!(is_damaged(&Bytes::from_static(&[0, 2, 0, 9]), None));
    assert!(is_damaged(&Bytes::new(), None));
    harness.commit_as(None, 1).unwrap();
    let damaged = Bytes::from_static(&[0, 3, 1]);
    assert!(is_damaged(&harness.log[0].key, Some(&damaged)));
}

#[test]
fn a_snapshot_in_parts_is_the_snapshot() {
    let mut harness = Harness::new();
    let members = harness.stable(2);
    for partition in 0..20 {
        harness.ask(Request::Commit(commit(Some(&members[0]), &[("t", partition, 1)])));
    }
    let mut other = commit(None, &[("u", 0, 4), ("u", 1, 4)]);
    other.group = "a-group".into();
    harness.ask(Request::Commit(other));
    let whole = harness.snapshot();
    assert_eq!(whole.len(), 23);
    let (mut parts, mut cursor) = (Vec::new(), None);
    loop {
        let (part, next) = harness.coordinator.snapshot(cursor.as_ref(), 100);
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
    let mut harness = Harness::new();
    for partition in 0..10 {
        harness.ask(Request::Commit(commit(None, &[("t", partition, 1)])));
    }
    harness.log.clear();
    let mut cursor = None;
    for step in 0.. {
        let (part, next) = harness.coordinator.snapshot(cursor.as_ref(), 200);
        harness.log.extend(part);
        cursor = next;
        if cursor.is_none() {
            break;
        }
        // Between the parts, clients commit on both sides of the cursor, and new groups come.
        harness.ask(Request::Commit(commit(None, &[("t", 0, step + 10), ("t", 9, step + 20)])));
        let mut other = commit(None, &[("t", 0, step)]);
        other.group = format!("{step}").into();
        harness.ask(Request::Commit(other));
    }
    assert_eq!(harness.reloaded().snapshot(), harness.snapshot());
}

#[test]
fn losing_the_partition_fails_every_request() {
    let mut harness = Harness::new();
    let members = harness.stable(2);
    let join = harness.join(&again(&join("c"), &members[0].member));
    let commits = [1, 2].map(|offset| {
        let id = harness.send(Request::Commit(commit(Some(&members[1]), &[("t", 0, offset)])));
        let _under_way = harness.coordinator.take_append(1 << 20);
        id
    });
    harness.coordinator.unload(GroupError::NotCoordinator, harness.now);
    harness.collect();
    assert_eq!(harness.join_failed(join), GroupError::NotCoordinator);
    for id in commits {
        assert_eq!(harness.take(id), Some(Reply::Commit(vec![Err(GroupError::NotCoordinator)])));
    }
    assert_eq!(
        (harness.coordinator.next_deadline(), harness.coordinator.wants_append()),
        (None, false)
    );
}

#[test]
fn losing_the_partition_fails_the_join_of_a_static_member_being_replaced() {
    let mut harness = Harness::new();
    let request = JoinRequest { instance: Some("i1".into()), ..join("c") };
    harness.stable_of(std::slice::from_ref(&request));
    let id = harness.join(&request);
    harness.coordinator.unload(GroupError::NotCoordinator, harness.now);
    harness.collect();
    assert_eq!(harness.join_failed(id), GroupError::NotCoordinator);
}

#[test]
fn offsets_of_every_version_that_kafka_wrote_are_read() {
    let mut harness = Harness::new();
    harness.commit_as(None, 1).unwrap();
    let key = harness.log[0].key.clone();
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
            commit_timestamp: harness.now.wall.0,
            expire_timestamp: -1,
            ..Default::default()
        };
        let value = encode_versioned(&value, version, version);
        harness.coordinator.replay(StoredChange::decode(&key, Some(&value)).unwrap());
        let fetched = harness.fetch(false);
        assert_eq!(fetched.offset, Offset(100 + i64::from(version)));
        assert_eq!(fetched.leader_epoch, LeaderEpoch(if version >= 3 { 5 } else { -1 }));
    }
}

#[test]
fn groups_of_every_version_that_kafka_wrote_are_read() {
    let mut harness = Harness::new();
    let member = harness.stable(1).remove(0);
    let key = harness.log[0].key.clone();
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
        let mut loaded = Harness::new();
        loaded.coordinator.replay(StoredChange::decode(&key, Some(&value)).unwrap());
        loaded.coordinator.start(loaded.now);
        let current = JoinResponse { generation: Generation(9), ..member.clone() };
        assert_eq!(loaded.heartbeat(&current), Ok(()), "version {version}");
        let sync = loaded.sync(&current, &[]);
        assert_eq!(loaded.assignment(sync), Ok("all".to_owned()));
    }
}
