//! From a frame to the handler of its API and back: the one place that says which APIs are served.
//!
//! A handler is `async fn handle(&RequestContext, &BrokerShared, XRequest) -> XResponse` in the
//! API's file under [`crate::api`]; decoding before it and encoding after it happen here, with the
//! request's version. What a cluster offers is what its Kafka version has *and* [`SERVED`] lists.
//!
//! A request that cannot be read, of an API or a version that is not offered, ends its connection,
//! as in Kafka: nothing that follows it could be trusted. ApiVersions alone is answered in any
//! version.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use milena_protocol::{
    ApiKey, DecodeError, Decoder, EncodedFrame, KString, Message, Request,
    frame::{self, encode_response},
};

use crate::{
    api,
    context::{ConnectionInfo, RequestContext, RequestIdentity},
    shared::BrokerShared,
};

macro_rules! routes {
    ($($key:ident => $handler:path;)*) => {
        /// The APIs that this broker has a handler for.
        pub const SERVED: &[ApiKey] = &[ApiKey::ApiVersions, ApiKey::Produce, $(ApiKey::$key,)*];

        async fn route(context: &RequestContext, broker: &Arc<BrokerShared>, body: Decoder) -> Reply {
            match context.api_key {
                $(ApiKey::$key => {
                    let request = match decode(context, body) {
                        Ok(request) => request,
                        Err(reply) => return reply,
                    };
                    // Boxed, so that a connection's task is not as large as its largest handler.
                    let response = Box::pin($handler(context, broker, request)).await;
                    reply(context, &response)
                })*
                _ => Reply::Close { reason: "an api without a handler" },
            }
        }
    };
}

routes! {
    Fetch => api::fetch::fetch::handle;
    ListOffsets => api::fetch::list_offsets::handle;
    OffsetForLeaderEpoch => api::fetch::offset_for_leader_epoch::handle;
    InitProducerId => api::transactions::init_producer_id::handle;
    DescribeConfigs => api::configs::describe_configs::handle;
    AlterConfigs => api::configs::alter_configs::handle;
    IncrementalAlterConfigs => api::configs::incremental_alter_configs::handle;
    Metadata => api::cluster::metadata::handle;
    DescribeCluster => api::cluster::describe_cluster::handle;
    DescribeTopicPartitions => api::cluster::describe_topic_partitions::handle;
    CreateTopics => api::topics::create_topics::handle;
    DeleteTopics => api::topics::delete_topics::handle;
    CreatePartitions => api::topics::create_partitions::handle;
    DeleteRecords => api::topics::delete_records::handle;
    ElectLeaders => api::cluster::elect_leaders::handle;
    AlterPartitionReassignments => api::cluster::alter_partition_reassignments::handle;
    ListPartitionReassignments => api::cluster::list_partition_reassignments::handle;
    DescribeLogDirs => api::cluster::describe_log_dirs::handle;
    FindCoordinator => api::groups::find_coordinator::handle;
    JoinGroup => api::groups::join_group::handle;
    SyncGroup => api::groups::sync_group::handle;
    Heartbeat => api::groups::heartbeat::handle;
    LeaveGroup => api::groups::leave_group::handle;
    OffsetCommit => api::groups::offset_commit::handle;
    OffsetFetch => api::groups::offset_fetch::handle;
    OffsetDelete => api::groups::offset_delete::handle;
    DescribeGroups => api::groups::describe_groups::handle;
    ListGroups => api::groups::list_groups::handle;
    DeleteGroups => api::groups::delete_groups::handle;
}

/// A request whose header was read.
pub(crate) struct Incoming {
    context: RequestContext,
    body: Decoder,
    /// ApiVersions in a version that is not offered: answered without a look at the body.
    unknown_version: bool,
}

impl Incoming {
    /// Whether the next request may begin before this one is answered.
    pub(crate) fn overlaps(&self) -> bool {
        self.context.api_key == ApiKey::Produce
    }
}

