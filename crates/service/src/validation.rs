//! From the members of a request to a [`ClusterSpec`]: every member is checked, defaults are filled
//! in, and features that this release does not have are refused by name.

mod features;
mod members;

use std::collections::{BTreeMap, BTreeSet};

use milena_store::Limits;

use crate::{
    account::AccountScope,
    error::ApiError,
    kafka_versions::MskVersion,
    record::ClusterSpec,
    wire::{BrokerNodeGroupInfo, ProvisionedRequest, ProvisionedThroughput, Tags},
};
pub(crate) use features::{
    check_encryption_update, client_authentication, enhanced_monitoring, logging, open_monitoring,
};
use features::{encryption, first_enabled, rebalancing};
use members::{ValidationResult, absent};
pub(crate) use members::{not_one_of, required};

/// MSK's quotas of brokers per cluster.
const BROKERS_MAX: i64 = 30;
const BROKERS_MAX_KRAFT: i64 = 60;
/// Addresses of a cluster's brokers are exchanged in one transaction, with the cluster's record.
const _: () = assert!(2 * BROKERS_MAX_KRAFT < Limits::MIN.ops as i64);
const VOLUME_GIB_DEFAULT: i64 = 100;
const TAGS_MAX: usize = 50;
const M7G: &[&str] = &["large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge", "16xlarge"];
const M5: &[&str] =
    &["large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge", "16xlarge", "24xlarge"];
/// MSK's broker types: the beginning of the name, and the sizes that there are of it.
const INSTANCE_TYPES: &[(&str, &[&str])] =
    &[("kafka.t3.", &["small"]), ("kafka.m5.", M5), ("kafka.m7g.", M7G), ("express.m7g.", M7G)];

/// The spec and the number of brokers. Paths of members in errors begin with `prefix`.
pub(crate) fn cluster_spec(
    request: ProvisionedRequest,
    scope: &AccountScope,
    prefix: &str,
) -> ValidationResult<(ClusterSpec, i64)> {
    let at = |member: &str| format!("{prefix}{member}");
    let kafka_version = kafka_version(request.kafka_version, &at("kafkaVersion"))?;
    let group = required(request.broker_node_group_info, &at("brokerNodeGroupInfo"))?;
    let group_path = at("brokerNodeGroupInfo");
    let instance_type =
        instance_type(group.instance_type.clone(), &format!("{group_path}.instanceType"))?;
    let express = instance_type.starts_with("express.");
    let subnets =
        subnets(group.client_subnets.clone(), express, &format!("{group_path}.clientSubnets"))?;
    let zones = scope.zones.of_subnets(&subnets);
    if zones.iter().collect::<BTreeSet<_>>().len() < zones.len() {
        let path = format!("{group_path}.clientSubnets");
        let message =
            format!("{path} must be in different zones, but they are in {}", zones.join(", "));
        return Err(ApiError::invalid(path, message));
    }
    check_zone_ids(group.zone_ids.as_deref(), &zones, &format!("{group_path}.zoneIds"))?;
    let volume_size_gib = volume_size(&group, express, &group_path)?;
    refuse_connectivity(&group, &group_path)?;
    let brokers = broker_count(
        request.number_of_broker_nodes,
        subnets.len(),
        kafka_version,
        &at("numberOfBrokerNodes"),
    )?;
    let spec = ClusterSpec {
        kafka_version,
        instance_type,
        subnets,
        zones,
        security_groups: group.security_groups,
        volume_size_gib,
        client_authentication: client_authentication(
            request.client_authentication,
            &at("clientAuthentication"),
        )?,
        encryption: encryption(request.encryption_info, scope, &at("encryptionInfo"))?,
        enhanced_monitoring: enhanced_monitoring(
            request.enhanced_monitoring,
            &at("enhancedMonitoring"),
        )?,
        open_monitoring: open_monitoring(request.open_monitoring, &at("openMonitoring"))?,
        logging: logging(request.logging_info, &at("loggingInfo"))?,
        rebalancing: rebalancing(request.rebalancing, express, &at("rebalancing"))?,
        server_properties: BTreeMap::new(),
        // Looked up by the caller.
        configuration: None,
    };
    match request.storage_mode.as_deref() {
        None | Some("LOCAL") => Ok((spec, brokers)),
        Some("TIERED") => {
            Err(absent(&at("storageMode"), "tiered storage", "leave it out or set LOCAL"))
        }
        Some(other) => Err(not_one_of(&at("storageMode"), other, "LOCAL or TIERED")),
    }
}

