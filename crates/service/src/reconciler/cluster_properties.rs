//! The server properties of a cluster's brokers.

use std::collections::BTreeMap;

use milena_kafka_config::msk;

use super::context::ReconcileContext;
use crate::{configuration::ConfigurationRef, error::ApiError, record::ManagedCluster};

/// MSK's defaults, over them the properties of the cluster's creation, and over those
/// `configuration`.
pub(super) async fn server_properties(
    context: &ReconcileContext,
    record: &ManagedCluster,
    configuration: Option<&ConfigurationRef>,
) -> Result<BTreeMap<String, String>, ApiError> {
    let mut properties = msk::default_properties(record.spec.zones.len());
    properties.extend(record.spec.server_properties.clone());
    if let Some(ConfigurationRef { uid, revision, arn }) = configuration {
        let found = context.store.configuration_revision(uid, *revision).await?;
        let found = found.ok_or_else(|| {
            ApiError::Internal(format!(
                "revision {revision} of {arn} is gone; restore the metadata store"
            ))
        })?;
        properties.extend(found.properties());
    }
    Ok(properties)
}
