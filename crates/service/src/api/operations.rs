//! Which operation a method and a path mean. Routing is on the raw path: labels are split at
//! literal slashes first and decoded then, so that an ARN, percent-encoded as AWS clients send it,
//! is one label.

use http::Method;
use percent_encoding::percent_decode_str;

use crate::error::ApiError;

/// The operations of the MSK API that this release carries out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::enum_variant_names, reason = "they are AWS's names")]
pub(super) enum Operation {
    CreateCluster,
    CreateClusterV2,
    DescribeCluster,
    DescribeClusterV2,
    ListClusters,
    ListClustersV2,
    DeleteCluster,
    GetBootstrapBrokers,
    ListNodes,
    ListKafkaVersions,
    GetCompatibleKafkaVersions,
    RebootBroker,
    DescribeClusterOperation,
    DescribeClusterOperationV2,
    ListClusterOperations,
    ListClusterOperationsV2,
    CreateConfiguration,
    UpdateConfiguration,
    DeleteConfiguration,
    DescribeConfiguration,
    DescribeConfigurationRevision,
    ListConfigurations,
    ListConfigurationRevisions,
    UpdateClusterConfiguration,
    UpdateBrokerCount,
    CreateTopic,
    DescribeTopic,
    DescribeTopicPartitions,
    ListTopics,
    UpdateTopic,
    DeleteTopic,
    TagResource,
    UntagResource,
    ListTagsForResource,
    /// Milena's own: see `api/brokers.rs`.
    Brokers,
    /// Milena's own.
    KillBroker,
    /// Milena's own.
    RestartBroker,
    /// Milena's own.
    AcceptLostLog,
    /// One that MSK has and this release does not.
    Absent(&'static str),
}

use Operation as O;

/// What Milena has beyond MSK, in the same way.
const OWN_ROUTES: &[(&str, &str, Operation)] = &[
    ("GET", "/milena/v1/clusters/*/brokers", O::Brokers),
    ("POST", "/milena/v1/clusters/*/brokers/*/kill", O::KillBroker),
    ("POST", "/milena/v1/clusters/*/brokers/*/restart", O::RestartBroker),
    ("POST", "/milena/v1/clusters/*/brokers/*/accept-lost-log/*", O::AcceptLostLog),
];

/// Method, path with `*` for a label, operation. The whole MSK API.
const ROUTES: &[(&str, &str, Operation)] = &[
    ("POST", "/v1/clusters", O::CreateCluster),
    ("POST", "/api/v2/clusters", O::CreateClusterV2),
    ("GET", "/v1/clusters", O::ListClusters),
    ("GET", "/api/v2/clusters", O::ListClustersV2),
    ("GET", "/v1/clusters/*", O::DescribeCluster),
    ("GET", "/api/v2/clusters/*", O::DescribeClusterV2),
    ("DELETE", "/v1/clusters/*", O::DeleteCluster),
    ("GET", "/v1/clusters/*/bootstrap-brokers", O::GetBootstrapBrokers),
    ("GET", "/v1/clusters/*/nodes", O::ListNodes),
    ("GET", "/v1/kafka-versions", O::ListKafkaVersions),
    ("GET", "/v1/compatible-kafka-versions", O::GetCompatibleKafkaVersions),
    ("PUT", "/v1/clusters/*/reboot-broker", O::RebootBroker),
    ("GET", "/v1/operations/*", O::DescribeClusterOperation),
    ("GET", "/api/v2/operations/*", O::DescribeClusterOperationV2),
    ("GET", "/v1/clusters/*/operations", O::ListClusterOperations),
    ("GET", "/api/v2/clusters/*/operations", O::ListClusterOperationsV2),
    ("POST", "/v1/tags/*", O::TagResource),
    ("DELETE", "/v1/tags/*", O::UntagResource),
    ("GET", "/v1/tags/*", O::ListTagsForResource),
    ("PUT", "/v1/clusters/*/nodes/count", O::UpdateBrokerCount),
    ("PUT", "/v1/clusters/*/nodes/storage", O::Absent("UpdateBrokerStorage")),
    ("PUT", "/v1/clusters/*/nodes/type", O::Absent("UpdateBrokerType")),
    ("PUT", "/v1/clusters/*/storage", O::Absent("UpdateStorage")),
    ("PUT", "/v1/clusters/*/configuration", O::UpdateClusterConfiguration),
    ("PUT", "/v1/clusters/*/version", O::Absent("UpdateClusterKafkaVersion")),
    ("PUT", "/v1/clusters/*/monitoring", O::Absent("UpdateMonitoring")),
    ("PUT", "/v1/clusters/*/connectivity", O::Absent("UpdateConnectivity")),
    ("PATCH", "/v1/clusters/*/security", O::Absent("UpdateSecurity")),
    ("PUT", "/v1/clusters/*/rebalancing", O::Absent("UpdateRebalancing")),
    ("POST", "/v1/configurations", O::CreateConfiguration),
    ("PUT", "/v1/configurations/*", O::UpdateConfiguration),
    ("DELETE", "/v1/configurations/*", O::DeleteConfiguration),
    ("GET", "/v1/configurations/*", O::DescribeConfiguration),
    ("GET", "/v1/configurations/*/revisions/*", O::DescribeConfigurationRevision),
    ("GET", "/v1/configurations", O::ListConfigurations),
    ("GET", "/v1/configurations/*/revisions", O::ListConfigurationRevisions),
    ("POST", "/v1/clusters/*/scram-secrets", O::Absent("BatchAssociateScramSecret")),
    ("PATCH", "/v1/clusters/*/scram-secrets", O::Absent("BatchDisassociateScramSecret")),
    ("GET", "/v1/clusters/*/scram-secrets", O::Absent("ListScramSecrets")),
    ("PUT", "/v1/clusters/*/policy", O::Absent("PutClusterPolicy")),
    ("GET", "/v1/clusters/*/policy", O::Absent("GetClusterPolicy")),
    ("DELETE", "/v1/clusters/*/policy", O::Absent("DeleteClusterPolicy")),
    ("POST", "/v1/vpc-connection", O::Absent("CreateVpcConnection")),
    ("GET", "/v1/vpc-connection/*", O::Absent("DescribeVpcConnection")),
    ("GET", "/v1/vpc-connections", O::Absent("ListVpcConnections")),
    ("DELETE", "/v1/vpc-connection/*", O::Absent("DeleteVpcConnection")),
    ("GET", "/v1/clusters/*/client-vpc-connections", O::Absent("ListClientVpcConnections")),
    ("PUT", "/v1/clusters/*/client-vpc-connection", O::Absent("RejectClientVpcConnection")),
    ("POST", "/v1/clusters/*/topics", O::CreateTopic),
    ("GET", "/v1/clusters/*/topics/*", O::DescribeTopic),
    ("GET", "/v1/clusters/*/topics/*/partitions", O::DescribeTopicPartitions),
    ("GET", "/v1/clusters/*/topics", O::ListTopics),
    ("PUT", "/v1/clusters/*/topics/*", O::UpdateTopic),
    ("DELETE", "/v1/clusters/*/topics/*", O::DeleteTopic),
    ("POST", "/v1/clusters/*/channels", O::Absent("CreateChannel")),
    ("GET", "/v1/clusters/*/channels/*", O::Absent("DescribeChannel")),
    ("GET", "/v1/clusters/*/channels", O::Absent("ListChannels")),
    ("PUT", "/v1/clusters/*/channels/*", O::Absent("UpdateChannel")),
    ("DELETE", "/v1/clusters/*/channels/*", O::Absent("DeleteChannel")),
    ("POST", "/replication/v1/replicators", O::Absent("CreateReplicator")),
    ("GET", "/replication/v1/replicators/*", O::Absent("DescribeReplicator")),
    ("GET", "/replication/v1/replicators", O::Absent("ListReplicators")),
    ("PUT", "/replication/v1/replicators/*/replication-info", O::Absent("UpdateReplicationInfo")),
    ("DELETE", "/replication/v1/replicators/*", O::Absent("DeleteReplicator")),
];

/// The operation of a request and the decoded labels of its path.
pub(super) fn route(method: &Method, raw_path: &str) -> Result<(Operation, Vec<String>), ApiError> {
    let mut other_methods = Vec::new();
    for (wanted, pattern, operation) in ROUTES.iter().chain(OWN_ROUTES) {
        let Some(labels) = labels(pattern, raw_path) else { continue };
        if method == wanted {
            let decoded = labels.into_iter().map(decode).collect::<Result<_, _>>()?;
            return Ok((*operation, decoded));
        }
        other_methods.push(*wanted);
    }
    let shown: String = raw_path.chars().take(200).collect();
    Err(ApiError::UnknownOperation(if other_methods.is_empty() {
        format!(
            "{shown} is not a path of the MSK API; an ARN in a path must be percent-encoded as one label"
        )
    } else {
        format!("{method} is not a method of {shown}; use {}", other_methods.join(" or "))
    }))
}

/// The raw labels where the pattern has `*`, if the path fits it.
fn labels<'a>(pattern: &str, path: &'a str) -> Option<Vec<&'a str>> {
    let mut labels = Vec::new();
    let (mut wanted, mut given) = (pattern.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return Some(labels),
            (Some("*"), Some(label)) if !label.is_empty() => labels.push(label),
            (Some(wanted), Some(given)) if wanted == given && wanted != "*" => {}
            _ => return None,
        }
    }
}

