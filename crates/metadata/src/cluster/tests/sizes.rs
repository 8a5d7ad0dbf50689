//! Changes of more than one transaction takes, in clusters of any size; and what is left when the
//! process ends between two of them.

use milena_store::{FaultyStore, Limits};
use milena_types::{Revision, TopicPartition};

use super::*;
use crate::Registration;

/// Each change of so many takes three transactions at least.
const PARTITIONS: i32 = 300;
/// More than a transaction has preconditions.
const BROKERS: i32 = 200;

async fn large_cluster() -> (TestCluster, Vec<Registration>) {
    let cluster = TestCluster::in_memory().await;
    assert_eq!(cluster.store.limits(), Limits::MIN);
    let mut registrations = Vec::new();
    for id in 1..=BROKERS {
        registrations.push(cluster.register(id).await);
    }
    (cluster, registrations)
}

/// A topic whose partitions are all on one broker.
async fn create_on(cluster: &TestCluster, topic: &str, broker: i32) -> TopicId {
    let lists = (0..PARTITIONS).map(|_| vec![BrokerId(broker)]).collect();
    let topic = new_topic(topic, Placement::Manual(lists));
    cluster.metadata.create_topic(&topic).await.unwrap().id
}

fn all_of(topic: TopicId) -> impl Iterator<Item = TopicPartition> {
    (0..PARTITIONS).map(move |n| TopicPartition { topic, partition: PartitionIndex(n) })
}

/// A reassignment of each partition to the broker that `to` names.
async fn reassignments(
    cluster: &TestCluster,
    topic: TopicId,
    to: impl Fn(i32) -> Vec<BrokerId>,
) -> Vec<PartitionChange> {
    let mut changes = Vec::new();
    for (n, mut record) in leaders(cluster, topic).await {
        record.reassign(to(n), |_| true);
        let partition = TopicPartition { topic, partition: PartitionIndex(n) };
        changes.push(PartitionChange { partition, record });
    }
    changes
}

#[tokio::test]
async fn a_topic_is_spread_over_more_brokers_than_a_transaction_has_preconditions() {
    let (cluster, _) = large_cluster().await;
    let created = cluster.create("t", PARTITIONS, 3).await;
    assert_eq!(leaders(&cluster, created.id).await.len(), PARTITIONS as usize);
    cluster.metadata.create_partitions(&name("t"), 2 * PARTITIONS, None).await.unwrap();
    let partitions = leaders(&cluster, created.id).await;
    assert_eq!(partitions.len(), 2 * PARTITIONS as usize);
    let led: HashSet<BrokerId> = partitions.values().map(|partition| partition.leader).collect();
    assert_eq!(led.len(), BROKERS as usize);
}

#[tokio::test]
async fn leaders_move_to_more_brokers_than_a_transaction_has_preconditions() {
    let (cluster, registrations) = large_cluster().await;
    let metadata = &cluster.metadata;
    let topic = create_on(&cluster, "t", 1).await;
    let spread = |n: i32| BrokerId(2 + n % (BROKERS - 1));
    let moves: Vec<Handover> = all_of(topic)
        .zip((0..PARTITIONS).map(spread))
        .map(|(partition, to)| Handover { partition, to, folded: true })
        .collect();
    let lives = Lives::default();
    let handed = metadata.hand_over(&registrations[0], &lives, &moves).await.unwrap();
    assert_eq!(handed.partitions.len(), PARTITIONS as usize);
    for (n, partition) in leaders(&cluster, topic).await {
        assert_eq!((partition.leader, partition.leader_epoch), (spread(n), LeaderEpoch(1)));
    }
    let topic = create_on(&cluster, "u", 1).await;
    metadata.deregister(&registrations[0]).await.unwrap();
    let moved =
        metadata.move_leaders(BrokerId(1), registrations[0].epoch, &lives, &[]).await.unwrap();
    assert_eq!(moved.partitions, PARTITIONS as usize);
    let partitions = leaders(&cluster, topic).await;
    let led: HashSet<BrokerId> = partitions.values().map(|partition| partition.leader).collect();
    assert_eq!(led.len(), BROKERS as usize - 1);
}

