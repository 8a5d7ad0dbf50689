//! Resources of the three configuration APIs: the topic or broker that a request names, and the
//! errors that refuse it.

use milena_kafka_config::{AlterTarget, ConfigError, EffectiveConfig};
use milena_metadata::MetadataImage;
use milena_protocol::ErrorCode;
use milena_types::{BrokerId, TopicName};

use crate::{
    access::{Operation, Resource},
    errors::ApiError,
};

/// Numbers of resource types in the protocol.
pub(crate) const TOPIC: i8 = 2;
const BROKER: i8 = 4;
/// Those that Kafka has configurations of and that have none here.
const OTHERS: [(i8, &str); 3] = [(8, "BROKER_LOGGER"), (16, "CLIENT_METRICS"), (32, "GROUP")];

/// A resource with configurations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ConfigResource {
    /// It exists.
    Topic(TopicName),
    /// This broker.
    Broker,
    /// All brokers: the empty name.
    Cluster,
}

impl ConfigResource {
    pub(crate) const fn target(&self) -> AlterTarget {
        match self {
            Self::Topic(_) => AlterTarget::Topic,
            Self::Broker => AlterTarget::Broker,
            Self::Cluster => AlterTarget::Cluster,
        }
    }
}

impl From<ConfigError> for ApiError {
    fn from(error: ConfigError) -> Self {
        let code = match &error {
            ConfigError::UnknownTopicConfig(_)
            | ConfigError::InvalidValue(_)
            | ConfigError::Conflict(_)
            | ConfigError::NotAList(_) => ErrorCode::InvalidConfig,
            ConfigError::ReadOnly(_) | ConfigError::PerBroker(_) | ConfigError::PerListener(_) => {
                ErrorCode::InvalidRequest
            }
        };
        Self::new(code, error.to_string())
    }
}

/// The image, the configuration in force and the rights that a request is evaluated against.
#[derive(Clone, Copy)]
pub(crate) struct ConfigsView<'a> {
    pub(crate) kafka_config: EffectiveConfig<'a>,
    pub(crate) image: &'a MetadataImage,
    pub(crate) broker: BrokerId,
    pub(crate) allows: &'a (dyn Fn(Operation, Resource<'_>) -> bool + Sync),
}

impl ConfigsView<'_> {
    /// The resource, which exists and on which the client may perform `operation`.
    pub(crate) fn resource(
        &self,
        resource_type: i8,
        name: &str,
        operation: Operation,
    ) -> Result<ConfigResource, ApiError> {
        match resource_type {
            TOPIC => self.topic(name, operation),
            BROKER => self.broker(name, operation),
            other => {
                let known = OTHERS.iter().find(|(number, _)| *number == other);
                let kind = known.map_or_else(|| other.to_string(), |(_, name)| (*name).to_owned());
                let message = format!(
                    "resource type {kind} has no configuration here: ask for a topic or a broker"
                );
                Err(ApiError::new(ErrorCode::InvalidRequest, message))
            }
        }
    }

    fn topic(&self, name: &str, operation: Operation) -> Result<ConfigResource, ApiError> {
        if !(self.allows)(operation, Resource::Topic(name)) {
            return Err(ApiError::new(
                ErrorCode::TopicAuthorizationFailed,
                "access to the topic is denied",
            ));
        }
        let topic: TopicName =
            name.parse().map_err(|e| ApiError::new(ErrorCode::InvalidTopic, format!("{e}")))?;
        if self.image.topic(topic.as_str()).is_none() {
            let message = format!("the topic '{topic}' does not exist");
            return Err(ApiError::new(ErrorCode::UnknownTopicOrPartition, message));
        }
        Ok(ConfigResource::Topic(topic))
    }

    fn broker(&self, name: &str, operation: Operation) -> Result<ConfigResource, ApiError> {
        if !(self.allows)(operation, Resource::Cluster) {
            return Err(ApiError::new(
                ErrorCode::ClusterAuthorizationFailed,
                "access to the cluster is denied",
            ));
        }
        let id = self.broker;
        match name.parse() {
            _ if name.is_empty() => Ok(ConfigResource::Cluster),
            Ok(named) if id == BrokerId(named) => Ok(ConfigResource::Broker),
            Ok(_) => {
                let message = format!(
                    "this is broker {id}: ask broker {name} itself, or all with an empty name"
                );
                Err(ApiError::new(ErrorCode::InvalidRequest, message))
            }
            Err(_) => {
                let message =
                    format!("'{name}' is not a broker: give a number, or nothing for all brokers");
                Err(ApiError::new(ErrorCode::InvalidRequest, message))
            }
        }
    }
}
