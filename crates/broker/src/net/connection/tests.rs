//! A connection whose listener asks for authentication, served on a pipe.

use futures_util::{FutureExt as _, future::BoxFuture};
use milena_kafka_config::{Configs, KafkaConfig};
use milena_protocol::{
    ApiKey, DecodeError, Decoder, Encoder, KString, Message, Request,
    frame::{decode_response, encode_request, encode_response},
    messages::{
        api_versions_request::ApiVersionsRequest, describe_cluster_request::DescribeClusterRequest,
        describe_cluster_response::DescribeClusterResponse,
    },
};
use milena_runtime::LogLimit;
use milena_types::BrokerId;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::{
    access::{AllowAll, Principal},
    api::{
        definition::ApiDefinition,
        handled::{IntoHandled as _, Reply, ResponseHead, decode},
        offered::OfferedApis,
    },
    authentication::{AuthenticationExchange, AuthenticationStep, Authenticator, Session},
    context::RequestContext,
    kafka_config::BrokerKafkaConfig,
    memory::{SharedMemory, requests::RequestMemory},
    net::{
        connection_slots::{ConnectionPool, ConnectionSlots},
        network::{ConnectionLimits, Network},
    },
    topics::tests::OfflineCluster,
};

const VERSION: i16 = 1;

static APIS: [ApiDefinition; 4] = [
    ApiDefinition { before_authentication: true, ..ApiDefinition::new(ApiKey::ApiVersions, 0..=4) },
    ApiDefinition::new(ApiKey::DescribeCluster, 0..=2),
    ApiDefinition::new(ApiKey::SaslHandshake, 0..=1),
    ApiDefinition::new(ApiKey::SaslAuthenticate, 0..=2),
];

/// Says as the cluster's id for whom a request is handled.
struct PrincipalService(OfferedApis);

impl RequestService for PrincipalService {
    fn offered(&self) -> &OfferedApis {
        &self.0
    }

    async fn handle(&self, context: &RequestContext, _body: Decoder) -> Handled {
        let cluster_id = KString::from(context.principal.to_string());
        DescribeClusterResponse { cluster_id, ..Default::default() }.into_handled(context)
    }
}

/// A body of one string.
#[derive(Default)]
struct Text(KString);

impl Message for Text {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=VERSION;
    const FLEXIBLE_FROM: i16 = VERSION + 1;

    fn decode(decoder: &mut Decoder, _version: i16) -> Result<Self, DecodeError> {
        Ok(Self(decoder.string(false)?))
    }

    fn encode(&self, encoder: &mut Encoder, _version: i16) {
        encoder.string(&self.0, false);
    }
}

macro_rules! texts {
    ($($name:ident),*) => {
        $(#[derive(Default)]
        struct $name(Text);

        impl Message for $name {
            const VERSIONS: std::ops::RangeInclusive<i16> = Text::VERSIONS;
            const FLEXIBLE_FROM: i16 = Text::FLEXIBLE_FROM;

            fn decode(decoder: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
                Text::decode(decoder, version).map(Self)
            }

            fn encode(&self, encoder: &mut Encoder, version: i16) {
                self.0.encode(encoder, version);
            }
        }

        impl Request for $name {
            const KEY: ApiKey = ApiKey::$name;
            type Response = Text;
        })*
    };
}

texts!(SaslHandshake, SaslAuthenticate);

/// Needs two round trips: a name, then the word "password". A name that ends with "-for-0-s" gets a
/// session that is over at once.
struct NameAndPassword;

#[derive(Default)]
struct Conversation {
    name: Option<KString>,
}

impl Authenticator for NameAndPassword {
    fn connected(&self, _peer: SocketAddr) -> ConnectionAuthentication {
        ConnectionAuthentication::required(Box::new(Conversation::default()))
    }
}

impl AuthenticationExchange for Conversation {
    fn takes(&self, api: ApiKey) -> bool {
        matches!(api, ApiKey::SaslHandshake | ApiKey::SaslAuthenticate)
    }

    fn step<'a>(
        &'a mut self,
        context: &'a RequestContext,
        body: Decoder,
    ) -> BoxFuture<'a, AuthenticationStep> {
        let head = ResponseHead::of(context);
        let next = move |text: &'static str| AuthenticationStep {
            reply: head.reply(&Text(text.into())),
            session: None,
        };
        let step = async move {
            match context.api_key {
                ApiKey::SaslHandshake => {
                    let name = decode(context, body).await;
                    let Ok(SaslHandshake(name)) = name else { unreachable!() };
                    self.name = Some(KString::from(name.0.as_str()));
                    next("who are you?")
                }
                _ => {
                    let word = decode(context, body).await;
                    let Ok(SaslAuthenticate(word)) = word else { unreachable!() };
                    match self.name.take().filter(|_| word.0 == *"password") {
                        Some(name) => {
                            let expires = name.ends_with("-for-0-s").then_some(context.received);
                            let principal = Principal::user(&name);
                            let session = Some(Session { principal, expires });
                            AuthenticationStep { session, ..next("welcome") }
                        }
                        None => {
                            let Reply::Send { frame, .. } = next("no").reply else {
                                unreachable!()
                            };
                            let reply = Reply::Last { frame, reason: "a wrong password" };
                            AuthenticationStep { reply, session: None }
                        }
                    }
                }
            }
        };
        step.boxed()
    }
}

struct Client {
    stream: DuplexStream,
    _cluster: OfflineCluster,
}

