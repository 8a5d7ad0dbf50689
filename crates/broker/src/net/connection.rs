//! One connection: requests in, responses out in the same order.
//!
//! Requests are handled one after the other, as Kafka does: the next one begins when the last one's
//! response is made. Produce is the exception. Its batches join the log at once, in the order of
//! the requests, and only the waiting for the disk overlaps, so that a pipelining producer is not
//! slowed to one round trip at a time. At most [`crate::Limits::connection_requests_in_flight_max`]
//! produces wait; then the connection is not read any more.
//!
//! Only the oldest waiting produce is polled: commits come in order, so the task wakes once for a
//! group of them and sends all their responses in one write.

use std::{collections::VecDeque, net::SocketAddr, pin::Pin, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::Sleep,
};

use super::{
    frame::{Frame, FrameError, FrameReader},
    listener::Listener,
    write::write_parts,
};
use crate::{
    access::{Authentication, Principal},
    api::handled::{Handled, Reply},
    context::ConnectionInfo,
    dispatch,
    shared::BrokerShared,
};

/// How long a connection may take at shutdown to answer what it has begun.
const DRAIN_MAX: Duration = Duration::from_millis(1000);

/// A connection being served.
pub(crate) struct Connection<S> {
    stream: S,
    reader: FrameReader,
    info: Arc<ConnectionInfo>,
    broker: Arc<BrokerShared>,
    /// Produces whose batches are in the log and not yet on disk, oldest first.
    waiting: VecDeque<Waiting>,
    parts: Vec<Bytes>,
    /// Until when a throttled client is not read from (KIP-219), on the monotonic clock.
    muted_until: Option<Duration>,
    last_used: Duration,
}

