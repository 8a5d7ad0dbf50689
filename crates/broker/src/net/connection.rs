//! One connection: requests in, responses out in the same order.
//!
//! Requests are handled one after the other, as Kafka does: the next one begins when the last one's
//! response is ready. An API whose definition says [`crate::NextRequest::AfterEffect`] (Produce) is
//! the exception. Its requests take effect at once, in order, and only the waiting for the disk
//! overlaps, so that a pipelining producer is not slowed to one round trip at a time. At most
//! [`super::network::ConnectionLimits::requests_in_flight_max`] requests wait; then the connection
//! is not read any more.
//!
//! Only the oldest waiting request is polled: commits come in order, so the task wakes once for a
//! group of them and sends all their responses in one write.

use std::{collections::VecDeque, net::SocketAddr, pin::Pin, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use tokio::time::Sleep;

use super::{
    frame::{Frame, FrameError, FrameReader},
    listener::Listener,
    network::Network,
    stream::PeerStream,
    write::{Patience, WriteError, write_parts},
};
use crate::{
    api::handled::{Handled, Reply},
    authentication::ConnectionAuthentication,
    context::ConnectionInfo,
    dispatch::{self, RequestService},
    memory::room::RoomPermit,
    tuning::SHUTDOWN_LIMITS,
};

/// A connection being served: `T` its stream, `S` what handles its requests.
pub(crate) struct Connection<T, S> {
    stream: T,
    reader: FrameReader,
    info: Arc<ConnectionInfo>,
    authentication: ConnectionAuthentication,
    network: Arc<Network<S>>,
    /// Requests that have no response yet, or not yet their turn to send it, oldest first.
    waiting: VecDeque<PendingReply>,
    parts: Vec<Bytes>,
    /// For what is in `parts`.
    rooms: Vec<RoomPermit>,
    /// Until when a throttled client is not read from (KIP-219), on the monotonic clock.
    muted_until: Option<Duration>,
    last_used: Duration,
}

enum PendingReply {
    Ready(Reply),
    Commit(BoxFuture<'static, Reply>),
}

/// The reason that a connection ends.
enum ConnectionEnd {
    ByPeer,
    Idle,
    Stopping,
    /// Its reason was logged.
    Refused,
    Frame(FrameError),
    Write(WriteError),
}

impl<T: PeerStream, S: RequestService> Connection<T, S> {
    pub(crate) fn new(
        stream: T,
        peer: SocketAddr,
        listener: &Listener,
        network: Arc<Network<S>>,
    ) -> Self {
        let (max, memory) = (network.limits.request_bytes_max, network.request_memory.clone());
        let reader = FrameReader::new(max, memory, network.runtime.clone());
        let info = ConnectionInfo {
            cluster: network.cluster.clone(),
            listener: listener.name.clone(),
            peer,
            authorizer: network.authorizer.clone(),
            gone: network.runtime.stopping().child_token(),
            runtime: network.runtime.clone(),
            memory: network.memory.clone(),
            bad_requests: network.bad_requests.clone(),
        };
        Self {
            stream,
            reader,
            info: Arc::new(info),
            authentication: listener.authenticator.connected(peer),
            last_used: network.runtime.monotonic(),
            network,
            waiting: VecDeque::new(),
            parts: Vec::new(),
            rooms: Vec::new(),
            muted_until: None,
        }
    }

    /// Serves the connection until it ends.
    pub(crate) async fn run(mut self) {
        let peer = self.info.peer;
        match self.serve().await {
            ConnectionEnd::ByPeer | ConnectionEnd::Stopping => {}
            ConnectionEnd::Idle => {
                tracing::debug!(
                    %peer,
                    "closed a connection that was idle for connections.max.idle.ms"
                );
            }
            ConnectionEnd::Refused => {}
            ConnectionEnd::Frame(FrameError::Io(error)) => {
                tracing::debug!(%peer, %error, "a connection failed");
            }
            ConnectionEnd::Frame(error) => {
                let now = self.network.runtime.monotonic();
                if let Some(unlogged) = self.network.bad_requests.pass(now) {
                    tracing::warn!(%peer, %error, unlogged, "closed a connection");
                }
            }
            ConnectionEnd::Write(error @ (WriteError::Unread(_) | WriteError::Slow(_))) => {
                tracing::info!(%peer, %error, "closed a connection");
            }
            ConnectionEnd::Write(error) => {
                tracing::debug!(%peer, %error, "a response could not be sent");
            }
        }
    }

    async fn serve(&mut self) -> ConnectionEnd {
        let timer = tokio::time::sleep(self.network.limits.idle_max);
        let mut timer = std::pin::pin!(timer);
        let stopping = self.network.runtime.stopping().clone();
        let mut stopped = std::pin::pin!(stopping.cancelled());
        loop {
            let in_flight_max = self.network.limits.requests_in_flight_max;
            let may_read = self.waiting.len() < in_flight_max && self.muted_until.is_none();
            let step = tokio::select! {
                biased;
                reply = oldest(&mut self.waiting), if !self.waiting.is_empty() => {
                    self.send_committed(reply).await
                }
                frame = self.reader.next(&mut self.stream), if may_read => match frame {
                    Ok(Some(frame)) => self.request(frame).await,
                    Ok(None) => self.closed_by_peer().await,
                    Err(error) => Err(ConnectionEnd::Frame(error)),
                },
                () = timer.as_mut() => self.timer_fired(timer.as_mut()),
                // Last, so that a busy connection need not look at what all connections share.
                () = stopped.as_mut() => return self.drain().await,
            };
            if stopping.is_cancelled() && step.is_ok() {
                return self.drain().await;
            }
            match step {
                Ok(()) => {}
                Err(
                    end @ (ConnectionEnd::Refused | ConnectionEnd::Frame(FrameError::Size { .. })),
                ) => {
                    // Requests before the one that ends the connection still get their responses.
                    self.drain().await;
                    return end;
                }
                Err(end) => return end,
            }
            if let Some(until) = self.muted_until {
                let left = until.saturating_sub(self.network.runtime.monotonic());
                timer.as_mut().reset(tokio_now() + left);
            }
        }
    }

    /// Handles one request and, unless it overlaps with them, those before it.
    async fn request(&mut self, frame: Frame) -> Result<(), ConnectionEnd> {
        let Frame { bytes, permit } = frame;
        self.last_used = self.network.runtime.monotonic();
        let Self { info, authentication, network, last_used, .. } = self;
        let offered = network.service.offered();
        let request = dispatch::read(info, authentication, offered, bytes, permit, *last_used);
        let Some(mut request) = request else { return Err(ConnectionEnd::Refused) };
        let overlaps = request.overlaps();
        if !overlaps && !self.waiting.is_empty() {
            // It may wait long, and earlier requests must not wait with it.
            self.await_replies().await?;
            self.flush().await?;
            request.begin(self.network.runtime.monotonic());
        }
        let handled = {
            let Self { authentication, network, reader, stream, info, .. } = self;
            let handling = dispatch::handle(request, authentication, &network.service);
            let mut handling = std::pin::pin!(handling);
            tokio::select! {
                biased;
                handled = handling.as_mut() => handled,
                () = reader.end_of_stream(stream) => {
                    // Its waits end. The response is for a client that only sends no more.
                    info.gone.cancel();
                    handling.await
                }
            }
        };
        match handled {
            Handled::Commit(commit) if overlaps => {
                self.waiting.push_back(PendingReply::Commit(commit));
                return Ok(());
            }
            Handled::Commit(commit) => self.waiting.push_back(PendingReply::Ready(commit.await)),
            Handled::Done(reply) => self.waiting.push_back(PendingReply::Ready(reply)),
        }
        if self.waiting.len() > 1 {
            return Ok(());
        }
        self.await_replies().await?;
        self.flush().await
    }

    /// Sends the oldest waiting response and all behind it that are ready too.
    async fn send_committed(&mut self, oldest_reply: Reply) -> Result<(), ConnectionEnd> {
        self.waiting.pop_front();
        self.take(oldest_reply)?;
        while let Some(reply) = ready(&mut self.waiting) {
            self.waiting.pop_front();
            self.take(reply)?;
        }
        self.flush().await
    }

    async fn await_replies(&mut self) -> Result<(), ConnectionEnd> {
        while !self.waiting.is_empty() {
            let reply = oldest(&mut self.waiting).await;
            self.waiting.pop_front();
            self.take(reply)?;
        }
        Ok(())
    }

    /// Puts a response among those to be written.
    fn take(&mut self, reply: Reply) -> Result<(), ConnectionEnd> {
        match reply {
            Reply::Send { frame, throttle, room } => {
                self.parts.extend(frame.parts);
                self.rooms.extend(room);
                if !throttle.is_zero() {
                    self.muted_until = Some(self.network.runtime.monotonic() + throttle);
                }
                Ok(())
            }
            Reply::Nothing => Ok(()),
            Reply::Last { frame, reason } => {
                self.parts.extend(frame.parts);
                tracing::info!(peer = %self.info.peer, reason, "closed a connection");
                Err(ConnectionEnd::Refused)
            }
            Reply::Close { reason } => {
                tracing::info!(peer = %self.info.peer, reason, "closed a connection");
                Err(ConnectionEnd::Refused)
            }
        }
    }

    async fn flush(&mut self) -> Result<(), ConnectionEnd> {
        if self.parts.is_empty() {
            return Ok(());
        }
        let patience = Patience {
            room: &self.network.memory.responses,
            holds_room: self.rooms.iter().any(RoomPermit::is_counted),
            idle_max: self.network.limits.idle_max,
        };
        write_parts(&mut self.stream, &mut self.parts, patience)
            .await
            .map_err(ConnectionEnd::Write)?;
        self.rooms.clear();
        self.last_used = self.network.runtime.monotonic();
        Ok(())
    }

    /// The peer sends nothing more, but may still read its responses.
    async fn closed_by_peer(&mut self) -> Result<(), ConnectionEnd> {
        self.await_replies().await?;
        self.flush().await?;
        Err(ConnectionEnd::ByPeer)
    }

    async fn drain(&mut self) -> ConnectionEnd {
        let rest = async {
            // The responses before one that closes the connection are still sent.
            let finished = self.await_replies().await;
            self.flush().await?;
            finished
        };
        match tokio::time::timeout(SHUTDOWN_LIMITS.responses, rest).await {
            Ok(Err(end)) => end,
            Ok(Ok(())) | Err(_) => ConnectionEnd::Stopping,
        }
    }

    fn timer_fired(&mut self, timer: Pin<&mut Sleep>) -> Result<(), ConnectionEnd> {
        let now = self.network.runtime.monotonic();
        if self.muted_until.is_some_and(|until| until <= now) {
            self.muted_until = None;
        }
        let idle_max = self.network.limits.idle_max;
        let left = (self.last_used + idle_max).saturating_sub(now);
        if left.is_zero() && self.waiting.is_empty() && self.muted_until.is_none() {
            return Err(ConnectionEnd::Idle);
        }
        timer.reset(tokio_now() + left.max(Duration::from_millis(1)));
        Ok(())
    }
}

/// The timer's own clock, which a simulation drives together with the runtime's.
#[allow(clippy::disallowed_methods)]
fn tokio_now() -> tokio::time::Instant {
    tokio::time::Instant::now()
}

/// The reply to the oldest waiting request. Cancel-safe: it stays where it is until it is taken.
async fn oldest(waiting: &mut VecDeque<PendingReply>) -> Reply {
    match waiting.front_mut() {
        Some(PendingReply::Commit(commit)) => commit.await,
        Some(PendingReply::Ready(reply)) => std::mem::replace(reply, Reply::Nothing),
        None => std::future::pending().await,
    }
}

fn ready(waiting: &mut VecDeque<PendingReply>) -> Option<Reply> {
    use futures_util::FutureExt as _;
    oldest(waiting).now_or_never()
}

#[cfg(test)]
mod tests;
