use std::{collections::HashSet, sync::Arc, time::Duration};

use milena_kafka_config::KafkaConfig;
use milena_metadata::{ClusterRecord, ImageWatcher, ListenerRecord, NewBroker, Registration};
use milena_protocol::KafkaVersion;
use milena_runtime::Runtime;
use milena_store::{EmbeddedOptions, EmbeddedStore};
use milena_types::BrokerEpoch;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::{internal::*, *};
use crate::identity::BrokerIdentity;

/// A cluster of registered brokers that do not run.
pub(crate) struct OfflineCluster {
    pub(crate) metadata: ClusterMetadata,
    pub(crate) images: ImageWatcher,
    pub(crate) kafka_config: KafkaConfig,
    pub(crate) registrations: Vec<Registration>,
    _directory: TempDir,
}

impl OfflineCluster {
    pub(crate) async fn new(brokers: i32, properties: &[(&str, &str)]) -> Self {
        let directory = TempDir::new().unwrap();
        let runtime = Runtime::system();
        let options = EmbeddedOptions::new(directory.path().join("metadata.redb"));
        let store = Arc::new(EmbeddedStore::open(options, &runtime).unwrap());
        let metadata = ClusterMetadata::new(store, "paper".parse().unwrap(), runtime.clone());
        let record = ClusterRecord {
            kafka_version: "3.9.1".to_owned(),
            incarnation: "one".to_owned(),
            wrapped_data_key: Vec::new(),
            server_properties: Configs::new(),
            zones: Vec::new(),
            created_ms: 0,
        };
        metadata.create_cluster(&record).await.unwrap();
        let mut registrations = Vec::new();
        for id in 1..=brokers {
            let listener = ListenerRecord {
                name: "PLAINTEXT".to_owned(),
                host: format!("b-{id}.local"),
                port: 9092,
            };
            let rack = Some(format!("zone-{}", id % 3));
            let broker = NewBroker { id: BrokerId(id), listeners: vec![listener], rack };
            registrations
                .push(metadata.register_broker(&broker, Duration::from_secs(60)).await.unwrap());
        }
        let properties =
            properties.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let kafka_config =
            KafkaConfig::new("3.9".parse::<KafkaVersion>().unwrap(), &properties).unwrap();
        let images = ImageWatcher::start(&metadata, &runtime).await.unwrap();
        Self { metadata, images, kafka_config, registrations, _directory: directory }
    }

    pub(crate) fn topics(&self) -> Topics {
        let (images, id) = (self.images.clone(), BrokerId(1));
        let identity =
            BrokerIdentity { cluster: "paper".parse().unwrap(), id, epoch: BrokerEpoch(1) };
        let kafka_config = BrokerKafkaConfig::new(self.kafka_config.clone(), id, images.clone());
        let leaders = LeaderResolver::new(
            Arc::default(),
            images,
            Arc::new(identity),
            CancellationToken::new(),
        );
        Topics::new(self.metadata.clone(), kafka_config, leaders, Runtime::system())
    }

    /// Creates a topic and waits for the image to show it.
    pub(crate) async fn create(
        &self,
        name: &str,
        partitions: i32,
        replication_factor: i16,
    ) -> TopicCreation {
        let request = request(name, partitions, replication_factor);
        let created = self.topics().create(request, false).await.unwrap();
        self.shown(created.revision.unwrap()).await;
        created
    }

    pub(crate) async fn shown(&self, revision: Revision) -> Arc<MetadataImage> {
        let wait = self.images.wait_for(revision);
        tokio::time::timeout(Duration::from_secs(10), wait).await.expect("in time").unwrap()
    }
}

fn request(name: &str, partitions: i32, replication_factor: i16) -> TopicRequest {
    TopicRequest {
        name: name.to_owned(),
        partitions,
        replication_factor,
        ..TopicRequest::default()
    }
}

async fn refused(cluster: &OfflineCluster, request: TopicRequest) -> ApiError {
    let validated = cluster.topics().create(request.clone(), true).await.unwrap_err();
    let refusal = cluster.topics().create(request, false).await.unwrap_err();
    assert_eq!(validated.code, refusal.code, "validating and creating agree");
    refusal
}

