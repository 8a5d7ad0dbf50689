//! One connection: pipelining, answers out of order, the end of a connection, versions.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use milena_client::{Client, ClientConfig, ClientError, Connection, ConnectionConfig};
use milena_protocol::{
    ApiKey, ErrorCode,
    messages::{
        api_versions_response::{ApiVersion, ApiVersionsResponse},
        list_groups_request::ListGroupsRequest,
        list_groups_response::ListGroupsResponse,
    },
};
use milena_runtime::Runtime;
use tokio::net::TcpListener;

use crate::peer::{self, Received, Reply};

fn numbered(received: &Received) -> ListGroupsResponse {
    ListGroupsResponse { throttle_time_ms: received.header.correlation_id, ..Default::default() }
}

#[tokio::test]
async fn answers_find_their_calls_in_any_order() {
    let runtime = Runtime::system();
    let held = Arc::new(Mutex::new(Vec::new()));
    let address = peer::start(&runtime, move |_, received| {
        let mut held = held.lock().expect("not poisoned");
        held.push(received.answer(&numbered(&received)));
        let frames = if held.len() == 3 { held.drain(..).rev().collect() } else { Vec::new() };
        Reply::Frames(frames)
    })
    .await;
    let connection = Connection::open(&address.to_string(), &peer::config(), &runtime)
        .await
        .expect("it connects");
    let mut pending = Vec::new();
    for _ in 0..3 {
        pending.push(connection.start(&ListGroupsRequest::default(), 4).await.expect("it is sent"));
    }
    let mut seen = Vec::new();
    for answer in pending {
        seen.push(answer.await.expect("an answer").throttle_time_ms);
    }
    assert_eq!(seen, [1, 2, 3], "0 was the question for the versions");
    runtime.shutdown().await;
}

#[tokio::test]
async fn when_the_peer_hangs_up_every_call_fails_and_later_ones_at_once() {
    let runtime = Runtime::system();
    let address = peer::start(&runtime, |_, received| match received.header.correlation_id {
        1 => Reply::Frames(Vec::new()),
        _ => Reply::Hangup,
    })
    .await;
    let connection = Connection::open(&address.to_string(), &peer::config(), &runtime)
        .await
        .expect("it connects");
    let first = connection.start(&ListGroupsRequest::default(), 4).await.expect("it is sent");
    let second = connection.start(&ListGroupsRequest::default(), 4).await.expect("it is sent");
    for answer in [first.await, second.await, connection.call(&ListGroupsRequest::default()).await]
    {
        assert!(matches!(answer, Err(ClientError::Disconnected { .. })), "{answer:?}");
    }
    assert!(connection.is_closed());
    runtime.shutdown().await;
}

#[tokio::test]
async fn silence_ends_in_a_time_out_and_the_late_answer_is_ignored() {
    let runtime = Runtime::system();
    let late = Arc::new(Mutex::new(Vec::new()));
    let address = peer::start(&runtime, move |_, received| {
        let mut late = late.lock().expect("not poisoned");
        late.push(received.answer(&numbered(&received)));
        let frames = if late.len() == 2 { late.drain(..).collect() } else { Vec::new() };
        Reply::Frames(frames)
    })
    .await;
    let config =
        ConnectionConfig { request_timeout: Duration::from_millis(200), ..Default::default() };
    let connection =
        Connection::open(&address.to_string(), &config, &runtime).await.expect("it connects");
    let answer = connection.call(&ListGroupsRequest::default()).await;
    assert!(matches!(answer, Err(ClientError::TimedOut { .. })), "{answer:?}");
    let answer = connection.call(&ListGroupsRequest::default()).await.expect("an answer");
    assert_eq!(answer.throttle_time_ms, 2);
    runtime.shutdown().await;
}

#[tokio::test]
async fn nobody_listening_is_said_with_the_address() {
    let runtime = Runtime::system();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound").to_string();
    drop(listener);
    let error =
        Connection::open(&address, &peer::config(), &runtime).await.expect_err("nobody listens");
    assert!(error.to_string().contains(&address) && error.is_retriable(), "{error}");
    runtime.shutdown().await;
}

/// A broker before 2.4 refuses version 3 of ApiVersions, in the words of version 0.
#[tokio::test]
async fn an_old_broker_is_asked_again_in_version_0() {
    let runtime = Runtime::system();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound").to_string();
    let peer = runtime.spawn(async move {
        let (socket, _) = listener.accept().await.expect("a client");
        peer::serve(socket, |received| {
            let refusal = ApiVersionsResponse {
                error_code: ErrorCode::UnsupportedVersion.code(),
                api_keys: vec![ApiVersion { api_key: 18, min_version: 0, max_version: 2 }],
                ..Default::default()
            };
            let known = ApiVersionsResponse {
                api_keys: vec![ApiVersion {
                    api_key: ApiKey::ListGroups.code(),
                    min_version: 0,
                    max_version: 2,
                }],
                ..Default::default()
            };
            let (response, id) = match received.header.version {
                0 => (known, received.header.correlation_id),
                _ => (refusal, received.header.correlation_id),
            };
            let key = ApiKey::ApiVersions;
            let frame = milena_protocol::frame::encode_response(key, 0, id, &response);
            Reply::Frames(vec![frame.expect("it fits")])
        })
        .await;
    });
    let connection =
        Connection::open(&address, &peer::config(), &runtime).await.expect("it connects");
    assert_eq!(connection.version_of(ApiKey::ListGroups).ok(), Some(2));
    assert_eq!(connection.offered(ApiKey::Fetch), None);
    let error = connection.version_of(ApiKey::Fetch).expect_err("not offered");
    assert!(matches!(error, ClientError::NotOffered { api: ApiKey::Fetch }));
    drop(connection);
    peer.await.expect("the peer ends with the connection");
    runtime.shutdown().await;
}

/// Else each would wait for a time-out of its own, one after the other.
#[tokio::test]
async fn a_crowd_that_asks_a_silent_broker_fails_together() {
    const CALLERS: usize = 50;
    let runtime = Runtime::system();
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = asked.clone();
    let address = peer::start(&runtime, move |_, _| {
        counted.fetch_add(1, Ordering::Relaxed);
        Reply::Frames(Vec::new())
    })
    .await;
    let connection =
        ConnectionConfig { request_timeout: Duration::from_millis(200), ..Default::default() };
    let config = ClientConfig { connection, ..ClientConfig::new(&address.to_string()) };
    let client = Client::new(config, runtime.clone());
    let calls = (0..CALLERS).map(|_| {
        let client = client.clone();
        runtime.spawn(async move { client.topic("t").await })
    });
    for call in calls.collect::<Vec<_>>() {
        let error = call.await.expect("it ends").expect_err("nobody answers");
        assert!(
            error.is_retriable() && error.to_string().contains("no response to Metadata"),
            "{error}"
        );
    }
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    runtime.shutdown().await;
}
