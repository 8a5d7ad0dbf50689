use std::collections::BTreeSet;

use milena_runtime::Runtime;
use milena_types::{BrokerId, PartitionIndex, TopicId};

use super::*;
use crate::{
    Handover, Lives, Registration,
    image::ImageWatcher,
    testing::{TestCluster, name},
};

async fn serve(cluster: &TestCluster, id: i32) -> Registration {
    let registration = cluster.register(id).await;
    cluster.metadata.begin_serving(&registration).await.unwrap();
    registration
}

async fn image(cluster: &TestCluster) -> std::sync::Arc<MetadataImage> {
    let runtime: Runtime = cluster.runtime.child();
    let image = ImageWatcher::start(&cluster.metadata, &runtime).await.unwrap().current();
    runtime.stop();
    image
}

fn all_stable() -> PlanOptions {
    let stable_brokers: BTreeSet<BrokerId> = (1..10).map(BrokerId).collect();
    PlanOptions { preferred_leaders: true, stable_brokers }
}

/// Applies plans, with every leader handing over at once, until there is nothing to do. How many
/// changes there were.
async fn apply_plans(
    cluster: &TestCluster,
    registrations: &[Registration],
    options: &PlanOptions,
) -> usize {
    let mut changes = 0;
    loop {
        let now = image(cluster).await;
        let plan = plan(&now, options);
        for broker in &plan.at_quota {
            cluster.metadata.mark_at_quota(&[], *broker).await.unwrap();
        }
        let mut moved = 0;
        for leader in registrations {
            let asked: Vec<_> = now
                .led_by(leader.broker)
                .filter_map(|(partition, of)| {
                    Some(Handover { partition, to: of.wanted_leader?, folded: true })
                })
                .collect();
            let lives = Lives::default();
            moved +=
                cluster.metadata.hand_over(leader, &lives, &asked).await.unwrap().partitions.len();
        }
        if plan.changes.is_empty() && moved == 0 {
            return changes;
        }
        changes +=
            cluster.metadata.change_partitions(&[], &plan.changes).await.unwrap().partitions.len();
    }
}

async fn records(cluster: &TestCluster, topic: TopicId) -> Vec<PartitionRecord> {
    let mut records = Vec::new();
    while let Some(seen) =
        cluster.metadata.partition(topic, PartitionIndex(records.len() as i32)).await.unwrap()
    {
        records.push(seen.value);
    }
    records
}

fn count(
    records: &[PartitionRecord],
    of: impl Fn(&PartitionRecord) -> Vec<BrokerId>,
) -> BTreeMap<BrokerId, usize> {
    let mut counts = BTreeMap::new();
    for id in records.iter().flat_map(of) {
        *counts.entry(id).or_default() += 1;
    }
    counts
}

#[tokio::test]
async fn leaders_return_to_the_first_replica_once_it_serves_for_long_enough() {
    let cluster = TestCluster::new().await;
    let mut brokers =
        vec![serve(&cluster, 1).await, serve(&cluster, 2).await, serve(&cluster, 3).await];
    let topic = cluster.create("t", 6, 3).await;
    let before = records(&cluster, topic.id).await;
    cluster.metadata.deregister(&brokers[0]).await.unwrap();
    assert_eq!(missing_leaders(&*image(&cluster).await), [(BrokerId(1), brokers[0].epoch)].into());
    cluster
        .metadata
        .move_leaders(BrokerId(1), brokers[0].epoch, &Lives::default(), &[])
        .await
        .unwrap();
    assert_eq!(
        apply_plans(&cluster, &brokers[1..], &all_stable()).await,
        0,
        "broker 1 is not there"
    );
    brokers[0] = cluster.register(1).await;
    assert_eq!(apply_plans(&cluster, &brokers, &all_stable()).await, 0, "it does not serve yet");
    cluster.metadata.begin_serving(&brokers[0]).await.unwrap();
    let off = PlanOptions { preferred_leaders: false, ..all_stable() };
    assert_eq!(
        apply_plans(&cluster, &brokers, &off).await,
        0,
        "auto.leader.rebalance.enable is false"
    );
    let early =
        PlanOptions { preferred_leaders: true, stable_brokers: [BrokerId(2), BrokerId(3)].into() };
    assert_eq!(apply_plans(&cluster, &brokers, &early).await, 0, "it has only begun to serve");
    assert_eq!(apply_plans(&cluster, &brokers, &all_stable()).await, 2);
    let after = records(&cluster, topic.id).await;
    for (before, after) in before.iter().zip(&after) {
        assert_eq!((after.leader, &after.replicas), (before.leader, &before.replicas));
        assert_eq!(after.wanted_leader, None);
        let terms = if before.leader == BrokerId(1) { 2 } else { 0 };
        assert_eq!(after.leader_epoch.raw(), before.leader_epoch.raw() + terms);
    }
}

