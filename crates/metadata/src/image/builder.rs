//! Applying changes to an image.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use milena_store::{Entry, Event, EventBatch};
use milena_types::{PartitionIndex, Revision, TopicId, TopicName};
use serde::de::DeserializeOwned;

use crate::cluster::{
    ConfigsRecord, MetadataError, MetadataKey, PartitionRecord, ServingRecord, TopicRecord, decode,
};

use super::{MetadataImage, PartitionImage, TopicImage, sorted::SortedMap};

/// The next image, and the partitions that do not belong to any topic yet.
pub(super) struct ImageBuilder {
    /// `clusters/{cluster}/`.
    prefix: Arc<str>,
    image: MetadataImage,
    /// Partitions of topics whose own record has not come yet.
    awaiting: HashMap<TopicId, BTreeMap<PartitionIndex, PartitionImage>>,
}

impl ImageBuilder {
    pub(super) fn new(prefix: Arc<str>) -> Self {
        Self { prefix, image: MetadataImage::default(), awaiting: HashMap::new() }
    }

    /// The image as it is now.
    pub(super) fn image(&self) -> Arc<MetadataImage> {
        Arc::new(self.image.clone())
    }

    pub(super) fn set_revision(&mut self, revision: Revision) {
        self.image.revision = self.image.revision.max(revision);
    }

    /// Applies all changes of one revision. A record that cannot be read is skipped and
    /// reported: one bad record must not stop a broker from following the others.
    pub(super) fn apply(&mut self, batch: &EventBatch) {
        for event in &batch.events {
            let outcome = match event {
                Event::Put(entry) => self.put(entry),
                Event::Delete { key } => {
                    self.delete(key);
                    Ok(())
                }
            };
            if let Err(error) = outcome {
                let revision = batch.revision;
                tracing::error!(%error, %revision, "a metadata record is passed over");
            }
        }
        self.set_revision(batch.revision);
    }

    pub(super) fn put(&mut self, entry: &Entry) -> Result<(), MetadataError> {
        let path = entry.key.strip_prefix(&*self.prefix);
        let Some(key) = path.and_then(MetadataKey::parse) else { return Ok(()) };
        let image = &mut self.image;
        match key {
            MetadataKey::Cluster => image.cluster = Some(Arc::new(record(entry)?)),
            MetadataKey::Broker(id) => {
                Arc::make_mut(&mut image.brokers).insert(id, Arc::new(record(entry)?));
            }
            MetadataKey::Node(id) => {
                Arc::make_mut(&mut image.nodes).insert(id, record(entry)?);
            }
            MetadataKey::Serving(id) => {
                let serving: ServingRecord = record(entry)?;
                Arc::make_mut(&mut image.serving).insert(id, serving.epoch);
            }
            MetadataKey::BrokerConfigs(id) => {
                let configs = Arc::new(record::<ConfigsRecord>(entry)?.configs);
                Arc::make_mut(&mut image.broker_configs).insert(id, configs);
            }
            MetadataKey::Controller => image.controller = Some(record(entry)?),
            MetadataKey::Topic(name) => {
                let bad = |e: milena_types::ParseIdError| MetadataError::BadRecord {
                    key: entry.key.clone(),
                    reason: e.to_string(),
                };
                self.put_topic(name.parse().map_err(bad)?, record(entry)?);
            }
            MetadataKey::Partition(topic, index) => {
                self.put_partition(topic, index, record(entry)?);
            }
            // Not of the image: they are not below its prefix.
            MetadataKey::BrokerEpochs
            | MetadataKey::ProducerIds
            | MetadataKey::DeletedTopic(_)
            | MetadataKey::UnfinishedTopic(_) => {}
        }
        Ok(())
    }

