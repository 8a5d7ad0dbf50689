//! Configuration set at run time: of topics (in their records), of one broker, and of all
//! brokers.

use milena_store::Txn;
use milena_types::{BrokerId, Revision, TopicName};

use super::{
    ATTEMPTS_MAX, ClusterMetadata, Configs, ConfigsRecord, MetadataError, MetadataKey, TopicRecord,
    bounded_value,
};

impl ClusterMetadata {
    /// Changes the configuration of a topic. `change` may be called again, with the new values, if
    /// others changed them meanwhile; an error of it ends the attempt.
    pub async fn alter_topic_configs<E: From<MetadataError>>(
        &self,
        name: &TopicName,
        mut change: impl FnMut(&mut Configs) -> Result<(), E> + Send,
    ) -> Result<Revision, E> {
        let key = self.key(MetadataKey::Topic(name.as_str()));
        for _ in 0..ATTEMPTS_MAX {
            let seen = self.record::<TopicRecord>(&key).await?;
            let mut seen = seen.ok_or_else(|| MetadataError::UnknownTopic(name.clone()))?;
            change(&mut seen.value.configs)?;
            let record = bounded_value(&key, &seen.value)?;
            let txn = Txn::new().at(&key, seen.revision).put(&key, record);
            if let Some(revision) = self.commit(txn).await.map_err(MetadataError::from)?.committed()
            {
                return Ok(revision);
            }
        }
        Err(MetadataError::Contended { key }.into())
    }

    /// Changes the configuration of one broker, or with `None` of all; as
    /// [`ClusterMetadata::alter_topic_configs`].
    pub async fn alter_broker_configs<E: From<MetadataError>>(
        &self,
        broker: Option<BrokerId>,
        mut change: impl FnMut(&mut Configs) -> Result<(), E> + Send,
    ) -> Result<Revision, E> {
        let key = self.key(MetadataKey::BrokerConfigs(broker));
        for _ in 0..ATTEMPTS_MAX {
            let seen = self.record::<ConfigsRecord>(&key).await?;
            let revision = seen.as_ref().map(|seen| seen.revision);
            let mut record = seen.map(|seen| seen.value).unwrap_or_default();
            change(&mut record.configs)?;
            let record = bounded_value(&key, &record)?;
            let txn = Txn::new().unchanged(&key, revision).put(&key, record);
            if let Some(revision) = self.commit(txn).await.map_err(MetadataError::from)?.committed()
            {
                return Ok(revision);
            }
        }
        Err(MetadataError::Contended { key }.into())
    }
}
