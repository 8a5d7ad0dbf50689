mod sizes;

use std::collections::{BTreeMap, HashSet};

use futures_util::future::join_all;
use milena_types::{BrokerEpoch, BrokerId, LeaderEpoch, PartitionIndex, TopicId, TopicPartition};

use super::*;
use milena_store::Precondition;

use crate::testing::{TestCluster, broker, name, new_topic};

async fn leaders(cluster: &TestCluster, topic: TopicId) -> BTreeMap<i32, PartitionRecord> {
    let mut found = BTreeMap::new();
    for n in 0.. {
        match cluster.metadata.partition(topic, PartitionIndex(n)).await.unwrap() {
            Some(seen) => found.insert(n, seen.value),
            None => break,
        };
    }
    found
}

#[tokio::test]
async fn a_cluster_is_created_once_changed_and_deleted_with_all_it_has() {
    let cluster = TestCluster::new().await;
    let metadata = &cluster.metadata;
    let found = metadata.cluster().await.unwrap().unwrap().value;
    assert_eq!(found.wrapped_data_key, [1, 2, 255]);
    let again = metadata.create_cluster(&found).await;
    assert!(matches!(again, Err(MetadataError::ClusterExists(_))), "{again:?}");
    metadata.update_cluster(|record| record.kafka_version = "4.0.0".to_owned()).await.unwrap();
    assert_eq!(metadata.cluster().await.unwrap().unwrap().value.kafka_version, "4.0.0");
    cluster.register(1).await;
    cluster.create("t", 3, 1).await;
    let all = Txn::new().delete_prefix(crate::cluster_prefix(metadata.cluster_id()));
    assert!(cluster.store.txn(all).await.unwrap().committed().is_some());
    assert!(metadata.cluster().await.unwrap().is_none());
    assert!(cluster.store.range("clusters/", None, 10).await.unwrap().entries.is_empty());
    let late = metadata.register_broker(&broker(1), std::time::Duration::from_secs(1)).await;
    assert!(matches!(late, Err(MetadataError::UnknownCluster(_))), "{late:?}");
}

