//! Group membership over the wire: joining, syncing, leaving, static members, coordinators that
//! move (behaviours 38, 39).

use std::time::Duration;

use bytes::Bytes;
use milena_protocol::{
    ErrorCode,
    messages::{
        delete_groups_request::DeleteGroupsRequest,
        describe_groups_request::DescribeGroupsRequest,
        describe_groups_response::DescribedGroup,
        find_coordinator_request::FindCoordinatorRequest,
        heartbeat_request::HeartbeatRequest,
        join_group_request::{JoinGroupRequest, JoinGroupRequestProtocol},
        join_group_response::JoinGroupResponse,
        leave_group_request::{LeaveGroupRequest, MemberIdentity},
        list_groups_request::ListGroupsRequest,
        sync_group_request::{SyncGroupRequest, SyncGroupRequestAssignment},
        sync_group_response::SyncGroupResponse,
    },
};

use crate::{
    cluster::{Cluster, ClusterOptions, DEADLINE, eventually},
    wire::Client,
};

pub const OFFSETS_TOPIC: &str = "__consumer_offsets";

/// A cluster whose first rebalances do not wait, with few partitions of groups.
pub async fn cluster() -> Cluster {
    cluster_of(3, "3.9").await
}

pub async fn cluster_of(brokers: i32, kafka_version: &'static str) -> Cluster {
    let settings =
        [("group.initial.rebalance.delay.ms", "0"), ("offsets.topic.num.partitions", "3")];
    let kafka_config = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    Cluster::start_with(ClusterOptions {
        brokers,
        kafka_version,
        kafka_config,
        ..Default::default()
    })
    .await
}

/// The coordinator of a group, when it serves it.
pub async fn coordinator(cluster: &Cluster, group: &str) -> i32 {
    let mut client = cluster.connect(1).await;
    let mut coordinator = -1;
    let until = tokio::time::sleep(DEADLINE);
    tokio::pin!(until);
    loop {
        let request = FindCoordinatorRequest { key: group.into(), ..Default::default() };
        let found = client.call(3, &request).await;
        if found.error_code == 0 {
            coordinator = found.node_id;
            let request = HeartbeatRequest {
                group_id: group.into(),
                member_id: "nobody".into(),
                ..Default::default()
            };
            let beat = cluster.connect(coordinator).await.call(4, &request).await;
            if beat.error_code == ErrorCode::UnknownMemberId.code() {
                return coordinator;
            }
        }
        tokio::select! {
            () = &mut until => panic!("no coordinator of {group}; last found was {coordinator}"),
            () = tokio::time::sleep(Duration::from_millis(5)) => {}
        }
    }
}

/// A client of the coordinator of a group.
pub async fn connect(cluster: &Cluster, group: &str) -> Client {
    let coordinator = coordinator(cluster, group).await;
    cluster.connect(coordinator).await
}

pub fn join(group: &str, member: &str) -> JoinGroupRequest {
    JoinGroupRequest {
        group_id: group.into(),
        session_timeout_ms: 10_000,
        rebalance_timeout_ms: 20_000,
        member_id: member.into(),
        protocol_type: "consumer".into(),
        protocols: vec![JoinGroupRequestProtocol {
            name: "range".into(),
            // A subscription, version 0, to topic `t`.
            metadata: Bytes::from_static(&[0, 0, 0, 0, 0, 1, 0, 1, b't', 0, 0, 0, 0]),
        }],
        ..Default::default()
    }
}

/// Joins as clients of version 4 and later do, with a second request once the member id is known.
pub async fn join_fully(client: &mut Client, request: &JoinGroupRequest) -> JoinGroupResponse {
    let first = client.call(9, request).await;
    if first.error_code != ErrorCode::MemberIdRequired.code() {
        return first;
    }
    let request = JoinGroupRequest { member_id: first.member_id, ..request.clone() };
    client.call(9, &request).await
}