/// 1 to 64 letters, digits and hyphens, beginning with a letter or digit.
pub(crate) fn cluster_name(name: Option<String>) -> ValidationResult<String> {
    let name = required(name, "clusterName")?;
    let allowed = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if name.is_empty() || name.len() > 64 || !allowed || name.starts_with('-') {
        let message = "clusterName must be 1 to 64 letters, digits and hyphens, beginning with a \
            letter or digit";
        return Err(ApiError::invalid("clusterName", message));
    }
    Ok(name)
}

/// Tags within AWS's limits.
pub(crate) fn tags(tags: Option<Tags>) -> ValidationResult<Tags> {
    let tags = tags.unwrap_or_default();
    if tags.len() > TAGS_MAX {
        return Err(ApiError::invalid(
            "tags",
            format!("tags: a resource may have at most {TAGS_MAX}"),
        ));
    }
    for (key, value) in &tags {
        let refuse = |reason: &str| {
            Err(ApiError::invalid("tags", format!("tags: the key '{key}' {reason}")))
        };
        match (key.chars().count(), value.chars().count()) {
            (0, _) => return refuse("is empty; a key has 1 to 128 characters"),
            (129.., _) => return refuse("is longer than 128 characters"),
            (_, 257..) => return refuse("has a value longer than 256 characters"),
            _ if key.to_ascii_lowercase().starts_with("aws:") => {
                return refuse("begins with 'aws:', which is reserved");
            }
            _ => {}
        }
    }
    Ok(tags)
}

pub(crate) fn kafka_version(version: Option<String>, path: &str) -> ValidationResult<MskVersion> {
    let version = required(version, path)?;
    MskVersion::try_from(version).map_err(|error| {
        let names: Vec<&str> = MskVersion::all().map(MskVersion::name).collect();
        ApiError::invalid(
            path,
            format!("{path}: '{}' is not offered; use one of {}", error.text, names.join(", ")),
        )
    })
}

/// A type that MSK has.
pub(crate) fn instance_type(name: Option<String>, path: &str) -> ValidationResult<String> {
    let name = required(name, path)?;
    let known = |(family, sizes): &(&str, &[&str])| {
        name.strip_prefix(family).is_some_and(|size| sizes.contains(&size))
    };
    if INSTANCE_TYPES.iter().any(known) {
        return Ok(name);
    }
    let families: Vec<String> = INSTANCE_TYPES
        .iter()
        .map(|(family, sizes)| format!("{family}{{{}}}", sizes.join(",")))
        .collect();
    let shown: String = name.chars().take(64).collect();
    let message = format!(
        "{path}: '{shown}' is not an instance type of MSK; there are {}",
        families.join(", ")
    );
    Err(ApiError::invalid(path, message))
}

fn subnets(
    subnets: Option<Vec<String>>,
    express: bool,
    path: &str,
) -> ValidationResult<Vec<String>> {
    let subnets = required(subnets, path)?;
    let refuse = |reason: String| Err(ApiError::invalid(path, format!("{path} {reason}")));
    if express && subnets.len() != 3 {
        return refuse(format!(
            "must name 3 subnets for Express brokers, but there are {}",
            subnets.len()
        ));
    }
    if !(2..=3).contains(&subnets.len()) {
        return refuse(format!("must name 2 or 3 subnets, but there are {}", subnets.len()));
    }
    for (index, subnet) in subnets.iter().enumerate() {
        if !subnet.starts_with("subnet-") || subnet.len() > 64 {
            return refuse(format!(
                "[{index}]: '{subnet}' is not a subnet id; any id that begins with 'subnet-' will \
                 do"
            ));
        }
        if subnets[..index].contains(subnet) {
            return refuse(format!(
                "names '{subnet}' twice; every subnet must be in a zone of its own"
            ));
        }
    }
    Ok(subnets)
}

/// The zones follow from the subnets.
fn check_zone_ids(wanted: Option<&[String]>, zones: &[String], path: &str) -> ValidationResult<()> {
    let set = |zones: &[String]| zones.iter().cloned().collect::<BTreeSet<_>>();
    if wanted.is_none_or(|wanted| set(wanted) == set(zones)) {
        return Ok(());
    }
    let message = format!(
        "{path} must be the zones of the clientSubnets, which are {}; leave it out, or say in the \
         settings of milena which zones the subnets are in",
        zones.join(", ")
    );
    Err(ApiError::invalid(path, message))
}

