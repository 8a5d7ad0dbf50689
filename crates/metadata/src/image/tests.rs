use std::time::Duration;

use futures_util::future::join_all;
use milena_types::{BrokerId, LeaderEpoch, PartitionIndex, Revision, TopicPartition};

use super::*;
use crate::{
    Lives, MetadataError,
    cluster::MetadataKey,
    testing::{TestCluster, name},
};
use milena_store::Txn;

async fn watcher(cluster: &TestCluster) -> ImageWatcher {
    ImageWatcher::start(&cluster.metadata, &cluster.runtime).await.unwrap()
}

async fn at(watcher: &ImageWatcher, revision: Revision) -> Arc<MetadataImage> {
    let wait = watcher.wait_for(revision);
    tokio::time::timeout(Duration::from_secs(10), wait)
        .await
        .expect("in time")
        .expect("the watcher runs")
}

/// The image of a full read, as text, for comparison with one that followed changes.
async fn fresh(cluster: &TestCluster) -> String {
    let image = watcher(cluster).await.current();
    text(&image)
}

fn text(image: &MetadataImage) -> String {
    let topics: Vec<_> = image
        .topics()
        .map(|t| {
            (
                t.name().clone(),
                t.id(),
                t.partition_count(),
                t.configs().clone(),
                t.partitions().map(|(n, p)| (n, p.clone())).collect::<Vec<_>>(),
            )
        })
        .collect();
    format!(
        "{:?} {:?} {:?} {:?} {:?} {topics:?}",
        image.cluster, image.brokers, image.nodes, image.broker_configs, image.controller
    )
}

#[tokio::test]
async fn an_image_follows_every_change_and_equals_a_fresh_one() {
    for cluster in [TestCluster::new().await, TestCluster::in_memory().await] {
        let watcher = watcher(&cluster).await;
        let registrations = join_all((1..=3).map(|id| cluster.register(id))).await;
        cluster.metadata.claim_controller(&registrations[1]).await.unwrap();
        let created = cluster.create("t", 300, 3).await;
        let image = at(&watcher, created.revision).await;
        assert_eq!(image.controller(), Some(BrokerId(2)));
        assert_eq!(image.topic("t").unwrap().partitions().count(), 300);
        assert_eq!(image.topic_by_id(created.id).unwrap().name(), &name("t"));
        assert!(image.cluster().is_some());
        let grown = cluster.metadata.create_partitions(&name("t"), 500, None).await.unwrap();
        let image = at(&watcher, grown).await;
        assert_eq!(image.topic("t").unwrap().partitions().count(), 500);
        let other = cluster.create("other", 1, 1).await;
        let topic = name("other");
        let altered = cluster.metadata.alter_topic_configs::<MetadataError>(&topic, |configs| {
            configs.insert("retention.ms".to_owned(), "7".to_owned());
            Ok(())
        });
        let image = at(&watcher, altered.await.unwrap()).await;
        assert_eq!(image.topic("other").unwrap().configs()["retention.ms"], "7");
        cluster
            .metadata
            .alter_broker_configs::<MetadataError>(None, |c| {
                c.insert("a".to_owned(), "b".to_owned());
                Ok(())
            })
            .await
            .unwrap();
        let gone = cluster.metadata.delete_topic(&name("other"), other.id).await.unwrap();
        let image = at(&watcher, gone).await;
        assert!(image.topic("other").is_none() && image.topic_by_id(other.id).is_none());
        assert_eq!(image.broker_configs(None).unwrap()["a"], "b");
        assert_eq!(text(&image), fresh(&cluster).await);
    }
}

#[tokio::test]
async fn a_topic_created_again_is_another_topic() {
    let cluster = TestCluster::new().await;
    let watcher = watcher(&cluster).await;
    cluster.register(1).await;
    let first = cluster.create("t", 5, 1).await;
    let held = at(&watcher, first.revision).await;
    cluster.metadata.delete_topic(&name("t"), first.id).await.unwrap();
    let second = cluster.create("t", 2, 1).await;
    let image = at(&watcher, second.revision).await;
    assert_eq!(image.topic("t").unwrap().id(), second.id);
    assert_eq!(image.topic("t").unwrap().partitions().count(), 2);
    assert!(image.topic_by_id(first.id).is_none());
    assert_eq!(
        held.topic("t").unwrap().partitions().count(),
        5,
        "an image that is held does not change"
    );
}

