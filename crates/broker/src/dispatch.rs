//! From a frame to a request that may be handled, and on to its API.
//!
//! A request that cannot be read, of an API or a version that is not offered, or of a connection
//! that has not authenticated, ends its connection, as in Kafka: nothing that follows it could be
//! trusted. ApiVersions alone is answered in any version.

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use milena_protocol::{ApiKey, Decoder, KString, frame};

use crate::{
    access::Principal,
    api::{
        self,
        cluster::api_versions,
        definition::NextRequest,
        handled::{Handled, ResponseHead},
    },
    context::{ConnectionInfo, RequestContext, RequestIdentity},
    shared::BrokerShared,
};

/// Whose requests are before authentication.
static UNAUTHENTICATED: LazyLock<Principal> = LazyLock::new(|| Principal::user("ANONYMOUS"));

/// A request whose header was read.
pub(crate) struct Incoming {
    context: RequestContext,
    body: Decoder,
    next_request: NextRequest,
    /// ApiVersions in a version that is not offered: its body is not read.
    unknown_version: bool,
}

impl Incoming {
    /// Whether the connection's next request may begin before this one has its response.
    pub(crate) fn overlaps(&self) -> bool {
        self.next_request == NextRequest::AfterEffect
    }
}

/// Reads a request's header. `None`: the connection ends, and the reason was logged.
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
    let known = offered.filter(|api| api.has(version));
    let unknown_version = known.is_none();
    let Some(api) = known.or(offered.filter(|_| key == ApiKey::ApiVersions)) else {
        let offered = offered.map(|api| api.versions());
        tracing::warn!(
            %peer, api = key.name(), version, ?offered,
            "closed a connection that used an api version this cluster does not offer: ask ApiVersions first"
        );
        return None;
    };
    let principal = match connection.authenticated() {
        Some(principal) => principal.clone(),
        None if api.definition.before_authentication => UNAUTHENTICATED.clone(),
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
    Some(Incoming { context, body, next_request: api.definition.next_request, unknown_version })
}

/// Handles a request up to its reply, or up to where the next one may begin.
pub(crate) async fn handle(incoming: Incoming, broker: Arc<BrokerShared>) -> Handled {
    let Incoming { context, body, unknown_version, .. } = incoming;
    if unknown_version {
        let response = api_versions::unsupported(&broker.offered);
        return Handled::Done(ResponseHead::of(&context).in_version(0).reply(&response));
    }
    api::handle(&context, &broker, body).await
}
