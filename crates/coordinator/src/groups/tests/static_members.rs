//! Static members (KIP-345, KIP-814; behaviour 39).

use super::*;

fn static_join(instance: &str) -> JoinRequest {
    JoinRequest { instance: Some(instance.into()), ..join("client") }
}

fn two(bench: &mut Bench) -> Vec<Joined> {
    bench.stable_of(&[static_join("i1"), static_join("i2")])
}

/// The instance id of a member of [`two`]: its member id begins with it.
fn instance(joined: &Joined) -> String {
    joined.member.as_str()[..2].to_owned()
}

#[test]
fn member_ids_of_static_members_begin_with_the_instance_id_and_are_given_at_once() {
    let mut bench = Bench::new();
    let request = JoinRequest { member_id_required: true, ..static_join("i1") };
    let id = bench.join(&request);
    bench.wait(3_000);
    assert!(bench.joined(id).member.as_str().starts_with("i1-"));
}

#[test]
fn a_restarted_follower_keeps_its_assignment_without_a_rebalance() {
    let mut bench = Bench::new();
    let members = two(&mut bench);
    let former = &members[1];
    let name = instance(former);
    let id = bench.join(&static_join(&name));
    assert_eq!(bench.take(id), None, "not before the log has the new member id");
    bench.commit_all();
    let back = bench.joined(id);
    assert_ne!(back.member, former.member);
    assert_eq!((back.generation, &back.leader), (former.generation, &members[0].member));
    let sync = bench.sync(&back, &[]);
    assert_eq!(bench.assignment(sync).unwrap(), former.member.as_str());
    assert_eq!(bench.heartbeat(&members[0]), Ok(()), "nobody else noticed");

    assert_eq!(bench.heartbeat_as(former, Some(&name)), Err(GroupError::FencedInstanceId));
    assert_eq!(bench.heartbeat(former), Err(GroupError::UnknownMemberId));
    assert_eq!(bench.heartbeat_as(&back, Some(&name)), Ok(()));
    let reloaded = bench.reloaded().describe().unwrap();
    assert!(reloaded.members.iter().any(|member| member.member == back.member));
}

#[test]
fn a_restarted_leader_is_not_told_that_it_leads_before_v9() {
    let mut bench = Bench::new();
    let members = two(&mut bench);
    let id = bench.join(&static_join(&instance(&members[0])));
    bench.commit_all();
    let back = bench.joined(id);
    assert_eq!(back.leader, members[0].member, "its former id");
    assert!(back.members.is_empty() && !back.skip_assignment);
}

#[test]
fn a_restarted_leader_of_v9_leads_without_assigning() {
    let mut bench = Bench::new();
    let members = two(&mut bench);
    let request = JoinRequest { can_skip_assignment: true, ..static_join(&instance(&members[0])) };
    let id = bench.join(&request);
    bench.commit_all();
    let back = bench.joined(id);
    assert!(back.skip_assignment);
    assert_eq!((&back.leader, back.members.len()), (&back.member, 2));
    let again = bench.join(&again(&request, &back.member));
    assert_eq!(bench.take(again), None, "as leader it can start a rebalance");
    assert_eq!(bench.state(), GroupState::PreparingRebalance);
}

#[test]
fn a_static_member_whose_protocols_change_the_choice_starts_a_rebalance() {
    let mut bench = Bench::new();
    let both = vec![protocol("range", &["t"]), protocol("sticky", &["t"])];
    let request = JoinRequest { protocols: both, ..static_join("i1") };
    bench.stable_of(std::slice::from_ref(&request));
    let id = bench.join(&JoinRequest { protocols: vec![protocol("sticky", &["t"])], ..request });
    bench.commit_all();
    let back = bench.joined(id);
    assert_eq!((back.generation, &*back.protocol), (Generation(2), "sticky"));
}

#[test]
fn the_old_member_that_waits_to_join_is_fenced() {
    let mut bench = Bench::new();
    let members = two(&mut bench);
    let name = instance(&members[0]);
    let old = bench.join(&again(&static_join(&name), &members[0].member));
    let new = bench.join(&static_join(&name));
    assert_eq!(bench.join_failed(old), GroupError::FencedInstanceId);
    bench.join(&again(&static_join(&instance(&members[1])), &members[1].member));
    let new = bench.joined(new);
    assert_eq!((new.generation, &new.leader), (Generation(2), &new.member));
}

