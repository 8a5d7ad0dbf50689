//! One connection to one broker.
//!
//! Invariants: a frame is written whole or the connection ends (a task owns the socket's writing
//! half, so that a cancelled call leaves no half frame); a response goes to the call whose
//! correlation id it has; when the connection ends every waiting call learns it.

use std::{
    collections::HashMap,
    io::{self, IoSlice},
    marker::PhantomData,
    ops::RangeInclusive,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, OnceLock},
    task::{Context, Poll},
    time::Duration,
};

use bytes::{Buf, Bytes, BytesMut};
use milena_protocol::{
    ApiKey, Decoder, EncodedFrame, ErrorCode, KString, Message, Request,
    frame::{self, FrameError},
    messages::{
        api_versions_request::ApiVersionsRequest, api_versions_response::ApiVersionsResponse,
    },
};
use milena_runtime::{BoxFuture, Runtime};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::{mpsc, oneshot},
};

#[cfg(not(feature = "simulation"))]
use tokio::net::{
    TcpStream,
    tcp::{OwnedReadHalf, OwnedWriteHalf},
};
#[cfg(feature = "simulation")]
use turmoil::net::{
    TcpStream,
    tcp::{OwnedReadHalf, OwnedWriteHalf},
};

use crate::ClientError;

/// Frames that may wait to be written.
const QUEUED_FRAMES: usize = 256;

/// A connection's configuration.
#[derive(Clone, Debug)]
pub struct ConnectionConfig {
    /// The `client.id` of its requests.
    pub client_id: String,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How long a response may take.
    pub request_timeout: Duration,
    /// The largest response in bytes.
    pub max_frame_bytes: usize,
}

impl Default for ConnectionConfig {
    fn default() -> Self {
        Self {
            client_id: "milena".to_owned(),
            connect_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(30),
            max_frame_bytes: 256 << 20,
        }
    }
}

/// A connection; clones share it, and it closes with the last of them.
#[derive(Clone, Debug)]
pub struct Connection {
    shared: Arc<ConnectionCore>,
    frames: mpsc::Sender<EncodedFrame>,
    /// Dropped with the last clone, which ends the reading task.
    _open: Arc<oneshot::Sender<()>>,
}

#[derive(Debug)]
struct ConnectionCore {
    address: String,
    client_id: KString,
    request_timeout: Duration,
    max_frame_bytes: usize,
    versions: OnceLock<HashMap<ApiKey, RangeInclusive<i16>>>,
    calls: Mutex<PendingCalls>,
}

#[derive(Debug, Default)]
struct PendingCalls {
    next_id: i32,
    waiting: HashMap<i32, oneshot::Sender<Bytes>>,
    closed: bool,
}

impl ConnectionCore {
    fn calls(&self) -> MutexGuard<'_, PendingCalls> {
        self.calls.lock().expect("no panic happens under this lock")
    }

    fn disconnected(&self) -> ClientError {
        ClientError::Disconnected { address: self.address.clone() }
    }

    /// A correlation id, and where the response to it will come.
    fn expect_response(&self) -> Result<(i32, oneshot::Receiver<Bytes>), ClientError> {
        let (sender, response) = oneshot::channel();
        let mut calls = self.calls();
        if calls.closed {
            return Err(self.disconnected());
        }
        let id = calls.next_id;
        calls.next_id = id.wrapping_add(1) & i32::MAX;
        calls.waiting.insert(id, sender);
        Ok((id, response))
    }

    /// Lets every waiting call fail, and later ones at once.
    fn close(&self) {
        let mut calls = self.calls();
        calls.closed = true;
        calls.waiting.clear();
    }
}

