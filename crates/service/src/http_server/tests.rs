use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use milena_runtime::Runtime;
use milena_security::{
    credentials::{AccessKey, Credentials},
    local_key::LocalKey,
    sigv4::{HttpRequest, Signer},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::timeout,
};

use super::BODY_BYTES_MAX;
use crate::{
    addresses::{AddressPlan, LoopbackNetwork},
    service::{Service, ServiceConfig, ServiceParts},
    testing::{FakeProvisioner, encode, store},
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
        moves_brokers: false,
    }
}

async fn start(config: ServiceConfig) -> (tempfile::TempDir, std::io::Result<Service>) {
    start_with(config, Arc::default()).await
}

async fn start_with(
    config: ServiceConfig,
    provisioner: Arc<FakeProvisioner>,
) -> (tempfile::TempDir, std::io::Result<Service>) {
    let (dir, metadata) = store();
    let local_key = LocalKey::from_bytes([1; 32]);
    let parts = ServiceParts { runtime: Runtime::system(), metadata, provisioner, local_key };
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

fn key() -> AccessKey {
    AccessKey::new("AKIDEXAMPLE", "secret")
}

/// A signed GET.
fn signed_get(address: SocketAddr, path: &str, service: &'static str) -> String {
    let host = address.to_string();
    let headers: &[(&str, &[u8])] = &[("host", host.as_bytes())];
    let request = HttpRequest { method: "GET", path, query: "", headers, body: b"" };
    let signer = Signer::new(key(), "us-east-1", service);
    let signed = signer.headers(&request, Runtime::system().wall_ms());
    let lines: String = signed.iter().map(|(name, value)| format!("\r\n{name}: {value}")).collect();
    format!("GET {path} HTTP/1.1\r\nhost: {host}{lines}")
}

#[tokio::test]
async fn clients_that_never_read_lose_their_connections_to_one_that_does() {
    let (_dir, service) = start(config(Some(Credentials::of(key())), "127.0.0.1:0")).await;
    let service = service.unwrap();
    let address = service.address();
    let mut deaf = Vec::new();
    let requests = b"GET /v1/clusters HTTP/1.1\r\nhost: x\r\n\r\n".repeat(1000);
    for _ in 0..256 {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        let mut stream = socket.connect(address).await.unwrap();
        // The responses are more than fits between the two.
        let _ = timeout(Duration::from_millis(100), stream.write_all(&requests)).await;
        deaf.push(stream);
    }
    for _ in 0..3 {
        let head = signed_get(address, "/v1/clusters", "kafka");
        let exchanged = exchange(address, &head, b"");
        let answer = timeout(Duration::from_secs(10), exchanged).await.expect("it is answered");
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    }
    drop(deaf);
    service.shutdown().await;
}

#[tokio::test]
async fn a_body_of_someone_without_a_key_is_not_waited_for() {
    let (_dir, service) = start(config(Some(Credentials::of(key())), "127.0.0.1:0")).await;
    let service = service.unwrap();
    let mut stream = TcpStream::connect(service.address()).await.unwrap();
    let head = b"POST /v1/clusters HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n";
    stream.write_all(head).await.unwrap();
    let mut answer = vec![0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, b"HTTP/1.1 401");
    service.shutdown().await;
}

#[tokio::test]
async fn without_signatures_a_web_page_can_do_nothing() {
    let (_dir, service) = start(config(None, "127.0.0.1:0")).await;
    let service = service.unwrap();
    let address = service.address();
    let json = "content-type: application/json";
    for (head, status) in [
        (format!("GET /v1/clusters HTTP/1.1\r\nhost: {address}"), "200"),
        (format!("GET /v1/clusters HTTP/1.1\r\nhost: localhost:{}", address.port()), "200"),
        ("GET /v1/clusters HTTP/1.1\r\nhost: rebound.example".to_owned(), "403"),
        (
            format!("GET /v1/clusters HTTP/1.1\r\nhost: {address}\r\norigin: http://evil.example"),
            "403",
        ),
        (format!("DELETE /v1/clusters/x HTTP/1.1\r\nhost: rebound.example\r\n{json}"), "403"),
        // What a form can send, and what it cannot.
        (
            format!("POST /v1/clusters HTTP/1.1\r\nhost: {address}\r\ncontent-type: text/plain"),
            "403",
        ),
        (format!("POST /milena/v1/clusters/x/brokers/1/kill HTTP/1.1\r\nhost: {address}"), "403"),
        (format!("POST /v1/clusters HTTP/1.1\r\nhost: {address}\r\n{json}"), "400"),
        (format!("DELETE /v1/clusters/x HTTP/1.1\r\nhost: {address}"), "400"),
    ] {
        let answer = exchange(address, &head, b"").await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{head}: {answer}");
    }
    service.shutdown().await;
}

#[tokio::test]
async fn probes_need_no_signature_and_metrics_are_not_there() {
    let (_dir, service) = start(config(Some(Credentials::of(key())), "127.0.0.1:0")).await;
    let service = service.unwrap();
    let address = service.address();
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nhost: {address}");
    let answer = exchange(address, &get("/health"), b"").await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("\"status\":\"ok\""), "{answer}");
    let head = get("/health").replace("GET", "HEAD");
    let answer = exchange(address, &head, b"").await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("\r\n\r\n"), "{answer}");
    let answer = exchange(address, &get("/ready"), b"").await;
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("starting"), "{answer}");
    service.set_started();
    let answer = exchange(address, &get("/ready"), b"").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    service.ensure_cluster("orders", BTreeMap::new()).await.unwrap();
    // The reconciler makes it ACTIVE.
    service.await_serving("orders", Duration::from_secs(20)).await.unwrap();
    let answer = exchange(address, &get("/ready"), b"").await;
    assert!(answer.ends_with("{\"ready\":true,\"waitsFor\":[]}"), "{answer}");
    let answer = exchange(address, &get("/metrics"), b"").await;
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    let signed = signed_get(address, "/ready", "kafka");
    assert!(exchange(address, &signed, b"").await.starts_with("HTTP/1.1 200"));
    let elsewhere = "GET /ready HTTP/1.1\r\nhost: rebound.example";
    assert!(exchange(address, elsewhere, b"").await.starts_with("HTTP/1.1 403"));
    service.shutdown().await;
}

