//! Decoding a request's body for its handler, and encoding the handler's result as a response.

use std::{future::Future, time::Duration};

use futures_util::future::BoxFuture;
use milena_protocol::{
    ApiKey, DecodeError, Decoder, EncodedFrame, Message, Request, frame::encode_response,
};
use milena_runtime::OwnedTask;

use super::bounds::RESPONSE_BYTES_MAX;
use crate::{
    context::RequestContext,
    memory::room::{RoomPermit, UNCOUNTED_BYTES},
};

/// How many bytes a handler and its response make of a byte of the decoded request, about: an entry
/// becomes one of each.
const HANDLED_FACTOR: usize = 4;

/// Which part of the room for decoded requests one may have.
const DECODED_PART: usize = 2;

/// The outcome of a request.
pub(crate) enum Handled {
    Done(Reply),
    /// The request took effect in the order of its arrival; the reply follows when the log is on
    /// disk. What the future holds does not borrow from the request.
    Commit(Commit),
}

/// A reply that follows when the log is on disk.
pub(crate) struct Commit {
    pub(crate) reply: BoxFuture<'static, Reply>,
    /// On the monotonic clock. From then on the reply is ready whenever it is polled, but for a wait
    /// for room; it does not wake its task by itself.
    pub(crate) deadline: Option<Duration>,
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
        Handled::done(context, &self, 0)
    }
}

impl IntoHandled for Handled {
    fn into_handled(self, _context: &RequestContext) -> Handled {
        self
    }
}

impl Handled {
    /// The response that `response` gives once the log is on disk, or at once when it is polled
    /// after the deadline of the request.
    pub(crate) fn when_committed<M: Message>(
        context: &RequestContext,
        response: impl Future<Output = M> + Send + 'static,
    ) -> Self {
        let (head, connection) = (ResponseHead::of(context), context.connection.clone());
        let decoded = context.take_decoded();
        let reply = Box::pin(async move {
            let mut reply = head.reply(&response.await);
            drop(decoded);
            if let Reply::Send { frame, room, .. } = &mut reply
                && frame.len() > UNCOUNTED_BYTES
            {
                *room = connection.memory.responses.for_built(frame.len()).await;
                if room.is_none() || frame.len() > RESPONSE_BYTES_MAX {
                    return Reply::Close { reason: "there is no room for its response" };
                }
            }
            reply
        });
        Self::Commit(Commit { reply, deadline: context.deadline() })
    }

    /// This response. [`RESPONSE_BYTES_MAX`] holds for it without `record_bytes`, which have limits
    /// of their own: one batch is returned whatever its size.
    pub(crate) fn done<M: Message>(
        context: &RequestContext,
        response: &M,
        record_bytes: usize,
    ) -> Self {
        let mut reply = ResponseHead::of(context).reply(response);
        if let Reply::Send { frame, room, .. } = &mut reply {
            if frame.len() > RESPONSE_BYTES_MAX.saturating_add(record_bytes) {
                return Self::too_large(context);
            }
            // Without a little more, it waits for all of it like others.
            *room = context.take_room().and_then(|mut room| {
                let covers = room.covers(frame.len());
                covers.then_some(room)
            });
        }
        Self::Done(reply)
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
///
/// A body that is far larger decoded than received (an entry of few bytes becomes a struct) is decoded
/// on the compute executor, within room that the context keeps.
pub(crate) async fn decode<R: Request + Send + 'static>(
    context: &RequestContext,
    mut body: Decoder,
) -> Result<R, Handled> {
    let decode = |body: &mut Decoder| R::decode(body, context.api_version);
    match body.read_within(UNCOUNTED_BYTES, decode) {
        Ok(request) => Ok(request),
        Err(DecodeError::TooManyElements { .. }) if body.budget() > UNCOUNTED_BYTES => {
            Box::pin(decode_large(context, body)).await
        }
        Err(error) => Err(unreadable(context, &error)),
    }
}

async fn decode_large<R: Request + Send + 'static>(
    context: &RequestContext,
    body: Decoder,
) -> Result<R, Handled> {
    let decoded = &context.connection.memory.decoded;
    let wanted = body.budget().saturating_mul(HANDLED_FACTOR).min(decoded.part(DECODED_PART));
    let mut room = tokio::select! {
        biased;
        room = decoded.exactly(wanted) => room,
        () = context.ended() => {
            return Err(Handled::close("there was no memory to decode a large request"));
        }
    };
    let mut body = body.within(room.bytes() / HANDLED_FACTOR);
    let (budget, version) = (body.budget(), context.api_version);
    let task = context.connection.runtime.spawn_compute(async move {
        let request = R::decode(&mut body, version);
        (request, body.budget())
    });
    let Ok((request, left)) = OwnedTask::from(task).await else {
        return Err(Handled::close("its handler did not end"));
    };
    room.set_bytes((budget - left).saturating_mul(HANDLED_FACTOR));
    context.keep_decoded(room);
    request.map_err(|error| unreadable(context, &error))
}