fn network<S>(cluster: &OfflineCluster, service: S) -> Arc<Network<S>> {
    let configs = KafkaConfig::new("4.1".parse().unwrap(), &Configs::new()).unwrap();
    let images = cluster.images.clone();
    Arc::new(Network {
        service: Arc::new(service),
        cluster: "paper".parse().unwrap(),
        authorizer: Arc::new(AllowAll),
        limits: ConnectionLimits {
            request_bytes_max: 1000,
            idle_max: Duration::from_secs(60),
            requests_in_flight_max: 1,
        },
        slots: ConnectionSlots::new(&ConnectionPool::default()),
        refusals: LogLimit::default(),
        bad_requests: Arc::default(),
        request_memory: RequestMemory::new(1 << 20),
        memory: SharedMemory::default(),
        kafka_config: BrokerKafkaConfig::new(configs, BrokerId(1), images.clone()),
        images,
        runtime: milena_runtime::Runtime::system(),
        killed: CancellationToken::new(),
    })
}

type PipeConnection = Connection<DuplexStream, PrincipalService>;

impl Client {
    async fn new() -> Self {
        let (connection, client) = Self::new_without_task().await;
        let runtime = connection.network.runtime.clone();
        runtime.spawn(connection.run());
        client
    }

    async fn new_without_task() -> (PipeConnection, Self) {
        let cluster = OfflineCluster::new(1, &[]).await;
        let version = "4.1".parse().unwrap();
        let network = network(&cluster, PrincipalService(OfferedApis::new(version, APIS.iter())));
        let address: SocketAddr = "127.0.0.1:9092".parse().unwrap();
        let authenticator = Box::new(NameAndPassword);
        let listener = Listener { name: "SASL_PLAINTEXT".into(), address, authenticator };
        let (stream, server) = tokio::io::duplex(4096);
        let connection = Connection::new(server, address, &listener, network);
        (connection, Self { stream, _cluster: cluster })
    }

    /// `None`: the broker closed the connection.
    async fn call<R: Request>(&mut self, request: &R) -> Option<R::Response> {
        let frame = encode_request(request, VERSION, 7, None).to_bytes();
        self.stream.write_all(&frame).await.ok()?;
        let length = self.stream.read_i32().await.ok()?;
        let mut response = vec![0; usize::try_from(length).unwrap()];
        self.stream.read_exact(&mut response).await.unwrap();
        Some(decode_response::<R>(response.into(), VERSION).unwrap())
    }

    async fn send_name(&mut self, name: &'static str) -> Option<Text> {
        self.call(&SaslHandshake(Text(name.into()))).await
    }

    async fn send_password(&mut self, word: &'static str) -> Option<Text> {
        self.call(&SaslAuthenticate(Text(word.into()))).await
    }

    async fn principal(&mut self) -> Option<String> {
        let response = self.call(&DescribeClusterRequest::default()).await?;
        Some(response.cluster_id.to_string())
    }

    async fn is_closed(&mut self) -> bool {
        self.stream.read_i32().await.is_err()
    }
}

#[tokio::test]
async fn before_authentication_api_versions_may_be_used_and_nothing_else() {
    let mut client = Client::new().await;
    let versions = client.call(&ApiVersionsRequest::default()).await;
    assert!(versions.is_some());
    assert_eq!(client.principal().await, None);
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn a_principal_is_known_after_two_round_trips_and_may_change_later() {
    let mut client = Client::new().await;
    assert_eq!(client.send_name("alice").await.unwrap().0, *"who are you?");
    assert_eq!(client.send_password("password").await.unwrap().0, *"welcome");
    assert_eq!(client.principal().await.as_deref(), Some("User:alice"));
    client.send_name("bob").await.unwrap();
    assert_eq!(client.principal().await.as_deref(), Some("User:alice"), "until bob is known");
    client.send_password("password").await.unwrap();
    assert_eq!(client.principal().await.as_deref(), Some("User:bob"));
}

#[tokio::test]
async fn a_session_that_is_over_admits_authentication_only() {
    let mut client = Client::new().await;
    client.send_name("alice-for-0-s").await.unwrap();
    client.send_password("password").await.unwrap();
    client.send_name("alice").await.unwrap();
    client.send_password("password").await.unwrap();
    assert_eq!(client.principal().await.as_deref(), Some("User:alice"));
    client.send_name("alice-for-0-s").await.unwrap();
    client.send_password("password").await.unwrap();
    assert_eq!(client.principal().await, None);
}

#[tokio::test]
async fn who_is_refused_gets_the_response_and_then_the_end_of_the_connection() {
    let mut client = Client::new().await;
    client.send_name("alice").await.unwrap();
    assert_eq!(client.send_password("passwort").await.unwrap().0, *"no");
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn a_connection_that_drains_sends_what_comes_before_a_reply_that_closes_it_and_no_more() {
    let (mut connection, mut client) = Client::new_without_task().await;
    let frame = encode_response(ApiKey::SaslHandshake, VERSION, 7, &Text("committed".into()));
    let frame = frame.expect("it fits");
    let reply = Reply::Send { frame, throttle: Duration::ZERO, room: None };
    connection.responses.push(PendingReply::Ready(reply));
    connection.responses.push(PendingReply::Ready(Reply::Close { reason: "refused" }));
    // The client would take it for the response to the request before.
    let frame = encode_response(ApiKey::SaslHandshake, VERSION, 8, &Text("behind".into()));
    let frame = frame.expect("it fits");
    let behind = Reply::Send { frame, throttle: Duration::ZERO, room: None };
    connection.responses.push(PendingReply::Ready(behind));
    assert!(matches!(connection.drain().await, ConnectionEnd::Refused));
    assert!(matches!(connection.drain().await, ConnectionEnd::Stopping));
    drop(connection);
    let mut sent = Vec::new();
    client.stream.read_to_end(&mut sent).await.unwrap();
    assert!(sent.ends_with(b"committed"));
}

mod end_of_stream;
mod overlapping;
