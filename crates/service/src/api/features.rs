//! UpdateMonitoring and UpdateSecurity. What they would turn on is refused by its member, as it is by
//! CreateCluster; the rest is recorded and shown, and no broker is restarted.

use milena_store::Txn;

use super::{clusters::check_version, context::Api, updates::OperationStart};
use crate::{
    error::ApiError,
    record::ClusterSpec,
    validation::{self, required},
    wire::{MutableClusterInfo, UpdateMonitoringRequest, UpdateResponse, UpdateSecurityRequest},
};

impl Api {
    pub(super) async fn update_monitoring(
        &self,
        arn: &str,
        request: UpdateMonitoringRequest,
        request_id: &str,
    ) -> Result<UpdateResponse, ApiError> {
        let version = required(request.current_version, "currentVersion")?;
        let level = request.enhanced_monitoring;
        let level =
            level.map(|level| validation::enhanced_monitoring(Some(level), "enhancedMonitoring"));
        let level = level.transpose()?;
        let exporters = request.open_monitoring;
        let exporters = exporters
            .map(|exporters| validation::open_monitoring(Some(exporters), "openMonitoring"))
            .transpose()?;
        let logging = validation::logging(request.logging_info, "loggingInfo")?;
        if level.is_none() && exporters.is_none() && logging.is_none() {
            return Err(ApiError::bad_request(
                "at least one of enhancedMonitoring, openMonitoring and loggingInfo is required",
            ));
        }
        let target = MutableClusterInfo {
            enhanced_monitoring: level,
            open_monitoring: exporters,
            logging_info: logging,
            ..MutableClusterInfo::default()
        };
        let updated = self.show(arn, &version, "UPDATE_MONITORING", target, request_id).await;
        updated.map_err(|error| error.not_found_as_invalid("clusterArn"))
    }

    pub(super) async fn update_security(
        &self,
        arn: &str,
        request: UpdateSecurityRequest,
        request_id: &str,
    ) -> Result<UpdateResponse, ApiError> {
        let version = required(request.current_version, "currentVersion")?;
        let (authentication, encryption) = (request.client_authentication, request.encryption_info);
        if authentication.is_none() && encryption.is_none() {
            return Err(ApiError::bad_request(
                "at least one of clientAuthentication and encryptionInfo is required",
            ));
        }
        if let Some(info) = encryption {
            // Only what is in force already passes.
            validation::check_encryption_update(info, "encryptionInfo")?;
        }
        let client_authentication =
            validation::client_authentication(authentication, "clientAuthentication")?;
        let target = MutableClusterInfo { client_authentication, ..MutableClusterInfo::default() };
        self.show(arn, &version, "UPDATE_SECURITY", target, request_id).await
    }

    /// An operation that is complete with its transaction: from now on the cluster has the members
    /// of `target` that are there.
    async fn show(
        &self,
        arn: &str,
        version: &str,
        kind: &str,
        target: MutableClusterInfo,
        request_id: &str,
    ) -> Result<UpdateResponse, ApiError> {
        let steps = &["INITIALIZE_UPDATE", kind, "FINALIZE_UPDATE"];
        let start = OperationStart { kind, state: None, steps, request_id };
        self.start_operation(arn, start, |record, operation, _| {
            check_version(record, Some(version))?;
            operation.source = shown(&record.spec, &target);
            operation.target = target.clone();
            let (spec, target) = (&mut record.spec, target.clone());
            spec.enhanced_monitoring =
                target.enhanced_monitoring.unwrap_or_else(|| spec.enhanced_monitoring.clone());
            spec.open_monitoring =
                target.open_monitoring.unwrap_or_else(|| spec.open_monitoring.clone());
            spec.logging = target.logging_info.or_else(|| spec.logging.take());
            spec.client_authentication =
                target.client_authentication.or_else(|| spec.client_authentication.take());
            Ok(Txn::new())
        })
        .await
    }
}

/// The values before of what `target` has.
fn shown(spec: &ClusterSpec, target: &MutableClusterInfo) -> MutableClusterInfo {
    MutableClusterInfo {
        enhanced_monitoring: target
            .enhanced_monitoring
            .as_ref()
            .map(|_| spec.enhanced_monitoring.clone()),
        open_monitoring: target.open_monitoring.as_ref().map(|_| spec.open_monitoring.clone()),
        logging_info: spec.logging.clone().filter(|_| target.logging_info.is_some()),
        client_authentication: spec
            .client_authentication
            .clone()
            .filter(|_| target.client_authentication.is_some()),
        ..MutableClusterInfo::default()
    }
}

#[cfg(test)]
mod tests;
