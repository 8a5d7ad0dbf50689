//! A cluster with one topic, for the tests of the configuration APIs.

use std::sync::Arc;

use milena_kafka_config::Configs;
use milena_metadata::{MetadataError, MetadataImage};
use milena_types::{BrokerId, Revision};

use super::resources::ConfigsView;
use crate::{
    access::{Operation, Resource},
    topics::tests::OfflineCluster,
};

/// Broker 1 of a 3.9 cluster, which has topic `orders` with `segment.ms=5` and properties of its
/// own.
pub(crate) struct TestConfigs {
    pub(crate) cluster: OfflineCluster,
}

pub(crate) fn configs(pairs: &[(&str, &str)]) -> Configs {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

impl TestConfigs {
    pub(crate) async fn new() -> Self {
        let cluster =
            OfflineCluster::new(1, &[("log.segment.bytes", "1000"), ("broker.id", "1")]).await;
        cluster.create("orders", 1, 1).await;
        let set = |set: &mut Configs| -> Result<(), MetadataError> {
            *set = configs(&[("segment.ms", "5")]);
            Ok(())
        };
        let revision =
            cluster.metadata.alter_topic_configs(&"orders".parse().unwrap(), set).await.unwrap();
        cluster.shown(revision).await;
        Self { cluster }
    }

    /// The newest image, at `revision` at least.
    pub(crate) async fn image(&self, revision: Option<Revision>) -> Arc<MetadataImage> {
        self.cluster.shown(revision.unwrap_or_default()).await
    }

    /// The view of broker 1 for a client that may do everything.
    pub(crate) fn view<'a>(&'a self, image: &'a MetadataImage) -> ConfigsView<'a> {
        self.view_of(image, &|_, _| true)
    }

    /// The view of broker 1 for a client with the rights that `allows` gives.
    pub(crate) fn view_of<'a>(
        &'a self,
        image: &'a MetadataImage,
        allows: &'a (dyn Fn(Operation, Resource<'_>) -> bool + Sync),
    ) -> ConfigsView<'a> {
        let set = |broker| image.broker_configs(broker).map(AsRef::as_ref);
        let kafka_config = self.cluster.kafka_config.effective(set(Some(BrokerId(1))), set(None));
        ConfigsView { kafka_config, image, broker: BrokerId(1), allows }
    }
}
