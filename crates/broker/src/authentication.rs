//! Authentication of a connection: the conversation that ends with a principal, and its renewal.
//!
//! A listener's [`Authenticator`] either accepts a new connection as a principal at once, or
//! requires it to authenticate. In the latter case it has an [`AuthenticationExchange`], which
//! consumes the requests of the conversation (KIP-43, KIP-152), in as many round trips as it needs,
//! until it ends with a [`Session`]. A client may take the conversation up again at any time
//! (KIP-368): requests act for the present session until the next one replaces it, and a session
//! that has expired admits the conversation only.
//!
//! Not here: mechanisms, and authorization ([`crate::access`]).

#![cfg_attr(
    not(test),
    expect(dead_code, reason = "for SASL: the one listener that exists accepts everybody at once")
)]

use std::{net::SocketAddr, time::Duration};

use futures_util::future::BoxFuture;
use milena_protocol::{ApiKey, Decoder};

use crate::{
    access::Principal,
    api::{definition::ApiDefinition, handled::Reply},
    context::RequestContext,
};

/// A listener's way of authentication.
pub(crate) trait Authenticator: Send + Sync + 'static {
    /// The state of a new connection, which has sent nothing yet.
    fn connected(&self, peer: SocketAddr) -> ConnectionAuthentication;
}

/// Every connection acts as `User:ANONYMOUS`: Kafka's PLAINTEXT listener.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Anonymous;

impl Authenticator for Anonymous {
    fn connected(&self, _peer: SocketAddr) -> ConnectionAuthentication {
        ConnectionAuthentication::accepted(Principal::anonymous())
    }
}

/// The conversation of one connection, by which its client authenticates.
pub(crate) trait AuthenticationExchange: Send {
    /// Whether requests of this API belong to the conversation. They do not reach a handler.
    fn takes(&self, api: ApiKey) -> bool;

    /// Handles the next request of the conversation. `context` has the principal of the present
    /// session, if there is one.
    fn step<'a>(
        &'a mut self,
        context: &'a RequestContext,
        body: Decoder,
    ) -> BoxFuture<'a, AuthenticationStep>;
}

/// One round trip of a conversation.
pub(crate) struct AuthenticationStep {
    /// [`Reply::Last`] where the client was refused.
    pub(crate) reply: Reply,
    /// The session that requests act for once the reply is sent, if the conversation has ended with
    /// one. Otherwise the present one continues.
    pub(crate) session: Option<Session>,
}

/// A principal that a connection has authenticated as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Session {
    pub(crate) principal: Principal,
    /// When it ends, on the runtime's monotonic clock (KIP-368).
    pub(crate) expires: Option<Duration>,
}

/// The state of one connection's authentication.
pub(crate) struct ConnectionAuthentication {
    session: Option<Session>,
    exchange: Option<Box<dyn AuthenticationExchange>>,
}

/// A request that the connection may send now.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Admitted {
    pub(crate) principal: Principal,
    /// It is the conversation's, for [`ConnectionAuthentication::step`].
    pub(crate) is_conversation: bool,
}

/// The reason that a request ends its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotAdmitted {
    #[error("it did not authenticate first")]
    Unauthenticated,
    #[error("its session has expired and it did not authenticate again")]
    Expired,
}

impl ConnectionAuthentication {
    /// A connection that acts as `principal` from its first request on.
    pub(crate) fn accepted(principal: Principal) -> Self {
        Self { session: Some(Session { principal, expires: None }), exchange: None }
    }

    /// A connection that has to authenticate.
    pub(crate) fn required(exchange: Box<dyn AuthenticationExchange>) -> Self {
        Self { session: None, exchange: Some(exchange) }
    }

    /// Returns the principal for which a request of `api` may be handled at `now` (monotonic).
    pub(crate) fn admit(
        &self,
        api: &ApiDefinition,
        now: Duration,
    ) -> Result<Admitted, NotAdmitted> {
        let is_conversation =
            self.exchange.as_ref().is_some_and(|exchange| exchange.takes(api.key));
        let is_free = is_conversation || api.before_authentication;
        let principal = match &self.session {
            Some(session) if is_free || session.expires.is_none_or(|end| now < end) => {
                session.principal.clone()
            }
            Some(_) => return Err(NotAdmitted::Expired),
            None if is_free => Principal::anonymous(),
            None => return Err(NotAdmitted::Unauthenticated),
        };
        Ok(Admitted { principal, is_conversation })
    }

    /// Goes on with the conversation.
    pub(crate) async fn step(&mut self, context: &RequestContext, body: Decoder) -> Reply {
        let Some(exchange) = &mut self.exchange else {
            return Reply::Close { reason: "the listener has no authentication" };
        };
        let AuthenticationStep { reply, session } = exchange.step(context, body).await;
        if session.is_some() {
            self.session = session;
        }
        reply
    }
}
