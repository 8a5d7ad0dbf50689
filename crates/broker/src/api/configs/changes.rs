//! Alterations, for AlterConfigs and IncrementalAlterConfigs: one transaction for each resource.

use std::{collections::HashMap, time::Duration};

use milena_kafka_config::{
    AlterOperation, AlterTarget, Catalogue, ConfigError, Configs, apply, replace,
};
use milena_metadata::{ClusterMetadata, ImageWatcher, MetadataError};
use milena_protocol::{ErrorCode, KString};
use milena_types::Revision;

use super::apis::ConfigApis;
use super::resources::{ConfigResource, ConfigsView, TOPIC};
use crate::{
    access::{Operation, Resource},
    context::RequestContext,
    entry_turns::EntryTurns,
    errors::ApiError,
};

/// How long a response waits for this broker's image to show the alteration. Other brokers' images
/// follow later, as in Kafka.
const VISIBLE_MAX: Duration = Duration::from_secs(5);

#[derive(Clone, Debug)]
pub(crate) enum Alteration {
    /// To exactly this.
    Replace(Configs),
    /// By these operations, in order.
    Apply(Vec<(String, AlterOperation)>),
}

/// One resource of a request.
#[derive(Clone, Debug)]
pub(crate) struct ResourceAlteration {
    pub(crate) resource_type: i8,
    pub(crate) resource_name: KString,
    pub(crate) alteration: Result<Alteration, ApiError>,
}

/// The fields of a resource in both responses.
pub(crate) struct AlteredResource {
    pub(crate) resource_type: i8,
    pub(crate) resource_name: KString,
    pub(crate) error_code: i16,
    pub(crate) error_message: Option<KString>,
}

/// Alters every resource, or with `validate_only` only checks the alterations. Returns one result
/// per resource, in order, once this broker's image shows the alterations.
pub(crate) async fn alter(
    context: &RequestContext,
    apis: &ConfigApis,
    entries: Vec<ResourceAlteration>,
    validate_only: bool,
) -> Vec<AlteredResource> {
    let image = apis.images.current();
    let allows = |operation, resource: Resource<'_>| context.allows(operation, resource);
    let view = ConfigsView {
        kafka_config: apis.kafka_config.effective(&image),
        image: &image,
        broker: apis.broker,
        allows: &allows,
    };
    let metadata = (!validate_only).then_some(&apis.metadata);
    let is_over = || context.is_late() || context.is_abandoned();
    let (results, altered) = alter_all(&view, metadata, &entries, is_over).await;
    if let Some(revision) = altered {
        wait_until_visible(&apis.images, revision).await;
    }
    let outcomes = entries.into_iter().zip(results).map(|(entry, result)| {
        let (code, message) =
            result.map_or_else(|error| (error.code, error.message), |()| (ErrorCode::None, None));
        AlteredResource {
            resource_type: entry.resource_type,
            resource_name: entry.resource_name,
            error_code: code.code(),
            error_message: message.map(Into::into),
        }
    });
    outcomes.collect()
}

async fn wait_until_visible(images: &ImageWatcher, revision: Revision) {
    // The alteration was made even if the image is late or stopping.
    let _ = tokio::time::timeout(VISIBLE_MAX, images.wait_for(revision)).await;
}

/// Returns the results and the newest revision of an alteration. Without `metadata` nothing is
/// altered. Each resource is a transaction, so that very many are not finished once the request
/// `is_over`.
async fn alter_all(
    view: &ConfigsView<'_>,
    metadata: Option<&ClusterMetadata>,
    entries: &[ResourceAlteration],
    is_over: impl Fn() -> bool,
) -> (Vec<Result<(), ApiError>>, Option<Revision>) {
    let mut turns = EntryTurns::default();
    let mut counts = HashMap::new();
    for entry in entries {
        turns.next().await;
        *counts.entry((entry.resource_type, &entry.resource_name)).or_insert(0) += 1;
    }
    let mut results = Vec::with_capacity(entries.len());
    let mut newest = None;
    for entry in entries {
        turns.next().await;
        let result = if is_over() {
            Err(ApiError::with_kafkas_message(ErrorCode::RequestTimedOut))
        } else if counts[&(entry.resource_type, &entry.resource_name)] > 1 {
            Err(ApiError::new(
                ErrorCode::InvalidRequest,
                "each resource may be named once in a request",
            ))
        } else {
            alter_one(view, metadata, entry).await
        };
        results.push(result.map(|revision| newest = newest.max(revision)));
    }
    (results, newest)
}

