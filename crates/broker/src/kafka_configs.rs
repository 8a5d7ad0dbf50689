//! Which of Kafka's configurations are in force for this broker and its topics.

use std::sync::Arc;

use milena_kafka_config::{Catalogue, Layers, ServerConfigs};
use milena_metadata::{ImageWatcher, MetadataImage};
use milena_types::BrokerId;

/// What the broker was started with, under what was set at run time for it and for all brokers
/// (from the metadata image). Clones share it.
#[derive(Clone)]
pub(crate) struct KafkaConfigs {
    server: Arc<ServerConfigs>,
    broker: BrokerId,
    images: ImageWatcher,
}

impl KafkaConfigs {
    pub(crate) fn new(server: ServerConfigs, broker: BrokerId, images: ImageWatcher) -> Self {
        Self { server: Arc::new(server), broker, images }
    }

    /// The configurations that the cluster's Kafka version has.
    pub(crate) fn catalogue(&self) -> &Catalogue {
        self.server.catalogue()
    }

    /// What is in force according to `image`.
    pub(crate) fn layers<'a>(&'a self, image: &'a MetadataImage) -> Layers<'a> {
        let set = |broker| image.broker_configs(broker).map(|configs| &**configs);
        self.server.with(set(Some(self.broker)), set(None))
    }

    /// A switch of the broker, as it is in force now. Panics like [`Layers::flag`].
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.layers(&self.images.current()).flag(name)
    }

    /// A number of the broker, as it is in force now. Panics like [`Layers::number`].
    pub(crate) fn number(&self, name: &str) -> i64 {
        self.layers(&self.images.current()).number(name)
    }
}
