//! Joining, syncing, heartbeats and leaving of dynamic members (behaviour 38).

use super::*;

#[test]
fn new_member_of_v4_gets_its_id_first_and_joins_with_it() {
    let mut harness = Harness::new();
    let request = JoinRequest { member_id_required: true, ..join("client") };
    let Some(Reply::Join(Err(failed))) = harness.ask(Request::Join(request.clone())) else {
        panic!("joined")
    };
    assert_eq!(failed.error, GroupError::MemberIdRequired);
    let id = failed.member.unwrap();
    assert_eq!(id.as_str(), "client-00000000-0000-4000-8000-000000000000");
    assert_eq!(harness.state(), GroupState::Empty);

    let reply = harness.join(&again(&request, &id));
    harness.wait(3_000);
    let joined = harness.join_response(reply);
    assert_eq!((joined.member, joined.generation), (id.clone(), Generation(1)));
    assert_eq!(joined.leader, id);
}

#[test]
fn a_member_id_that_is_not_used_expires_with_the_session_timeout() {
    let mut harness = Harness::new();
    let request = JoinRequest { member_id_required: true, ..join("client") };
    let Some(Reply::Join(Err(failed))) = harness.ask(Request::Join(request.clone())) else {
        panic!("joined")
    };
    harness.wait(10_000);
    assert_eq!(harness.describe(), Err(GroupError::GroupIdNotFound), "nothing is left of it");
    let reply = harness.join(&again(&request, &failed.member.unwrap()));
    assert_eq!(harness.join_failed(reply), GroupError::UnknownMemberId);
}

#[test]
fn first_rebalance_waits_the_initial_delay_and_longer_while_members_come() {
    let mut harness = Harness::new();
    let a = harness.join(&join("a"));
    harness.wait(2_000);
    let b = harness.join(&join("b"));
    harness.wait(1_500);
    assert!(harness.replies.is_empty(), "b's coming extends the delay");
    harness.wait(2_500);
    let (a, b) = (harness.join_response(a), harness.join_response(b));
    assert_eq!((a.generation, b.generation), (Generation(1), Generation(1)));
}

#[test]
fn initial_delay_is_extended_up_to_the_rebalance_timeout_only() {
    let mut harness = Harness::new();
    let request = JoinRequest { rebalance_timeout_ms: 7_000, ..join("a") };
    let first = harness.join(&request);
    for _ in 0..3 {
        harness.wait(2_000);
        harness.join(&request);
    }
    harness.wait(1_000);
    assert_eq!(harness.join_response(first).generation, Generation(1));
}

#[test]
fn leader_gets_all_members_with_their_metadata_and_followers_none() {
    let mut harness = Harness::new();
    let members = harness.stable(3);
    assert_eq!(members[0].members.len(), 3);
    assert_eq!(members[0].members[0].metadata, protocol("range", &["t"]).metadata);
    assert!(members[1].members.is_empty() && members[2].members.is_empty());
    assert!(members.iter().all(|member| member.leader == members[0].member));
    assert_eq!(harness.state(), GroupState::Stable);
}

#[test]
fn protocol_is_chosen_by_vote_among_those_that_all_have() {
    let mut harness = Harness::new();
    let with = |client: &str, names: &[&str]| JoinRequest {
        protocols: names.iter().map(|name| protocol(name, &["t"])).collect(),
        ..join(client)
    };
    let members = harness.stable_of(&[
        with("a", &["only-a", "sticky", "range"]),
        with("b", &["range", "sticky"]),
        with("c", &["range", "sticky"]),
    ]);
    assert!(members.iter().all(|member| &*member.protocol == "range"));
}

#[test]
fn a_member_without_a_common_protocol_or_of_another_type_is_refused() {
    let mut harness = Harness::new();
    harness.stable(1);
    let reply = harness.join(&JoinRequest { protocols: vec![protocol("other", &[])], ..join("b") });
    assert_eq!(harness.join_failed(reply), GroupError::InconsistentGroupProtocol);
    let reply = harness.join(&JoinRequest { protocol_type: "connect".into(), ..join("b") });
    assert_eq!(harness.join_failed(reply), GroupError::InconsistentGroupProtocol);
    let reply = harness.join(&JoinRequest { protocols: vec![], ..join("b") });
    assert_eq!(harness.join_failed(reply), GroupError::InconsistentGroupProtocol);
    assert_eq!(harness.state(), GroupState::Stable);
}

