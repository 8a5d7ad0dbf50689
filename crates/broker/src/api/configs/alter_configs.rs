//! AlterConfigs: replaces everything that is set for a topic, for this broker or for all brokers.
//!
//! A configuration that a resource's list does not name is reset, so clients that can use
//! IncrementalAlterConfigs do. One result per resource, in order; a resource named twice is
//! INVALID_REQUEST each time. Names that are not known and values that are not allowed are
//! INVALID_CONFIG, what a running broker cannot change is INVALID_REQUEST.

use milena_kafka_config::Configs;
use milena_protocol::{
    ApiKey, ErrorCode,
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
    ..ApiDefinition::new(ApiKey::AlterConfigs, 0..=2)
};

pub(crate) async fn handle(
    context: &RequestContext,
    apis: &ConfigApis,
    request: AlterConfigsRequest,
) -> AlterConfigsResponse {
    let entries: Vec<ResourceAlteration> = request.resources.iter().map(entry).collect();
    let answers = alter(context, apis, &entries, request.validate_only).await;
    let responses =
        entries.into_iter().zip(answers).map(|(entry, answer)| AlterConfigsResourceResponse {
            error_code: answer
                .as_ref()
                .map_or_else(|refused| refused.code, |()| ErrorCode::None)
                .code(),
            error_message: answer.err().and_then(|error| error.message).map(Into::into),
            resource_type: entry.resource_type,
            resource_name: entry.resource_name,
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
