//! Static members (KIP-345, KIP-814; behaviour 39).

use super::*;

fn static_join(instance: &str) -> JoinRequest {
    JoinRequest { instance: Some(instance.into()), ..join("client") }
}

fn two(harness: &mut Harness) -> Vec<JoinResponse> {
    harness.stable_of(&[static_join("i1"), static_join("i2")])
}

/// The instance id of a member of [`two`]: its member id begins with it.
fn instance(joined: &JoinResponse) -> String {
    joined.member.as_str()[..2].to_owned()
}

#[test]
fn member_ids_of_static_members_begin_with_the_instance_id_and_are_given_at_once() {
    let mut harness = Harness::new();
    let request = JoinRequest { member_id_required: true, ..static_join("i1") };
    let id = harness.join(&request);
    harness.wait(3_000);
    assert!(harness.join_response(id).member.as_str().starts_with("i1-"));
}

#[test]
fn a_restarted_follower_keeps_its_assignment_without_a_rebalance() {
    let mut harness = Harness::new();
    let members = two(&mut harness);
    let former = &members[1];
    let name = instance(former);
    let id = harness.join(&static_join(&name));
    assert_eq!(harness.take(id), None, "not before the log has the new member id");
    harness.commit_all();
    let back = harness.join_response(id);
    assert_ne!(back.member, former.member);
    assert_eq!((back.generation, &back.leader), (former.generation, &members[0].member));
    let sync = harness.sync(&back, &[]);
    assert_eq!(harness.assignment(sync).unwrap(), former.member.as_str());
    assert_eq!(harness.heartbeat(&members[0]), Ok(()), "nobody else noticed");

    assert_eq!(harness.heartbeat_as(former, Some(&name)), Err(GroupError::FencedInstanceId));
    assert_eq!(harness.heartbeat(former), Err(GroupError::UnknownMemberId));
    assert_eq!(harness.heartbeat_as(&back, Some(&name)), Ok(()));
    let reloaded = harness.reloaded().describe().unwrap();
    assert!(reloaded.members.iter().any(|member| member.member == back.member));
}

#[test]
fn a_restarted_leader_is_not_told_that_it_leads_before_v9() {
    let mut harness = Harness::new();
    let members = two(&mut harness);
    let id = harness.join(&static_join(&instance(&members[0])));
    harness.commit_all();
    let back = harness.join_response(id);
    assert_eq!(back.leader, members[0].member, "its former id");
    assert!(back.members.is_empty() && !back.skip_assignment);
}

#[test]
fn a_restarted_leader_of_v9_leads_without_assigning() {
    let mut harness = Harness::new();
    let members = two(&mut harness);
    let request = JoinRequest { can_skip_assignment: true, ..static_join(&instance(&members[0])) };
    let id = harness.join(&request);
    harness.commit_all();
    let back = harness.join_response(id);
    assert!(back.skip_assignment);
    assert_eq!((&back.leader, back.members.len()), (&back.member, 2));
    let again = harness.join(&again(&request, &back.member));
    assert_eq!(harness.take(again), None, "as leader it can start a rebalance");
    assert_eq!(harness.state(), GroupState::PreparingRebalance);
}

#[test]
fn a_static_member_whose_protocols_change_the_choice_starts_a_rebalance() {
    let mut harness = Harness::new();
    let both = vec![protocol("range", &["t"]), protocol("sticky", &["t"])];
    let request = JoinRequest { protocols: both, ..static_join("i1") };
    harness.stable_of(std::slice::from_ref(&request));
    let id = harness.join(&JoinRequest { protocols: vec![protocol("sticky", &["t"])], ..request });
    harness.commit_all();
    let back = harness.join_response(id);
    assert_eq!((back.generation, &*back.protocol), (Generation(2), "sticky"));
}

#[test]
fn the_old_member_that_waits_to_join_is_fenced() {
    let mut harness = Harness::new();
    let members = two(&mut harness);
    let name = instance(&members[0]);
    let old = harness.join(&again(&static_join(&name), &members[0].member));
    let new = harness.join(&static_join(&name));
    assert_eq!(harness.join_failed(old), GroupError::FencedInstanceId);
    harness.join(&again(&static_join(&instance(&members[1])), &members[1].member));
    let new = harness.join_response(new);
    assert_eq!((new.generation, &new.leader), (Generation(2), &new.member));
}