/// What became of a request.
pub(crate) enum Handled {
    /// It is answered.
    Reply(Reply),
    /// It took effect in the order of its arrival and will be answered when the log is on disk.
    Commit(BoxFuture<'static, Reply>),
}

/// An answer, or the lack of one.
pub(crate) enum Reply {
    /// A response, after which the connection rests for `throttle`.
    Send { frame: EncodedFrame, throttle: Duration },
    /// The client wants no response (Produce with acks 0).
    Nothing,
    /// The connection ends.
    Close { reason: &'static str },
}

/// Reads a request's header. `None`: the connection ends, and it was logged why.
pub(crate) fn read(
    connection: &Arc<ConnectionInfo>,
    broker: &BrokerShared,
    frame: Bytes,
) -> Option<Incoming> {
    let peer = connection.peer;
    let (header, body) = match frame::decode_request(frame) {
        Ok(read) => read,
        Err(error) => {
            tracing::warn!(%peer, %error, "closed a connection whose request cannot be read");
            return None;
        }
    };
    let (key, version) = (header.key, header.version);
    let offered = broker.offered.get(key);
    let unknown_version = !offered.as_ref().is_some_and(|offered| offered.contains(&version));
    if unknown_version && key != ApiKey::ApiVersions {
        tracing::warn!(
            %peer, api = key.name(), version, ?offered,
            "closed a connection that used an api version this cluster does not offer: ask ApiVersions first"
        );
        return None;
    }
    // ApiVersions has no answer that depends on who asks, so it may come before authentication.
    let principal = match connection.authenticated() {
        Some(principal) => principal.clone(),
        None if key == ApiKey::ApiVersions => {
            api::cluster::api_versions::BEFORE_AUTHENTICATION.clone()
        }
        None => {
            tracing::info!(%peer, api = key.name(), "closed a connection that did not authenticate first");
            return None;
        }
    };
    let identity = RequestIdentity {
        api_key: key,
        api_version: version,
        correlation_id: header.correlation_id,
        client_id: header.client_id.unwrap_or(const { KString::from_static("") }),
    };
    let received = broker.runtime.monotonic();
    let context = RequestContext::new(
        broker.identity.cluster.clone(),
        connection.clone(),
        principal,
        identity,
        received,
    );
    Some(Incoming { context, body, unknown_version })
}

/// Handles a request up to its answer, or up to where the next one may begin.
pub(crate) async fn handle(incoming: Incoming, broker: Arc<BrokerShared>) -> Handled {
    let Incoming { context, body, unknown_version } = incoming;
    let reply = match context.api_key {
        ApiKey::Produce => match decode(&context, body) {
            Ok(request) => return api::produce::handle(&context, &broker, request).await,
            Err(reply) => reply,
        },
        ApiKey::ApiVersions => api_versions(&context, &broker, body, unknown_version),
        _ => route(&context, &broker, body).await,
    };
    Handled::Reply(reply)
}

fn api_versions(
    context: &RequestContext,
    broker: &BrokerShared,
    body: Decoder,
    unknown_version: bool,
) -> Reply {
    if unknown_version {
        let response = api::cluster::api_versions::unsupported(broker);
        let frame = encode_response(ApiKey::ApiVersions, 0, context.correlation_id, &response);
        return Reply::Send { frame, throttle: Duration::ZERO };
    }
    match decode(context, body) {
        Ok(request) => {
            reply(context, &api::cluster::api_versions::handle(context, broker, &request))
        }
        Err(reply) => reply,
    }
}

fn decode<R: Request>(context: &RequestContext, mut body: Decoder) -> Result<R, Reply> {
    R::decode(&mut body, context.api_version).map_err(|error: DecodeError| {
        let (peer, api, version) =
            (context.client_address(), context.api_key.name(), context.api_version);
        tracing::warn!(%peer, api, version, %error, "a request's body cannot be read");
        Reply::Close { reason: "a request's body cannot be read" }
    })
}

/// The answer to a request, in its version.
pub(crate) fn reply<M: Message>(context: &RequestContext, response: &M) -> Reply {
    let frame =
        encode_response(context.api_key, context.api_version, context.correlation_id, response);
    Reply::Send { frame, throttle: context.throttled() }
}