fn broker_count(
    count: Option<i64>,
    subnets: usize,
    version: MskVersion,
    path: &str,
) -> ValidationResult<i64> {
    let count = required(count, path)?;
    let max = if version.is_kraft() { BROKERS_MAX_KRAFT } else { BROKERS_MAX };
    if !(1..=max).contains(&count) {
        return Err(ApiError::invalid(path, format!("{path} must be 1 to {max}, but is {count}")));
    }
    if count % subnets as i64 != 0 {
        let message =
            format!("{path} must be a multiple of the {subnets} clientSubnets, but is {count}");
        return Err(ApiError::invalid(path, message));
    }
    Ok(count)
}

/// The checked `targetNumberOfBrokerNodes` of UpdateBrokerCount for a cluster of `now` brokers.
pub(crate) fn broker_target(
    spec: &ClusterSpec,
    now: usize,
    target: i64,
    path: &str,
) -> ValidationResult<usize> {
    let target = broker_count(Some(target), spec.subnets.len(), spec.kafka_version, path)?;
    let refuse = |reason: String| Err(ApiError::invalid(path, format!("{path}: {reason}")));
    match usize::try_from(target) {
        Ok(target) if target == now => refuse(format!("the cluster has {now} brokers already")),
        Ok(target) if target < now && spec.instance_type.starts_with("kafka.t3.") => {
            refuse(format!("brokers of type {} cannot be removed", spec.instance_type))
        }
        Ok(target) => Ok(target),
        Err(_) => refuse(format!("{target} is no number of brokers")),
    }
}

fn volume_size(
    group: &BrokerNodeGroupInfo,
    express: bool,
    path: &str,
) -> ValidationResult<Option<i64>> {
    let volume = group
        .storage_info
        .as_ref()
        .map(|storage| storage.ebs_storage_info.clone().unwrap_or_default());
    let path = format!("{path}.storageInfo");
    let Some(volume) = volume else { return Ok((!express).then_some(VOLUME_GIB_DEFAULT)) };
    if express {
        return Err(ApiError::invalid(
            &path,
            format!("{path} must be left out for Express brokers, which need no size"),
        ));
    }
    let path = format!("{path}.ebsStorageInfo");
    refuse_throughput(volume.provisioned_throughput.as_ref(), &path)?;
    let size = volume.volume_size.unwrap_or(VOLUME_GIB_DEFAULT);
    volume_gib(size, &format!("{path}.volumeSize")).map(Some)
}

/// A size of a volume within MSK's limits.
pub(crate) fn volume_gib(size: i64, path: &str) -> ValidationResult<i64> {
    if (1..=16_384).contains(&size) {
        return Ok(size);
    }
    Err(ApiError::invalid(path, format!("{path} must be 1 to 16384 GiB, but is {size}")))
}

pub(crate) fn refuse_throughput(
    throughput: Option<&ProvisionedThroughput>,
    path: &str,
) -> ValidationResult<()> {
    if throughput.is_none_or(|throughput| throughput.enabled != Some(true)) {
        return Ok(());
    }
    let path = format!("{path}.provisionedThroughput");
    Err(absent(&path, "provisioned throughput", "leave it out: a disk gives what it has"))
}

fn refuse_connectivity(group: &BrokerNodeGroupInfo, path: &str) -> ValidationResult<()> {
    let distribution = group.broker_az_distribution.as_deref().unwrap_or("DEFAULT");
    if distribution != "DEFAULT" {
        return Err(not_one_of(&format!("{path}.brokerAZDistribution"), distribution, "DEFAULT"));
    }
    let Some(connectivity) = &group.connectivity_info else { return Ok(()) };
    let path = format!("{path}.connectivityInfo");
    let public = connectivity.public_access.as_ref().and_then(|access| access.r#type.as_deref());
    if public.is_some_and(|kind| kind != "DISABLED") {
        let path = format!("{path}.publicAccess.type");
        let message = format!(
            "{path}: public access cannot be turned on while a cluster is created; set DISABLED"
        );
        return Err(ApiError::invalid(path, message));
    }
    let vpc =
        connectivity.vpc_connectivity.as_ref().and_then(|vpc| vpc.client_authentication.as_ref());
    if vpc.is_some_and(|vpc| first_enabled(vpc).is_some()) {
        let path = format!("{path}.vpcConnectivity");
        let message = format!(
            "{path}: multi-VPC connectivity cannot be turned on while a cluster is created"
        );
        return Err(ApiError::invalid(path, message));
    }
    match connectivity.network_type.as_deref() {
        None | Some("IPV4") => Ok(()),
        Some(other) => Err(not_one_of(
            &format!("{path}.networkType"),
            other,
            "IPV4 while a cluster is created",
        )),
    }
}