#[tokio::test]
async fn a_partition_has_so_many_replicas_that_they_fit_into_a_transaction() {
    let (cluster, _) = large_cluster().await;
    let many = |first: i32| (first..).take(REPLICAS_MAX).map(BrokerId).collect::<Vec<_>>();
    let spread = |replication_factor| Placement::Spread { partitions: 5, replication_factor };
    let largest = new_topic("t", spread(REPLICAS_MAX as i16));
    let created = cluster.metadata.create_topic(&largest).await.unwrap();
    let changes = reassignments(&cluster, created.id, |n| many(1 + 20 * n)).await;
    for other in [50, 1] {
        let changes = match other {
            50 => changes.clone(),
            other => reassignments(&cluster, created.id, |_| many(other)).await,
        };
        let applied = cluster.metadata.change_partitions(&[], &changes).await.unwrap();
        assert_eq!(applied.partitions.len(), 5);
    }
    let changes = reassignments(&cluster, created.id, |_| (1..=101).map(BrokerId).collect()).await;
    let refused = cluster.metadata.change_partitions(&[], &changes).await;
    assert!(matches!(refused, Err(MetadataError::InvalidAssignment { .. })), "{refused:?}");
    let refused = cluster.metadata.create_topic(&new_topic("u", spread(101))).await;
    assert!(matches!(refused, Err(MetadataError::InvalidReplicationFactor { .. })), "{refused:?}");
    let list = (1..=101).map(BrokerId).collect();
    let listed = new_topic("u", Placement::Manual(vec![list]));
    let refused = cluster.metadata.create_topic(&listed).await;
    assert!(matches!(refused, Err(MetadataError::InvalidAssignment { .. })), "{refused:?}");
}

#[tokio::test]
async fn a_record_that_fits_into_no_transaction_is_refused_and_a_large_one_goes_with_partitions() {
    let cluster = TestCluster::new().await;
    cluster.register(1).await;
    let metadata = &cluster.metadata;
    let spread = Placement::Spread { partitions: PARTITIONS, replication_factor: 1 };
    let topic = |topic: &str, bytes: usize| {
        let configs = Configs::from([("k".to_owned(), "x".repeat(bytes))]);
        NewTopic { configs, ..new_topic(topic, spread.clone()) }
    };
    let created = metadata.create_topic(&topic("large", 500 << 10)).await.unwrap();
    assert_eq!(leaders(&cluster, created.id).await.len(), PARTITIONS as usize);
    let refused = metadata.create_topic(&topic("larger", 513 << 10)).await;
    assert!(matches!(refused, Err(MetadataError::TooLarge { .. })), "{refused:?}");
    let grow = |configs: &mut Configs| {
        configs.insert("l".to_owned(), "x".repeat(20 << 10));
        Ok::<_, MetadataError>(())
    };
    let refused = metadata.alter_topic_configs(&name("large"), grow).await;
    assert!(matches!(refused, Err(MetadataError::TooLarge { .. })), "{refused:?}");
    let all = |configs: &mut Configs| {
        configs.extend((0..30).map(|n| (n.to_string(), "x".repeat(20 << 10))));
        Ok::<_, MetadataError>(())
    };
    let refused = metadata.alter_broker_configs(None, all).await;
    assert!(matches!(refused, Err(MetadataError::TooLarge { .. })), "{refused:?}");
}

/// A cluster in which a change is tried.
struct Attempts {
    cluster: TestCluster,
    store: FaultyStore,
    topic: TopicId,
    /// Of the broker that leads all partitions, first.
    registrations: Vec<Registration>,
}

/// Has the process end after each of the transactions of a change, and begins the change anew: in
/// the end every partition was changed once.
async fn survives_crashes<R>(
    prepare: impl AsyncFn(&mut Attempts),
    change: impl AsyncFn(&Attempts) -> Result<R, MetadataError>,
    is_changed: impl Fn(&PartitionRecord) -> bool,
) {
    for applied in 0.. {
        let (cluster, store) = TestCluster::on_faulty_store().await;
        let mut registrations = Vec::new();
        for id in 1..=3 {
            registrations.push(cluster.register(id).await);
        }
        let topic = create_on(&cluster, "t", 1).await;
        let mut attempts = Attempts { cluster, store, topic, registrations };
        prepare(&mut attempts).await;
        attempts.store.fail_after_transactions(applied);
        let first = change(&attempts).await;
        attempts.store.set_unavailable(false);
        let epochs = |partitions: &BTreeMap<i32, PartitionRecord>| {
            partitions.values().map(|partition| partition.partition_epoch).sum::<i32>()
        };
        if first.is_err() {
            let so_far = epochs(&leaders(&attempts.cluster, attempts.topic).await);
            assert!(so_far <= PARTITIONS, "{so_far} after {applied} transactions");
            change(&attempts).await.unwrap();
        }
        let partitions = leaders(&attempts.cluster, attempts.topic).await;
        assert_eq!(partitions.len(), PARTITIONS as usize);
        assert!(partitions.values().all(&is_changed), "after {applied} transactions");
        assert_eq!(epochs(&partitions), PARTITIONS, "each is changed once");
        if first.is_ok() {
            assert!(applied >= 3, "in {applied} transactions");
            return;
        }
    }
}

#[tokio::test]
async fn a_broker_that_ends_while_it_takes_leadership_takes_the_rest_the_next_time() {
    let prepare = async |attempts: &mut Attempts| {
        attempts.registrations[0] = attempts.cluster.register(1).await;
    };
    let change = async |attempts: &Attempts| {
        attempts
            .cluster
            .metadata
            .take_leadership(&attempts.registrations[0], &Lives::default())
            .await
    };
    survives_crashes(prepare, change, |partition| partition.leader_epoch == LeaderEpoch(1)).await;
}