#[test]
fn session_timeouts_outside_the_limits_and_empty_group_ids_are_refused() {
    let mut harness = Harness::new();
    for session_timeout_ms in [5_999, 1_800_001, -1] {
        let reply = harness.join(&JoinRequest { session_timeout_ms, ..join("a") });
        assert_eq!(harness.join_failed(reply), GroupError::InvalidSessionTimeout);
    }
    let reply = harness.join(&JoinRequest { group: "".into(), ..join("a") });
    assert_eq!(harness.join_failed(reply), GroupError::InvalidGroupId);
    let reply = harness.join(&again(&join("a"), &"stranger".into()));
    assert_eq!(harness.join_failed(reply), GroupError::UnknownMemberId);
    assert!(harness.coordinator.list(&ListFilter::default()).is_empty(), "no group was made");
}

#[test]
fn a_group_takes_no_more_members_than_its_maximum() {
    let mut harness = Harness::with(GroupConfig { max_size: 2, ..GroupConfig::default() });
    harness.stable(2);
    let reply = harness.join(&join("late"));
    assert_eq!(harness.join_failed(reply), GroupError::GroupMaxSizeReached);
    assert_eq!(harness.state(), GroupState::Stable);
}

#[test]
fn what_members_say_of_themselves_is_bounded_for_each_and_for_the_group() {
    let config =
        GroupConfig { member_bytes_max: 1000, group_bytes_max: 1500, ..Default::default() };
    let mut harness = Harness::with(config);
    let large = |client: &str, bytes: usize| {
        let protocols =
            vec![Protocol { name: "range".into(), metadata: Bytes::from(vec![0; bytes]) }];
        JoinRequest { protocols, ..join(client) }
    };
    let reply = harness.join(&large("a", 960));
    assert_eq!(harness.join_failed(reply), GroupError::GroupMaxSizeReached);
    harness.join(&large("b", 800));
    let before = harness.coordinator.bytes();
    assert!(before > 800, "{before}");
    let reply = harness.join(&large("c", 600));
    assert_eq!(harness.join_failed(reply), GroupError::GroupMaxSizeReached);
    assert_eq!(harness.coordinator.bytes(), before);
    harness.join(&large("d", 400));
    assert!(harness.coordinator.bytes() > before + 400);
}

#[test]
fn a_protocol_counts_also_if_it_says_nothing() {
    let config = GroupConfig { member_bytes_max: 100_000, ..Default::default() };
    let mut harness = Harness::with(config);
    let empty = Protocol { name: "".into(), metadata: Bytes::new() };
    let reply = harness.join(&JoinRequest { protocols: vec![empty; 100_000], ..join("a") });
    assert_eq!(harness.join_failed(reply), GroupError::GroupMaxSizeReached);
}

#[test]
fn ids_that_are_given_out_count_until_they_expire() {
    let mut harness = Harness::new();
    let client: String = "c".repeat(30_000);
    for _ in 0..10 {
        let reply = harness.join(&JoinRequest { member_id_required: true, ..join(&client) });
        assert_eq!(harness.join_failed(reply), GroupError::MemberIdRequired);
    }
    assert!(harness.coordinator.bytes() > 300_000, "{}", harness.coordinator.bytes());
    harness.wait(60_000);
    assert_eq!(harness.coordinator.bytes(), 0);
}

#[test]
fn static_members_that_are_all_away_are_not_looked_for_all_the_time() {
    let mut harness = Harness::new();
    let mut away = join("away");
    away.instance = Some("i".into());
    let members = harness.stable_of(&[away.clone(), join("other")]);
    // Back with another timeout, which the group takes over as it is.
    let back = harness.join(&JoinRequest { rebalance_timeout_ms: 0, ..away });
    harness.commit_all();
    harness.join_response(back);
    let other = members.iter().find(|joined| joined.member.as_str().starts_with("other"));
    harness.leave(other.map(|joined| &joined.member), None).unwrap();
    let mut ticks = 0;
    let end = harness.now.monotonic_ms + 5_000;
    while harness.coordinator.next_deadline().is_some_and(|at| at <= end) && ticks < 100 {
        ticks += 1;
        let at = harness.coordinator.next_deadline().unwrap();
        harness.wait(at.saturating_sub(harness.now.monotonic_ms));
    }
    assert!((1..10).contains(&ticks), "{ticks} ticks in five seconds");
}