fn decode(label: &str) -> Result<String, ApiError> {
    let decoded = percent_decode_str(label).decode_utf8();
    decoded
        .map(|text| text.into_owned())
        .map_err(|_| ApiError::bad_request("the path is not UTF-8 when decoded"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encoded_arn_is_one_label() {
        let path = "/v1/clusters/arn%3Aaws%3Akafka%3Ar%3Aa%3Acluster%2Fdemo%2Fu-1/nodes";
        let (operation, labels) = route(&Method::GET, path).unwrap();
        assert_eq!(operation, O::ListNodes);
        assert_eq!(labels, ["arn:aws:kafka:r:a:cluster/demo/u-1"]);
    }

    #[test]
    fn every_operation_has_one_route() {
        assert_eq!(ROUTES.len(), 64);
        for (method, pattern, operation) in ROUTES {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let (found, _) = route(&method, &pattern.replace('*', "x")).unwrap();
            assert_eq!(found, *operation, "{method} {pattern}");
        }
    }

    const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/operations/msk-api.md");
    const BEGIN: &str = "<!-- msk: begin -->\n";
    const END: &str = "<!-- msk: end -->";

    /// Every operation with its route, the offered ones first, each part in order of its names.
    fn listing() -> String {
        let mut rows: Vec<(bool, String, String)> = Vec::new();
        for (method, pattern, operation) in ROUTES {
            let (absent, name) = match operation {
                O::Absent(name) => (true, (*name).to_owned()),
                offered => (false, format!("{offered:?}")),
            };
            rows.push((absent, name, format!("`{method} {}`", pattern.replace('*', "{}"))));
        }
        rows.sort();
        let mut text = "| Operation | Route | |\n|---|---|---|\n".to_owned();
        for (absent, name, route) in rows {
            let offered = if absent { "refused by name" } else { "offered" };
            text += &format!("| {name} | {route} | {offered} |\n");
        }
        text
    }

    /// `MILENA_WRITE_DOCS=1 cargo test -p milena-service` writes the page anew.
    #[test]
    fn the_documentation_lists_what_is_offered() {
        let page = std::fs::read_to_string(PAGE).unwrap();
        let (before, rest) = page.split_once(BEGIN).unwrap();
        let (listed, after) = rest.split_once(END).unwrap();
        if std::env::var_os("MILENA_WRITE_DOCS").is_some() {
            std::fs::write(PAGE, format!("{before}{BEGIN}{}{END}{after}", listing())).unwrap();
        } else {
            assert_eq!(listed, listing(), "{PAGE} is out of date");
        }
    }

    #[test]
    fn what_is_no_route_says_so() {
        for path in [
            "",
            "/",
            "/v1/clusters/",
            "/v1/clusters//nodes",
            "/v1/clusters/a/b/c",
            "/v1/clusters/arn:a/x/y",
        ] {
            assert!(
                matches!(route(&Method::GET, path), Err(ApiError::UnknownOperation(_))),
                "{path}"
            );
        }
        let error = route(&Method::PUT, "/v1/clusters").unwrap_err().to_string();
        assert!(error.contains("POST or GET"), "{error}");
        assert!(route(&Method::GET, "/v1/clusters/%ff").is_err());
    }
}
