//! Reading size-prefixed requests from a connection.
//!
//! A request is a 4-byte length and that many bytes. Small requests are cut out of one read buffer;
//! a large one is read straight into a buffer of its own, which the decoded request then shares, so
//! that a produce is not copied on its way to the log. What is reserved follows what has arrived: a
//! length that is only claimed costs little. What has arrived of large requests stays within
//! [`RequestMemory`]: when it is used up, reading waits.
//!
//! [`FrameReader::next`] is cancel-safe: bytes read stay in the reader.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use futures_util::FutureExt as _;
use milena_runtime::Runtime;
use tokio::io::{AsyncRead, AsyncReadExt};

use super::stream::PeerStream;
use crate::memory::requests::{RequestMemory, RequestPermit, TooSlow, UNCOUNTED_BYTES};

/// The read buffer for small requests.
const READ_BUFFER_BYTES: usize = 8 * 1024;
/// How much is read of the requests behind one that is handled.
const READ_AHEAD_BYTES: usize = 8 * 1024;
/// A request up to this size gets its buffer at once; a larger one grows by doubling as its bytes
/// arrive.
const RESERVED_AT_ONCE_BYTES: usize = 1024 * 1024 + 64 * 1024;
/// A request of which so much has arrived gets room for all of it: to copy 64 MiB takes as long as
/// what others on the thread may wait, and what is not written to is no memory yet.
const RESERVED_WHOLE_FROM_BYTES: usize = 8 << 20;
const LENGTH_BYTES: usize = 4;

/// Why no further request can be read from a connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FrameError {
    /// The length is negative or larger than `socket.request.max.bytes`.
    #[error(
        "a request claims {claimed} bytes, the limit is {max}: the peer may speak TLS or HTTP, \
         otherwise raise socket.request.max.bytes"
    )]
    Size { claimed: i32, max: usize },
    #[error(
        "the peer closed the connection in the middle of a request ({received} bytes of it had \
         arrived)"
    )]
    Truncated { received: usize },
    #[error(
        "a request arrives too slowly ({received} bytes of it so far) while others have no memory"
    )]
    Slow { received: usize },
    #[error("reading from the connection failed: {0}")]
    Io(#[from] std::io::Error),
}

/// A request as it came, without its length.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) bytes: Bytes,
    /// Keeps the memory counted. Dropped when the request was handled.
    pub(crate) permit: Option<RequestPermit>,
}

/// Cuts a byte stream into requests.
pub(crate) struct FrameReader {
    buffer: BytesMut,
    /// The length of the request whose body is being read.
    body: Option<usize>,
    permit: Option<RequestPermit>,
    memory: RequestMemory,
    max: usize,
    runtime: Runtime,
}

impl FrameReader {
    pub(crate) fn new(max: usize, memory: RequestMemory, runtime: Runtime) -> Self {
        Self { buffer: BytesMut::new(), body: None, permit: None, memory, max, runtime }
    }

    /// The next request without its length, or `None` when the peer closed the connection between
    /// requests.
    pub(crate) async fn next<R: AsyncRead + Unpin>(
        &mut self,
        stream: &mut R,
    ) -> Result<Option<Frame>, FrameError> {
        loop {
            match self.body {
                None if self.buffer.len() >= LENGTH_BYTES => self.take_length()?,
                None => {
                    if self.buffer.capacity() - self.buffer.len() < READ_BUFFER_BYTES / 4 {
                        self.buffer.reserve(READ_BUFFER_BYTES);
                    }
                    if stream.read_buf(&mut self.buffer).await? == 0 {
                        let received = self.buffer.len();
                        return if received == 0 {
                            Ok(None)
                        } else {
                            Err(FrameError::Truncated { received })
                        };
                    }
                }
                Some(length) if self.buffer.len() >= length => {
                    self.body = None;
                    let bytes = self.take_body(length);
                    let permit = self.permit.take();
                    if let Some(permit) = &permit {
                        permit.arrived();
                    }
                    return Ok(Some(Frame { bytes, permit }));
                }
                Some(length) => self.read_body(stream, length).await?,
            }
        }
    }