#[test]
fn without_memory_new_members_are_turned_away_and_the_others_stay() {
    let mut harness = Harness::new();
    let members = harness.stable(2);
    harness.coordinator.set_full(true);
    let reply = harness.join(&join("late"));
    assert_eq!(harness.join_failed(reply), GroupError::CoordinatorNotAvailable);
    assert_eq!(harness.state(), GroupState::Stable);
    let held = harness.coordinator.bytes();
    let leaving = members
        .iter()
        .map(|joined| LeavingMember { member: Some(joined.member.clone()), instance: None });
    let left = harness
        .ask(Request::Leave(LeaveRequest { group: join("a").group, members: leaving.collect() }));
    assert!(matches!(left, Some(Reply::Leave(Ok(_)))));
    assert!(harness.coordinator.bytes() < held);
}

#[test]
fn follower_that_joins_again_with_the_same_metadata_gets_the_generation_there_is() {
    let mut harness = Harness::new();
    let members = harness.stable(2);
    let follower = &members[1];
    let client = follower.member.as_str().split('-').next().unwrap().to_owned();
    let reply = harness.join(&again(&join(&client), &follower.member));
    let again = harness.join_response(reply);
    assert_eq!(again.generation, follower.generation);
    assert_eq!(harness.state(), GroupState::Stable);
    let sync = harness.sync(&again, &[]);
    assert_eq!(harness.assignment(sync).unwrap(), follower.member.as_str());
}

#[test]
fn follower_with_other_metadata_starts_a_rebalance() {
    let mut harness = Harness::new();
    let members = harness.stable(2);
    let changed = JoinRequest { protocols: vec![protocol("range", &["t", "u"])], ..join("c") };
    harness.join(&again(&changed, &members[1].member));
    assert_eq!(harness.state(), GroupState::PreparingRebalance);
}

#[test]
fn leader_that_joins_again_starts_a_rebalance() {
    let mut harness = Harness::new();
    let members = harness.stable(2);
    let leader = harness.join(&again(&join("c"), &members[0].member));
    assert_eq!(harness.heartbeat(&members[1]), Err(GroupError::RebalanceInProgress));
    assert_eq!(harness.commit_as(Some(&members[1]), 3), Ok(()), "commits go on while members join");
    let follower = harness.join(&again(&join("c"), &members[1].member));
    let (leader, follower) = (harness.join_response(leader), harness.join_response(follower));
    assert_eq!((leader.generation, follower.generation), (Generation(2), Generation(2)));
    assert_eq!(harness.heartbeat(&members[0]), Err(GroupError::IllegalGeneration));
    assert_eq!(harness.commit_as(Some(&members[1]), 4), Err(GroupError::IllegalGeneration));
    assert_eq!(harness.commit_as(Some(&leader), 4), Err(GroupError::RebalanceInProgress));
    assert_eq!(harness.heartbeat(&leader), Ok(()), "heartbeats count while the leader assigns");
    harness.sync_all(&[leader, follower]);
}

#[test]
fn a_member_that_does_not_rejoin_in_time_is_dropped() {
    let mut harness = Harness::new();
    let members = harness.stable(2);
    let leader = harness.join(&again(&join("c"), &members[0].member));
    // The other keeps its session alive, but does not join.
    for _ in 0..6 {
        harness.wait(5_000);
        let _ = harness.heartbeat(&members[1]);
    }
    let leader = harness.join_response(leader);
    assert_eq!((leader.generation, leader.members.len()), (Generation(2), 1));
    assert_eq!(harness.heartbeat(&members[1]), Err(GroupError::UnknownMemberId));
}

#[test]
fn another_member_leads_when_the_leader_does_not_rejoin() {
    let mut harness = Harness::new();
    let members = harness.stable(2);
    let changed = JoinRequest { protocols: vec![protocol("range", &["u"])], ..join("c") };
    let follower = harness.join(&again(&changed, &members[1].member));
    harness.wait(30_000);
    let follower = harness.join_response(follower);
    assert_eq!(follower.leader, follower.member);
    assert_eq!(follower.members.len(), 1);
}

#[test]
fn a_silent_member_is_dropped_after_its_session_timeout() {
    let mut harness = Harness::new();
    let members = harness.stable(2);
    harness.wait(9_000);
    assert_eq!(harness.heartbeat(&members[0]), Ok(()));
    harness.wait(2_000);
    assert_eq!(harness.heartbeat(&members[0]), Err(GroupError::RebalanceInProgress));
    assert_eq!(harness.heartbeat(&members[1]), Err(GroupError::UnknownMemberId));
    harness.wait(30_000);
    assert_eq!(harness.state(), GroupState::Empty);
}

