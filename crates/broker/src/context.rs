//! The context of a request: its connection, principal and header.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use milena_protocol::{ApiKey, KString, frame::RequestHeader};
use milena_runtime::{LogLimit, Runtime};
use milena_types::ClusterId;
use tokio_util::sync::CancellationToken;

use crate::{
    access::{Authorizer, Caller, Operation, Principal, Resource},
    memory::{SharedMemory, requests::RequestPermit, room::RoomPermit},
};

/// Which part of the room for responses one takes before it is made.
const RESPONSE_PART: usize = 4;

/// Stands for no deadline.
const NEVER: u64 = u64::MAX;

/// The context that all requests of one connection share.
pub(crate) struct ConnectionInfo {
    pub(crate) cluster: ClusterId,
    /// The name of the listener that accepted it: clients get the addresses of this one.
    pub(crate) listener: Arc<str>,
    pub(crate) peer: SocketAddr,
    pub(crate) authorizer: Arc<dyn Authorizer>,
    /// Cancelled when the peer has closed the connection, or at least its half of it, and when the
    /// broker's connections end.
    pub(crate) gone: CancellationToken,
    /// The scope of the broker's connections.
    pub(crate) runtime: Runtime,
    pub(crate) memory: SharedMemory,
    /// Of lines about requests that ended their connection.
    pub(crate) bad_requests: Arc<LogLimit>,
}

/// One request's circumstances, handed down from the connection to the handler.
pub(crate) struct RequestContext {
    pub(crate) connection: Arc<ConnectionInfo>,
    /// The connection's principal when the request was read.
    pub(crate) principal: Principal,
    /// Empty if the client gave none.
    pub(crate) client_id: KString,
    pub(crate) api_key: ApiKey,
    /// The version of the request and of its response.
    pub(crate) api_version: i16,
    pub(crate) correlation_id: i32,
    /// When the request had arrived, on the runtime's monotonic clock.
    pub(crate) received: Duration,
    /// When its handling began, on the same clock.
    begun: Duration,
    /// Nanoseconds on the same clock, or [`NEVER`].
    deadline: AtomicU64,
    outlives_peer: AtomicBool,
    throttle_ms: AtomicU32,
    held: Mutex<HeldMemory>,
}

/// The memory that is counted for a request while it is handled.
#[derive(Default)]
struct HeldMemory {
    /// For what was received.
    received: Option<RequestPermit>,
    /// For what it is when it is decoded, and what its handler makes of that.
    decoded: Option<RoomPermit>,
    /// For its response.
    response: Option<RoomPermit>,
}

impl RequestContext {
    pub(crate) fn new(
        connection: Arc<ConnectionInfo>,
        principal: Principal,
        header: RequestHeader,
        received: Duration,
        time_max: Option<Duration>,
    ) -> Self {
        Self {
            connection,
            principal,
            client_id: header.client_id.unwrap_or(const { KString::from_static("") }),
            api_key: header.key,
            api_version: header.version,
            correlation_id: header.correlation_id,
            received,
            begun: received,
            deadline: AtomicU64::new(time_max.map_or(NEVER, |max| nanos(received + max))),
            outlives_peer: AtomicBool::new(false),
            throttle_ms: AtomicU32::new(0),
            held: Mutex::default(),
        }
    }

    /// Keeps the memory of what was received counted until the request is handled.
    pub(crate) fn keep_received(&self, permit: RequestPermit) {
        self.lock_held().received = Some(permit);
    }

    /// The same for what it was decoded to.
    pub(crate) fn keep_decoded(&self, room: RoomPermit) {
        self.lock_held().decoded = Some(room);
    }

    /// The handler has dropped the request, as it was received, before a wait.
    pub(crate) fn release_received(&self) {
        self.lock_held().received = None;
    }

    /// The handler has dropped what it was decoded to as well, and what was made of it is counted
    /// elsewhere.
    pub(crate) fn release_decoded(&self) {
        self.lock_held().decoded = None;
    }

    /// For what was made of the request and outlives it.
    pub(crate) fn take_decoded(&self) -> Option<RoomPermit> {
        self.lock_held().decoded.take()
    }

    /// Returns when others wait for memory to decode their requests of which this one has some.
    pub(crate) async fn decoded_is_wanted(&self) {
        let holds = self.lock_held().decoded.as_ref().is_some_and(RoomPermit::is_counted);
        if !holds {
            std::future::pending::<()>().await;
        }
        self.connection.memory.decoded.wanted().await;
    }

    /// Its handling begins now, and not when it had arrived.
    pub(crate) fn begin(&mut self, now: Duration) {
        if let Some(deadline) = self.deadline() {
            *self.deadline.get_mut() = nanos(deadline + now.saturating_sub(self.begun));
        }
        self.begun = now;
    }

