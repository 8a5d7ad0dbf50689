//! Changing what is set, for AlterConfigs and IncrementalAlterConfigs: each entry by itself, all of
//! an entry or nothing of it.

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
    errors::ApiError,
};

/// How long an answer waits for this broker to see the change it made. Others see it when they see
/// it, as in Kafka.
const VISIBLE_MAX: Duration = Duration::from_secs(5);

/// What an entry asks for.
#[derive(Clone, Debug)]
pub(crate) enum Changes {
    /// This and nothing else is set from now on.
    Replace(Configs),
    /// These in turn.
    Apply(Vec<(String, AlterOperation)>),
}

/// An entry of a request.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) resource_type: i8,
    pub(crate) resource_name: KString,
    pub(crate) changes: Result<Changes, ApiError>,
}

/// Makes the changes of every entry, or with `validate_only` only looks whether they could be made.
/// One answer per entry, in order. What was changed is visible on this broker when the answers are
/// there.
pub(crate) async fn alter(
    context: &RequestContext,
    apis: &ConfigApis,
    entries: &[Entry],
    validate_only: bool,
) -> Vec<Result<(), ApiError>> {
    let image = apis.images.current();
    let allows = |operation, resource: Resource<'_>| context.allows(operation, resource);
    let view = ConfigsView {
        kafka_config: apis.kafka_config.effective(&image),
        image: &image,
        broker: apis.broker,
        allows: &allows,
    };
    let metadata = (!validate_only).then_some(&apis.metadata);
    let (answers, changed) = alter_all(&view, metadata, entries).await;
    if let Some(revision) = changed {
        visible(&apis.images, revision).await;
    }
    answers
}

async fn visible(images: &ImageWatcher, revision: Revision) {
    // Either way the change was made; a late or stopping image is no reason to say otherwise.
    let _ = tokio::time::timeout(VISIBLE_MAX, images.wait_for(revision)).await;
}

/// The answers, and the newest revision that a change was made at. Without `metadata`, nothing is
/// changed.
async fn alter_all(
    view: &ConfigsView<'_>,
    metadata: Option<&ClusterMetadata>,
    entries: &[Entry],
) -> (Vec<Result<(), ApiError>>, Option<Revision>) {
    let mut times = HashMap::new();
    for entry in entries {
        *times.entry((entry.resource_type, &entry.resource_name)).or_insert(0) += 1;
    }
    let mut answers = Vec::with_capacity(entries.len());
    let mut newest = None;
    for entry in entries {
        let answer = if times[&(entry.resource_type, &entry.resource_name)] > 1 {
            Err(ApiError::new(
                ErrorCode::InvalidRequest,
                "each resource may be named once in a request",
            ))
        } else {
            alter_one(view, metadata, entry).await
        };
        answers.push(answer.map(|revision| newest = newest.max(revision)));
    }
    (answers, newest)
}

async fn alter_one(
    view: &ConfigsView<'_>,
    metadata: Option<&ClusterMetadata>,
    entry: &Entry,
) -> Result<Option<Revision>, ApiError> {
    let changes = entry.changes.as_ref().map_err(Clone::clone)?;
    if entry.resource_type == TOPIC && entry.resource_name.is_empty() {
        let message = "topics have no configuration for all of them: name one";
        return Err(ApiError::new(ErrorCode::InvalidRequest, message));
    }
    let resource =
        view.resource(entry.resource_type, &entry.resource_name, Operation::AlterConfigs)?;
    let (catalogue, target) = (view.kafka_config.catalogue(), resource.target());
    let Some(metadata) = metadata else {
        changes.to(catalogue, target, &current(view, &resource))?;
        return Ok(None);
    };
    let change = |configs: &mut Configs| -> Result<(), AlterError> {
        *configs = changes.to(catalogue, target, configs)?;
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

impl Changes {
    /// What is set once they were made to `current`.
    fn to(
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

/// Why a change was not made: it must not be, or it could not be.
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

/// Names that an entry has more than once, and values it leaves out, are the client's mistake.
pub(crate) fn refuse_doubles<'a>(names: impl Iterator<Item = &'a KString>) -> Result<(), ApiError> {
    let mut seen = std::collections::HashSet::new();
    for name in names {
        if !seen.insert(name) {
            let message = format!("{name} is given more than once");
            return Err(ApiError::new(ErrorCode::InvalidRequest, message));
        }
    }
    Ok(())
}

/// The value of a configuration that is to be set.
pub(crate) fn required(name: &KString, value: Option<&KString>) -> Result<String, ApiError> {
    let missing = || {
        ApiError::new(ErrorCode::InvalidRequest, format!("{name} cannot be set to null: delete it"))
    };
    value.map(|value| value.to_string()).ok_or_else(missing)
}

#[cfg(test)]
mod tests;