async fn alter_one(
    view: &ConfigsView<'_>,
    metadata: Option<&ClusterMetadata>,
    entry: &ResourceAlteration,
) -> Result<Option<Revision>, ApiError> {
    let alteration = entry.alteration.as_ref().map_err(Clone::clone)?;
    if entry.resource_type == TOPIC && entry.resource_name.is_empty() {
        let message = "topics have no configuration for all of them: name one";
        return Err(ApiError::new(ErrorCode::InvalidRequest, message));
    }
    let resource =
        view.resource(entry.resource_type, &entry.resource_name, Operation::AlterConfigs)?;
    let (catalogue, target) = (view.kafka_config.catalogue(), resource.target());
    let Some(metadata) = metadata else {
        alteration.apply_to(catalogue, target, &current(view, &resource))?;
        return Ok(None);
    };
    let change = |configs: &mut Configs| -> Result<(), AlterError> {
        *configs = alteration.apply_to(catalogue, target, configs)?;
        Ok(())
    };
    let revision = match &resource {
        ConfigResource::Topic(name) => metadata.alter_topic_configs(name, change).await,
        ConfigResource::Broker => metadata.alter_broker_configs(Some(view.broker), change).await,
        ConfigResource::Cluster => metadata.alter_broker_configs(None, change).await,
    };
    match revision {
        Ok(revision) => {
            tracing::info!(?resource, "configuration changed");
            Ok(Some(revision))
        }
        Err(AlterError::Config(error)) => Err(error.into()),
        Err(AlterError::Metadata(error)) => Err(error.into()),
    }
}

fn current(view: &ConfigsView<'_>, resource: &ConfigResource) -> Configs {
    let set = match resource {
        ConfigResource::Topic(name) => view.image.topic(name.as_str()).map(|topic| topic.configs()),
        ConfigResource::Broker => view.image.broker_configs(Some(view.broker)),
        ConfigResource::Cluster => view.image.broker_configs(None),
    };
    set.map(|configs| configs.as_ref().clone()).unwrap_or_default()
}

impl Alteration {
    /// Returns the configurations set after it, where `current` are set before.
    fn apply_to(
        &self,
        catalogue: &Catalogue,
        target: AlterTarget,
        current: &Configs,
    ) -> Result<Configs, ConfigError> {
        match self {
            Self::Replace(configs) => replace(catalogue, target, current, configs),
            Self::Apply(operations) => apply(catalogue, target, current, operations),
        }
    }
}

enum AlterError {
    Config(ConfigError),
    Metadata(MetadataError),
}

impl From<ConfigError> for AlterError {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

impl From<MetadataError> for AlterError {
    fn from(error: MetadataError) -> Self {
        Self::Metadata(error)
    }
}

/// Checks that no name is given twice for a resource.
pub(crate) fn check_distinct<'a>(names: impl Iterator<Item = &'a KString>) -> Result<(), ApiError> {
    let mut seen = std::collections::HashSet::new();
    for name in names {
        if !seen.insert(name) {
            let message = format!("{name} is given more than once");
            return Err(ApiError::new(ErrorCode::InvalidRequest, message));
        }
    }
    Ok(())
}

/// The value that an operation needs.
pub(crate) fn required(name: &KString, value: Option<&KString>) -> Result<String, ApiError> {
    let missing = || {
        ApiError::new(ErrorCode::InvalidRequest, format!("{name} cannot be set to null: delete it"))
    };
    value.map(|value| value.to_string()).ok_or_else(missing)
}

#[cfg(test)]
mod tests;