    fn put_topic(&mut self, name: TopicName, record: TopicRecord) {
        let old = self.image.topics.get(&name).cloned();
        let mut partitions = match old {
            Some(old) if old.id == record.id => old.partitions.clone(),
            Some(old) => {
                self.image.names.remove(&old.id);
                SortedMap::default()
            }
            None => SortedMap::default(),
        };
        for (index, partition) in self.awaiting.remove(&record.id).unwrap_or_default() {
            partitions.insert(index, partition);
        }
        self.image.names.insert(record.id, name.clone());
        let topic = TopicImage {
            name: name.clone(),
            id: record.id,
            partition_count: record.partitions,
            created_ms: record.created_ms,
            configs: Arc::new(record.configs),
            partitions,
        };
        self.image.topics.insert(name, Arc::new(topic));
    }

    fn topic_mut(&mut self, id: TopicId) -> Option<&mut TopicImage> {
        let name = self.image.names.get(&id)?;
        Some(Arc::make_mut(self.image.topics.get_mut(name.as_str())?))
    }

    fn put_partition(&mut self, topic: TopicId, index: PartitionIndex, record: PartitionRecord) {
        match self.topic_mut(topic) {
            Some(topic) => {
                topic.partitions.insert(index, record.into());
            }
            None => {
                self.awaiting.entry(topic).or_default().insert(index, record.into());
            }
        }
    }

    fn delete(&mut self, key: &str) {
        let path = key.strip_prefix(&*self.prefix);
        let Some(key) = path.and_then(MetadataKey::parse) else { return };
        let image = &mut self.image;
        match key {
            MetadataKey::Cluster => image.cluster = None,
            MetadataKey::Broker(id) => {
                Arc::make_mut(&mut image.brokers).remove(&id);
            }
            MetadataKey::Node(id) => {
                Arc::make_mut(&mut image.nodes).remove(&id);
            }
            MetadataKey::Serving(id) => {
                Arc::make_mut(&mut image.serving).remove(&id);
            }
            MetadataKey::BrokerConfigs(id) => {
                Arc::make_mut(&mut image.broker_configs).remove(&id);
            }
            MetadataKey::Controller => image.controller = None,
            MetadataKey::Topic(name) => {
                if let Some(topic) = image.topics.remove(name) {
                    image.names.remove(&topic.id);
                }
            }
            MetadataKey::Partition(topic, index) => self.delete_partition(topic, index),
            MetadataKey::BrokerEpochs
            | MetadataKey::ProducerIds
            | MetadataKey::DeletedTopic(_)
            | MetadataKey::UnfinishedTopic(_) => {}
        }
    }

    fn delete_partition(&mut self, topic: TopicId, index: PartitionIndex) {
        if let Some(awaiting) = self.awaiting.get_mut(&topic) {
            awaiting.remove(&index);
            if awaiting.is_empty() {
                self.awaiting.remove(&topic);
            }
        }
        // A topic that is going away keeps its partitions until its own record goes: both are in
        // one transaction, and who holds the image of before is not concerned.
        if let Some(topic) = self.topic_mut(topic) {
            topic.partitions.remove(&index);
        }
    }
}

#[cfg(test)]
impl ImageBuilder {
    pub(super) fn fill(&mut self, topics: i32, partitions: i32, record: &PartitionRecord) {
        for topic in 0..topics {
            let id = TopicId(uuid::Uuid::from_u128(topic as u128 + 1));
            for partition in 0..partitions {
                self.put_partition(id, PartitionIndex(partition), record.clone());
            }
            let name = format!("t-{topic:05}").parse().expect("a topic name");
            let configs = std::collections::BTreeMap::new();
            self.put_topic(name, TopicRecord { id, partitions, configs, created_ms: 0 });
        }
    }

    pub(super) fn change(
        &mut self,
        topic: TopicId,
        index: PartitionIndex,
        record: PartitionRecord,
    ) {
        self.put_partition(topic, index, record);
    }
}

fn record<T: DeserializeOwned>(entry: &Entry) -> Result<T, MetadataError> {
    Ok(decode(&entry.key, &entry.versioned.value)?)
}