#[tokio::test]
async fn a_failover_that_ends_anywhere_is_completed_by_the_next() {
    let prepare = async |attempts: &mut Attempts| {
        attempts.cluster.metadata.deregister(&attempts.registrations[0]).await.unwrap();
    };
    let change = async |attempts: &Attempts| {
        let metadata = &attempts.cluster.metadata;
        let lives = Lives::default();
        metadata.move_leaders(BrokerId(1), attempts.registrations[0].epoch, &lives, &[]).await
    };
    let is_changed = |partition: &PartitionRecord| {
        partition.leader != BrokerId(1) && partition.leader_epoch == LeaderEpoch(1)
    };
    survives_crashes(prepare, change, is_changed).await;
}

#[tokio::test]
async fn a_handoff_that_ends_anywhere_is_completed_by_the_next() {
    let change = async |attempts: &Attempts| {
        let to = |partition| Handover { partition, to: BrokerId(2), folded: true };
        let moves: Vec<Handover> = all_of(attempts.topic).map(to).collect();
        let metadata = &attempts.cluster.metadata;
        metadata.hand_over(&attempts.registrations[0], &Lives::default(), &moves).await
    };
    let is_changed = |partition: &PartitionRecord| {
        partition.leader == BrokerId(2) && partition.leader_epoch == LeaderEpoch(1)
    };
    survives_crashes(async |_: &mut Attempts| {}, change, is_changed).await;
}

/// As the controller does, which decides on what it sees.
#[tokio::test]
async fn a_reassignment_of_many_that_ends_anywhere_is_completed_by_the_next() {
    let change = async |attempts: &Attempts| {
        let to = |_| vec![BrokerId(1), BrokerId(3)];
        let mut changes = reassignments(&attempts.cluster, attempts.topic, to).await;
        changes.retain(|change| change.record.partition_epoch == 0);
        attempts.cluster.metadata.change_partitions(&[], &changes).await
    };
    let is_changed = |partition: &PartitionRecord| partition.replicas == [BrokerId(1), BrokerId(3)];
    survives_crashes(async |_: &mut Attempts| {}, change, is_changed).await;
}

/// Nothing is sent again, and what it was about stays with its leader.
#[tokio::test]
async fn what_fits_into_no_transaction_stays_here() {
    let runtime = milena_runtime::Runtime::system();
    let limits = Limits { ops: 2, ..Limits::MIN };
    let store = FaultyStore::new(milena_store::MemoryStore::new(&runtime).with_limits(limits));
    let metadata =
        ClusterMetadata::new(std::sync::Arc::new(store.clone()), "small".parse().unwrap(), runtime);
    let registration = Registration {
        broker: BrokerId(1),
        epoch: BrokerEpoch(1),
        lease: store.grant(std::time::Duration::from_secs(60)).await.unwrap(),
        revision: Revision(1),
        ttl: std::time::Duration::from_secs(60),
    };
    let topic = TopicId(uuid::Uuid::from_u128(7));
    let id = TopicPartition { topic, partition: PartitionIndex(0) };
    let record = PartitionRecord {
        leader: BrokerId(1),
        leader_epoch: LeaderEpoch(0),
        broker_epoch: BrokerEpoch(1),
        partition_epoch: 0,
        replicas: vec![BrokerId(1)],
        wanted_leader: None,
        reassignment: None,
        original_replicas: None,
        unfolded: None,
    };
    let other = BrokerRecord { epoch: BrokerEpoch(2), listeners: Vec::new(), rack: None };
    let own = metadata.key(MetadataKey::Broker(BrokerId(1)));
    let txn = Txn::new().put(own, value(&other));
    assert_eq!(store.txn(txn).await.unwrap().committed(), Some(registration.revision));
    let txn = Txn::new()
        .put(metadata.key(MetadataKey::Broker(BrokerId(2))), value(&other))
        .put(metadata.key(MetadataKey::Partition(topic, PartitionIndex(0))), value(&record));
    assert!(store.txn(txn).await.unwrap().committed().is_some());
    let sent = store.transactions_sent();
    let moves = [Handover { partition: id, to: BrokerId(2), folded: true }];
    let handed = metadata.hand_over(&registration, &Lives::default(), &moves).await.unwrap();
    assert!(handed.partitions.is_empty());
    assert_eq!(store.transactions_sent(), sent + 1);
    let changes = PartitionChange { partition: id, record: record.clone() };
    let guards = [Precondition::Exists("a".into()), Precondition::Exists("b".into())];
    let refused = metadata.change_partitions(&guards, &[changes]).await;
    let Err(MetadataError::Invalid(invalid)) = refused else { panic!("{refused:?}") };
    assert_eq!((invalid.size.ops, invalid.size.preconditions), (1, 3));
    assert_eq!(store.transactions_sent(), sent + 2);
    assert_eq!(metadata.partition(topic, id.partition).await.unwrap().unwrap().value, record);
}