impl Connection {
    /// Connects to `host:port` and asks which API versions there are.
    ///
    /// Errors: [`ClientError::Connect`], [`ClientError::TimedOut`], [`ClientError::Disconnected`],
    /// [`ClientError::Protocol`].
    pub fn open<'a>(
        address: &'a str,
        config: &'a ConnectionConfig,
        runtime: &'a Runtime,
    ) -> BoxFuture<'a, Result<Self, ClientError>> {
        Box::pin(Self::connect(address, config, runtime))
    }

    async fn connect(
        address: &str,
        config: &ConnectionConfig,
        runtime: &Runtime,
    ) -> Result<Self, ClientError> {
        let connect = |source| ClientError::Connect { address: address.to_owned(), source };
        let stream =
            match tokio::time::timeout(config.connect_timeout, TcpStream::connect(address)).await {
                Ok(stream) => stream.map_err(connect)?,
                Err(_) => return Err(connect(io::Error::from(io::ErrorKind::TimedOut))),
            };
        stream.set_nodelay(true).map_err(connect)?;
        let shared = Arc::new(ConnectionCore {
            address: address.to_owned(),
            client_id: config.client_id.as_str().into(),
            request_timeout: config.request_timeout,
            max_frame_bytes: config.max_frame_bytes,
            versions: OnceLock::new(),
            calls: Mutex::default(),
        });
        let (reading, writing) = stream.into_split();
        let (frames, queue) = mpsc::channel(QUEUED_FRAMES);
        let (open, dropped) = oneshot::channel();
        runtime.spawn(read(reading, shared.clone(), dropped, runtime.clone()));
        runtime.spawn(write(writing, shared.clone(), queue, runtime.clone()));
        let connection = Self { shared, frames, _open: Arc::new(open) };
        connection.negotiate().await?;
        Ok(connection)
    }

    /// Host and port.
    pub fn address(&self) -> &str {
        &self.shared.address
    }

    /// Whether it has ended.
    pub fn is_closed(&self) -> bool {
        self.shared.calls().closed
    }

    /// Closes the connection: its calls fail, and the next look-up opens another.
    pub(crate) fn give_up(&self) {
        self.shared.close();
    }

    /// The versions of an API that the broker offers.
    pub fn offered(&self, api: ApiKey) -> Option<RangeInclusive<i16>> {
        self.shared.versions.get()?.get(&api).cloned()
    }

    /// The highest version of an API that both sides know.
    ///
    /// Errors: [`ClientError::NotOffered`].
    pub fn version_of(&self, api: ApiKey) -> Result<i16, ClientError> {
        let known = api.known_versions();
        let offered = self.offered(api).ok_or(ClientError::NotOffered { api })?;
        let version = *known.end().min(offered.end());
        if version < *known.start().max(offered.start()) {
            return Err(ClientError::NotOffered { api });
        }
        Ok(version)
    }

    /// Sends a request in the highest version that both sides know and waits for the response.
    pub async fn call<R: Request>(&self, request: &R) -> Result<R::Response, ClientError> {
        self.call_at(request, self.version_of(R::KEY)?).await
    }

    /// Sends a request in a version and waits for the response.
    pub async fn call_at<R: Request>(
        &self,
        request: &R,
        version: i16,
    ) -> Result<R::Response, ClientError> {
        self.start(request, version).await?.await
    }

    /// Sends a request and returns the pending response. Requests go out in the order of these
    /// calls.
    pub async fn start<R: Request>(
        &self,
        request: &R,
        version: i16,
    ) -> Result<Pending<R>, ClientError> {
        let (id, response) = self.shared.expect_response()?;
        let pending = Pending {
            connection: self.clone(),
            id,
            version,
            response,
            timer: Box::pin(tokio::time::sleep(self.shared.request_timeout)),
            request: PhantomData,
        };
        self.post(request, version, id).await?;
        Ok(pending)
    }

    /// Sends a request that has no response: Produce with acks 0.
    pub async fn send_without_response<R: Request>(
        &self,
        request: &R,
        version: i16,
    ) -> Result<(), ClientError> {
        if self.is_closed() {
            return Err(self.shared.disconnected());
        }
        self.post(request, version, 0).await
    }

    async fn post<R: Request>(
        &self,
        request: &R,
        version: i16,
        id: i32,
    ) -> Result<(), ClientError> {
        let frame = frame::encode_request(request, version, id, Some(&self.shared.client_id));
        self.frames.send(frame).await.map_err(|_| self.shared.disconnected())
    }

    /// Asks for the API versions, in version 3 or, of a broker that does not know it, in the one it
    /// names.
    async fn negotiate(&self) -> Result<(), ClientError> {
        let request = ApiVersionsRequest {
            client_software_name: "milena".into(),
            client_software_version: env!("CARGO_PKG_VERSION").into(),
        };
        let mut response = self.start(&request, 3).await?.api_versions().await?;
        if response.error_code == ErrorCode::UnsupportedVersion.code() {
            response = self.start(&request, 0).await?.api_versions().await?;
        }
        ClientError::check("asking for the api versions", response.error_code, None)?;
        let offered = response.api_keys.iter().filter_map(|api| {
            let key = ApiKey::try_from(api.api_key).ok()?;
            Some((key, api.min_version..=api.max_version))
        });
        self.shared.versions.set(offered.collect()).expect("negotiated once");
        Ok(())
    }
}

