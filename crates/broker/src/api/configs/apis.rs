//! The parts of the broker that the configuration family's handlers use.

use milena_metadata::{ClusterMetadata, ImageWatcher};
use milena_types::BrokerId;

use crate::kafka_config::BrokerKafkaConfig;

pub(crate) struct ConfigApis {
    pub(crate) broker: BrokerId,
    /// Records changes.
    pub(crate) metadata: ClusterMetadata,
    pub(crate) images: ImageWatcher,
    pub(crate) kafka_config: BrokerKafkaConfig,
}