#[test]
fn the_old_member_that_waits_to_sync_is_fenced_and_all_join_again() {
    let mut harness = Harness::new();
    let ids = [harness.join(&static_join("i1")), harness.join(&static_join("i2"))];
    harness.wait(6_000);
    let members = ids.map(|id| harness.join_response(id));
    let follower = members.iter().find(|member| member.member != member.leader).unwrap();
    let sync = harness.sync(follower, &[]);
    let new = harness.join(&static_join(&instance(follower)));
    assert_eq!(harness.assignment(sync), Err(GroupError::FencedInstanceId));
    assert_eq!(
        harness.state(),
        GroupState::PreparingRebalance,
        "the leader may assign to the old id"
    );
    assert_eq!(harness.take(new), None);
}

#[test]
fn a_replacement_that_cannot_be_stored_puts_the_old_member_back() {
    let mut harness = Harness::new();
    let members = two(&mut harness);
    let name = instance(&members[0]);
    let id = harness.join(&static_join(&name));
    assert!(harness.append(Err(AppendError::Storage)));
    assert_eq!(harness.join_failed(id), GroupError::UnknownMemberId);
    assert_eq!(harness.heartbeat_as(&members[0], Some(&name)), Ok(()));
    assert_eq!(harness.state(), GroupState::Stable);
}

#[test]
fn a_rebalance_that_begins_before_a_replacement_is_stored_completes_its_join() {
    let mut harness = Harness::new();
    let members = two(&mut harness);
    let id = harness.join(&static_join(&instance(&members[1])));
    let leader = harness.join(&again(&static_join(&instance(&members[0])), &members[0].member));
    let back = harness.join_response(id);
    assert_eq!(back.generation, Generation(2));
    assert_eq!(harness.join_response(leader).generation, Generation(2));
    harness.commit_all();
    assert_eq!(harness.replies.len(), 0);
}

#[test]
fn a_static_member_that_is_away_during_a_rebalance_keeps_its_place() {
    let mut harness = Harness::new();
    let members = two(&mut harness);
    let request = static_join(&instance(&members[0]));
    let short = JoinRequest { rebalance_timeout_ms: 1_000, ..request };
    // A first rebalance shortens the timeouts below the session timeout.
    let a = harness.join(&again(&short, &members[0].member));
    let other = JoinRequest { rebalance_timeout_ms: 1_000, ..static_join(&instance(&members[1])) };
    let b = harness.join(&again(&other, &members[1].member));
    let (a, b) = (harness.join_response(a), harness.join_response(b));
    let (leader, follower) = if a.leader == a.member { (a, b) } else { (b, a) };
    harness.sync_all(&[leader.clone(), follower.clone()]);
    let own = JoinRequest { instance: Some(instance(&leader).as_str().into()), ..short };
    let id = harness.join(&again(&own, &leader.member));
    harness.wait(1_000);
    let joined = harness.join_response(id);
    assert_eq!((joined.generation, joined.members.len()), (Generation(3), 2));
}

#[test]
fn static_members_leave_by_instance_id_too() {
    let mut harness = Harness::new();
    let members = two(&mut harness);
    let (first, second) = (instance(&members[0]), instance(&members[1]));
    assert_eq!(
        harness.leave(Some(&"wrong".into()), Some(&first)),
        Err(GroupError::FencedInstanceId)
    );
    assert_eq!(harness.leave(None, Some("i9")), Err(GroupError::UnknownMemberId));
    assert_eq!(harness.leave(None, Some(&first)), Ok(()));
    assert_eq!(harness.leave(Some(&members[1].member), Some(&second)), Ok(()));
    assert_eq!(harness.state(), GroupState::Empty);
}

#[test]
fn commits_and_syncs_of_a_fenced_instance_are_refused() {
    let mut harness = Harness::new();
    let members = two(&mut harness);
    let name = instance(&members[1]);
    harness.join(&static_join(&name));
    harness.commit_all();
    let request = CommitRequest {
        instance: Some(name.as_str().into()),
        ..commit(Some(&members[1]), &[("t", 0, 1)])
    };
    let reply = harness.ask(Request::Commit(request));
    assert_eq!(reply, Some(Reply::Commit(vec![Err(GroupError::FencedInstanceId)])));
}