    /// Reads more of a request of `length` bytes.
    async fn read_body<R: AsyncRead + Unpin>(
        &mut self,
        stream: &mut R,
        length: usize,
    ) -> Result<(), FrameError> {
        let held = self.buffer.len();
        let missing = length - held;
        let counted = self.permit.as_ref().map_or(UNCOUNTED_BYTES, RequestPermit::bytes);
        // The length was in the read buffer too: the few bytes for which it left no space are not
        // worth a read of their own.
        if length > counted && held + LENGTH_BYTES >= counted {
            let permit = self.permit.get_or_insert_with(|| self.memory.begin());
            return match permit.grow(held, missing, &self.runtime).await {
                Ok(()) => Ok(()),
                Err(TooSlow) => Err(self.give_up()),
            };
        }
        self.reserve(length);
        // Only a request that needs a buffer of its own must not take the next one's bytes with it.
        let bytes_max =
            if length > READ_BUFFER_BYTES { missing.min(counted - held) } else { usize::MAX };
        let Self { buffer, permit, runtime, .. } = self;
        let mut buffer_part = buffer.limit(bytes_max);
        let read = match stream.read_buf(&mut buffer_part).now_or_never() {
            Some(read) => read?,
            None => {
                if let Some(permit) = permit {
                    permit.await_rest(runtime);
                }
                tokio::select! {
                    biased;
                    read = stream.read_buf(&mut buffer_part) => read?,
                    () = too_slow(permit.as_ref()) => return Err(self.give_up()),
                }
            }
        };
        if read == 0 {
            return Err(FrameError::Truncated { received: held });
        }
        if let Some(permit) = permit
            && read < missing
        {
            permit.note_received(held + read, runtime.monotonic());
        }
        Ok(())
    }

    /// Returns when the request that is arriving is to be closed, for ever where none is. Cancel-safe.
    pub(crate) async fn too_slow(&mut self) -> FrameError {
        if let Some(permit) = &mut self.permit {
            permit.await_rest(&self.runtime);
        }
        too_slow(self.permit.as_ref()).await;
        self.give_up()
    }

    /// Gives the memory of a request that arrives too slowly to others.
    fn give_up(&mut self) -> FrameError {
        let received = self.buffer.len();
        (self.buffer, self.permit) = (BytesMut::new(), None);
        FrameError::Slow { received }
    }

    /// Reads on, up to [`READ_AHEAD_BYTES`], while a request is handled. Returns when the peer has
    /// closed its half of the connection, or the connection has failed.
    pub(crate) async fn end_of_stream<T: PeerStream>(&mut self, stream: &mut T) {
        while self.buffer.len() < READ_AHEAD_BYTES {
            if self.buffer.capacity() == self.buffer.len() {
                self.buffer.reserve(READ_BUFFER_BYTES);
            }
            let free = READ_AHEAD_BYTES - self.buffer.len();
            match stream.read_buf(&mut (&mut self.buffer).limit(free)).await {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
        }
        stream.closed_by_peer().await;
    }

    /// Cuts out a request that is there. A large one takes its buffer with it: what is left of the
    /// buffer would keep all of it for as long as the connection lives.
    fn take_body(&mut self, length: usize) -> Bytes {
        if length <= READ_BUFFER_BYTES {
            return self.buffer.split_to(length).freeze();
        }
        let rest = BytesMut::from(&self.buffer[length..]);
        let mut body = std::mem::replace(&mut self.buffer, rest);
        body.truncate(length);
        body.freeze()
    }

    fn take_length(&mut self) -> Result<(), FrameError> {
        let claimed = self.buffer.get_i32();
        let length = usize::try_from(claimed).ok().filter(|length| *length <= self.max);
        self.body = Some(length.ok_or(FrameError::Size { claimed, max: self.max })?);
        Ok(())
    }

    fn reserve(&mut self, length: usize) {
        let held = self.buffer.len();
        if self.buffer.capacity() > held {
            return;
        }
        let target = if held >= RESERVED_WHOLE_FROM_BYTES {
            length
        } else {
            length.min(RESERVED_AT_ONCE_BYTES.max(held * 2))
        };
        self.buffer.reserve(target.max(READ_BUFFER_BYTES) - held);
    }
}

async fn too_slow(permit: Option<&RequestPermit>) {
    match permit {
        Some(permit) => permit.too_slow().await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
