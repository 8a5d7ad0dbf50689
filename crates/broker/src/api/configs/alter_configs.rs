//! AlterConfigs: replaces all configurations set for a topic, for this broker or for all brokers.
//!
//! A configuration that a resource's list does not name is reset; IncrementalAlterConfigs leaves
//! it. One result per resource, in order; a resource named twice is INVALID_REQUEST each time.
//! Unknown names and values that are not allowed are INVALID_CONFIG, configurations that a running
//! broker cannot change are INVALID_REQUEST. So is a name that is given twice for a resource, from
//! Kafka 3.2 on; before, its last value counts.

use milena_kafka_config::Configs;
use milena_protocol::{
    ApiKey,
    messages::{
        alter_configs_request::{AlterConfigsRequest, AlterConfigsResource},
        alter_configs_response::{AlterConfigsResourceResponse, AlterConfigsResponse},
    },
};

use super::apis::ConfigApis;
use super::changes::{Alteration, ResourceAlteration, alter, check_distinct, required};
use crate::{api::definition::ApiDefinition, context::RequestContext, errors::ApiError};

pub(crate) const API: ApiDefinition = ApiDefinition {
    limits: "for topics and brokers",
    computes: true,
    ..ApiDefinition::new(ApiKey::AlterConfigs, 0..=2)
};

pub(crate) async fn handle(
    context: &RequestContext,
    apis: &ConfigApis,
    request: AlterConfigsRequest,
) -> AlterConfigsResponse {
    let refuses_doubles = apis.kafka_config.catalogue().version().is_at_least(3, 2);
    let entries =
        request.resources.iter().map(|resource| entry(resource, refuses_doubles)).collect();
    let altered = alter(context, apis, entries, request.validate_only).await;
    let responses = altered.into_iter().map(|resource| AlterConfigsResourceResponse {
        error_code: resource.error_code,
        error_message: resource.error_message,
        resource_type: resource.resource_type,
        resource_name: resource.resource_name,
    });
    AlterConfigsResponse { throttle_time_ms: 0, responses: responses.collect() }
}

fn entry(resource: &AlterConfigsResource, refuses_doubles: bool) -> ResourceAlteration {
    ResourceAlteration {
        resource_type: resource.resource_type,
        resource_name: resource.resource_name.clone(),
        alteration: configs(resource, refuses_doubles).map(Alteration::Replace),
    }
}

/// Of a name that is given twice the last value counts, where that is not refused.
fn configs(resource: &AlterConfigsResource, refuses_doubles: bool) -> Result<Configs, ApiError> {
    if refuses_doubles {
        check_distinct(resource.configs.iter().map(|config| &config.name))?;
    }
    let configs = resource.configs.iter();
    configs
        .map(|config| Ok((config.name.to_string(), required(&config.name, config.value.as_ref())?)))
        .collect()
}