pub fn sync(
    group: &str,
    joined: &JoinGroupResponse,
    assignments: &[(&str, &'static str)],
) -> SyncGroupRequest {
    SyncGroupRequest {
        group_id: group.into(),
        generation_id: joined.generation_id,
        member_id: joined.member_id.clone(),
        protocol_type: Some("consumer".into()),
        protocol_name: Some("range".into()),
        assignments: assignments
            .iter()
            .map(|(member, what)| SyncGroupRequestAssignment {
                member_id: (*member).into(),
                assignment: Bytes::from_static(what.as_bytes()),
            })
            .collect(),
        ..Default::default()
    }
}

/// A stable group of one member.
pub async fn alone(client: &mut Client, group: &str) -> JoinGroupResponse {
    let joined = join_fully(client, &join(group, "")).await;
    assert_eq!(joined.error_code, 0);
    let synced = client.call(5, &sync(group, &joined, &[(&joined.member_id, "all")])).await;
    assert_eq!((synced.error_code, &synced.assignment[..]), (0, &b"all"[..]));
    joined
}

pub fn heartbeat(group: &str, joined: &JoinGroupResponse) -> HeartbeatRequest {
    HeartbeatRequest {
        group_id: group.into(),
        generation_id: joined.generation_id,
        member_id: joined.member_id.clone(),
        ..Default::default()
    }
}

async fn describe(client: &mut Client, version: i16, group: &str) -> DescribedGroup {
    let request =
        DescribeGroupsRequest { groups: vec![group.into()], include_authorized_operations: true };
    let mut response = client.call(version, &request).await;
    assert_eq!(response.groups.len(), 1);
    response.groups.remove(0)
}

#[tokio::test]
async fn every_broker_names_the_same_coordinator_and_only_that_one_serves_the_group() {
    let cluster = cluster().await;
    let serving = coordinator(&cluster, "g").await;
    for broker in 1..=3 {
        let mut client = cluster.connect(broker).await;
        let keys = vec!["g".into(), "g2".into()];
        let found = client
            .call(4, &FindCoordinatorRequest { coordinator_keys: keys, ..Default::default() })
            .await;
        assert_eq!(found.coordinators.len(), 2);
        assert_eq!((found.coordinators[0].node_id, found.coordinators[0].error_code), (serving, 0));
        let address = cluster.broker(serving).address();
        assert_eq!(found.coordinators[0].port, i32::from(address.port()));
        assert_eq!(found.coordinators[0].host.as_str(), address.ip().to_string());
        if broker != serving {
            let refused = client.call(9, &join("g", "")).await;
            assert_eq!(refused.error_code, ErrorCode::NotCoordinator.code());
        }
    }
    cluster.stop().await;
}

#[tokio::test]
async fn coordinators_of_transactions_are_refused_for_good() {
    let cluster = cluster_of(1, "3.9").await;
    let mut client = cluster.connect(1).await;
    let request = FindCoordinatorRequest { key: "t".into(), key_type: 1, ..Default::default() };
    let found = client.call(3, &request).await;
    assert_eq!((found.error_code, found.node_id), (ErrorCode::UnsupportedVersion.code(), -1));
    cluster.stop().await;
}

#[tokio::test]
async fn two_members_share_a_generation_and_the_leader_assigns() {
    let cluster = cluster().await;
    let mut a = connect(&cluster, "g").await;
    let mut b = connect(&cluster, "g").await;
    let first = alone(&mut a, "g").await;
    let required = b.call(9, &join("g", "")).await;
    assert_eq!(required.error_code, ErrorCode::MemberIdRequired.code());
    assert_eq!(required.protocol_name, None, "null where there is an error, from version 7 on");
    let joining = b.send(9, &join("g", &required.member_id)).await;
    eventually_rebalancing(&mut a, &first).await;
    let leader = a.call(9, &join("g", &first.member_id)).await;
    let follower: JoinGroupResponse = b.receive::<JoinGroupRequest>(9, joining).await;
    assert_eq!((leader.generation_id, follower.generation_id), (2, 2));
    assert_eq!((leader.members.len(), follower.members.len()), (2, 0));
    assert_eq!((&leader.leader, &follower.leader), (&leader.member_id, &leader.member_id));

    let waiting = b.send(5, &sync("g", &follower, &[])).await;
    let assignments = [(leader.member_id.as_str(), "one"), (follower.member_id.as_str(), "two")];
    let own: SyncGroupResponse = a.call(5, &sync("g", &leader, &assignments)).await;
    let other: SyncGroupResponse = b.receive::<SyncGroupRequest>(5, waiting).await;
    assert_eq!((&own.assignment[..], &other.assignment[..]), (&b"one"[..], &b"two"[..]));
    assert_eq!(own.protocol_name.as_deref(), Some("range"));

    let group = describe(&mut a, 5, "g").await;
    assert_eq!((group.group_state.as_str(), group.protocol_data.as_str()), ("Stable", "range"));
    assert_eq!(group.members.len(), 2);
    assert_eq!(
        (group.members[0].client_id.as_str(), group.members[0].client_host.as_str()),
        ("it", "/127.0.0.1")
    );
    assert_ne!(group.authorized_operations, i32::MIN);
    cluster.stop().await;
}

async fn eventually_rebalancing(client: &mut Client, joined: &JoinGroupResponse) {
    let until = tokio::time::sleep(DEADLINE);
    tokio::pin!(until);
    loop {
        let beat = client.call(4, &heartbeat("g", joined)).await;
        if beat.error_code == ErrorCode::RebalanceInProgress.code() {
            return;
        }
        assert_eq!(beat.error_code, 0);
        tokio::select! {
            () = &mut until => panic!("no rebalance"),
            () = tokio::time::sleep(Duration::from_millis(2)) => {}
        }
    }
}

#[tokio::test]
async fn members_and_assignments_survive_a_restart_of_their_coordinator() {
    let mut cluster = cluster().await;
    let serving = coordinator(&cluster, "g").await;
    let mut client = cluster.connect(serving).await;
    let joined = alone(&mut client, "g").await;
    cluster.restart_broker(serving).await;
    let mut client = connect(&cluster, "g").await;
    assert_eq!(client.call(4, &heartbeat("g", &joined)).await.error_code, 0);
    let synced = client.call(5, &sync("g", &joined, &[])).await;
    assert_eq!((synced.error_code, &synced.assignment[..]), (0, &b"all"[..]));
    cluster.stop().await;
}

#[tokio::test]
async fn a_join_that_waits_is_answered_when_the_broker_stops() {
    let mut cluster = cluster().await;
    let serving = coordinator(&cluster, "g").await;
    let mut a = cluster.connect(serving).await;
    let mut b = cluster.connect(serving).await;
    alone(&mut a, "g").await;
    let waiting = b.send(3, &join("g", "")).await;
    let mut c = cluster.connect(serving).await;
    loop {
        if describe(&mut c, 5, "g").await.group_state.as_str() == "PreparingRebalance" {
            break;
        }
    }
    cluster.stop_broker(serving).await;
    let answer = b.receive::<JoinGroupRequest>(3, waiting).await;
    let error = ErrorCode::from_code(answer.error_code);
    assert!(
        matches!(error, ErrorCode::CoordinatorNotAvailable | ErrorCode::NotCoordinator),
        "{error:?}"
    );
    cluster.stop().await;
}

#[tokio::test]
async fn a_static_member_comes_back_without_a_rebalance_and_leaves_by_its_instance_id() {
    let cluster = cluster().await;
    let mut client = connect(&cluster, "g").await;
    let request = JoinGroupRequest { group_instance_id: Some("i1".into()), ..join("g", "") };
    let first = client.call(9, &request).await;
    let syncing = SyncGroupRequest {
        group_instance_id: Some("i1".into()),
        ..sync("g", &first, &[(&first.member_id, "all")])
    };
    assert_eq!(client.call(5, &syncing).await.error_code, 0);
    let back = client.call(9, &request).await;
    assert_eq!((back.error_code, back.generation_id, back.skip_assignment), (0, 1, true));
    assert_ne!(back.member_id, first.member_id);
    let synced = client.call(5, &sync("g", &back, &[])).await;
    assert_eq!(&synced.assignment[..], b"all");
    let old = HeartbeatRequest { group_instance_id: Some("i1".into()), ..heartbeat("g", &first) };
    assert_eq!(client.call(4, &old).await.error_code, ErrorCode::FencedInstanceId.code());

    let members = ["i1", "i2"]
        .map(|id| MemberIdentity { group_instance_id: Some(id.into()), ..Default::default() });
    let request =
        LeaveGroupRequest { group_id: "g".into(), members: members.to_vec(), ..Default::default() };
    let left = client.call(5, &request).await;
    assert_eq!(left.error_code, 0);
    let outcomes: Vec<i16> = left.members.iter().map(|member| member.error_code).collect();
    assert_eq!(outcomes, [0, ErrorCode::UnknownMemberId.code()]);
    cluster.stop().await;
}

#[tokio::test]
async fn sessions_end_by_the_clock() {
    let settings = [
        ("group.initial.rebalance.delay.ms", "0"),
        ("group.min.session.timeout.ms", "50"),
        ("offsets.topic.num.partitions", "3"),
    ];
    let kafka_config = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let cluster =
        Cluster::start_with(ClusterOptions { brokers: 1, kafka_config, ..Default::default() })
            .await;
    let mut client = connect(&cluster, "g").await;
    let request = JoinGroupRequest { session_timeout_ms: 50, ..join("g", "") };
    let joined = client.call(3, &request).await;
    assert_eq!(joined.error_code, 0);
    let synced = client.call(5, &sync("g", &joined, &[])).await;
    assert_eq!(synced.error_code, 0);
    let mut watching = cluster.connect(1).await;
    let until = tokio::time::sleep(DEADLINE);
    tokio::pin!(until);
    while describe(&mut watching, 5, "g").await.group_state.as_str() != "Empty" {
        tokio::select! {
            () = &mut until => panic!("the session did not end"),
            () = tokio::time::sleep(Duration::from_millis(5)) => {}
        }
    }
    let beat = client.call(4, &heartbeat("g", &joined)).await;
    assert_eq!(beat.error_code, ErrorCode::UnknownMemberId.code());
    cluster.stop().await;
}

#[tokio::test]
async fn unknown_groups_are_described_as_dead_and_from_version_6_on_as_not_found() {
    let cluster = cluster_of(1, "4.1").await;
    let mut client = connect(&cluster, "g").await;
    let group = describe(&mut client, 5, "none").await;
    assert_eq!((group.error_code, group.group_state.as_str()), (0, "Dead"));
    let group = describe(&mut client, 6, "none").await;
    assert_eq!(
        (group.error_code, group.group_state.as_str()),
        (ErrorCode::GroupIdNotFound.code(), "Dead")
    );
    assert_eq!(group.error_message.as_deref(), Some("group none does not exist"));
    cluster.stop().await;
}

#[tokio::test]
async fn groups_are_listed_by_state_and_deleted_when_empty() {
    let cluster = cluster_of(1, "3.9").await;
    let mut client = connect(&cluster, "g").await;
    let joined = alone(&mut client, "g").await;
    let list = |states: &[&str], types: &[&str]| ListGroupsRequest {
        states_filter: states.iter().map(|name| (*name).into()).collect(),
        types_filter: types.iter().map(|name| (*name).into()).collect(),
    };
    let listed = client.call(5, &list(&[], &[])).await;
    assert_eq!((listed.error_code, listed.groups.len()), (0, 1));
    let group = &listed.groups[0];
    assert_eq!((group.group_id.as_str(), group.protocol_type.as_str()), ("g", "consumer"));
    assert_eq!((group.group_state.as_str(), group.group_type.as_str()), ("Stable", "classic"));
    assert!(client.call(5, &list(&["Empty"], &[])).await.groups.is_empty());
    assert!(client.call(5, &list(&[], &["consumer"])).await.groups.is_empty());

    let delete = DeleteGroupsRequest { groups_names: vec!["g".into(), "none".into()] };
    let deleted = client.call(2, &delete).await;
    let outcomes: Vec<i16> = deleted.results.iter().map(|result| result.error_code).collect();
    assert_eq!(outcomes, [ErrorCode::NonEmptyGroup.code(), ErrorCode::GroupIdNotFound.code()]);
    let leave = LeaveGroupRequest {
        group_id: "g".into(),
        member_id: joined.member_id.clone(),
        ..Default::default()
    };
    assert_eq!(client.call(2, &leave).await.error_code, 0);
    assert_eq!(client.call(2, &leave).await.error_code, ErrorCode::UnknownMemberId.code());
    let deleted = client.call(2, &delete).await;
    assert_eq!(deleted.results[0].error_code, 0);
    assert!(client.call(5, &list(&[], &[])).await.groups.is_empty());
    cluster.stop().await;
}

#[tokio::test]
async fn every_version_of_the_membership_apis_is_answered() {
    let cluster = cluster_of(1, "2.8").await;
    let mut client = connect(&cluster, "g").await;
    for version in 0..=3 {
        let group = format!("v{version}");
        let joined = client.call(version, &join(&group, "")).await;
        assert_eq!((joined.error_code, joined.generation_id), (0, 1), "JoinGroup {version}");
        let mut request = sync(&group, &joined, &[(&joined.member_id, "all")]);
        (request.protocol_type, request.protocol_name) = (None, None);
        let synced = client.call(version.min(4), &request).await;
        assert_eq!(
            (synced.error_code, &synced.assignment[..]),
            (0, &b"all"[..]),
            "SyncGroup {version}"
        );
        assert_eq!(
            client.call(version, &heartbeat(&group, &joined)).await.error_code,
            0,
            "Heartbeat {version}"
        );
        assert_eq!(describe(&mut client, version, &group).await.group_state.as_str(), "Stable");
        let list = client.call(version, &ListGroupsRequest::default()).await;
        assert_eq!(list.error_code, 0, "ListGroups {version}");
    }
    for version in 0..=3 {
        let request = FindCoordinatorRequest { key: "g".into(), ..Default::default() };
        let found = client.call(version, &request).await;
        assert_eq!((found.error_code, found.node_id), (0, 1), "FindCoordinator {version}");
    }
    cluster.stop().await;
}

#[tokio::test]
async fn empty_group_ids_are_invalid() {
    let cluster = cluster_of(1, "3.9").await;
    let mut client = connect(&cluster, "g").await;
    let invalid = ErrorCode::InvalidGroupId.code();
    assert_eq!(client.call(9, &join("", "")).await.error_code, invalid);
    let nobody = JoinGroupResponse::default();
    assert_eq!(client.call(5, &sync("", &nobody, &[])).await.error_code, invalid);
    assert_eq!(client.call(4, &heartbeat("", &nobody)).await.error_code, invalid);
    assert_eq!(client.call(5, &LeaveGroupRequest::default()).await.error_code, invalid);
    cluster.stop().await;
}

#[tokio::test]
async fn a_coordinator_that_stops_is_replaced_or_comes_back() {
    let mut cluster = cluster().await;
    let serving = coordinator(&cluster, "g").await;
    let mut client = cluster.connect(serving).await;
    let joined = alone(&mut client, "g").await;
    cluster.stop_broker(serving).await;
    cluster.start_broker(serving).await;
    eventually("the member is known", || async {
        let mut client = connect(&cluster, "g").await;
        client.call(4, &heartbeat("g", &joined)).await.error_code == 0
    })
    .await;
    cluster.stop().await;
}
