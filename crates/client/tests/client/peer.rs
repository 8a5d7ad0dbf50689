//! A broker with scripted responses: a listener on loopback and a function from request to
//! response.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use milena_client::{Client, ClientConfig, ConnectionConfig};
use milena_protocol::{
    ApiKey, Decoder, EncodedFrame, Message, Request,
    frame::{self, RequestHeader},
    messages::{
        api_versions_response::{ApiVersion, ApiVersionsResponse},
        metadata_response::{
            MetadataResponse, MetadataResponseBroker, MetadataResponsePartition,
            MetadataResponseTopic,
        },
    },
};
use milena_runtime::Runtime;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

pub enum Reply {
    /// Sends these frames, in this order.
    Frames(Vec<EncodedFrame>),
    /// Closes the connection.
    Hangup,
}

/// A request as the peer got it.
pub struct Received {
    pub header: RequestHeader,
    pub body: Decoder,
}

impl Received {
    pub fn answer<M: Message>(&self, response: &M) -> EncodedFrame {
        frame::encode_response(
            self.header.key,
            self.header.version,
            self.header.correlation_id,
            response,
        )
        .expect("it fits")
    }

    pub fn reply<M: Message>(&self, response: &M) -> Reply {
        Reply::Frames(vec![self.answer(response)])
    }

    pub fn decode<R: Request>(&self) -> R {
        R::decode(&mut self.body.clone(), self.header.version)
            .expect("the client sends what it says")
    }
}

/// Starts a peer; `script` gets every request of every connection but ApiVersions, which offers
/// Everything known.
pub async fn start(
    runtime: &Runtime,
    script: impl Fn(SocketAddr, Received) -> Reply + Send + Sync + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let script = Arc::new(script);
    let scope = runtime.clone();
    runtime.spawn(async move {
        let accept = async {
            while let Ok((socket, _)) = listener.accept().await {
                let script = script.clone();
                let connection = serve(socket, move |received| match received.header.key {
                    ApiKey::ApiVersions => received.reply(&all_versions()),
                    _ => script(address, received),
                });
                let stopping = scope.stopping().clone();
                scope.spawn(async move {
                    tokio::select! { () = connection => {}, () = stopping.cancelled() => {} }
                });
            }
        };
        tokio::select! { () = accept => {}, () = scope.stopping().cancelled() => {} }
    });
    address
}

pub fn all_versions() -> ApiVersionsResponse {
    let apis = ApiKey::ALL.iter().map(|key| ApiVersion {
        api_key: key.code(),
        min_version: *key.known_versions().start(),
        max_version: *key.known_versions().end(),
    });
    ApiVersionsResponse { api_keys: apis.collect(), ..Default::default() }
}

pub async fn serve(mut socket: TcpStream, script: impl Fn(Received) -> Reply) {
    while let Some(frame) = read(&mut socket).await {
        let (header, body) = frame::decode_request(frame).expect("a request");
        match script(Received { header, body }) {
            Reply::Hangup => return,
            Reply::Frames(frames) => {
                for frame in frames {
                    if socket.write_all(&frame.to_bytes()).await.is_err() {
                        return;
                    }
                }
            }
        }
    }
}

async fn read(socket: &mut TcpStream) -> Option<Bytes> {
    let length = socket.read_i32().await.ok()?;
    let mut frame = BytesMut::zeroed(usize::try_from(length).ok()?);
    socket.read_exact(&mut frame).await.ok()?;
    Some(frame.freeze())
}

/// The metadata of a cluster of one broker that leads all partitions of all topics.
pub fn metadata(address: SocketAddr, topics: &[(&str, i32)]) -> MetadataResponse {
    let partition = |index| MetadataResponsePartition {
        partition_index: index,
        leader_id: 1,
        ..Default::default()
    };
    let topic = |(name, partitions): &(&str, i32)| MetadataResponseTopic {
        name: Some((*name).into()),
        partitions: (0..*partitions).map(partition).collect(),
        ..Default::default()
    };
    MetadataResponse {
        brokers: vec![MetadataResponseBroker {
            node_id: 1,
            host: address.ip().to_string().into(),
            port: i32::from(address.port()),
            ..Default::default()
        }],
        controller_id: 1,
        topics: topics.iter().map(topic).collect(),
        ..Default::default()
    }
}

pub fn config() -> ConnectionConfig {
    ConnectionConfig { request_timeout: Duration::from_secs(10), ..Default::default() }
}

pub fn client(address: SocketAddr, runtime: &Runtime) -> Client {
    let config = ClientConfig { connection: config(), ..ClientConfig::new(&address.to_string()) };
    Client::new(config, runtime.clone())
}