#[tokio::test]
async fn a_broker_that_stood_in_gives_the_partition_back() {
    let cluster = TestCluster::new().await;
    let mut brokers = vec![serve(&cluster, 1).await, serve(&cluster, 2).await];
    let topic = cluster.create("t", 4, 1).await;
    let before = records(&cluster, topic.id).await;
    cluster.metadata.deregister(&brokers[0]).await.unwrap();
    cluster
        .metadata
        .move_leaders(BrokerId(1), brokers[0].epoch, &Lives::default(), &[])
        .await
        .unwrap();
    let during = records(&cluster, topic.id).await;
    assert!(
        during
            .iter()
            .all(|record| record.leader == BrokerId(2) && record.replicas == [BrokerId(2)])
    );
    brokers[0] = serve(&cluster, 1).await;
    apply_plans(&cluster, &brokers, &all_stable()).await;
    let after = records(&cluster, topic.id).await;
    for (before, after) in before.iter().zip(&after) {
        assert_eq!((after.leader, &after.replicas), (before.leader, &before.replicas));
        assert_eq!((&after.original_replicas, &after.reassignment), (&None, &None));
    }
}

#[tokio::test]
async fn a_draining_broker_ends_without_replicas_and_zones_stay_distinct() {
    let cluster = TestCluster::new().await;
    let mut brokers = Vec::new();
    for id in 1..=6 {
        brokers.push(serve(&cluster, id).await);
    }
    let topic = cluster.create("t", 24, 3).await;
    apply_plans(&cluster, &brokers, &all_stable()).await;
    cluster.metadata.set_draining(BrokerId(4), true).await.unwrap();
    cluster.metadata.set_draining(BrokerId(5), true).await.unwrap();
    apply_plans(&cluster, &brokers, &all_stable()).await;
    let after = records(&cluster, topic.id).await;
    for record in &after {
        assert!(record.replicas.len() == 3 && record.reassignment.is_none(), "{record:?}");
        assert!(!record.replicas.iter().any(|id| [4, 5].contains(&id.0)), "{record:?}");
        assert!(record.replicas.contains(&record.leader), "{record:?}");
        let zones: BTreeSet<i32> = record.replicas.iter().map(|id| id.0 % 3).collect();
        assert_eq!(zones.len(), 3, "{record:?}");
    }
    let fresh = cluster.create("u", 8, 3).await;
    let placed = records(&cluster, fresh.id).await;
    assert!(placed.iter().all(|record| !record.replicas.iter().any(|id| [4, 5].contains(&id.0))));
}

#[tokio::test]
async fn a_drain_that_leaves_too_few_brokers_leaves_fewer_replicas() {
    let cluster = TestCluster::new().await;
    let brokers =
        vec![serve(&cluster, 1).await, serve(&cluster, 2).await, serve(&cluster, 3).await];
    let topic = cluster.create("t", 6, 3).await;
    apply_plans(&cluster, &brokers, &all_stable()).await;
    cluster.metadata.set_draining(BrokerId(2), true).await.unwrap();
    apply_plans(&cluster, &brokers, &all_stable()).await;
    for record in records(&cluster, topic.id).await {
        assert!(
            record.replicas.len() == 2 && !record.replicas.contains(&BrokerId(2)),
            "{record:?}"
        );
        assert_ne!(record.leader, BrokerId(2));
    }
}

#[tokio::test]
async fn new_brokers_get_their_quota_once_and_assignments_by_hand_stay_then() {
    let cluster = TestCluster::new().await;
    let mut brokers =
        vec![serve(&cluster, 1).await, serve(&cluster, 2).await, serve(&cluster, 3).await];
    apply_plans(&cluster, &brokers, &all_stable()).await;
    let topic = cluster.create("t", 30, 3).await;
    for id in 4..=6 {
        brokers.push(serve(&cluster, id).await);
    }
    let moved = apply_plans(&cluster, &brokers, &all_stable()).await;
    assert!(moved <= 60, "no more is moved than has to be: {moved}");
    let after = records(&cluster, topic.id).await;
    for counts in [count(&after, |r| r.replicas.clone()), count(&after, |r| vec![r.replicas[0]])] {
        let quota = counts.values().sum::<usize>() / 6;
        assert!(counts.values().all(|n| n.abs_diff(quota) <= 1), "{counts:?}");
    }
    let leaders = count(&after, |r| vec![r.leader]);
    assert!(leaders.values().all(|n| *n == 5), "{leaders:?}");
    assert!(
        after
            .iter()
            .all(|r| r.replicas.iter().map(|id| id.0 % 3).collect::<BTreeSet<_>>().len() == 3)
    );

    let by_hand = crate::Placement::Manual(vec![vec![BrokerId(1)]; 12]);
    cluster.metadata.create_topic(&crate::testing::new_topic("h", by_hand)).await.unwrap();
    assert_eq!(apply_plans(&cluster, &brokers, &all_stable()).await, 0);
    assert!(cluster.metadata.topic(&name("h")).await.unwrap().is_some());
}