#[tokio::test]
async fn other_services_are_told_that_they_are_not_offered() {
    let (_dir, service) = start(config(Some(Credentials::of(key())), "127.0.0.1:0")).await;
    let service = service.unwrap();
    let address = service.address();
    for (service_name, line, expected) in [
        ("sts", "content-type: application/x-www-form-urlencoded", "<Code>InvalidAction</Code>"),
        ("dynamodb", "x-amz-target: DynamoDB_20120810.ListTables", "\"__type\""),
        ("kafkaconnect", "accept: */*", "x-amzn-errortype: UnknownOperationException"),
    ] {
        let head = format!("{}\r\n{line}", signed_get(address, "/", service_name));
        let answer = exchange(address, &head, b"").await;
        assert!(answer.contains(expected), "{answer}");
        assert!(answer.contains("x-amzn-requestid: "), "{answer}");
        let message = format!("the AWS service '{service_name}' is not offered");
        assert!(answer.contains(&message) && !answer.contains(" 401 "), "{answer}");
    }
    service.shutdown().await;
}

#[tokio::test]
async fn signed_requests_are_answered_and_others_are_told_why_not() {
    let key = key();
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
    let post = "POST /v1/clusters HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json";
    let answer = exchange(service.address(), post, &vec![b' '; BODY_BYTES_MAX + 1]).await;
    assert!(
        answer.starts_with("HTTP/1.1 400") && answer.contains("larger than 262144 bytes"),
        "{answer}"
    );
    let answer = exchange(service.address(), post, b"{\"clusterName\": 1}").await;
    assert!(answer.contains("x-amzn-errortype: BadRequestException"), "{answer}");
    assert!(answer.contains("\"invalidParameter\":\"clusterName\""), "{answer}");
    let answer =
        exchange(service.address(), "GET /nothing HTTP/1.1\r\nhost: 127.0.0.1:1", b"").await;
    assert!(
        answer.starts_with("HTTP/1.1 404") && answer.contains("UnknownOperationException"),
        "{answer}"
    );
    service.shutdown().await;
}

#[tokio::test]
async fn errors_repeat_little_of_their_input_and_name_every_mistake() {
    let (_dir, service) = start(config(None, "127.0.0.1:0")).await;
    let service = service.unwrap();
    let json = "host: localhost\r\ncontent-type: application/json";
    let clusters = format!("POST /v1/clusters HTTP/1.1\r\n{json}");
    let long = format!("{{\"tags\": {{\"{}\": 1}}}}", "x".repeat(100_000));
    let answer = exchange(service.address(), &clusters, long.as_bytes()).await;
    assert!(answer.contains("\"invalidParameter\":\"tags.x"), "{answer}");
    assert!(answer.len() < 6000, "{} bytes", answer.len());

    // As somebody's own broker has it.
    let configurations = format!("POST /v1/configurations HTTP/1.1\r\n{json}");
    let file = (0..20).map(|number| format!("log.dirs.{number}=/data\n")).collect::<String>();
    let answer = exchange(service.address(), &configurations, &configuration("a", &file)).await;
    for number in 0..20 {
        assert!(answer.contains(&format!("log.dirs.{number} cannot be set")), "{answer}");
    }
    // The largest file that there may be.
    let comment = format!("#{}", "x".repeat((64 << 10) - 1));
    let answer = exchange(service.address(), &configurations, &configuration("b", &comment)).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    service.shutdown().await;
}

fn configuration(name: &str, file: &str) -> Vec<u8> {
    let request = serde_json::json!({"name": name, "serverProperties": STANDARD.encode(file)});
    request.to_string().into_bytes()
}

#[tokio::test]
async fn a_broker_that_was_killed_on_request_is_not_waited_for() {
    let brokers = Arc::new(FakeProvisioner::default());
    let (_dir, service) = start_with(config(None, "127.0.0.1:0"), brokers.clone()).await;
    let service = service.unwrap();
    let cluster = service.ensure_cluster("orders", BTreeMap::new()).await.unwrap();
    service.await_serving("orders", Duration::from_secs(20)).await.unwrap();
    let arn = encode(&cluster.arn);
    let kill = format!("POST /milena/v1/clusters/{arn}/brokers/2/kill HTTP/1.1");
    let head = format!("{kill}\r\nhost: localhost\r\ncontent-type: application/json");
    assert!(exchange(service.address(), &head, b"").await.starts_with("HTTP/1.1 200 OK"));
    let killed = async {
        while brokers.running() > 2 {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(10), killed).await.expect("it is killed");
    let waited = service.await_serving("orders", Duration::from_secs(60));
    let found = timeout(Duration::from_secs(10), waited).await.expect("it waits for broker 2");
    assert!(found.unwrap().unwrap().serves);
    service.shutdown().await;
}

#[tokio::test]
async fn without_signatures_only_loopback_is_listened_on() {
    let (_dir, service) = start(config(None, "0.0.0.0:0")).await;
    assert!(service.is_err_and(|error| error.to_string().contains("loopback")));
}
