//! DescribeCluster (KIP-700): the cluster's id, its controller and its brokers, as Metadata names
//! them.
//!
//! No endpoint of controllers exists. Errors: MISMATCHED_ENDPOINT_TYPE, UNSUPPORTED_ENDPOINT_TYPE.

use milena_metadata::MetadataImage;
use milena_protocol::{
    ApiKey, ErrorCode, KString,
    messages::{
        describe_cluster_request::DescribeClusterRequest,
        describe_cluster_response::{DescribeClusterBroker, DescribeClusterResponse},
    },
};

use super::apis::ClusterApis;
use super::metadata::cluster_operations;
use crate::{api::definition::ApiDefinition, context::RequestContext};

pub(crate) const API: ApiDefinition = ApiDefinition {
    notes: &[
        (1, "the client says whether it expects brokers (1) or controllers (2) (KIP-919)"),
        (2, "brokers that are down if requested: \"fenced\" (KIP-1073)"),
    ],
    ..ApiDefinition::new(ApiKey::DescribeCluster, 0..=2)
};

const BROKERS: i8 = 1;
const CONTROLLERS: i8 = 2;

pub(crate) async fn handle(
    context: &RequestContext,
    apis: &ClusterApis,
    request: DescribeClusterRequest,
) -> DescribeClusterResponse {
    if let Some(refused) = wrong_endpoint(request.endpoint_type) {
        return refused;
    }
    let image = apis.images.current();
    let listener = context.listener();
    let mut response = DescribeClusterResponse {
        cluster_id: context.connection.cluster.as_str().into(),
        controller_id: image.controller().map_or(-1, |id| id.0),
        brokers: brokers(&image, listener, request.include_fenced_brokers),
        ..Default::default()
    };
    if request.include_cluster_authorized_operations {
        response.cluster_authorized_operations = cluster_operations(context);
    }
    response
}

fn wrong_endpoint(endpoint_type: i8) -> Option<DescribeClusterResponse> {
    let (error, message) = match endpoint_type {
        BROKERS => return None,
        CONTROLLERS => (
            ErrorCode::MismatchedEndpointType,
            "this is a broker's endpoint, and controllers were asked for: there is none to ask here"
                .to_owned(),
        ),
        other => (
            ErrorCode::UnsupportedEndpointType,
            format!("endpoint type {other} is not known: ask for 1, brokers"),
        ),
    };
    Some(DescribeClusterResponse {
        error_code: error.code(),
        error_message: Some(message.into()),
        ..Default::default()
    })
}

fn brokers(image: &MetadataImage, listener: &str, with_fenced: bool) -> Vec<DescribeClusterBroker> {
    let entry =
        |id: i32, address: &milena_metadata::ListenerRecord, rack: Option<&str>, is_fenced| {
            let rack = rack.map(KString::from);
            let (host, port) = (address.host.as_str().into(), address.port.into());
            DescribeClusterBroker { broker_id: id, host, port, rack, is_fenced }
        };
    let known = image.nodes().iter().filter_map(|(id, node)| match image.broker(*id) {
        Some(broker) => {
            Some(entry(id.0, broker.listener(listener)?, broker.rack.as_deref(), false))
        }
        None if with_fenced => {
            Some(entry(id.0, node.listener(listener)?, node.rack.as_deref(), true))
        }
        None => None,
    });
    known.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topics::tests::OfflineCluster;

    #[test]
    fn only_brokers_are_to_be_had_here() {
        assert!(wrong_endpoint(1).is_none());
        let code = |endpoint_type| wrong_endpoint(endpoint_type).unwrap().error_code;
        assert_eq!(code(2), ErrorCode::MismatchedEndpointType.code());
        assert_eq!(code(0), ErrorCode::UnsupportedEndpointType.code());
        assert_eq!(code(3), ErrorCode::UnsupportedEndpointType.code());
    }

    #[tokio::test]
    async fn brokers_that_are_down_are_shown_only_when_asked_for() {
        let cluster = OfflineCluster::new(3, &[]).await;
        cluster.metadata.deregister(&cluster.registrations[0]).await.unwrap();
        let image = cluster.images.wait_until(|image| image.brokers().len() == 2).await.unwrap();
        let ids = |with_fenced| -> Vec<(i32, bool)> {
            let found = brokers(&image, "PLAINTEXT", with_fenced);
            assert!(found.iter().all(|b| b.host == format!("b-{}.local", b.broker_id).as_str()));
            found.iter().map(|broker| (broker.broker_id, broker.is_fenced)).collect()
        };
        assert_eq!(ids(false), [(2, false), (3, false)]);
        assert_eq!(ids(true), [(1, true), (2, false), (3, false)]);
    }
}
