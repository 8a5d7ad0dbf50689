//! DescribeConfigs: the configurations of topics and of this broker.
//!
//! One result per requested resource, in order, each with its own error. No names, or an empty
//! list, mean all. The empty broker name means the configurations set for all brokers at run time,
//! and no others. Secrets are never shown. A broker returns its own configuration only: another's
//! number is INVALID_REQUEST. Topics that do not exist are UNKNOWN_TOPIC_OR_PARTITION.

use std::collections::HashSet;

use milena_kafka_config::{ConfigEntry, ConfigSource};
use milena_protocol::{
    ApiKey, ErrorCode, KString,
    messages::{
        describe_configs_request::{DescribeConfigsRequest, DescribeConfigsResource},
        describe_configs_response::{
            DescribeConfigsResourceResult, DescribeConfigsResponse, DescribeConfigsResult,
            DescribeConfigsSynonym,
        },
    },
};

use super::apis::ConfigApis;
use super::resources::{ConfigResource, ConfigsView, TOPIC};
use crate::{
    access::{Operation, Resource},
    api::{
        bounds::ResponseBytes,
        definition::ApiDefinition,
        handled::{Handled, IntoHandled as _},
    },
    context::RequestContext,
    entry_turns::EntryTurns,
    errors::ApiError,
};

pub(crate) const API: ApiDefinition = ApiDefinition {
    limits: "for topics and brokers",
    notes: &[
        (
            1,
            "where a value is from, before only whether it is the default; synonyms if requested \
             (KIP-226)",
        ),
        (3, "types, and documentation if requested (KIP-569)"),
    ],
    computes: true,
    ..ApiDefinition::new(ApiKey::DescribeConfigs, 0..=4)
};

/// About how many bytes of memory a configuration takes while a response is made.
const CONFIG_BYTES: usize = 400;

pub(crate) async fn handle(
    context: &RequestContext,
    apis: &ConfigApis,
    request: DescribeConfigsRequest,
) -> Handled {
    let described = request.resources.iter().map(configs_of).sum::<usize>();
    if !context.has_room_for(described.saturating_mul(CONFIG_BYTES)).await {
        return Handled::close("there was no room for its response: others are not read");
    }
    let mut turns = EntryTurns::default();
    let mut bytes = ResponseBytes::default();
    let mut results = Vec::new();
    let mut seen = HashSet::with_capacity(request.resources.len());
    for resource in &request.resources {
        turns.next().await;
        if !seen.insert((resource.resource_type, &resource.resource_name, keys(resource))) {
            continue;
        }
        let image = apis.images.current();
        let allows = |operation, resource: Resource<'_>| context.allows(operation, resource);
        let view = ConfigsView {
            kafka_config: apis.kafka_config.effective(&image),
            image: &image,
            broker: apis.broker,
            allows: &allows,
        };
        let result = describe_one(&view, &request, resource);
        bytes.add(result.configs.iter().map(bytes_of).sum());
        if bytes.is_too_large() {
            return Handled::too_large(context);
        }
        results.push(result);
    }
    DescribeConfigsResponse { throttle_time_ms: 0, results }.into_handled(context)
}

/// The configurations that are wanted of a resource; none: all.
fn keys(resource: &DescribeConfigsResource) -> Option<&[KString]> {
    resource.configuration_keys.as_deref().filter(|names| !names.is_empty())
}

/// How many configurations are described of a resource, about.
fn configs_of(resource: &DescribeConfigsResource) -> usize {
    const OF_TOPIC: usize = 40;
    const OF_BROKER: usize = 350;
    let all = if resource.resource_type == TOPIC { OF_TOPIC } else { OF_BROKER };
    keys(resource).map_or(all, |names| names.len().min(all))
}

/// The length of a configuration in the response, at least.
fn bytes_of(config: &DescribeConfigsResourceResult) -> usize {
    let text = |text: &Option<KString>| text.as_ref().map_or(0, |text| text.len());
    let synonyms = config.synonyms.iter().map(|other| other.name.len() + text(&other.value));
    config.name.len() + text(&config.value) + text(&config.documentation) + synonyms.sum::<usize>()
}

fn describe_one(
    view: &ConfigsView<'_>,
    request: &DescribeConfigsRequest,
    resource: &DescribeConfigsResource,
) -> DescribeConfigsResult {
    let (error, configs) = match describe_resource(view, request, resource) {
        Ok(configs) => (None, configs),
        Err(refused) => (Some(refused), Vec::new()),
    };
    DescribeConfigsResult {
        error_code: error.as_ref().map_or(ErrorCode::None, |refused| refused.code).code(),
        error_message: error.and_then(|error| error.message).map(Into::into),
        resource_type: resource.resource_type,
        resource_name: resource.resource_name.clone(),
        configs,
    }
}

fn describe_resource(
    view: &ConfigsView<'_>,
    request: &DescribeConfigsRequest,
    resource: &DescribeConfigsResource,
) -> Result<Vec<DescribeConfigsResourceResult>, ApiError> {
    let found =
        view.resource(resource.resource_type, &resource.resource_name, Operation::DescribeConfigs)?;
    let entries = match found {
        ConfigResource::Topic(name) => {
            let topic = view.image.topic(name.as_str()).map(|topic| topic.configs().clone());
            view.kafka_config.describe_topic(&topic.unwrap_or_default())
        }
        ConfigResource::Broker => view.kafka_config.describe_broker(),
        ConfigResource::Cluster => view.kafka_config.describe_cluster(),
    };
    let wanted = keys(resource);
    let is_wanted = |entry: &ConfigEntry<'_>| {
        wanted.is_none_or(|names| names.iter().any(|name| name.as_str() == entry.name))
    };
    Ok(entries.into_iter().filter(is_wanted).map(|entry| result(request, entry)).collect())
}

fn result(
    request: &DescribeConfigsRequest,
    entry: ConfigEntry<'_>,
) -> DescribeConfigsResourceResult {
    let synonyms = if request.include_synonyms { entry.synonyms } else { Vec::new() };
    let documentation = request.include_documentation.then(|| entry.definition.doc.into());
    DescribeConfigsResourceResult {
        name: entry.name.into(),
        value: entry.value.map(Into::into),
        read_only: entry.read_only,
        is_default: entry.source == ConfigSource::Default,
        config_source: entry.source as i8,
        is_sensitive: entry.definition.is_sensitive(),
        synonyms: synonyms
            .into_iter()
            .map(|synonym| DescribeConfigsSynonym {
                name: synonym.name.into(),
                value: synonym.value.map(Into::into),
                source: synonym.source as i8,
            })
            .collect(),
        config_type: entry.definition.kind as i8,
        documentation,
    }
}

#[cfg(test)]
mod tests;