/// A pending response. Dropping it discards the response.
#[derive(Debug)]
pub struct Pending<R> {
    connection: Connection,
    id: i32,
    version: i16,
    response: oneshot::Receiver<Bytes>,
    timer: Pin<Box<tokio::time::Sleep>>,
    request: PhantomData<fn() -> R>,
}

impl<R: Request> Pending<R> {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Result<Bytes, ClientError>> {
        if let Poll::Ready(response) = Pin::new(&mut self.response).poll(cx) {
            return Poll::Ready(response.map_err(|_| self.connection.shared.disconnected()));
        }
        if self.timer.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        let what = format!("{} by {}", R::KEY, self.connection.address());
        Poll::Ready(Err(ClientError::TimedOut {
            what,
            after: self.connection.shared.request_timeout,
        }))
    }
}

impl Pending<ApiVersionsRequest> {
    /// The refusal of a version comes encoded in version 0.
    async fn api_versions(mut self) -> Result<ApiVersionsResponse, ClientError> {
        let frame = std::future::poll_fn(|cx| self.poll_frame(cx)).await?;
        let refused = frame.get(4..6) == Some(&ErrorCode::UnsupportedVersion.code().to_be_bytes());
        let version = if refused { 0 } else { self.version };
        Ok(ApiVersionsResponse::decode(
            &mut Decoder::new(frame.slice(4.min(frame.len())..)),
            version,
        )?)
    }
}

impl<R: Request> Future for Pending<R> {
    type Output = Result<R::Response, ClientError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let version = self.version;
        self.poll_frame(cx).map(|frame| Ok(frame::decode_response::<R>(frame?, version)?))
    }
}

impl<R> Drop for Pending<R> {
    fn drop(&mut self) {
        self.connection.shared.calls().waiting.remove(&self.id);
    }
}

async fn read(
    mut socket: OwnedReadHalf,
    shared: Arc<ConnectionCore>,
    dropped: oneshot::Receiver<()>,
    runtime: Runtime,
) {
    let responses = async {
        loop {
            let frame = read_frame(&mut socket, shared.max_frame_bytes).await?;
            let id = frame::correlation_id(&frame).map_err(io::Error::other)?;
            let call = shared.calls().waiting.remove(&id);
            if let Some(call) = call {
                let _ = call.send(frame); // Whoever asked may have stopped waiting.
            }
        }
    };
    let ended: io::Result<()> = tokio::select! {
        ended = responses => ended,
        _ = dropped => Ok(()),
        () = runtime.stopping().cancelled() => Ok(()),
    };
    if let Err(error) = ended {
        tracing::debug!(address = shared.address, %error, "the connection ended");
    }
    shared.close();
}

async fn read_frame(socket: &mut OwnedReadHalf, max: usize) -> io::Result<Bytes> {
    let mut prefix = [0; 4];
    socket.read_exact(&mut prefix).await?;
    let length = frame::frame_length(prefix, max).map_err(|e: FrameError| io::Error::other(e))?;
    let mut frame = BytesMut::with_capacity(length);
    let mut rest = socket.take(length as u64);
    while frame.len() < length {
        if rest.read_buf(&mut frame).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(frame.freeze())
}

async fn write(
    mut socket: OwnedWriteHalf,
    shared: Arc<ConnectionCore>,
    mut queue: mpsc::Receiver<EncodedFrame>,
    runtime: Runtime,
) {
    loop {
        let frame = tokio::select! {
            frame = queue.recv() => frame,
            () = runtime.stopping().cancelled() => None,
        };
        let Some(frame) = frame else { break };
        let written =
            tokio::time::timeout(shared.request_timeout, write_frame(&mut socket, frame.parts))
                .await;
        if !matches!(written, Ok(Ok(()))) {
            break;
        }
    }
    shared.close();
}

async fn write_frame(socket: &mut OwnedWriteHalf, mut parts: Vec<Bytes>) -> io::Result<()> {
    let mut first = 0;
    while first < parts.len() {
        let slices: Vec<IoSlice<'_>> =
            parts[first..].iter().take(64).map(|p| IoSlice::new(p)).collect();
        let mut written = socket.write_vectored(&slices).await?;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        while first < parts.len() && written >= parts[first].len() {
            written -= parts[first].len();
            first += 1;
        }
        if written > 0 {
            parts[first].advance(written);
        }
    }
    Ok(())
}