#[tokio::test]
async fn defaults_stand_in_for_minus_one() {
    let properties = [("num.partitions", "5"), ("default.replication.factor", "2")];
    let cluster = OfflineCluster::new(3, &properties).await;
    let created = cluster.create("defaults", -1, -1).await;
    assert_eq!((created.partitions, created.replication_factor), (5, 2));
    let created = cluster.create("given", 2, 3).await;
    assert_eq!((created.partitions, created.replication_factor), (2, 3));
}

#[tokio::test]
async fn a_wrong_number_is_refused_with_the_code_of_its_kind() {
    let cluster = OfflineCluster::new(3, &[]).await;
    for (partitions, factor, code) in [
        (1, 0, ErrorCode::InvalidReplicationFactor),
        (1, -2, ErrorCode::InvalidReplicationFactor),
        (1, 4, ErrorCode::InvalidReplicationFactor),
        (0, 1, ErrorCode::InvalidPartitions),
        (-2, 1, ErrorCode::InvalidPartitions),
        (10_001, 1, ErrorCode::PolicyViolation),
    ] {
        let refusal = refused(&cluster, request("t", partitions, factor)).await;
        assert_eq!(
            refusal.code,
            code,
            "{partitions} partitions, {factor} replicas: {}",
            refusal.message()
        );
    }
    assert!(cluster.images.current().topic("t").is_none());
}

#[tokio::test]
async fn names_must_be_allowed_new_and_distinct_in_metrics() {
    let cluster = OfflineCluster::new(1, &[]).await;
    for name in ["", ".", "..", "a b", "ä", &"x".repeat(250)] {
        assert_eq!(
            refused(&cluster, request(name, 1, 1)).await.code,
            ErrorCode::InvalidTopic,
            "{name:?}"
        );
    }
    cluster.create("a.b_c", 1, 1).await;
    assert_eq!(refused(&cluster, request("a.b_c", 1, 1)).await.code, ErrorCode::TopicAlreadyExists);
    for name in ["a_b_c", "a.b.c", "a_b.c"] {
        let refusal = refused(&cluster, request(name, 1, 1)).await;
        assert_eq!(refusal.code, ErrorCode::InvalidTopic, "{name}");
        assert!(refusal.message().contains("topic 'a.b_c'"), "{}", refusal.message());
    }
    cluster.create("a.b_cd", 1, 1).await;
    cluster.create("a-b-c", 1, 1).await;
}

#[tokio::test]
async fn configurations_are_checked_and_kept() {
    let cluster = OfflineCluster::new(1, &[]).await;
    let with = |name: &str, value: Option<&str>| TopicRequest {
        configs: vec![(name.to_owned(), value.map(str::to_owned))],
        ..request("t", 1, 1)
    };
    for (name, value) in [
        ("no.such.config", Some("1")),
        ("retention.ms", Some("soon")),
        ("retention.ms", None),
        ("cleanup.policy", Some("shred")),
    ] {
        let refusal = refused(&cluster, with(name, value)).await;
        assert_eq!(refusal.code, ErrorCode::InvalidConfig, "{name} = {value:?}");
        assert!(refusal.message().contains(name), "{}", refusal.message());
    }
    let created =
        cluster.topics().create(with("retention.ms", Some(" 60000 ")), false).await.unwrap();
    let image = cluster.shown(created.revision.unwrap()).await;
    assert_eq!(image.topic("t").unwrap().configs()["retention.ms"], "60000");
}

#[tokio::test]
async fn an_assignment_by_hand_is_checked_as_kafka_does() {
    let cluster = OfflineCluster::new(3, &[]).await;
    let assigned = |lists: &[(i32, &[i32])]| TopicRequest {
        assignments: lists
            .iter()
            .map(|(n, l)| (*n, l.iter().map(|id| BrokerId(*id)).collect()))
            .collect(),
        ..request("t", -1, -1)
    };
    let bad: [&[(i32, &[i32])]; 7] = [
        &[(0, &[])],
        &[(0, &[1, 1])],
        &[(0, &[1, 9])],
        &[(0, &[1, 2]), (1, &[3])],
        &[(0, &[1]), (0, &[2])],
        &[(1, &[1])],
        &[(0, &[1]), (2, &[2])],
    ];
    for lists in bad {
        let refusal = refused(&cluster, assigned(lists)).await;
        assert_eq!(
            refusal.code,
            ErrorCode::InvalidReplicaAssignment,
            "{lists:?}: {}",
            refusal.message()
        );
    }
    for (partitions, factor) in [(1, -1), (-1, 1)] {
        let request =
            TopicRequest { partitions, replication_factor: factor, ..assigned(&[(0, &[1])]) };
        assert_eq!(refused(&cluster, request).await.code, ErrorCode::InvalidRequest);
    }
    let created =
        cluster.topics().create(assigned(&[(1, &[2, 3]), (0, &[3, 1])]), false).await.unwrap();
    let image = cluster.shown(created.revision.unwrap()).await;
    let replicas: Vec<_> =
        image.topic("t").unwrap().partitions().map(|(_, p)| p.replicas.to_vec()).collect();
    assert_eq!(replicas, [[BrokerId(3), BrokerId(1)], [BrokerId(2), BrokerId(3)]]);
}