#[tokio::test]
async fn a_leader_is_shown_only_in_the_life_its_epoch_belongs_to() {
    let cluster = TestCluster::new().await;
    let watcher = watcher(&cluster).await;
    let registrations = join_all((1..=2).map(|id| cluster.register(id))).await;
    let created = cluster.create("t", 2, 2).await;
    let image = at(&watcher, created.revision).await;
    let of = |image: &MetadataImage| {
        let (_, partition) =
            image.topic("t").unwrap().partitions().find(|(_, p)| p.leader == BrokerId(1)).unwrap();
        partition.clone()
    };
    assert_eq!(image.live_leader(&of(&image)), Some(BrokerId(1)));
    let again = cluster.register(1).await;
    let image = at(&watcher, again.revision).await;
    assert_eq!(image.live_leader(&of(&image)), None, "it has not taken leadership yet");
    let taken = cluster.metadata.take_leadership(&again, &Lives::default()).await.unwrap();
    let image = at(&watcher, taken.revision).await;
    assert_eq!(image.live_leader(&of(&image)), Some(BrokerId(1)));
    assert_eq!(of(&image).leader_epoch, LeaderEpoch(1));
    let led: Vec<TopicPartition> =
        image.led_by(BrokerId(1)).map(|(partition, _)| partition).collect();
    assert_eq!(led.len(), 1);
    assert_eq!(image.partition(led[0]), Some(&of(&image)));
    cluster.metadata.deregister(&registrations[1]).await.unwrap();
    let image = watcher.wait_until(|image| image.brokers().len() == 1).await.unwrap();
    assert_eq!(image.isr(&of(&image)), [BrokerId(1)]);
    assert_eq!(image.offline_replicas(&of(&image)), [BrokerId(2)]);
}

#[tokio::test]
async fn changes_elsewhere_in_the_store_still_move_the_image_on() {
    let cluster = TestCluster::new().await;
    let watcher = watcher(&cluster).await;
    let outcome = cluster
        .store
        .txn(Txn::new().put(cluster.metadata.storage_prefix() + "tail", "x"))
        .await
        .unwrap();
    let revision = outcome.committed().unwrap();
    assert_eq!(at(&watcher, revision).await.revision(), revision);
}

/// Keys of storage change no image, and push no change of the metadata out of the history.
#[tokio::test]
async fn ten_thousand_flushes_publish_no_image() {
    const FLUSHES: usize = 10_000;
    const AT_ONCE: usize = 1000;
    // Of a flush's record there would be room for few.
    let cluster = TestCluster::with_history(20_000).await;
    let first = cluster.register(1).await.revision;
    let watcher = watcher(&cluster).await;
    let prefix = cluster.metadata.below(MetadataKey::IMAGE);
    let mut late = cluster.store.watch(&prefix, first).await.unwrap();
    let created = cluster.create("t", 1, 1).await.revision;
    at(&watcher, created).await;
    let mut images = watcher.subscribe();
    images.mark_unchanged();
    let storage = cluster.metadata.storage_prefix();
    let flush = async |n: usize| {
        let txn = Txn::new()
            .put(format!("{storage}wal/1/7"), n.to_string())
            .put(format!("{storage}flushes/1/7/{}", n % 50), vec![b'x'; 1000]);
        cluster.store.txn(txn).await.unwrap().committed().unwrap()
    };
    let mut last = created;
    for begin in (0..FLUSHES).step_by(AT_ONCE) {
        last = join_all((begin..begin + AT_ONCE).map(flush)).await.into_iter().max().unwrap();
    }
    assert_eq!(last.raw(), created.raw() + FLUSHES as u64);
    assert_eq!(at(&watcher, last).await.revision(), last, "who waits for it is told");
    assert!(!images.has_changed().unwrap(), "nobody else is woken");
    let batch = late.next().await.expect("it has missed nothing");
    assert_eq!((batch.revision, batch.events.len()), (created, 2));
    let grown = cluster.metadata.create_partitions(&name("t"), 2, None).await.unwrap();
    assert_eq!(at(&watcher, grown).await.topic("t").unwrap().partition_count(), 2);
    assert!(images.has_changed().unwrap());
}

