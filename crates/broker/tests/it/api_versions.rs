//! Behaviours 1 to 7: the handshake.

use milena_protocol::{
    ApiKey, ErrorCode, KString,
    frame::{decode_response, encode_request},
    messages::{
        api_versions_request::ApiVersionsRequest, api_versions_response::ApiVersionsResponse,
        fetch_request::FetchRequest,
    },
};

use crate::cluster::Cluster;

fn request() -> ApiVersionsRequest {
    ApiVersionsRequest { client_software_name: "it".into(), client_software_version: "1.0".into() }
}

fn range(response: &ApiVersionsResponse, key: ApiKey) -> Option<(i16, i16)> {
    let found = response.api_keys.iter().find(|api| api.api_key == key.code());
    found.map(|api| (api.min_version, api.max_version))
}

#[tokio::test]
async fn a_version_that_is_too_high_gets_a_v0_answer_with_error_35() {
    let cluster = Cluster::of_version("3.9").await;
    let mut client = cluster.connect(1).await;
    // A request of a version to come: its body is not to be parsed.
    let mut frame = vec![0, 0, 0, 0, 0, 18, 0, 99, 0, 0, 0, 7, 0, 2, b'i', b't', 0];
    frame.extend_from_slice(&[0xff; 20]);
    let length = (frame.len() - 4) as i32;
    frame[..4].copy_from_slice(&length.to_be_bytes());
    client.send_raw(&frame).await;
    let answer = client.read_frame().await.expect("an answer");
    let response = decode_response::<ApiVersionsRequest>(answer.clone(), 0).expect("a v0 body");
    assert_eq!(response.error_code, ErrorCode::UnsupportedVersion.code());
    assert_eq!(range(&response, ApiKey::ApiVersions), Some((0, 4)));
    // Correlation id, error, one entry of six bytes: nothing else.
    assert_eq!(answer.len(), 4 + 2 + 4 + 6);
    // The connection stays open.
    assert_eq!(client.call(3, &request()).await.error_code, 0);
}

#[tokio::test]
async fn every_version_is_answered_with_a_header_without_tags() {
    let cluster = Cluster::of_version("4.1").await;
    let mut client = cluster.connect(1).await;
    for version in 0..=4 {
        let response = client.call(version, &request()).await;
        assert_eq!(response.error_code, 0, "version {version}");
        assert!(range(&response, ApiKey::Fetch).is_some(), "version {version}");
    }
    // Correlation id, then the error code at once: no tagged fields in between.
    client.send_raw(&encode_request(&request(), 3, 9, None).to_bytes()).await;
    let frame = client.read_frame().await.expect("an answer");
    assert_eq!(frame[..6], [0, 0, 0, 9, 0, 0]);
}

#[tokio::test]
async fn features_are_those_of_the_release() {
    for (release, newest) in [("3.9", None), ("4.0", Some(25)), ("4.1", Some(27))] {
        let cluster = Cluster::of_version(release).await;
        let mut client = cluster.connect(1).await;
        for version in [3, 4].into_iter().filter(|v| *v == 3 || newest.is_some()) {
            let response = client.call(version, &request()).await;
            let supported: Vec<_> = response
                .supported_features
                .iter()
                .map(|feature| (feature.min_version, feature.max_version))
                .collect();
            let finalized: Vec<_> = response
                .finalized_features
                .iter()
                .map(|feature| (feature.min_version_level, feature.max_version_level))
                .collect();
            let expected = |levels: Option<(i16, i16)>| levels.into_iter().collect::<Vec<_>>();
            assert_eq!(supported, expected(newest.map(|newest| (7, newest))), "{release}");
            assert_eq!(finalized, expected(newest.map(|newest| (newest, newest))), "{release}");
            assert_eq!(response.finalized_features_epoch >= 0, newest.is_some());
        }
        cluster.stop().await;
    }
}

#[tokio::test]
async fn no_tagged_field_at_its_default_is_written() {
    let cluster = Cluster::of_version("3.9").await;
    let mut client = cluster.connect(1).await;
    client.send_raw(&encode_request(&request(), 3, 1, None).to_bytes()).await;
    let frame = client.read_frame().await.expect("an answer");
    // Ends with throttle time 0 and no tags: neither supported nor finalized features, nor
    // zk_migration_ready.
    assert_eq!(frame[frame.len() - 5..], [0; 5]);
    let response = decode_response::<ApiVersionsRequest>(frame, 3).expect("a response");
    assert!(response.supported_features.is_empty() && response.finalized_features.is_empty());
}

#[tokio::test]
async fn the_kafka_version_decides_what_is_offered() {
    for (version, produce, fetch) in
        [("2.8", (0, 9), (0, 12)), ("3.9", (0, 11), (0, 17)), ("4.1", (0, 13), (4, 18))]
    {
        let cluster = Cluster::of_version(version).await;
        let response = cluster.connect(1).await.call(3, &request()).await;
        assert_eq!(range(&response, ApiKey::Produce), Some(produce), "Produce of {version}");
        assert_eq!(range(&response, ApiKey::Fetch), Some(fetch), "Fetch of {version}");
    }
}

#[tokio::test]
async fn an_unsupported_version_of_another_api_closes_the_connection() {
    let cluster = Cluster::of_version("4.1").await;
    for version in [3, 19, -1] {
        let mut client = cluster.connect(1).await;
        client.send(version, &FetchRequest::default()).await;
        assert!(client.is_closed_by_broker().await, "Fetch v{version}");
    }
    let mut client = cluster.connect(1).await;
    client.send_raw(&[0, 0, 0, 10, 0x7f, 0xff, 0, 0, 0, 0, 0, 1, 0xff, 0xff]).await;
    assert!(client.is_closed_by_broker().await, "an api that does not exist");
}

#[tokio::test]
async fn null_and_empty_client_ids_are_taken() {
    let cluster = Cluster::of_version("3.9").await;
    let mut client = cluster.connect(1).await;
    for version in [0, 3] {
        for (number, id) in [None, Some(KString::from_static(""))].into_iter().enumerate() {
            client
                .send_raw(
                    &encode_request(&request(), version, number as i32, id.as_ref()).to_bytes(),
                )
                .await;
            let response = client.receive::<ApiVersionsRequest>(version, number as i32).await;
            assert_eq!(response.error_code, 0);
        }
    }
}

#[tokio::test]
async fn malformed_software_names_are_refused() {
    let cluster = Cluster::of_version("3.9").await;
    let mut client = cluster.connect(1).await;
    let request = ApiVersionsRequest { client_software_name: "a b".into(), ..request() };
    assert_eq!(client.call(3, &request).await.error_code, ErrorCode::InvalidRequest.code());
    assert_eq!(client.call(2, &request).await.error_code, 0, "version 2 names no software");
}
