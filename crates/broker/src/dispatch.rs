//! From a frame to a request that may be handled, and on to what handles it.
//!
//! A request that cannot be read, of an API or a version that is not offered, or that needs an
//! authentication which its connection lacks, ends the connection, as in Kafka: nothing that
//! follows it could be trusted. ApiVersions alone has a response in any version.

use std::{future::Future, sync::Arc, time::Duration};

use bytes::Bytes;
use milena_protocol::{ApiKey, Decoder, frame};

use crate::{
    api::{
        ApiSet,
        cluster::api_versions,
        definition::NextRequest,
        handled::{Handled, ResponseHead},
        offered::OfferedApis,
    },
    authentication::{Admitted, ConnectionAuthentication},
    context::{ConnectionInfo, RequestContext},
};

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
}

/// Reads the header of a request that arrived at `now` (monotonic). `None`: the connection ends,
/// and the reason was logged.
pub(crate) fn read(
    connection: &Arc<ConnectionInfo>,
    authentication: &ConnectionAuthentication,
    offered: &OfferedApis,
    frame: Bytes,
    now: Duration,
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
    let offered = offered.get(key);
    let known = offered.filter(|api| api.has(version));
    let Some(api) = known.or(offered.filter(|_| key == ApiKey::ApiVersions)) else {
        let offered = offered.map(|api| api.versions());
        tracing::warn!(
            %peer, api = key.name(), version, ?offered,
            "closed a connection that used an api version this cluster does not offer: ask \
             ApiVersions first"
        );
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
    let context = RequestContext::new(connection.clone(), principal, header, now);
    Some(Incoming { context, body, target, next_request: api.definition.next_request })
}

/// Handles a request up to its reply, or up to where the next one may begin.
pub(crate) async fn handle<S: RequestService>(
    incoming: Incoming,
    authentication: &mut ConnectionAuthentication,
    service: &S,
) -> Handled {
    let Incoming { context, body, target, .. } = incoming;
    match target {
        RequestTarget::Handler => service.handle(&context, body).await,
        RequestTarget::Authentication => Handled::Done(authentication.step(&context, body).await),
        RequestTarget::UnknownVersion => {
            let response = api_versions::unsupported(service.offered());
            Handled::Done(ResponseHead::of(&context).in_version(0).reply(&response))
        }
    }
}