    /// When its handling is to be over, on the runtime's monotonic clock: all its waits together
    /// end then, and so does work that computes, which looks at this between slices.
    /// `None` for requests that have the coordinator's times alone.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        match self.deadline.load(Ordering::Relaxed) {
            NEVER => None,
            at => Some(Duration::from_nanos(at)),
        }
    }

    /// The request has a field that allows less: so many milliseconds since its handling began.
    pub(crate) fn narrow(&self, allowed_ms: i32) {
        let allowed = Duration::from_millis(u64::try_from(allowed_ms).unwrap_or(0));
        self.deadline.fetch_min(nanos(self.begun + allowed), Ordering::Relaxed);
    }

    /// The time until the deadline.
    pub(crate) fn left(&self) -> Duration {
        let now = self.connection.runtime.monotonic();
        self.deadline().map_or(Duration::MAX, |deadline| deadline.saturating_sub(now))
    }

    pub(crate) fn is_late(&self) -> bool {
        self.left().is_zero()
    }

    /// From now on the end of the stream does not cancel the request: its client expects no response
    /// and may be gone already. The deadline holds, since what waits keeps its memory.
    pub(crate) fn outlive_peer(&self) {
        self.outlives_peer.store(true, Ordering::Relaxed);
    }

    /// Returns when the request is to wait no longer: at its deadline, at the end of the stream, or
    /// when the broker's connections end. Every wait of a handler is a race with this one.
    pub(crate) async fn ended(&self) {
        let ConnectionInfo { gone, runtime, .. } = &*self.connection;
        let cancelled =
            if self.outlives_peer.load(Ordering::Relaxed) { runtime.stopping() } else { gone };
        match self.deadline() {
            None => cancelled.cancelled().await,
            // Not in the first poll of what usually is ready.
            Some(deadline) => tokio::select! {
                biased;
                () = cancelled.cancelled() => {}
                () = runtime.sleep(deadline.saturating_sub(runtime.monotonic())) => {}
            },
        }
    }

    /// Whether the broker's connections end.
    pub(crate) fn connection_stops(&self) -> bool {
        self.connection.runtime.stopping().is_cancelled()
    }

    /// Whether nobody waits for the response any more, or the broker's connections end.
    pub(crate) fn is_abandoned(&self) -> bool {
        !self.outlives_peer.load(Ordering::Relaxed) && self.connection.gone.is_cancelled()
    }

    /// Room for a response of up to `bytes`, before it is built: less where little is left, and
    /// what a small response needs if none came until the request ended. The handler says with
    /// [`RoomPermit::set_bytes`] what it used, and gives it to [`RequestContext::keep_room`].
    pub(crate) async fn response_room(&self, bytes: usize) -> RoomPermit {
        tokio::select! {
            biased;
            room = self.connection.memory.responses.up_to(bytes) => room,
            () = self.ended() => self.connection.memory.responses.none(),
        }
    }

    /// Takes the room for a response of about `bytes`, before it is made, and keeps it until that is
    /// written. False: there was none until the request ended.
    pub(crate) async fn has_room_for(&self, bytes: usize) -> bool {
        // Who waits holds none, and is not for all there is: others would wait behind it.
        drop(self.take_room());
        let responses = &self.connection.memory.responses;
        let room = tokio::select! {
            biased;
            room = responses.exactly(bytes.min(responses.part(RESPONSE_PART))) => room,
            () = self.ended() => return false,
        };
        self.keep_room(room);
        true
    }

    /// Keeps room until the response is written.
    pub(crate) fn keep_room(&self, room: RoomPermit) {
        self.lock_held().response = Some(room);
    }

    /// The room that the handler took.
    pub(crate) fn take_room(&self) -> Option<RoomPermit> {
        self.lock_held().response.take()
    }

    /// Room for a response of `bytes` that is built already. None if there was none until the
    /// request ended, or too many such responses wait.
    pub(crate) async fn room_for(&self, bytes: usize) -> Option<RoomPermit> {
        tokio::select! {
            biased;
            room = self.connection.memory.responses.for_built(bytes) => room,
            () = self.ended() => None,
        }
    }

    fn lock_held(&self) -> MutexGuard<'_, HeldMemory> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn client_address(&self) -> SocketAddr {
        self.connection.peer
    }

    pub(crate) fn listener(&self) -> &str {
        &self.connection.listener
    }

    /// Whether the client may do `operation` to `resource`.
    pub(crate) fn allows(&self, operation: Operation, resource: Resource<'_>) -> bool {
        let caller = Caller { principal: &self.principal, address: self.connection.peer };
        self.connection.authorizer.allows(caller, operation, resource)
    }

    /// The bit field of KIP-430: which of `operations` the client may do to `resource`.
    pub(crate) fn authorized_operations(
        &self,
        operations: &[Operation],
        resource: Resource<'_>,
    ) -> i32 {
        let allowed = operations.iter().filter(|operation| self.allows(**operation, resource));
        allowed.fold(0, |bits, operation| bits | 1 << (*operation as i8))
    }

    /// Leaves the connection unread for this long once the response is sent (KIP-219).
    /// The handler says the same in the response's `throttle_time_ms`.
    pub(crate) fn throttle(&self, duration: Duration) {
        let ms = u32::try_from(duration.as_millis()).unwrap_or(u32::MAX);
        self.throttle_ms.fetch_max(ms, Ordering::Relaxed);
    }

    pub(crate) fn throttled(&self) -> Duration {
        Duration::from_millis(self.throttle_ms.load(Ordering::Relaxed).into())
    }
}

