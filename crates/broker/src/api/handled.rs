//! Decoding a request's body for its handler, and encoding the handler's result as a response.

use std::{future::Future, time::Duration};

use futures_util::future::BoxFuture;
use milena_protocol::{
    ApiKey, DecodeError, Decoder, EncodedFrame, Message, Request, frame::encode_response,
};

use super::bounds::RESPONSE_BYTES_MAX;
use crate::{context::RequestContext, memory::room::RoomPermit};

/// The outcome of a request.
pub(crate) enum Handled {
    Done(Reply),
    /// The request took effect in the order of its arrival; the reply follows when the log is on
    /// disk. What the future holds does not borrow from the request.
    Commit(BoxFuture<'static, Reply>),
}

/// The reply to a request.
pub(crate) enum Reply {
    /// A response, after which the connection is not read for `throttle`.
    Send {
        frame: EncodedFrame,
        throttle: Duration,
        /// Kept until it is written.
        room: Option<RoomPermit>,
    },
    /// A response after which the connection is closed.
    #[cfg_attr(not(test), expect(dead_code, reason = "for refused authentication"))]
    Last { frame: EncodedFrame, reason: &'static str },
    /// The client wants no response (Produce with acks 0).
    Nothing,
    /// The connection is closed.
    Close { reason: &'static str },
}

/// The return types of handlers: a response, or a [`Handled`].
pub(crate) trait IntoHandled {
    fn into_handled(self, context: &RequestContext) -> Handled;
}

impl<M: Message> IntoHandled for M {
    fn into_handled(self, context: &RequestContext) -> Handled {
        let mut reply = ResponseHead::of(context).reply(&self);
        if let Reply::Send { frame, room, .. } = &mut reply {
            if frame.len() > RESPONSE_BYTES_MAX {
                return Handled::too_large(context);
            }
            *room = context.take_room();
        }
        Handled::Done(reply)
    }
}

impl IntoHandled for Handled {
    fn into_handled(self, _context: &RequestContext) -> Handled {
        self
    }
}

impl Handled {
    /// The response that `response` gives once the log is on disk.
    pub(crate) fn when_committed<M: Message>(
        context: &RequestContext,
        response: impl Future<Output = M> + Send + 'static,
    ) -> Self {
        let head = ResponseHead::of(context);
        Self::Commit(Box::pin(async move { head.reply(&response.await) }))
    }

    pub(crate) const fn no_response() -> Self {
        Self::Done(Reply::Nothing)
    }

    /// For a response that would exceed [`RESPONSE_BYTES_MAX`].
    pub(crate) fn too_large(context: &RequestContext) -> Self {
        let (peer, api) = (context.client_address(), context.api_key.name());
        tracing::warn!(
            %peer, api, max = RESPONSE_BYTES_MAX,
            "closed a connection whose response would be too large: ask for less at once"
        );
        Self::close("its response would be too large")
    }

    pub(crate) const fn close(reason: &'static str) -> Self {
        Self::Done(Reply::Close { reason })
    }
}

/// The header fields that encode the response to a request, without a borrow of the request.
#[derive(Clone, Copy)]
pub(crate) struct ResponseHead {
    key: ApiKey,
    version: i16,
    correlation_id: i32,
    throttle: Duration,
}

impl ResponseHead {
    pub(crate) fn of(context: &RequestContext) -> Self {
        Self {
            key: context.api_key,
            version: context.api_version,
            correlation_id: context.correlation_id,
            throttle: context.throttled(),
        }
    }

    /// The same response in another version than the request's.
    pub(crate) const fn in_version(self, version: i16) -> Self {
        Self { version, ..self }
    }

    pub(crate) fn reply<M: Message>(self, response: &M) -> Reply {
        match encode_response(self.key, self.version, self.correlation_id, response) {
            Ok(frame) => Reply::Send { frame, throttle: self.throttle, room: None },
            Err(error) => {
                tracing::warn!(api = self.key.name(), %error, "a response cannot be sent");
                Reply::Close { reason: "its response does not fit into a frame" }
            }
        }
    }
}

/// Reads a request's body. A body that cannot be read ends the connection.
pub(crate) fn decode<R: Request>(
    context: &RequestContext,
    mut body: Decoder,
) -> Result<R, Handled> {
    R::decode(&mut body, context.api_version).map_err(|error: DecodeError| {
        let (peer, api, version) =
            (context.client_address(), context.api_key.name(), context.api_version);
        let now = context.connection.runtime.monotonic();
        if let Some(unlogged) = context.connection.bad_requests.pass(now) {
            tracing::warn!(%peer, api, version, %error, unlogged, "a request's body cannot be read");
        }
        Handled::close("a request's body cannot be read")
    })
}

/// Makes of a family's list of API files `APIS`, their definitions, and `handle`, which calls the
/// handler of a request's API. Handlers are boxed, so that a connection's task is not as large as
/// its largest handler.
macro_rules! family {
    ($apis:ty: $($api:ident),* $(,)?) => {
        pub(crate) const APIS: &[$crate::api::definition::ApiDefinition] = &[$($api::API),*];

        pub(crate) async fn handle(
            context: &$crate::context::RequestContext,
            apis: &$apis,
            body: milena_protocol::Decoder,
        ) -> $crate::api::handled::Handled {
            use $crate::api::handled::{Handled, IntoHandled as _, decode};
            $(if context.api_key == $api::API.key {
                return match decode(context, body) {
                    Ok(request) => {
                        Box::pin($api::handle(context, apis, request)).await.into_handled(context)
                    }
                    Err(closed) => closed,
                };
            })*
            Handled::close("an api without a handler")
        }
    };
}

pub(crate) use family;
