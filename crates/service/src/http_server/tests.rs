use std::{collections::BTreeMap, net::SocketAddr};

use milena_runtime::Runtime;
use milena_security::{
    credentials::{AccessKey, Credentials},
    local_key::LocalKey,
    sigv4::{HttpRequest, Signer},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::BODY_BYTES_MAX;
use crate::{
    addresses::{AddressPlan, LoopbackNetwork},
    service::{Service, ServiceConfig, ServiceParts},
    testing::{FakeProvisioner, store},
    zones::Zones,
};

fn config(credentials: Option<Credentials>, listen: &str) -> ServiceConfig {
    ServiceConfig {
        listen: listen.parse().unwrap(),
        region: "us-east-1".to_owned(),
        account: "000000000000".to_owned(),
        credentials,
        zones: Zones::new("us-east-1", BTreeMap::new()),
        addresses: AddressPlan::Loopbacks(LoopbackNetwork::DEFAULT),
    }
}

async fn start(config: ServiceConfig) -> (tempfile::TempDir, std::io::Result<Service>) {
    let (dir, metadata) = store();
    let parts = ServiceParts {
        runtime: Runtime::system(),
        metadata,
        provisioner: std::sync::Arc::new(FakeProvisioner::default()),
        local_key: LocalKey::from_bytes([1; 32]),
    };
    (dir, Service::start(config, parts).await)
}

/// Sends a request unchanged. Returns the response.
async fn exchange(address: SocketAddr, head: &str, body: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!("{head}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).await.unwrap();
    // The server may answer and close before it has read all.
    let _ = stream.write_all(body).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn signed_requests_are_answered_and_others_are_told_why_not() {
    let key = AccessKey::new("AKIDEXAMPLE", "secret");
    let (_dir, service) = start(config(Some(Credentials::of(key.clone())), "127.0.0.1:0")).await;
    let service = service.unwrap();
    let host = service.address().to_string();
    let signer = Signer::new(key, "us-east-1", "kafka");
    let headers: &[(&str, &[u8])] = &[("host", host.as_bytes())];
    let request = HttpRequest {
        method: "GET",
        path: "/v1/clusters",
        query: "maxResults=5",
        headers,
        body: b"",
    };
    let signed = signer.headers(&request, Runtime::system().wall_ms());
    let head = |query: &str| {
        let lines =
            signed.iter().map(|(name, value)| format!("\r\n{name}: {value}")).collect::<String>();
        format!("GET /v1/clusters?{query} HTTP/1.1\r\nhost: {host}{lines}")
    };
    let answer = exchange(service.address(), &head("maxResults=5"), b"").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(
        answer.contains("x-amzn-requestid: ") && answer.ends_with("{\"clusterInfoList\":[]}"),
        "{answer}"
    );
    let answer = exchange(service.address(), &head("maxResults=6"), b"").await;
    assert!(answer.contains("does not match") && answer.contains("AKIDEXAMPLE"), "{answer}");
    let unsigned = format!("GET /v1/clusters HTTP/1.1\r\nhost: {host}");
    let answer = exchange(service.address(), &unsigned, b"").await;
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    assert!(answer.contains("x-amzn-errortype: UnauthorizedException"), "{answer}");
    assert!(
        answer.contains("content-type: application/json") && answer.contains("\"message\":"),
        "{answer}"
    );
    service.shutdown().await;
}

#[tokio::test]
async fn bodies_are_bounded_and_bad_requests_name_the_member() {
    let (_dir, service) = start(config(None, "127.0.0.1:0")).await;
    let service = service.unwrap();
    let post = "POST /v1/clusters HTTP/1.1\r\nhost: x";
    let answer = exchange(service.address(), post, &vec![b' '; BODY_BYTES_MAX + 1]).await;
    assert!(
        answer.starts_with("HTTP/1.1 400") && answer.contains("larger than 1048576 bytes"),
        "{answer}"
    );
    let answer = exchange(service.address(), post, b"{\"clusterName\": 1}").await;
    assert!(answer.contains("x-amzn-errortype: BadRequestException"), "{answer}");
    assert!(answer.contains("\"invalidParameter\":\"clusterName\""), "{answer}");
    let answer = exchange(service.address(), "GET /nothing HTTP/1.1\r\nhost: x", b"").await;
    assert!(
        answer.starts_with("HTTP/1.1 404") && answer.contains("UnknownOperationException"),
        "{answer}"
    );
    service.shutdown().await;
}

#[tokio::test]
async fn without_signatures_only_loopback_is_listened_on() {
    let (_dir, service) = start(config(None, "0.0.0.0:0")).await;
    assert!(service.is_err_and(|error| error.to_string().contains("loopback")));
}
