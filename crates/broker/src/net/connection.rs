//! One connection: requests in, responses out in the same order.
//!
//! Requests are handled one after the other, as Kafka does: the next one begins when the last one's
//! response is ready. An API whose definition says [`crate::NextRequest::AfterEffect`] (Produce) is
//! the exception. Its requests take effect at once, in order, and only the waiting for the disk
//! overlaps, so that a pipelining producer is not slowed to one round trip at a time. At most
//! [`super::network::ConnectionLimits::requests_in_flight_max`] requests wait; then the connection
//! is not read any more.
//!
//! While a request is handled, which may wait, the responses to those before it are sent as they
//! become ready: see [`super::responses`].

use std::{net::SocketAddr, pin::Pin, sync::Arc, time::Duration};

use milena_runtime::OnWake;
use tokio::time::Sleep;

use super::{
    frame::{Frame, FrameError, FrameReader},
    listener::Listener,
    network::Network,
    responses::{PendingReply, Responses, SendError},
    stream::PeerStream,
    write::WriteError,
};
use crate::{
    api::handled::Handled,
    authentication::ConnectionAuthentication,
    context::ConnectionInfo,
    dispatch::{self, Incoming, RequestService},
    tuning::SHUTDOWN_LIMITS,
};

/// A connection being served: `T` its stream, `S` what handles its requests.
pub(crate) struct Connection<T, S> {
    stream: T,
    reader: FrameReader,
    info: Arc<ConnectionInfo>,
    authentication: ConnectionAuthentication,
    network: Arc<Network<S>>,
    responses: Responses,
    /// When the last request came.
    last_request: Duration,
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

impl From<SendError> for ConnectionEnd {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Last => Self::Refused,
            SendError::Write(error) => Self::Write(error),
        }
    }
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
            responses: Responses::new(
                peer,
                network.memory.responses.clone(),
                network.limits.idle_max,
                network.runtime.clone(),
            ),
            last_request: network.runtime.monotonic(),
            network,
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
        let mut stopped = OnWake::new(stopping.cancelled());
        loop {
            let in_flight_max = self.network.limits.requests_in_flight_max;
            let may_read =
                self.responses.len() < in_flight_max && self.responses.muted_until.is_none();
            let step = tokio::select! {
                biased;
                () = &mut stopped => return self.drain().await,
                () = self.responses.oldest_ready() => self.send_ready().await,
                frame = self.reader.next(&mut self.stream), if may_read => match frame {
                    Ok(Some(frame)) => self.request(frame).await,
                    Ok(None) => self.closed_by_peer().await,
                    Err(error) => Err(ConnectionEnd::Frame(error)),
                },
                () = timer.as_mut() => self.timer_fired(timer.as_mut()),
            };
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
            if let Some(until) = self.responses.muted_until {
                let left = until.saturating_sub(self.network.runtime.monotonic());
                timer.as_mut().reset(tokio_now() + left);
            }
        }
    }

    /// Handles one request and, unless it overlaps with them, those before it.
    async fn request(&mut self, frame: Frame) -> Result<(), ConnectionEnd> {
        let Frame { bytes, permit } = frame;
        self.last_request = self.network.runtime.monotonic();
        let Self { info, authentication, network, last_request, .. } = self;
        let offered = network.service.offered();
        let request = dispatch::read(info, authentication, offered, bytes, permit, *last_request);
        let Some(mut request) = request else { return Err(ConnectionEnd::Refused) };
        let overlaps = request.overlaps();
        if !overlaps && !self.responses.is_empty() {
            // It may wait long, and earlier requests must not wait with it.
            self.send_all().await?;
            request.begin(self.network.runtime.monotonic());
        }
        match self.handle(request).await? {
            Handled::Commit(commit) => {
                self.responses.push(PendingReply::Commit(commit));
                if overlaps {
                    // What was being written when the request was handled.
                    return self.flush().await;
                }
            }
            Handled::Done(reply) => self.responses.push(PendingReply::Ready(reply)),
        }
        if self.responses.len() > 1 {
            return self.flush().await;
        }
        self.send_all().await
    }

    /// Handles a request. Meanwhile the responses to those before it are sent, and the end of the
    /// stream is watched for.
    async fn handle(&mut self, request: Incoming) -> Result<Handled, ConnectionEnd> {
        let Self { authentication, network, reader, stream, info, responses, .. } = self;
        let handling = dispatch::handle(request, authentication, &network.service);
        // Not a part of the connection's task, most of which is in no cache when it is woken: the
        // memory of the last request handled is.
        let mut handling = Box::pin(handling);
        let mut is_open = true;
        let unsent = loop {
            let sent = if responses.has_unwritten() {
                tokio::select! {
                    biased;
                    handled = handling.as_mut() => return Ok(handled),
                    // Boxed: it is large, and few connections come here.
                    written = Box::pin(responses.write(stream)) => written,
                }
            } else {
                tokio::select! {
                    biased;
                    handled = handling.as_mut() => return Ok(handled),
                    () = responses.oldest_ready() => responses.take_ready(),
                    () = reader.end_of_stream(stream), if is_open => {
                        // Its waits end. The response is for a client that only sends no more.
                        info.gone.cancel();
                        is_open = false;
                        Ok(())
                    }
                }
            };
            if let Err(unsent) = sent {
                break unsent;
            }
        };
        // The connection ends, but a request is not left half done.
        info.gone.cancel();
        handling.await;
        Err(unsent.into())
    }

    /// Sends the responses that are ready, in order.
    async fn send_ready(&mut self) -> Result<(), ConnectionEnd> {
        self.responses.take_ready()?;
        self.flush().await
    }

    /// Waits for all responses and sends them.
    async fn send_all(&mut self) -> Result<(), ConnectionEnd> {
        self.responses.take_all().await?;
        self.flush().await
    }

    async fn flush(&mut self) -> Result<(), ConnectionEnd> {
        let Self { responses, stream, reader, .. } = self;
        tokio::select! {
            biased;
            written = responses.write(stream) => Ok(written?),
            // A client that reads nothing keeps no memory of a request from others.
            error = reader.too_slow() => Err(ConnectionEnd::Frame(error)),
        }
    }

    /// The peer sends nothing more, but may still read its responses.
    async fn closed_by_peer(&mut self) -> Result<(), ConnectionEnd> {
        self.send_all().await?;
        Err(ConnectionEnd::ByPeer)
    }

    async fn drain(&mut self) -> ConnectionEnd {
        let rest = async {
            // The responses before one that closes the connection are still sent.
            let finished = self.responses.take_all().await;
            self.flush().await?;
            Ok(finished?)
        };
        match tokio::time::timeout(SHUTDOWN_LIMITS.responses, rest).await {
            Ok(Err(end)) => end,
            Ok(Ok(())) | Err(_) => ConnectionEnd::Stopping,
        }
    }

    fn timer_fired(&mut self, timer: Pin<&mut Sleep>) -> Result<(), ConnectionEnd> {
        let now = self.network.runtime.monotonic();
        let responses = &mut self.responses;
        if responses.muted_until.is_some_and(|until| until <= now) {
            responses.muted_until = None;
        }
        let idle_max = self.network.limits.idle_max;
        let last_used = self.last_request.max(responses.last_written);
        let left = (last_used + idle_max).saturating_sub(now);
        if left.is_zero() && responses.is_empty() && responses.muted_until.is_none() {
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

#[cfg(test)]
mod tests;