#[test]
fn sessions_do_not_end_while_members_wait_for_the_coordinator() {
    let mut harness = Harness::new();
    let members = harness.stable(2);
    let leader = harness.join(&again(&join("c"), &members[0].member));
    for _ in 0..5 {
        harness.wait(5_000);
        let _ = harness.heartbeat(&members[1]);
    }
    assert_eq!(harness.take(leader), None, "still waiting, after 25 s of a 10 s session");
    let follower = harness.join(&again(&join("c"), &members[1].member));
    assert_eq!(
        harness.join_response(leader).generation,
        harness.join_response(follower).generation
    );
}

#[test]
fn a_new_member_that_gave_up_is_dropped_after_five_minutes() {
    let mut harness = Harness::new();
    let long =
        JoinRequest { rebalance_timeout_ms: 1_000_000, session_timeout_ms: 1_800_000, ..join("c") };
    let members = harness.stable_of(std::slice::from_ref(&long));
    let lost = harness.join(&join("lost"));
    harness.wait(300_000);
    assert_eq!(harness.join_failed(lost), GroupError::UnknownMemberId);
    assert_eq!(harness.heartbeat(&members[0]), Err(GroupError::RebalanceInProgress));
}

#[test]
fn members_that_do_not_sync_within_the_rebalance_timeout_are_dropped() {
    let mut harness = Harness::new();
    let joins = [join("a"), join("b")];
    let ids: Vec<ReplyId> = joins.iter().map(|request| harness.join(request)).collect();
    harness.wait(6_000);
    let members: Vec<JoinResponse> = ids.into_iter().map(|id| harness.join_response(id)).collect();
    let (leader, follower): (Vec<_>, Vec<_>) = members.iter().partition(|m| m.member == m.leader);
    let sync = harness.sync(follower[0], &[]);
    for _ in 0..5 {
        harness.wait(5_999);
        let _ = harness.heartbeat(leader[0]);
    }
    harness.wait(6);
    assert_eq!(harness.assignment(sync), Err(GroupError::RebalanceInProgress));
    assert_eq!(harness.heartbeat(leader[0]), Err(GroupError::UnknownMemberId));
}

#[test]
fn sync_waits_for_the_leader_and_for_the_log() {
    let mut harness = Harness::new();
    let joins = [join("a"), join("b")];
    let ids: Vec<ReplyId> = joins.iter().map(|request| harness.join(request)).collect();
    harness.wait(6_000);
    let mut members: Vec<JoinResponse> =
        ids.into_iter().map(|id| harness.join_response(id)).collect();
    members.sort_by_key(|joined| joined.member != joined.leader);
    let follower = harness.sync(&members[1], &[]);
    assert_eq!(harness.replies.len(), 0);
    let stranger = "stranger".into();
    let leader = harness.sync(&members[0], &[(&members[0].member, "all"), (&stranger, "some")]);
    assert_eq!(harness.replies.len(), 0, "not before the log has it");
    harness.commit_all();
    assert_eq!(harness.state(), GroupState::Stable);
    assert_eq!(harness.assignment(leader), Ok("all".into()));
    assert_eq!(harness.assignment(follower), Ok(String::new()), "left out by the leader");
}

#[test]
fn an_assignment_that_cannot_be_stored_is_an_error_to_all_and_a_rebalance() {
    for (failure, error) in [
        (AppendError::NotLeader, GroupError::NotCoordinator),
        (AppendError::Storage, GroupError::NotCoordinator),
        (AppendError::Unavailable, GroupError::CoordinatorNotAvailable),
        (AppendError::TooLarge, GroupError::UnknownServerError),
    ] {
        let mut harness = Harness::new();
        let id = harness.join(&join("a"));
        harness.wait(3_000);
        let joined = harness.join_response(id);
        let sync = harness.sync(&joined, &[(&joined.member, "all")]);
        assert!(harness.append(Err(failure)));
        assert_eq!(harness.assignment(sync), Err(error));
        assert_eq!(harness.heartbeat(&joined), Err(GroupError::RebalanceInProgress));
        assert!(harness.log.is_empty());
    }
}

#[test]
fn sync_of_another_generation_protocol_or_member_is_refused() {
    let mut harness = Harness::new();
    let members = harness.stable(1);
    let mut old = members[0].clone();
    old.generation = Generation(0);
    let id = harness.sync(&old, &[]);
    assert_eq!(harness.assignment(id), Err(GroupError::IllegalGeneration));
    let mut other = members[0].clone();
    other.protocol = "sticky".into();
    let id = harness.sync(&other, &[]);
    assert_eq!(harness.assignment(id), Err(GroupError::InconsistentGroupProtocol));
    let mut stranger = members[0].clone();
    stranger.member = "stranger".into();
    let id = harness.sync(&stranger, &[]);
    assert_eq!(harness.assignment(id), Err(GroupError::UnknownMemberId));
}

