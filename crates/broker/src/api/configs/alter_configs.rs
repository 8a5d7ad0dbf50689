//! AlterConfigs: replaces all configurations set for a topic, for this broker or for all brokers.
//!
//! A configuration that a resource's list does not name is reset; IncrementalAlterConfigs leaves
//! it. One result per resource, in order; a resource named twice is INVALID_REQUEST each time.
//! Unknown names and values that are not allowed are INVALID_CONFIG, configurations that a running
//! broker cannot change are INVALID_REQUEST.

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
    let entries = request.resources.iter().map(entry).collect();
    let altered = alter(context, apis, entries, request.validate_only).await;
    let responses = altered.into_iter().map(|resource| AlterConfigsResourceResponse {
        error_code: resource.error_code,
        error_message: resource.error_message,
        resource_type: resource.resource_type,
        resource_name: resource.resource_name,
    });
    AlterConfigsResponse { throttle_time_ms: 0, responses: responses.collect() }
}

fn entry(resource: &AlterConfigsResource) -> ResourceAlteration {
    ResourceAlteration {
        resource_type: resource.resource_type,
        resource_name: resource.resource_name.clone(),
        alteration: configs(resource).map(Alteration::Replace),
    }
}

fn configs(resource: &AlterConfigsResource) -> Result<Configs, ApiError> {
    check_distinct(resource.configs.iter().map(|config| &config.name))?;
    let configs = resource.configs.iter();
    configs
        .map(|config| Ok((config.name.to_string(), required(&config.name, config.value.as_ref())?)))
        .collect()
}