enum Waiting {
    Done(Reply),
    Commit(BoxFuture<'static, Reply>),
}

/// Why a connection ends.
enum End {
    ByPeer,
    Idle,
    Stopping,
    Refused,
    Frame(FrameError),
    Write(std::io::Error),
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Connection<S> {
    pub(crate) fn new(
        stream: S,
        peer: SocketAddr,
        listener: Arc<Listener>,
        broker: Arc<BrokerShared>,
    ) -> Self {
        let principal = match listener.authenticator.connected(peer) {
            Authentication::Accepted(principal) => Some(principal),
            Authentication::Required => None,
        };
        Self::accepted(stream, ConnectionInfo { listener, peer, principal }, broker)
    }

    fn accepted(stream: S, info: ConnectionInfo, broker: Arc<BrokerShared>) -> Self {
        let reader =
            FrameReader::new(broker.config.limits.request_bytes_max, broker.request_memory.clone());
        let last_used = broker.runtime.monotonic();
        Self {
            stream,
            reader,
            info: Arc::new(info),
            broker,
            waiting: VecDeque::new(),
            parts: Vec::new(),
            muted_until: None,
            last_used,
        }
    }

    /// Serves the connection until it ends.
    pub(crate) async fn run(mut self) {
        let peer = self.info.peer;
        match self.serve().await {
            End::ByPeer | End::Stopping => {}
            End::Idle => {
                tracing::debug!(%peer, "closed a connection that was idle for connections.max.idle.ms");
            }
            End::Refused => {} // Logged with its reason where it was refused.
            End::Frame(FrameError::Io(error)) => {
                tracing::debug!(%peer, %error, "a connection failed")
            }
            End::Frame(error) => tracing::warn!(%peer, %error, "closed a connection"),
            End::Write(error) => tracing::debug!(%peer, %error, "a response could not be sent"),
        }
    }

    async fn serve(&mut self) -> End {
        let timer = tokio::time::sleep(self.broker.config.limits.connection_idle_max);
        let mut timer = std::pin::pin!(timer);
        let stopping = self.broker.connections_stopping.clone();
        let mut stopped = std::pin::pin!(stopping.cancelled());
        loop {
            let in_flight_max = self.broker.config.limits.connection_requests_in_flight_max;
            let may_read = self.waiting.len() < in_flight_max && self.muted_until.is_none();
            let step = tokio::select! {
                biased;
                reply = oldest(&mut self.waiting), if !self.waiting.is_empty() => self.send_committed(reply).await,
                frame = self.reader.next(&mut self.stream), if may_read => match frame {
                    Ok(Some(frame)) => self.request(frame).await,
                    Ok(None) => self.closed_by_peer().await,
                    Err(error) => Err(End::Frame(error)),
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
                Err(end @ (End::Refused | End::Frame(FrameError::Size { .. }))) => {
                    // What was asked before the request that ends the connection is still answered.
                    self.drain().await;
                    return end;
                }
                Err(end) => return end,
            }
            if let Some(until) = self.muted_until {
                let left = until.saturating_sub(self.broker.runtime.monotonic());
                timer.as_mut().reset(tokio_now() + left);
            }
        }
    }

    /// Handles one request and, unless it is a produce, everything before it.
    async fn request(&mut self, frame: Frame) -> Result<(), End> {
        let Frame { bytes, permit } = frame;
        self.last_used = self.broker.runtime.monotonic();
        let Some(request) = dispatch::read(&self.info, &self.broker, bytes) else {
            return Err(End::Refused);
        };
        let overlaps = request.overlaps();
        if !overlaps && !self.waiting.is_empty() {
            // It may wait long, and earlier requests must not wait with it.
            self.finish_waiting().await?;
            self.flush().await?;
        }
        let handled = dispatch::handle(request, self.broker.clone()).await;
        drop(permit);
        match handled {
            Handled::Commit(commit) if overlaps => {
                self.waiting.push_back(Waiting::Commit(commit));
                return Ok(());
            }
            Handled::Commit(commit) => self.waiting.push_back(Waiting::Done(commit.await)),
            Handled::Done(reply) => self.waiting.push_back(Waiting::Done(reply)),
        }
        if self.waiting.len() > 1 {
            return Ok(());
        }
        self.finish_waiting().await?;
        self.flush().await
    }

    /// Sends the oldest waiting response and all behind it that are ready too.
    async fn send_committed(&mut self, oldest_reply: Reply) -> Result<(), End> {
        self.waiting.pop_front();
        self.take(oldest_reply)?;
        while let Some(reply) = ready(&mut self.waiting) {
            self.waiting.pop_front();
            self.take(reply)?;
        }
        self.flush().await
    }

    async fn finish_waiting(&mut self) -> Result<(), End> {
        while !self.waiting.is_empty() {
            let reply = oldest(&mut self.waiting).await;
            self.waiting.pop_front();
            self.take(reply)?;
        }
        Ok(())
    }

    /// Puts a response among those to be written.
    fn take(&mut self, reply: Reply) -> Result<(), End> {
        match reply {
            Reply::Send { frame, throttle } => {
                self.parts.extend(frame.parts);
                if !throttle.is_zero() {
                    self.muted_until = Some(self.broker.runtime.monotonic() + throttle);
                }
                Ok(())
            }
            Reply::Nothing => Ok(()),
            Reply::Close { reason } => {
                tracing::info!(peer = %self.info.peer, reason, "closed a connection");
                Err(End::Refused)
            }
        }
    }

    async fn flush(&mut self) -> Result<(), End> {
        if self.parts.is_empty() {
            return Ok(());
        }
        write_parts(&mut self.stream, &mut self.parts).await.map_err(End::Write)?;
        self.last_used = self.broker.runtime.monotonic();
        Ok(())
    }

    /// The peer sends nothing more, but may still read: it gets what it asked for.
    async fn closed_by_peer(&mut self) -> Result<(), End> {
        self.finish_waiting().await?;
        self.flush().await?;
        Err(End::ByPeer)
    }

    async fn drain(&mut self) -> End {
        let rest = async {
            self.finish_waiting().await?;
            self.flush().await
        };
        match tokio::time::timeout(DRAIN_MAX, rest).await {
            Ok(Err(end)) => end,
            Ok(Ok(())) | Err(_) => End::Stopping,
        }
    }

    fn timer_fired(&mut self, timer: Pin<&mut Sleep>) -> Result<(), End> {
        let now = self.broker.runtime.monotonic();
        if self.muted_until.is_some_and(|until| until <= now) {
            self.muted_until = None;
        }
        let idle_max = self.broker.config.limits.connection_idle_max;
        let left = (self.last_used + idle_max).saturating_sub(now);
        if left.is_zero() && self.waiting.is_empty() && self.muted_until.is_none() {
            return Err(End::Idle);
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

/// The reply of the oldest waiting produce. Cancel-safe: it stays where it is until it is taken.
async fn oldest(waiting: &mut VecDeque<Waiting>) -> Reply {
    match waiting.front_mut() {
        Some(Waiting::Commit(commit)) => commit.await,
        Some(Waiting::Done(reply)) => std::mem::replace(reply, Reply::Nothing),
        None => std::future::pending().await,
    }
}

fn ready(waiting: &mut VecDeque<Waiting>) -> Option<Reply> {
    use futures_util::FutureExt as _;
    oldest(waiting).now_or_never()
}

impl ConnectionInfo {
    /// The principal, once the connection has one.
    pub(crate) fn authenticated(&self) -> Option<&Principal> {
        self.principal.as_ref()
    }
}
