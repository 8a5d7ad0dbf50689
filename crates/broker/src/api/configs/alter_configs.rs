//! AlterConfigs, versions 0 to 2: replaces everything that is set for a topic, for this broker or
//! for all brokers.
//!
//! What an entry does not name is no longer set, so clients that can use IncrementalAlterConfigs
//! do. One answer per entry, in order; entries for the same resource are all INVALID_REQUEST. Names
//! that are not known and values that are not allowed are INVALID_CONFIG, what a running broker
//! cannot change is INVALID_REQUEST.

use milena_kafka_config::Configs;
use milena_protocol::{
    ErrorCode,
    messages::{
        alter_configs_request::{AlterConfigsRequest, AlterConfigsResource},
        alter_configs_response::{AlterConfigsResourceResponse, AlterConfigsResponse},
    },
};

use super::changes::{Changes, Entry, alter, refuse_doubles, required};
use crate::{context::RequestContext, shared::BrokerShared, topics::Refusal};

pub(crate) async fn handle(
    context: &RequestContext,
    broker: &BrokerShared,
    request: AlterConfigsRequest,
) -> AlterConfigsResponse {
    let entries: Vec<Entry> = request.resources.iter().map(entry).collect();
    let answers = alter(context, broker, &entries, request.validate_only).await;
    let responses =
        entries.into_iter().zip(answers).map(|(entry, answer)| AlterConfigsResourceResponse {
            error_code: answer
                .as_ref()
                .map_or_else(|refused| refused.code, |()| ErrorCode::None)
                .code(),
            error_message: answer.err().map(|refused| refused.message.into()),
            resource_type: entry.resource_type,
            resource_name: entry.resource_name,
        });
    AlterConfigsResponse { throttle_time_ms: 0, responses: responses.collect() }
}

fn entry(resource: &AlterConfigsResource) -> Entry {
    Entry {
        resource_type: resource.resource_type,
        resource_name: resource.resource_name.clone(),
        changes: configs(resource).map(Changes::Replace),
    }
}

fn configs(resource: &AlterConfigsResource) -> Result<Configs, Refusal> {
    refuse_doubles(resource.configs.iter().map(|config| &config.name))?;
    let configs = resource.configs.iter();
    configs
        .map(|config| Ok((config.name.to_string(), required(&config.name, config.value.as_ref())?)))
        .collect()
}