#[tokio::test]
async fn a_record_of_a_later_release_is_refused_by_name() {
    let cluster = TestCluster::new().await;
    let key = cluster.metadata.key(MetadataKey::Topic("t"));
    let put = Txn::new().put(&key, r#"{"format":99,"id":{"new":"shape"}}"#);
    let _ = cluster.store.txn(put).await.unwrap();
    let error = cluster.metadata.topic(&name("t")).await.unwrap_err();
    assert!(
        matches!(&error, MetadataError::NewerRecord { key: k, found: 99, .. } if *k == key),
        "{error}"
    );
    let put = Txn::new().put(&key, r#"{"format":1}"#);
    let _ = cluster.store.txn(put).await.unwrap();
    let error = cluster.metadata.topic(&name("t")).await.unwrap_err();
    assert!(matches!(&error, MetadataError::BadRecord { .. }), "{error}");
}

#[tokio::test]
async fn every_life_of_a_broker_has_an_epoch_of_its_own() {
    let cluster = TestCluster::new().await;
    let all = join_all((1..=8).map(|id| cluster.register(id))).await;
    let again = cluster.register(3).await;
    let mut epochs: Vec<BrokerEpoch> = all.iter().map(|r| r.epoch).collect();
    assert!(epochs.iter().all(|epoch| *epoch < again.epoch));
    epochs.sort_unstable();
    epochs.dedup();
    assert_eq!(epochs.len(), 8);
    let brokers = cluster.metadata.brokers().await.unwrap();
    assert_eq!(brokers[&BrokerId(3)].value.epoch, again.epoch);
    assert_eq!(brokers[&BrokerId(3)].revision, again.revision);
    cluster.metadata.deregister(&again).await.unwrap();
    let outcome = cluster.metadata.keep_alive(&again).await;
    assert!(matches!(outcome, Err(MetadataError::Superseded { .. })), "{outcome:?}");
    assert_eq!(cluster.metadata.brokers().await.unwrap().len(), 7);
    assert_eq!(
        cluster.metadata.nodes().await.unwrap().len(),
        8,
        "a broker that is down still belongs to the cluster"
    );
}

#[tokio::test]
async fn blocks_of_producer_ids_never_overlap() {
    let cluster = TestCluster::new().await;
    let blocks = join_all((0..20).map(|_| cluster.metadata.allocate_producer_ids())).await;
    let mut firsts = HashSet::new();
    for block in blocks {
        let block = block.unwrap();
        assert_eq!(block.end.raw() - block.start.raw(), 1000);
        assert_eq!(block.start.raw() % 1000, 0);
        assert!(firsts.insert(block.start));
    }
}

#[tokio::test]
async fn there_is_one_controller_and_it_goes_with_its_broker() {
    let cluster = TestCluster::new().await;
    let (one, two) = (cluster.register(1).await, cluster.register(2).await);
    assert!(cluster.metadata.claim_controller(&one).await.unwrap().is_some());
    assert!(cluster.metadata.claim_controller(&two).await.unwrap().is_none());
    let one_again = cluster.register(1).await;
    assert!(cluster.metadata.claim_controller(&one).await.unwrap().is_none(), "that life is over");
    assert!(cluster.metadata.claim_controller(&two).await.unwrap().is_some());
    assert!(cluster.metadata.claim_controller(&one_again).await.unwrap().is_none());
    cluster.metadata.deregister(&two).await.unwrap();
    assert!(cluster.metadata.claim_controller(&one_again).await.unwrap().is_some());
}

#[tokio::test]
async fn a_topic_is_created_whole_and_once() {
    let cluster = TestCluster::new().await;
    let registrations = join_all((1..=3).map(|id| cluster.register(id))).await;
    let created = cluster.create("t", 6, 3).await;
    let record = cluster.metadata.topic(&name("t")).await.unwrap().unwrap().value;
    assert_eq!((record.id, record.partitions), (created.id, 6));
    let partitions = leaders(&cluster, created.id).await;
    assert_eq!(partitions.len(), 6);
    for (n, partition) in &partitions {
        assert_eq!(partition.leader, partition.replicas[0]);
        assert_eq!(partition.replicas, created.replicas[*n as usize]);
        assert_eq!(partition.leader_epoch, LeaderEpoch(0));
        let leader = registrations.iter().find(|r| r.broker == partition.leader).unwrap();
        assert_eq!(partition.broker_epoch, leader.epoch);
    }
    let again = new_topic("t", Placement::Spread { partitions: 1, replication_factor: 1 });
    assert_eq!(
        cluster.metadata.create_topic(&again).await,
        Err(MetadataError::TopicExists(name("t")))
    );
    let race = new_topic("race", Placement::Spread { partitions: 2, replication_factor: 1 });
    let results = join_all((0..8).map(|_| cluster.metadata.create_topic(&race))).await;
    assert_eq!(results.iter().filter(|r| r.is_ok()).count(), 1);
}

#[tokio::test]
async fn a_topic_larger_than_a_transaction_is_still_created_whole() {
    let cluster = TestCluster::in_memory().await;
    join_all((1..=3).map(|id| cluster.register(id))).await;
    let created = cluster.create("large", 400, 2).await;
    assert_eq!(leaders(&cluster, created.id).await.len(), 400);
    cluster.metadata.create_partitions(&name("large"), 700, None).await.unwrap();
    assert_eq!(leaders(&cluster, created.id).await.len(), 700);
    cluster.metadata.delete_topic(&name("large"), created.id).await.unwrap();
    assert!(leaders(&cluster, created.id).await.is_empty());
}

#[tokio::test]
async fn placement_by_hand_follows_kafkas_rules() {
    let cluster = TestCluster::new().await;
    join_all((1..=3).map(|id| cluster.register(id))).await;
    let manual = |lists: &[&[i32]]| {
        Placement::Manual(
            lists.iter().map(|l| l.iter().map(|id| BrokerId(*id)).collect()).collect(),
        )
    };
    let bad: [&[&[i32]]; 4] = [&[&[]], &[&[1, 1]], &[&[1, 9]], &[&[1, 2], &[3]]];
    for lists in bad {
        let outcome = cluster.metadata.create_topic(&new_topic("t", manual(lists))).await;
        assert!(matches!(outcome, Err(MetadataError::InvalidAssignment { .. })), "{outcome:?}");
    }
    let created =
        cluster.metadata.create_topic(&new_topic("t", manual(&[&[3, 1], &[2, 3]]))).await.unwrap();
    let partitions = leaders(&cluster, created.id).await;
    assert_eq!((partitions[&0].leader, partitions[&1].leader), (BrokerId(3), BrokerId(2)));
}

#[tokio::test]
async fn topics_can_be_created_while_a_broker_is_down() {
    let cluster = TestCluster::new().await;
    let registrations = join_all((1..=3).map(|id| cluster.register(id))).await;
    cluster.metadata.deregister(&registrations[1]).await.unwrap();
    let created = cluster.create("t", 9, 3).await;
    let partitions = leaders(&cluster, created.id).await;
    assert!(partitions.values().all(|p| p.replicas.len() == 3 && p.leader != BrokerId(2)));
    let created = cluster.create("single", 3, 1).await;
    let partitions = leaders(&cluster, created.id).await;
    assert!(partitions.values().all(|p| p.leader != BrokerId(2) && p.replicas == [p.leader]));
    for registration in &registrations {
        cluster.metadata.deregister(registration).await.unwrap();
    }
    let topic = new_topic("none", Placement::Spread { partitions: 1, replication_factor: 1 });
    let outcome = cluster.metadata.create_topic(&topic).await;
    assert!(matches!(outcome, Err(MetadataError::InvalidReplicationFactor { .. })), "{outcome:?}");
}

#[tokio::test]
async fn a_topic_only_grows() {
    let cluster = TestCluster::new().await;
    join_all((1..=3).map(|id| cluster.register(id))).await;
    let created = cluster.create("t", 2, 2).await;
    for total in [0, 1, 2] {
        let outcome = cluster.metadata.create_partitions(&name("t"), total, None).await;
        assert!(matches!(outcome, Err(MetadataError::InvalidPartitions { .. })), "{outcome:?}");
    }
    cluster.metadata.create_partitions(&name("t"), 5, None).await.unwrap();
    let partitions = leaders(&cluster, created.id).await;
    assert_eq!(partitions.len(), 5);
    assert!(partitions.values().all(|p| p.replicas.len() == 2));
    let one = Some(vec![vec![BrokerId(1)]]);
    let outcome = cluster.metadata.create_partitions(&name("t"), 6, one).await;
    assert!(matches!(outcome, Err(MetadataError::InvalidAssignment { .. })), "{outcome:?}");
    let two = Some(vec![vec![BrokerId(3), BrokerId(1)]]);
    cluster.metadata.create_partitions(&name("t"), 6, two).await.unwrap();
    assert_eq!(leaders(&cluster, created.id).await[&5].leader, BrokerId(3));
    let unknown = cluster.metadata.create_partitions(&name("u"), 6, None).await;
    assert_eq!(unknown, Err(MetadataError::UnknownTopic(name("u"))));
}

#[tokio::test]
async fn deleting_a_topic_leaves_a_note_and_needs_its_id() {
    let cluster = TestCluster::new().await;
    let registration = cluster.register(1).await;
    let first = cluster.create("t", 2, 1).await;
    cluster.metadata.delete_topic(&name("t"), first.id).await.unwrap();
    let second = cluster.create("t", 1, 1).await;
    assert_ne!(first.id, second.id);
    let stale = cluster.metadata.delete_topic(&name("t"), first.id).await;
    assert_eq!(stale, Err(MetadataError::UnknownTopic(name("t"))));
    let deleted = cluster.metadata.deleted_topics().await.unwrap();
    assert_eq!(deleted, [(first.id, DeletedTopicRecord { name: name("t"), partitions: 2 })]);
    cluster.metadata.claim_controller(&registration).await.unwrap().expect("nobody has the role");
    let role = cluster.metadata.controller().await.unwrap().expect("it was claimed");
    let guard = cluster.metadata.controller_guard(&role);
    let stale = Precondition::At("another role".to_owned(), role.revision);
    let refused = cluster.metadata.forget_deleted_topic(stale, first.id).await;
    assert_eq!(refused, Err(MetadataError::Outdated));
    cluster.metadata.forget_deleted_topic(guard, first.id).await.unwrap();
    assert!(cluster.metadata.deleted_topics().await.unwrap().is_empty());
    assert_eq!(leaders(&cluster, second.id).await.len(), 1);
}

#[tokio::test]
async fn concurrent_changes_of_one_configuration_all_take_effect() {
    let cluster = TestCluster::new().await;
    cluster.register(1).await;
    cluster.create("t", 1, 1).await;
    let (t, metadata) = (name("t"), &cluster.metadata);
    let alter = |n: i32| {
        metadata.alter_topic_configs::<MetadataError>(&t, move |configs| {
            configs.insert(format!("k{n}"), n.to_string());
            Ok(())
        })
    };
    for outcome in join_all((0..10).map(alter)).await {
        outcome.unwrap();
    }
    assert_eq!(metadata.topic(&t).await.unwrap().unwrap().value.configs.len(), 10);
    let set = |configs: &mut Configs| {
        configs.insert("log.retention.ms".to_owned(), "1".to_owned());
        Ok::<_, MetadataError>(())
    };
    metadata.alter_broker_configs(None, set).await.unwrap();
    metadata.alter_broker_configs(Some(BrokerId(1)), set).await.unwrap();
    let refused = metadata
        .alter_broker_configs(None, |_| Err(MetadataError::Contended { key: "no".to_owned() }));
    assert!(refused.await.is_err());
}

#[tokio::test]
async fn a_new_life_takes_the_leadership_of_the_old_one() {
    for cluster in [TestCluster::new().await, TestCluster::in_memory().await] {
        join_all((1..=3).map(|id| cluster.register(id))).await;
        let topics = [cluster.create("a", 300, 2).await.id, cluster.create("b", 1, 1).await.id];
        let old = cluster.register(1).await;
        let new = cluster.register(1).await;
        let outdated = cluster.metadata.take_leadership(&old, &Lives::default()).await;
        assert!(matches!(outdated, Err(MetadataError::Superseded { .. })), "{outdated:?}");
        let taken = cluster.metadata.take_leadership(&new, &Lives::default()).await.unwrap();
        let mut led = 0;
        for topic in topics {
            for partition in leaders(&cluster, topic).await.values() {
                let own = partition.leader == BrokerId(1);
                led += usize::from(own);
                assert_eq!(partition.leader_epoch, LeaderEpoch(i32::from(own)));
                assert_eq!(partition.broker_epoch == new.epoch, own);
            }
        }
        assert_eq!(taken.partitions, led);
        assert!(led >= 100 && taken.revision > new.revision);
        let again = cluster.metadata.take_leadership(&new, &Lives::default()).await.unwrap();
        assert_eq!(again.partitions, 0);
    }
}

#[tokio::test]
async fn the_partitions_of_a_dead_broker_are_spread_over_live_replicas() {
    for cluster in [TestCluster::new().await, TestCluster::in_memory().await] {
        let registrations = join_all((1..=4).map(|id| cluster.register(id))).await;
        let topic = cluster.create("a", 200, 3).await.id;
        let alone = cluster.create("alone", 8, 1).await.id;
        let dead = &registrations[0];
        cluster.metadata.deregister(dead).await.unwrap();
        let before = leaders(&cluster, topic).await;
        let moved = cluster
            .metadata
            .move_leaders(BrokerId(1), dead.epoch, &Lives::default(), &[])
            .await
            .unwrap();
        let after = leaders(&cluster, topic).await;
        let mut led: BTreeMap<BrokerId, i32> = BTreeMap::new();
        for (n, partition) in &after {
            let was = &before[n];
            if was.leader == BrokerId(1) {
                *led.entry(partition.leader).or_default() += 1;
                assert!(
                    was.replicas.contains(&partition.leader) && partition.leader != BrokerId(1)
                );
                assert_eq!(partition.leader_epoch, was.leader_epoch.next());
                let leader = registrations.iter().find(|r| r.broker == partition.leader).unwrap();
                assert_eq!(partition.broker_epoch, leader.epoch);
                assert_eq!(partition.replicas, was.replicas);
            } else {
                assert_eq!(partition, was);
            }
        }
        assert!(
            led.len() == 2 && led.values().max().unwrap() - led.values().min().unwrap() <= 4,
            "{led:?}"
        );
        let orphans = leaders(&cluster, alone).await;
        assert!(orphans.values().all(|p| p.leader != BrokerId(1) && p.replicas == [p.leader]));
        assert_eq!(moved.partitions, 50 + 2);
    }
}

#[tokio::test]
async fn leaders_are_not_moved_when_the_reason_no_longer_holds() {
    let cluster = TestCluster::new().await;
    let registrations = join_all((1..=3).map(|id| cluster.register(id))).await;
    let topic = cluster.create("a", 9, 3).await.id;
    let never = [Precondition::Exists("clusters/test-cluster/storage/sealed".to_owned())];
    let outcome = cluster
        .metadata
        .move_leaders(BrokerId(1), registrations[0].epoch, &Lives::default(), &never)
        .await;
    assert_eq!(outcome, Err(MetadataError::Outdated));
    // A life that began after the sealed one keeps its partitions.
    let again = cluster.register(1).await;
    cluster.metadata.take_leadership(&again, &Lives::default()).await.unwrap();
    let moved = cluster
        .metadata
        .move_leaders(BrokerId(1), registrations[0].epoch, &Lives::default(), &[])
        .await
        .unwrap();
    assert_eq!(moved.partitions, 0);
    assert_eq!(
        leaders(&cluster, topic).await.values().filter(|p| p.leader == BrokerId(1)).count(),
        3
    );
}

#[tokio::test]
async fn assignments_count_leaders_replicas_and_partitions_without_a_leader() {
    let cluster = TestCluster::new().await;
    let mut registrations = Vec::new();
    for id in 1..=3 {
        registrations.push(cluster.register(id).await);
    }
    let ids = |ids: &[i32]| ids.iter().copied().map(BrokerId).collect::<Vec<_>>();
    let placement = Placement::Manual(vec![ids(&[2, 1]), ids(&[2, 3]), ids(&[3, 1])]);
    cluster.metadata.create_topic(&new_topic("t", placement)).await.unwrap();
    let assignments = cluster.metadata.broker_assignments().await.unwrap();
    let of = |id: i32| {
        assignments.brokers.get(&BrokerId(id)).map(|broker| (broker.leaders, broker.replicas))
    };
    assert_eq!([of(1), of(2), of(3), of(4)], [Some((0, 2)), Some((2, 2)), Some((1, 2)), None]);
    assert_eq!((assignments.replicas_max, assignments.leaderless), (2, 0));
    assert!(assignments.holds(BrokerId(1)) && !assignments.holds(BrokerId(4)));
    // Neither a life that has ended nor the next one, which has not taken over yet, leads.
    cluster.metadata.deregister(&registrations[1]).await.unwrap();
    assert_eq!(cluster.metadata.broker_assignments().await.unwrap().leaderless, 2);
    cluster.register(2).await;
    assert_eq!(cluster.metadata.broker_assignments().await.unwrap().leaderless, 2);
}

/// The store applies each change and does not say so.
#[tokio::test]
async fn lost_answers_are_found_out() {
    let (cluster, store) = TestCluster::on_faulty_store().await;
    store.lose_responses(1);
    let one = cluster.register(1).await;
    let brokers = cluster.metadata.brokers().await.unwrap();
    assert_eq!(brokers[&one.broker].revision, one.revision, "registered once, in this life");
    store.lose_responses(1);
    let role = cluster.metadata.claim_controller(&one).await.unwrap();
    assert!(role.is_some(), "it knows that it is the controller");
    store.lose_responses(1);
    let created = cluster.create("t", 3, 1).await;
    let topic = cluster.metadata.topic(&name("t")).await.unwrap().expect("created");
    assert_eq!((topic.value.id, topic.revision), (created.id, created.revision));
    store.lose_responses(1);
    let first = cluster.metadata.allocate_producer_ids().await.unwrap();
    let second = cluster.metadata.allocate_producer_ids().await.unwrap();
    assert!(
        first.start.raw() > 0 && first.end <= second.start,
        "a block is lost, none given twice"
    );
}

/// The store applies the creation of a topic and does not say so; before it is asked again, another
/// broker changes or deletes the topic.
#[tokio::test]
async fn a_topic_whose_creation_was_not_confirmed_is_neither_emptied_nor_brought_back() {
    for deleted in [false, true] {
        let (cluster, store) = TestCluster::on_faulty_store().await;
        cluster.register(1).await;
        store.lose_responses(1);
        let other = async {
            let topic = loop {
                match cluster.metadata.topic(&name("t")).await.unwrap() {
                    Some(topic) => break topic.value.id,
                    None => tokio::task::yield_now().await,
                }
            };
            if deleted {
                cluster.metadata.delete_topic(&name("t"), topic).await.unwrap();
            } else {
                let change = |configs: &mut Configs| {
                    configs.insert("retention.ms".to_owned(), "1".to_owned());
                    Ok::<_, MetadataError>(())
                };
                cluster.metadata.alter_topic_configs(&name("t"), change).await.unwrap();
            }
            topic
        };
        let (created, id) = tokio::join!(cluster.create("t", 3, 1), other);
        assert_eq!(created.id, id);
        let topic = cluster.metadata.topic(&name("t")).await.unwrap();
        assert_eq!(topic.is_none(), deleted);
        assert_eq!(leaders(&cluster, id).await.len(), if deleted { 0 } else { 3 });
    }
}

/// Its first request is lost and sent again once the broker is removed.
#[tokio::test]
async fn no_replica_is_placed_on_a_broker_that_is_being_removed() {
    for by_change in [false, true] {
        let (cluster, store) = TestCluster::on_faulty_store().await;
        let (leader, _) = (cluster.register(1).await, cluster.register(2).await);
        let metadata = &cluster.metadata;
        let moved = cluster.create("moved", 1, 1).await;
        let seen = metadata.partition(moved.id, PartitionIndex(0)).await.unwrap().unwrap().value;
        let removed = if seen.leader == leader.broker { BrokerId(2) } else { BrokerId(1) };
        let place = async {
            if by_change {
                let partition =
                    milena_types::TopicPartition { topic: moved.id, partition: PartitionIndex(0) };
                let mut record = seen.clone();
                record.reassign(vec![removed], |_| true);
                let change = PartitionChange { partition, record };
                let applied = metadata.change_partitions(&[], &[change]).await.unwrap();
                assert!(applied.partitions.is_empty());
            } else {
                let placed = new_topic("placed", Placement::Manual(vec![vec![removed]]));
                let refused = metadata.create_topic(&placed).await;
                assert!(matches!(refused, Err(MetadataError::InvalidAssignment { .. })));
            }
        };
        store.lose_requests(1);
        let remove = async {
            // The other has decided, and its request is lost.
            while store.requests_to_lose() > 0 {
                tokio::task::yield_now().await;
            }
            assert!(metadata.remove_node(removed).await.unwrap());
        };
        tokio::join!(place, remove);
        assert!(!metadata.broker_assignments().await.unwrap().holds(removed));
        assert!(!metadata.nodes().await.unwrap().contains_key(&removed));
    }
}

#[tokio::test]
async fn a_broker_that_has_something_is_not_removed() {
    let cluster = TestCluster::new().await;
    cluster.register(1).await;
    cluster.create("t", 1, 1).await;
    assert!(!cluster.metadata.remove_node(BrokerId(1)).await.unwrap());
    assert!(!cluster.metadata.nodes().await.unwrap()[&BrokerId(1)].value.dismissed);
    cluster.create("u", 1, 1).await;
    assert!(cluster.metadata.remove_node(BrokerId(9)).await.unwrap(), "it is not there");
}

#[tokio::test]
async fn only_the_controller_says_that_a_broker_has_its_quota() {
    let cluster = TestCluster::new().await;
    let first = cluster.register(1).await;
    cluster.register(2).await;
    let metadata = &cluster.metadata;
    metadata.claim_controller(&first).await.unwrap().unwrap();
    let seen = metadata.controller().await.unwrap().unwrap();
    let guards = [metadata.controller_guard(&seen)];
    metadata.mark_at_quota(&guards, BrokerId(1)).await.unwrap();
    metadata.deregister(&first).await.unwrap();
    let outcome = metadata.mark_at_quota(&guards, BrokerId(2)).await;
    assert!(matches!(outcome, Err(MetadataError::Outdated)), "{outcome:?}");
    assert!(metadata.nodes().await.unwrap()[&BrokerId(2)].value.below_quota);
}

#[tokio::test]
async fn a_deletion_whose_answer_was_lost_is_found_out_although_the_name_is_taken_again() {
    let (cluster, store) = TestCluster::on_faulty_store().await;
    cluster.register(1).await;
    let created = cluster.create("t", 1, 1).await;
    let metadata = &cluster.metadata;
    store.lose_responses(1);
    let topic = name("t");
    let delete = metadata.delete_topic(&topic, created.id);
    let again = async {
        while metadata.topic(&name("t")).await.unwrap().is_some() {
            tokio::task::yield_now().await;
        }
        cluster.create("t", 2, 1).await
    };
    let (deleted, again) = tokio::join!(delete, again);
    assert!(deleted.expect("it was deleted") < again.revision);
    assert_eq!(metadata.topic(&name("t")).await.unwrap().unwrap().value.id, again.id);
}

/// Two lives of a broker begin at the same time, alike in everything, and the store does not say
/// that it has not applied the registration of the first.
#[tokio::test]
async fn a_registration_that_was_not_confirmed_is_not_mistaken_for_another_life() {
    let (cluster, store) = TestCluster::on_faulty_store().await;
    store.lose_requests(1);
    // The first is polled first, up to its pause.
    let (one, two) = tokio::join!(cluster.register(1), cluster.register(1));
    assert_ne!(one.epoch, two.epoch, "each life has an epoch of its own");
    let newest = if one.epoch > two.epoch { one } else { two };
    let brokers = cluster.metadata.brokers().await.unwrap();
    assert_eq!(brokers[&BrokerId(1)].value.epoch, newest.epoch);
    assert_eq!(brokers[&BrokerId(1)].revision, newest.revision);
}

/// The lives in a partition's list, in order of their epochs.
async fn unfolded(cluster: &TestCluster, topic: TopicId) -> Option<Vec<BrokerLife>> {
    let seen = cluster.metadata.partition(topic, PartitionIndex(0)).await.unwrap().unwrap();
    seen.value.unfolded
}

fn lives(unfolded: &[BrokerLife], retired: &[BrokerLife]) -> Lives {
    Lives {
        unfolded: unfolded.iter().copied().collect(),
        retired: retired.iter().copied().collect(),
    }
}

#[tokio::test]
async fn each_change_of_a_leader_lists_the_life_that_ends_and_leaves_out_what_is_done() {
    let cluster = TestCluster::new().await;
    let metadata = &cluster.metadata;
    let one = cluster.register(1).await;
    let topic = cluster.create("t", 1, 1).await.id;
    assert_eq!(unfolded(&cluster, topic).await, Some(Vec::new()), "nobody has led it before");
    let first = (BrokerId(1), one.epoch);
    let again = cluster.register(1).await;
    metadata.take_leadership(&again, &lives(&[first], &[])).await.unwrap();
    assert_eq!(unfolded(&cluster, topic).await, Some(vec![first]));
    let two = cluster.register(2).await;
    let (second, third) = ((BrokerId(1), again.epoch), (BrokerId(2), two.epoch));
    metadata.deregister(&again).await.unwrap();
    // Its first life is retired, and a flush of it is not folded.
    let flushed = lives(&[first, second], &[first]);
    metadata.move_leaders(BrokerId(1), again.epoch, &flushed, &[]).await.unwrap();
    assert_eq!(unfolded(&cluster, topic).await, Some(vec![first, second]));
    let back = cluster.register(1).await;
    let partition = TopicPartition { topic, partition: PartitionIndex(0) };
    let mut handover = Handover { partition, to: BrokerId(1), folded: false };
    let done = lives(&[], &[second]);
    metadata.hand_over(&two, &done, &[handover]).await.unwrap();
    assert_eq!(unfolded(&cluster, topic).await, Some(vec![third]), "it lives, and is not done");
    (handover.to, handover.folded) = (BrokerId(2), true);
    // This life of the broker leads it now.
    metadata.hand_over(&back, &done, &[handover]).await.unwrap();
    assert_eq!(unfolded(&cluster, topic).await, Some(Vec::new()), "its manifest has everything");
}

/// The list of lives may be older than the life that ends now.
#[tokio::test]
async fn a_life_that_began_after_the_lists_were_read_is_not_taken_for_done() {
    let cluster = TestCluster::new().await;
    let one = cluster.register(1).await;
    let topic = cluster.create("t", 1, 1).await.id;
    let before = lives(&[], &[(BrokerId(1), BrokerEpoch(one.epoch.0 - 1))]);
    let again = cluster.register(1).await;
    cluster.metadata.take_leadership(&again, &before).await.unwrap();
    assert_eq!(unfolded(&cluster, topic).await, Some(vec![(BrokerId(1), one.epoch)]));
}

#[tokio::test]
async fn a_record_without_a_list_gets_all_lives_that_are_not_done() {
    let cluster = TestCluster::new().await;
    let metadata = &cluster.metadata;
    let one = cluster.register(1).await;
    let topic = cluster.create("t", 1, 1).await.id;
    let seen = metadata.partition(topic, PartitionIndex(0)).await.unwrap().unwrap();
    let old = PartitionRecord { unfolded: None, ..seen.value };
    let key = metadata.key(MetadataKey::Partition(topic, PartitionIndex(0)));
    let put = Txn::new().put(&key, value(&old));
    assert!(cluster.store.txn(put).await.unwrap().committed().is_some());
    assert_eq!(unfolded(&cluster, topic).await, None);
    let again = cluster.register(1).await;
    let other = (BrokerId(7), BrokerEpoch(1));
    metadata.take_leadership(&again, &lives(&[other], &[])).await.unwrap();
    assert_eq!(unfolded(&cluster, topic).await, Some(vec![other, (BrokerId(1), one.epoch)]));
}
