//! IncrementalAlterConfigs (KIP-339): sets, deletes, appends to and subtracts from single
//! configurations of a topic, of this broker or of all brokers, and leaves the others as they are.
//!
//! One result per resource, in order. INVALID_REQUEST: a resource named twice, a configuration
//! named twice for a resource, an operation that does not exist, a null value where one is needed.
//! Otherwise errors are those of AlterConfigs; appending to a configuration that is not a list is
//! INVALID_CONFIG.

use milena_kafka_config::AlterOperation;
use milena_protocol::{
    ApiKey, ErrorCode,
    messages::{
        incremental_alter_configs_request::{
            AlterConfigsResource, AlterableConfig, IncrementalAlterConfigsRequest,
        },
        incremental_alter_configs_response::{
            AlterConfigsResourceResponse, IncrementalAlterConfigsResponse,
        },
    },
};

use super::apis::ConfigApis;
use super::changes::{Alteration, ResourceAlteration, alter, check_distinct, required};
use crate::{api::definition::ApiDefinition, context::RequestContext, errors::ApiError};

pub(crate) const API: ApiDefinition = ApiDefinition {
    limits: "for topics and brokers",
    computes: true,
    ..ApiDefinition::new(ApiKey::IncrementalAlterConfigs, 0..=1)
};

pub(crate) async fn handle(
    context: &RequestContext,
    apis: &ConfigApis,
    request: IncrementalAlterConfigsRequest,
) -> IncrementalAlterConfigsResponse {
    let entries = request.resources.iter().map(entry).collect();
    let altered = alter(context, apis, entries, request.validate_only).await;
    let responses = altered.into_iter().map(|resource| AlterConfigsResourceResponse {
        error_code: resource.error_code,
        error_message: resource.error_message,
        resource_type: resource.resource_type,
        resource_name: resource.resource_name,
    });
    IncrementalAlterConfigsResponse { throttle_time_ms: 0, responses: responses.collect() }
}

fn entry(resource: &AlterConfigsResource) -> ResourceAlteration {
    let operations = check_distinct(resource.configs.iter().map(|config| &config.name))
        .and_then(|()| resource.configs.iter().map(operation).collect::<Result<Vec<_>, _>>());
    ResourceAlteration {
        resource_type: resource.resource_type,
        resource_name: resource.resource_name.clone(),
        alteration: operations.map(Alteration::Apply),
    }
}

fn operation(config: &AlterableConfig) -> Result<(String, AlterOperation), ApiError> {
    let value = || required(&config.name, config.value.as_ref());
    let operation = match config.config_operation {
        0 => AlterOperation::Set(value()?),
        1 => AlterOperation::Delete,
        2 => AlterOperation::Append(value()?),
        3 => AlterOperation::Subtract(value()?),
        other => {
            let message = format!(
                "operation {other} does not exist: 0 sets, 1 deletes, 2 appends, 3 subtracts"
            );
            return Err(ApiError::new(ErrorCode::InvalidRequest, message));
        }
    };
    Ok((config.name.to_string(), operation))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(name: &'static str, config_operation: i8, value: Option<&str>) -> AlterableConfig {
        AlterableConfig { name: name.into(), config_operation, value: value.map(Into::into) }
    }

    fn changes(configs: Vec<AlterableConfig>) -> Result<Alteration, ErrorCode> {
        let resource =
            AlterConfigsResource { resource_type: 2, resource_name: "t".into(), configs };
        entry(&resource).alteration.map_err(|refused| refused.code)
    }

    #[test]
    fn b17_operations_are_read_by_their_numbers() {
        let read = changes(vec![
            config("a", 0, Some("1")),
            config("b", 1, None),
            config("c", 2, Some("2")),
            config("d", 3, Some("3")),
        ]);
        let Ok(Alteration::Apply(operations)) = read else { panic!("operations are needed") };
        let operations: Vec<_> = operations.into_iter().map(|(_, operation)| operation).collect();
        let expected = [
            AlterOperation::Set("1".to_owned()),
            AlterOperation::Delete,
            AlterOperation::Append("2".to_owned()),
            AlterOperation::Subtract("3".to_owned()),
        ];
        assert_eq!(operations, expected);
    }

    #[test]
    fn b17_doubles_nulls_and_unknown_operations_are_invalid_requests() {
        let invalid = [
            vec![config("a", 0, Some("1")), config("a", 1, None)],
            vec![config("a", 0, None)],
            vec![config("a", 2, None)],
            vec![config("a", 4, Some("1"))],
            vec![config("a", -1, Some("1"))],
        ];
        for configs in invalid {
            assert_eq!(changes(configs).err(), Some(ErrorCode::InvalidRequest));
        }
    }
}