#[test]
fn the_old_member_that_waits_to_sync_is_fenced_and_all_join_again() {
    let mut bench = Bench::new();
    let ids = [bench.join(&static_join("i1")), bench.join(&static_join("i2"))];
    bench.wait(6_000);
    let members = ids.map(|id| bench.joined(id));
    let follower = members.iter().find(|member| member.member != member.leader).unwrap();
    let sync = bench.sync(follower, &[]);
    let new = bench.join(&static_join(&instance(follower)));
    assert_eq!(bench.assignment(sync), Err(GroupError::FencedInstanceId));
    assert_eq!(
        bench.state(),
        GroupState::PreparingRebalance,
        "the leader may assign to the old id"
    );
    assert_eq!(bench.take(new), None);
}

#[test]
fn a_replacement_that_cannot_be_stored_puts_the_old_member_back() {
    let mut bench = Bench::new();
    let members = two(&mut bench);
    let name = instance(&members[0]);
    let id = bench.join(&static_join(&name));
    assert!(bench.append(Err(AppendError::Storage)));
    assert_eq!(bench.join_failed(id), GroupError::UnknownMemberId);
    assert_eq!(bench.heartbeat_as(&members[0], Some(&name)), Ok(()));
    assert_eq!(bench.state(), GroupState::Stable);
}

#[test]
fn a_rebalance_that_begins_before_a_replacement_is_stored_answers_it() {
    let mut bench = Bench::new();
    let members = two(&mut bench);
    let id = bench.join(&static_join(&instance(&members[1])));
    let leader = bench.join(&again(&static_join(&instance(&members[0])), &members[0].member));
    let back = bench.joined(id);
    assert_eq!(back.generation, Generation(2));
    assert_eq!(bench.joined(leader).generation, Generation(2));
    bench.commit_all();
    assert_eq!(bench.replies.len(), 0);
}

#[test]
fn a_static_member_that_is_away_during_a_rebalance_keeps_its_place() {
    let mut bench = Bench::new();
    let members = two(&mut bench);
    let request = static_join(&instance(&members[0]));
    let short = JoinRequest { rebalance_timeout_ms: 1_000, ..request };
    // A first rebalance shortens the timeouts below the session timeout.
    let a = bench.join(&again(&short, &members[0].member));
    let other = JoinRequest { rebalance_timeout_ms: 1_000, ..static_join(&instance(&members[1])) };
    let b = bench.join(&again(&other, &members[1].member));
    let (a, b) = (bench.joined(a), bench.joined(b));
    let (leader, follower) = if a.leader == a.member { (a, b) } else { (b, a) };
    bench.sync_all(&[leader.clone(), follower.clone()]);
    let own = JoinRequest { instance: Some(instance(&leader).as_str().into()), ..short };
    let id = bench.join(&again(&own, &leader.member));
    bench.wait(1_000);
    let joined = bench.joined(id);
    assert_eq!((joined.generation, joined.members.len()), (Generation(3), 2));
}

#[test]
fn static_members_leave_by_instance_id_too() {
    let mut bench = Bench::new();
    let members = two(&mut bench);
    let (first, second) = (instance(&members[0]), instance(&members[1]));
    assert_eq!(bench.leave(Some(&"wrong".into()), Some(&first)), Err(GroupError::FencedInstanceId));
    assert_eq!(bench.leave(None, Some("i9")), Err(GroupError::UnknownMemberId));
    assert_eq!(bench.leave(None, Some(&first)), Ok(()));
    assert_eq!(bench.leave(Some(&members[1].member), Some(&second)), Ok(()));
    assert_eq!(bench.state(), GroupState::Empty);
}

#[test]
fn commits_and_syncs_of_a_fenced_instance_are_refused() {
    let mut bench = Bench::new();
    let members = two(&mut bench);
    let name = instance(&members[1]);
    bench.join(&static_join(&name));
    bench.commit_all();
    let request = CommitRequest {
        instance: Some(name.as_str().into()),
        ..commit(Some(&members[1]), &[("t", 0, 1)])
    };
    let reply = bench.ask(Request::Commit(request));
    assert_eq!(reply, Some(Reply::Commit(vec![Err(GroupError::FencedInstanceId)])));
}