#[tokio::test]
async fn validating_creates_nothing() {
    let cluster = OfflineCluster::new(2, &[]).await;
    let created = cluster.topics().create(request("t", 3, 2), true).await.unwrap();
    assert_eq!((created.id, created.partitions, created.revision), (TopicId::ZERO, 3, None));
    assert!(cluster.metadata.topic(&"t".parse().unwrap()).await.unwrap().is_none());
}

#[tokio::test]
async fn a_topic_grows_and_never_shrinks() {
    let cluster = OfflineCluster::new(2, &[]).await;
    cluster.create("t", 2, 2).await;
    let grow = async |total, assignments, validate| {
        cluster.topics().grow("t", total, assignments, validate).await
    };
    for total in [-1, 0, 1, 2] {
        assert_eq!(
            grow(total, None, false).await.unwrap_err().code,
            ErrorCode::InvalidPartitions,
            "{total}"
        );
    }
    assert_eq!(grow(20_000, None, false).await.unwrap_err().code, ErrorCode::PolicyViolation);
    let list = |ids: &[i32]| ids.iter().map(|id| BrokerId(*id)).collect::<Vec<_>>();
    for lists in [vec![], vec![list(&[1])], vec![list(&[1, 2]), list(&[1, 2])], vec![list(&[1, 9])]]
    {
        let refusal = grow(3, Some(lists), false).await.unwrap_err();
        assert_eq!(refusal.code, ErrorCode::InvalidReplicaAssignment, "{}", refusal.message());
    }
    assert_eq!(grow(5, None, true).await.unwrap(), None);
    assert_eq!(
        cluster.metadata.topic(&"t".parse().unwrap()).await.unwrap().unwrap().value.partitions,
        2
    );
    let revision = grow(3, Some(vec![list(&[2, 1])]), false).await.unwrap().unwrap();
    let image = cluster.shown(revision).await;
    assert_eq!(image.topic("t").unwrap().partition_count(), 3);
    let unknown = cluster.topics().grow("u", 3, None, false).await.unwrap_err();
    assert_eq!(unknown.code, ErrorCode::UnknownTopicOrPartition);
}

#[tokio::test]
async fn the_topic_of_offsets_is_created_once_with_its_settings() {
    let cluster = OfflineCluster::new(2, &[]).await;
    let topics = cluster.topics();
    let ensure = async || topics.auto_create(CONSUMER_OFFSETS).await.unwrap();
    let revisions = futures_util::future::join_all((0..4).map(|_| ensure())).await;
    assert_eq!(revisions.iter().collect::<HashSet<_>>().len(), 1, "one creation, seen by all");
    let image = cluster.shown(revisions[0]).await;
    let topic = image.topic(CONSUMER_OFFSETS).unwrap();
    assert_eq!(topic.partition_count(), 50);
    assert_eq!(topic.configs()["cleanup.policy"], "compact");
    assert_eq!(topic.configs()["compression.type"], "producer");
    assert!(
        topic.partitions().all(|(_, p)| p.replicas.len() == 2),
        "as many replicas as there are brokers"
    );
    cluster.topics().auto_create(TRANSACTION_STATE).await.unwrap();
    let plain = cluster.topics().auto_create("plain").await.unwrap();
    let image = cluster.shown(plain).await;
    assert_eq!(image.topic("plain").unwrap().partition_count(), 1);
    assert_eq!(
        image.topic(TRANSACTION_STATE).unwrap().configs()["compression.type"],
        "uncompressed"
    );
    let refusal = cluster.topics().auto_create("not allowed").await.unwrap_err();
    assert_eq!(refusal.code, ErrorCode::InvalidTopic);
}