#[tokio::test]
async fn a_record_that_cannot_be_read_stops_nothing_else() {
    let cluster = TestCluster::new().await;
    let watcher = watcher(&cluster).await;
    let key = cluster.metadata.key(MetadataKey::Topic("bad"));
    let _ = cluster.store.txn(Txn::new().put(key, "not a record")).await.unwrap();
    cluster.register(1).await;
    let created = cluster.create("good", 1, 1).await;
    let image = at(&watcher, created.revision).await;
    assert!(image.topic("good").is_some() && image.topic("bad").is_none());
}

#[tokio::test]
async fn a_watcher_ends_with_its_scope() {
    let cluster = TestCluster::new().await;
    let scope = cluster.runtime.child();
    let watcher = ImageWatcher::start(&cluster.metadata, &scope).await.unwrap();
    scope.shutdown().await;
    assert_eq!(watcher.wait_for(Revision(u64::MAX)).await.err(), Some(watcher::ImageClosed));
}

#[tokio::test]
async fn a_hundred_thousand_partitions_share_what_a_change_leaves_alone() {
    const TOPICS: i32 = 400;
    const PARTITIONS: i32 = 250;
    let cluster = TestCluster::new().await;
    let mut builder = builder::ImageBuilder::new(cluster.metadata.prefix().clone());
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
    builder.fill(TOPICS, PARTITIONS, &record);
    let before = builder.image();
    builder.set_revision(Revision(1_000));
    assert!(before.is_same(&builder.image()), "only the revision differs");
    let id = before.topic("t-00007").unwrap().id();
    let index = PartitionIndex(3);
    builder.change(id, index, PartitionRecord { leader_epoch: LeaderEpoch(1), ..record });
    let after = builder.image();
    assert!(!before.is_same(&after));
    let changed = TopicPartition { topic: id, partition: index };
    assert_eq!(before.partition(changed).unwrap().leader_epoch, LeaderEpoch(0));
    assert_eq!(after.partition(changed).unwrap().leader_epoch, LeaderEpoch(1));
    let same = |a: &Arc<TopicImage>, b: &Arc<TopicImage>| Arc::ptr_eq(a, b);
    let copied = before.topics().zip(after.topics()).filter(|(a, b)| !same(a, b)).count();
    assert_eq!(copied, 1);
}

/// Many change one cluster at once, and the store keeps so little history that the watcher has to
/// read again now and then: still the image ends up equal to the store.
#[tokio::test]
async fn an_image_survives_races_and_forgotten_history() {
    let cluster = TestCluster::with_history(2000).await;
    let watcher = watcher(&cluster).await;
    join_all((1..=3).map(|id| cluster.register(id))).await;
    let client = async |seed: u64| {
        for step in 0..25 {
            let topic = name(&format!("t{}", (seed * 7 + step * 5) % 4));
            let metadata = &cluster.metadata;
            match (seed + step) % 5 {
                0 | 1 => {
                    let placement =
                        crate::Placement::Spread { partitions: 4, replication_factor: 2 };
                    let _ = metadata
                        .create_topic(&crate::testing::new_topic(topic.as_str(), placement))
                        .await;
                }
                2 => {
                    let _ = metadata.create_partitions(&topic, 6, None).await;
                }
                3 => {
                    if let Ok(Some(seen)) = metadata.topic(&topic).await {
                        let _ = metadata.delete_topic(&topic, seen.value.id).await;
                    }
                }
                _ => {
                    let again = cluster.register((step % 3) as i32 + 1).await;
                    let _ = metadata.take_leadership(&again, &Lives::default()).await;
                }
            }
        }
    };
    join_all((0..6).map(client)).await;
    let last = cluster.create("last", 1, 1).await.revision;
    let image = at(&watcher, last).await;
    assert_eq!(text(&image), fresh(&cluster).await);
    for topic in image.topics() {
        assert_eq!(
            topic.partitions().count(),
            topic.partition_count() as usize,
            "{}",
            topic.name()
        );
    }
}
