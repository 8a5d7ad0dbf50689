//! From a frame to a request that may be handled, and on to what handles it.
//!
//! A request that cannot be read, of an API or a version that is not offered, or that needs an
//! authentication which its connection lacks, ends the connection, as in Kafka: nothing that
//! follows it could be trusted. ApiVersions alone has a response in any version.

use std::{future::Future, sync::Arc, time::Duration};

use bytes::Bytes;
use milena_protocol::{ApiKey, Decoder, KString, frame};
use milena_runtime::OwnedTask;

use crate::{
    api::{
        ApiSet,
        cluster::api_versions,
        definition::NextRequest,
        handled::{Handled, Reply, ResponseHead},
        offered::OfferedApis,
    },
    authentication::{Admitted, ConnectionAuthentication},
    context::{ConnectionInfo, RequestContext},
    memory::{requests::RequestPermit, room::UNCOUNTED_BYTES},
};

/// A larger request is handled where computing delays nobody. Produce is not: what it computes on
/// is bounded by itself.
const CHEAP_BYTES: usize = 64 * 1024;

/// The handler of the requests of connections.
pub(crate) trait RequestService: Send + Sync + 'static {
    fn offered(&self) -> &OfferedApis;

    /// Handles a request of an API and a version that is offered, up to its reply or up to where
    /// the connection's next request may begin.
    fn handle(
        &self,
        context: &RequestContext,
        body: Decoder,
    ) -> impl Future<Output = Handled> + Send;
}

impl RequestService for ApiSet {
    fn offered(&self) -> &OfferedApis {
        self.offered()
    }

    async fn handle(&self, context: &RequestContext, body: Decoder) -> Handled {
        self.handle(context, body).await
    }
}

/// A request whose header was read and which may be handled.
pub(crate) struct Incoming {
    context: RequestContext,
    body: Decoder,
    target: RequestTarget,
    next_request: NextRequest,
    computes: bool,
}

enum RequestTarget {
    Handler,
    /// The conversation by which the connection authenticates.
    Authentication,
    /// ApiVersions in a version that is not offered: its body is not read.
    UnknownVersion,
}

impl Incoming {
    /// Whether the connection's next request may begin before this one has its response.
    pub(crate) fn overlaps(&self) -> bool {
        self.next_request == NextRequest::AfterEffect
    }

    /// Its handling begins at `now` (monotonic).
    pub(crate) fn begin(&mut self, now: Duration) {
        self.context.begin(now);
    }
}

/// Reads the header of a request that arrived at `now` (monotonic), and for which memory is counted
/// if it is large. `None`: the connection ends, and the reason was logged.
pub(crate) fn read(
    connection: &Arc<ConnectionInfo>,
    authentication: &ConnectionAuthentication,
    offered: &OfferedApis,
    frame: Bytes,
    permit: Option<RequestPermit>,
    now: Duration,
) -> Option<Incoming> {
    let peer = connection.peer;
    let (mut header, body) = match frame::decode_request(frame) {
        Ok(read) => read,
        Err(error) => {
            if let Some(unlogged) = connection.bad_requests.pass(now) {
                tracing::warn!(
                    %peer, %error, unlogged,
                    "closed a connection whose request cannot be read"
                );
            }
            return None;
        }
    };
    let (key, version) = (header.key, header.version);
    let offered = offered.get(key);
    let known = offered.filter(|api| api.has(version));
    let Some(api) = known.or(offered.filter(|_| key == ApiKey::ApiVersions)) else {
        let offered = offered.map(|api| api.versions());
        if let Some(unlogged) = connection.bad_requests.pass(now) {
            tracing::warn!(
                %peer, api = key.name(), version, ?offered, unlogged,
                "closed a connection that used an api version which this cluster does not offer: \
                 ask ApiVersions first"
            );
        }
        return None;
    };
    let Admitted { principal, is_conversation } = match authentication.admit(api.definition, now) {
        Ok(admitted) => admitted,
        Err(reason) => {
            tracing::info!(%peer, api = key.name(), %reason, "closed a connection");
            return None;
        }
    };
    let target = match known {
        None => RequestTarget::UnknownVersion,
        Some(_) if is_conversation => RequestTarget::Authentication,
        Some(_) => RequestTarget::Handler,
    };
    if permit.is_some() && key != ApiKey::Produce {
        // A name of its own, so that a handler may drop the request and wait, as Produce does not.
        header.client_id = header.client_id.map(|id| KString::from(id.as_str()));
    }
    let definition = api.definition;
    let computes =
        definition.computes || (body.remaining() > CHEAP_BYTES && key != ApiKey::Produce);
    let context =
        RequestContext::new(connection.clone(), principal, header, now, definition.time_max);
    if let Some(permit) = permit {
        context.keep_received(permit);
    }
    Some(Incoming { context, body, target, next_request: definition.next_request, computes })
}

/// Handles a request up to its reply, or up to where the next one may begin.
pub(crate) async fn handle<S: RequestService>(
    incoming: Incoming,
    authentication: &mut ConnectionAuthentication,
    service: &Arc<S>,
) -> Handled {
    let Incoming { context, body, target, computes, .. } = incoming;
    match target {
        RequestTarget::Handler if computes => compute(context, body, service.clone()).await,
        RequestTarget::Handler => {
            let handled = service.handle(&context, body).await;
            with_room(&context, handled).await
        }
        RequestTarget::Authentication => Handled::Done(authentication.step(&context, body).await),
        RequestTarget::UnknownVersion => {
            let response = api_versions::unsupported(service.offered());
            Handled::Done(ResponseHead::of(&context).in_version(0).reply(&response))
        }
    }
}

/// Handles a request as one task where computing delays nobody. The task ends with the connection.
async fn compute<S: RequestService>(
    context: RequestContext,
    body: Decoder,
    service: Arc<S>,
) -> Handled {
    let runtime = context.connection.runtime.clone();
    let task = runtime.spawn_compute(async move {
        let handled = service.handle(&context, body).await;
        with_room(&context, handled).await
    });
    OwnedTask::from(task).await.unwrap_or_else(|_| Handled::close("its handler did not end"))
}

/// Waits for the room that a large response needs until it is written, unless its handler took it.
async fn with_room(context: &RequestContext, handled: Handled) -> Handled {
    match handled {
        Handled::Done(Reply::Send { frame, throttle, room: None })
            if frame.len() > UNCOUNTED_BYTES =>
        {
            match context.room_for(frame.len()).await {
                room @ Some(_) => Handled::Done(Reply::Send { frame, throttle, room }),
                None => Handled::close("there was no room for a response: others are not read"),
            }
        }
        handled => handled,
    }
}