fn nanos(at: Duration) -> u64 {
    u64::try_from(at.as_nanos()).map_or(NEVER - 1, |nanos| nanos.min(NEVER - 1))
}

#[cfg(test)]
pub(crate) mod tests {
    use futures_util::FutureExt as _;

    use crate::{access::AllowAll, memory::MemoryShares};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// A request of a connection that is not there.
    pub(crate) fn request(runtime: &Runtime, time_max: Option<Duration>) -> RequestContext {
        let shares = MemoryShares { response_bytes: 1 << 20, ..MemoryShares::default() };
        request_within(shares, runtime, time_max)
    }

    pub(crate) fn request_within(
        shares: MemoryShares,
        runtime: &Runtime,
        time_max: Option<Duration>,
    ) -> RequestContext {
        let connection = ConnectionInfo {
            cluster: "paper".parse().unwrap(),
            listener: "PLAINTEXT".into(),
            peer: "127.0.0.1:1".parse().unwrap(),
            authorizer: Arc::new(AllowAll),
            gone: runtime.stopping().child_token(),
            runtime: runtime.clone(),
            memory: SharedMemory::new(shares),
            bad_requests: Arc::default(),
        };
        let header =
            RequestHeader { key: ApiKey::Fetch, version: 4, correlation_id: 1, client_id: None };
        let now = runtime.monotonic();
        RequestContext::new(Arc::new(connection), Principal::user("x"), header, now, time_max)
    }

    #[tokio::test]
    async fn a_field_of_the_request_only_ever_shortens_its_time() {
        let runtime = Runtime::system();
        let mut request = request(&runtime, Some(25 * SECOND));
        let begun = request.received + SECOND;
        request.begin(begun);
        assert_eq!(request.deadline(), Some(begun + 25 * SECOND));
        request.narrow(1000);
        request.narrow(i32::MAX);
        assert_eq!(request.deadline(), Some(begun + SECOND));
        request.narrow(-1);
        assert_eq!(request.deadline(), Some(begun));
        request.outlive_peer();
        assert_eq!(request.deadline(), Some(begun));
    }

    #[tokio::test]
    async fn a_wait_ends_at_the_deadline_or_with_the_stream() {
        let runtime = Runtime::system();
        let late = request(&runtime, Some(25 * SECOND));
        late.narrow(10);
        late.ended().await;
        assert!(late.is_late() && !late.is_abandoned());

        let unlimited = request(&runtime, None);
        let (_, ()) = tokio::join!(unlimited.ended(), async { unlimited.connection.gone.cancel() });
        assert!(unlimited.is_abandoned() && !unlimited.is_late());

        let unanswered = request(&runtime, Some(60 * SECOND));
        unanswered.outlive_peer();
        unanswered.connection.gone.cancel();
        let mut ended = std::pin::pin!(unanswered.ended());
        assert!(futures_util::poll!(ended.as_mut()).is_pending());
        runtime.stop();
        ended.await;
    }

    #[tokio::test]
    async fn what_a_handler_drops_before_a_wait_is_not_counted_any_more() {
        let runtime = Runtime::system();
        let shares = MemoryShares {
            request_bytes: 1 << 20,
            decoded_bytes: 1 << 20,
            ..MemoryShares::default()
        };
        let request = request_within(shares, &runtime, None);
        let memory = request.connection.memory.clone();
        let mut permit = memory.requests.begin();
        permit.grow(1 << 20, 1 << 20, &runtime).await.expect("room");
        permit.arrived();
        request.keep_received(permit);
        request.keep_decoded(memory.decoded.exactly(1 << 20).await);

        assert!(request.decoded_is_wanted().now_or_never().is_none(), "nobody waits");
        {
            let mut other = std::pin::pin!(memory.decoded.exactly(1 << 20));
            assert!(futures_util::poll!(other.as_mut()).is_pending());
            request.decoded_is_wanted().await;
            request.release_decoded();
            other.await;
        }
        let mut reserved = memory.requests.begin();
        reserved.grow(1 << 20, 1 << 20, &runtime).await.expect("the reserve");
        let mut next = memory.requests.begin();
        assert!(next.grow(1 << 20, 1 << 20, &runtime).now_or_never().is_none());
        request.release_received();
        next.grow(1 << 20, 1 << 20, &runtime).await.expect("what was released");
    }

    #[tokio::test]
    async fn a_request_without_room_until_its_deadline_may_return_little() {
        let runtime = Runtime::system();
        let request = request(&runtime, Some(25 * SECOND));
        let all = request.response_room(1 << 30).await;
        assert_eq!(all.bytes(), 1 << 20);
        request.narrow(10);
        assert_eq!(request.response_room(1 << 30).await.bytes(), 64 << 10);
        request.keep_room(all);
        assert!(request.take_room().is_some() && request.take_room().is_none());
    }
}