#[test]
fn leaving_starts_a_rebalance_and_the_last_one_empties_the_group() {
    let mut harness = Harness::new();
    let members = harness.stable(2);
    assert_eq!(harness.leave(Some(&members[0].member), None), Ok(()));
    assert_eq!(harness.heartbeat(&members[1]), Err(GroupError::RebalanceInProgress));
    assert_eq!(harness.leave(Some(&members[0].member), None), Err(GroupError::UnknownMemberId));
    assert_eq!(harness.leave(Some(&members[1].member), None), Ok(()));
    assert_eq!(harness.state(), GroupState::Empty);
    assert!(harness.reloaded().state() == GroupState::Empty, "the log knows that all are gone");
}

#[test]
fn leaving_an_unknown_group_is_an_error_of_each_member() {
    let mut harness = Harness::new();
    assert_eq!(harness.leave(Some(&"nobody".into()), None), Err(GroupError::UnknownMemberId));
    assert_eq!(harness.leave(None, Some("nobody")), Err(GroupError::UnknownMemberId));
}

#[test]
fn the_waiting_requests_of_a_leaving_member_fail() {
    let mut harness = Harness::new();
    let members = harness.stable(2);
    let waiting = harness.join(&again(&join("c"), &members[0].member));
    assert_eq!(harness.leave(Some(&members[0].member), None), Ok(()));
    assert_eq!(harness.join_failed(waiting), GroupError::UnknownMemberId);
}

#[test]
fn lists_are_filtered_by_state_and_type_in_any_case() {
    let mut harness = Harness::new();
    harness.stable(1);
    let filter = |states: &[&str], types: &[&str]| ListFilter {
        states: states.iter().map(|name| (*name).to_owned()).collect(),
        types: types.iter().map(|name| (*name).to_owned()).collect(),
    };
    for (states, types, count) in [
        (&[][..], &[][..], 1),
        (&["stable"], &["Classic"], 1),
        (&["Empty", "Stable"], &[], 1),
        (&["Empty"], &[], 0),
        (&["nonsense"], &[], 0),
        (&[], &["consumer"], 0),
    ] {
        assert_eq!(
            harness.coordinator.list(&filter(states, types)).len(),
            count,
            "{states:?} {types:?}"
        );
    }
}

#[test]
fn a_group_with_members_is_not_deleted_and_an_empty_one_is() {
    let mut harness = Harness::new();
    let delete = |harness: &mut Harness| match harness.ask(Request::Delete("g".into())) {
        Some(Reply::Delete(outcome)) => outcome,
        other => panic!("not deleted: {other:?}"),
    };
    assert_eq!(delete(&mut harness), Err(GroupError::GroupIdNotFound));
    let members = harness.stable(1);
    assert_eq!(harness.commit_as(Some(&members[0]), 5), Ok(()));
    assert_eq!(delete(&mut harness), Err(GroupError::NonEmptyGroup));
    harness.leave(Some(&members[0].member), None).unwrap();
    assert_eq!(delete(&mut harness), Ok(()));
    assert_eq!(harness.describe(), Err(GroupError::GroupIdNotFound));
    assert_eq!(harness.fetch(false).offset, Offset(-1));
    assert!(harness.reloaded().snapshot().is_empty(), "tombstones for all of it are in the log");
}

#[test]
fn a_group_whose_deletion_fails_comes_back() {
    let mut harness = Harness::new();
    harness.commit_as(None, 5).unwrap();
    let delete = harness.send(Request::Delete("g".into()));
    let again = harness.send(Request::Delete("g".into()));
    assert_eq!(harness.take(again), Some(Reply::Delete(Err(GroupError::GroupIdNotFound))));
    let commit = harness.send(Request::Commit(commit(None, &[("t", 0, 6)])));
    assert_eq!(
        harness.take(commit),
        Some(Reply::Commit(vec![Err(GroupError::CoordinatorNotAvailable)]))
    );
    let joining = harness.join(&join("a"));
    assert_eq!(harness.join_failed(joining), GroupError::CoordinatorNotAvailable);
    assert!(harness.append(Err(AppendError::Storage)));
    assert_eq!(harness.take(delete), Some(Reply::Delete(Err(GroupError::NotCoordinator))));
    assert_eq!(harness.fetch(false).offset, Offset(5));
    assert_eq!(harness.commit_as(None, 6), Ok(()));
}
