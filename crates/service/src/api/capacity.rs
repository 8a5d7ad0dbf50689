//! UpdateBrokerStorage and UpdateBrokerType. Sizes of volumes and types of instances are shown and
//! limit nothing, so that a change of the cluster's record completes either operation; no broker is
//! restarted.

use milena_store::Txn;

use super::{clusters::check_version, context::Api, updates::OperationStart};
use crate::{
    error::ApiError,
    record::ManagedCluster,
    validation::{self, required},
    wire::{
        BrokerEbsVolumeInfo, MutableClusterInfo, UpdateBrokerStorageRequest,
        UpdateBrokerTypeRequest, UpdateResponse,
    },
};

const VOLUMES: &str = "targetBrokerEBSVolumeInfo";
const INSTANCE_TYPE: &str = "targetInstanceType";
/// In place of a broker's id: every broker.
const ALL_BROKERS: &str = "All";

impl Api {
    pub(super) async fn update_broker_storage(
        &self,
        arn: &str,
        request: UpdateBrokerStorageRequest,
        request_id: &str,
    ) -> Result<UpdateResponse, ApiError> {
        let version = required(request.current_version, "currentVersion")?;
        let size = volume_size(&required(request.target_broker_ebs_volume_info, VOLUMES)?)?;
        let steps = &["INITIALIZE_UPDATE", "UPDATE_BROKER_STORAGE", "FINALIZE_UPDATE"];
        let start =
            OperationStart { kind: "UPDATE_BROKER_STORAGE", state: None, steps, request_id };
        self.start_operation(arn, start, |record, operation, _| {
            check_version(record, Some(&version))?;
            let before = grown_from(record, size)?;
            operation.source = volume_info(before);
            operation.target = volume_info(size);
            record.spec.volume_size_gib = Some(size);
            Ok(Txn::new())
        })
        .await
        .map_err(|error| error.not_found_as_invalid("clusterArn"))
    }

    pub(super) async fn update_broker_type(
        &self,
        arn: &str,
        request: UpdateBrokerTypeRequest,
        request_id: &str,
    ) -> Result<UpdateResponse, ApiError> {
        let version = required(request.current_version, "currentVersion")?;
        let wanted = validation::instance_type(request.target_instance_type, INSTANCE_TYPE)?;
        refuse_reassignment(request.topic_reassignment.as_deref())?;
        let steps = &["INITIALIZE_UPDATE", "UPDATE_BROKER_TYPE", "FINALIZE_UPDATE"];
        let start = OperationStart { kind: "UPDATE_BROKER_TYPE", state: None, steps, request_id };
        self.start_operation(arn, start, |record, operation, _| {
            check_version(record, Some(&version))?;
            let spec = &mut record.spec;
            check_type_change(&spec.instance_type, &wanted)?;
            let info = |name: &str| MutableClusterInfo {
                instance_type: Some(name.to_owned()),
                ..MutableClusterInfo::default()
            };
            operation.source = info(&spec.instance_type);
            operation.target = info(&wanted);
            spec.instance_type = wanted.clone();
            Ok(Txn::new())
        })
        .await
    }
}

/// It is for upgrades from Standard to Express brokers, whose target MSK names with both types.
fn refuse_reassignment(mode: Option<&str>) -> Result<(), ApiError> {
    const PATH: &str = "topicReassignment";
    match mode {
        None => Ok(()),
        Some("AUTO" | "MANUAL") => Err(ApiError::invalid(
            PATH,
            format!(
                "{PATH} is for upgrades to Express brokers, which are not offered; leave it out"
            ),
        )),
        Some(other) => Err(validation::not_one_of(PATH, other, "AUTO or MANUAL")),
    }
}

/// The size of the one entry, which must be for all brokers.
fn volume_size(volumes: &[BrokerEbsVolumeInfo]) -> Result<i64, ApiError> {
    let refuse = |reason: String| Err(ApiError::invalid(VOLUMES, format!("{VOLUMES}: {reason}")));
    let [volume] = volumes else {
        let count = volumes.len();
        return refuse(format!(
            "one entry with kafkaBrokerNodeId '{ALL_BROKERS}' is needed, not {count}"
        ));
    };
    match volume.kafka_broker_node_id.as_deref() {
        Some(ALL_BROKERS) => {}
        Some(other) => {
            return refuse(format!(
                "kafkaBrokerNodeId must be '{ALL_BROKERS}', but is '{other}': the brokers of a \
                 cluster have volumes of one size"
            ));
        }
        None => return refuse("kafkaBrokerNodeId is required".to_owned()),
    }
    validation::refuse_throughput(volume.provisioned_throughput.as_ref(), VOLUMES)?;
    let path = format!("{VOLUMES}.volumeSizeGB");
    validation::volume_gib(required(volume.volume_size_gb, &path)?, &path)
}

/// The size before; volumes only grow.
fn grown_from(record: &ManagedCluster, size: i64) -> Result<i64, ApiError> {
    let refuse = |reason: String| Err(ApiError::invalid(VOLUMES, format!("{VOLUMES}: {reason}")));
    match record.spec.volume_size_gib {
        None => refuse("Express brokers have no volumes".to_owned()),
        Some(before) if size <= before => refuse(format!(
            "volumes can only grow: they have {before} GiB, and {size} GiB is not more"
        )),
        Some(before) => Ok(before),
    }
}

fn check_type_change(before: &str, wanted: &str) -> Result<(), ApiError> {
    let refuse = |reason: &str| {
        Err(ApiError::invalid(INSTANCE_TYPE, format!("{INSTANCE_TYPE}: '{wanted}' {reason}")))
    };
    let is_express = |name: &str| name.starts_with("express.");
    if before == wanted {
        return refuse("is what the brokers are already");
    }
    if is_express(before) != is_express(wanted) {
        return refuse("is of another class: Standard and Express brokers cannot be exchanged");
    }
    Ok(())
}

fn volume_info(size: i64) -> MutableClusterInfo {
    let info = BrokerEbsVolumeInfo {
        kafka_broker_node_id: Some(ALL_BROKERS.to_owned()),
        provisioned_throughput: None,
        volume_size_gb: Some(size),
    };
    MutableClusterInfo { broker_ebs_volume_info: Some(vec![info]), ..MutableClusterInfo::default() }
}

#[cfg(test)]
mod tests;