fn unreadable(context: &RequestContext, error: &DecodeError) -> Handled {
    let (peer, api, version) =
        (context.client_address(), context.api_key.name(), context.api_version);
    let now = context.connection.runtime.monotonic();
    if let Some(unlogged) = context.connection.bad_requests.pass(now) {
        tracing::warn!(%peer, api, version, %error, unlogged, "a request's body cannot be read");
    }
    Handled::close("a request's body cannot be read")
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
                return match decode(context, body).await {
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

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use milena_protocol::{
        Encoder,
        messages::offset_fetch_request::{OffsetFetchRequest, OffsetFetchRequestTopic},
    };
    use milena_runtime::Runtime;

    use super::*;
    use crate::{context::tests::request_within, memory::MemoryShares};

    /// The request's version is that of the context.
    fn body(topics: usize) -> Decoder {
        let topic = OffsetFetchRequestTopic { name: "t".into(), partition_indexes: vec![1] };
        let request =
            OffsetFetchRequest { topics: Some(vec![topic; topics]), ..Default::default() };
        let mut encoder = Encoder::new();
        request.encode(&mut encoder, 4);
        Decoder::new(encoder.into_bytes())
    }

    fn context(decoded_bytes: usize) -> RequestContext {
        let shares = MemoryShares { decoded_bytes, ..MemoryShares::default() };
        let second = Duration::from_secs(1);
        request_within(shares, &Runtime::system(), Some(second))
    }

    #[tokio::test]
    async fn what_a_large_request_becomes_is_counted_until_it_is_handled() {
        const ALL: usize = 64 << 20;
        let context = context(ALL);
        let decoded = context.connection.memory.decoded.clone();
        let small: Result<OffsetFetchRequest, _> = decode(&context, body(100)).await;
        assert!(small.is_ok());
        assert!(decoded.exactly(ALL).now_or_never().is_some(), "it is small");
        let Ok::<OffsetFetchRequest, _>(large) = decode(&context, body(20_000)).await else {
            panic!("it is within the limits")
        };
        assert_eq!(large.topics.map(|topics| topics.len()), Some(20_000));
        let used = 20_000 * (size_of::<OffsetFetchRequestTopic>() + 16) * HANDLED_FACTOR;
        assert!(decoded.exactly(ALL - used + (1 << 20)).now_or_never().is_none());
        assert!(decoded.exactly(ALL - used - (1 << 20)).now_or_never().is_some());
        drop(context);
        assert!(decoded.exactly(ALL).now_or_never().is_some());
    }

    #[tokio::test]
    async fn a_request_becomes_no_larger_than_there_is_room() {
        let context = context(1 << 20);
        let large: Result<OffsetFetchRequest, _> = decode(&context, body(20_000)).await;
        let Err(Handled::Done(Reply::Close { reason })) = large else { panic!("it is too large") };
        assert_eq!(reason, "a request's body cannot be read");
    }

    #[tokio::test]
    async fn without_room_until_its_deadline_a_large_request_ends_its_connection() {
        let context = context(64 << 20);
        let _all = context.connection.memory.decoded.exactly(64 << 20).await;
        context.narrow(20);
        let large: Result<OffsetFetchRequest, _> = decode(&context, body(20_000)).await;
        let Err(Handled::Done(Reply::Close { reason })) = large else { panic!("no room") };
        assert_eq!(reason, "there was no memory to decode a large request");
    }

    #[tokio::test]
    async fn what_waits_for_the_log_is_counted_until_its_response_is_made() {
        const ALL: usize = 64 << 20;
        let context = context(ALL);
        let decoded = context.connection.memory.decoded.clone();
        let large: Result<OffsetFetchRequest, _> = decode(&context, body(20_000)).await;
        assert!(large.is_ok());
        let committed = async {
            tokio::task::yield_now().await;
            milena_protocol::messages::heartbeat_response::HeartbeatResponse::default()
        };
        let Handled::Commit(mut commit) = Handled::when_committed(&context, committed) else {
            unreachable!("a commit")
        };
        drop(context);
        assert!(futures_util::poll!(commit.reply.as_mut()).is_pending());
        assert!(decoded.exactly(ALL).now_or_never().is_none());
        assert!(matches!(commit.reply.await, Reply::Send { .. }));
        assert!(decoded.exactly(ALL).now_or_never().is_some());
    }

    #[tokio::test]
    async fn a_committed_response_that_is_large_takes_room_too() {
        let context = request_within(
            MemoryShares { response_bytes: 1 << 20, ..MemoryShares::default() },
            &Runtime::system(),
            None,
        );
        let responses = context.connection.memory.responses.clone();
        let large =
            |bytes: usize| milena_protocol::messages::list_groups_response::ListGroupsResponse {
                groups: vec![Default::default(); bytes / 4],
                ..Default::default()
            };
        let commit =
            |bytes: usize| match Handled::when_committed(&context, async move { large(bytes) }) {
                Handled::Commit(commit) => commit.reply,
                Handled::Done(_) => unreachable!("a commit"),
            };
        let Reply::Send { room: small, .. } = commit(1000).await else { panic!("a response") };
        assert!(small.is_none());
        let Reply::Send { room, .. } = commit(600_000).await else { panic!("a response") };
        assert!(room.is_some_and(|room| room.is_counted()));
        let all = responses.exactly(1 << 20).await;
        let mut waiting = std::pin::pin!(commit(600_000));
        assert!(futures_util::poll!(waiting.as_mut()).is_pending());
        assert!(matches!(commit(600_000).await, Reply::Close { .. }), "too much waits already");
        drop(all);
        assert!(matches!(waiting.await, Reply::Send { .. }));
    }
}