#[tokio::test]
async fn a_departure_is_spread_over_replicas_that_serve() {
    let cluster = TestCluster::new().await;
    for id in 1..=3 {
        serve(&cluster, id).await;
    }
    cluster.register(4).await;
    cluster.create("t", 12, 3).await;
    let image = image(&cluster).await;
    let moves = plan_departure(&image, BrokerId(1));
    assert_eq!(moves.len(), image.led_by(BrokerId(1)).count());
    for (id, to) in &moves {
        let partition = image.partition(*id).unwrap();
        assert!([2, 3].contains(&to.0), "broker 4 does not serve");
        let replica_serves =
            partition.replicas.iter().any(|id| *id == BrokerId(2) || *id == BrokerId(3));
        assert!(!replica_serves || partition.replicas.contains(to));
    }
}

#[tokio::test]
async fn decisions_of_a_controller_that_lost_its_role_change_nothing() {
    let cluster = TestCluster::new().await;
    let (one, two) = (serve(&cluster, 1).await, serve(&cluster, 2).await);
    let topic = cluster.create("t", 2, 2).await;
    cluster.metadata.claim_controller(&one).await.unwrap().unwrap();
    let role = cluster.metadata.controller().await.unwrap().unwrap();
    let guard = [cluster.metadata.controller_guard(&role)];
    cluster.metadata.end_serving(&one).await.unwrap();
    assert!(
        cluster.metadata.claim_controller(&two).await.unwrap().is_some(),
        "the role was given up"
    );
    let image = image(&cluster).await;
    let mut changes = Vec::new();
    for (partition, of) in image.led_by(BrokerId(1)) {
        let mut record = PartitionRecord::from(of);
        record.wanted_leader = Some(BrokerId(2));
        changes.push(PartitionChange { partition, record });
    }
    let outcome = cluster.metadata.change_partitions(&guard, &changes).await;
    assert_eq!(outcome, Err(crate::MetadataError::Outdated));
    assert!(records(&cluster, topic.id).await.iter().all(|record| record.wanted_leader.is_none()));
}

#[tokio::test]
async fn only_the_life_that_leads_hands_over() {
    let cluster = TestCluster::new().await;
    let (one, two) = (serve(&cluster, 1).await, serve(&cluster, 2).await);
    let topic = cluster.create("t", 4, 2).await;
    let led: Vec<TopicPartition> =
        image(&cluster).await.led_by(BrokerId(1)).map(|(id, _)| id).collect();
    let all: Vec<_> = (0..4)
        .map(|n| Handover {
            partition: TopicPartition { topic: topic.id, partition: PartitionIndex(n) },
            to: BrokerId(2),
            folded: n % 2 == 0,
        })
        .collect();
    let lives = Lives::default();
    let again = serve(&cluster, 1).await;
    let stale = cluster.metadata.hand_over(&one, &lives, &all).await;
    assert!(matches!(stale, Err(crate::MetadataError::Superseded { .. })), "{stale:?}");
    let none = cluster.metadata.hand_over(&again, &lives, &all).await.unwrap();
    assert_eq!(none.partitions, [], "this life has not taken them over");
    cluster.metadata.take_leadership(&again, &lives).await.unwrap();
    let handed = cluster.metadata.hand_over(&again, &lives, &all).await.unwrap();
    assert_eq!(handed.partitions, led, "what others lead is left alone");
    // As if the first answer had been lost, and the new leader had died since.
    cluster.metadata.deregister(&two).await.unwrap();
    let again = cluster.metadata.hand_over(&again, &lives, &all).await.unwrap();
    assert_eq!(again.partitions, []);
    assert!(again.revision >= handed.revision, "an image that shows the answer shows who leads");
    for partition in led {
        let seen = cluster
            .metadata
            .partition(partition.topic, partition.partition)
            .await
            .unwrap()
            .unwrap();
        assert_eq!((seen.value.leader, seen.value.leader_epoch.raw()), (BrokerId(2), 2));
    }
}
