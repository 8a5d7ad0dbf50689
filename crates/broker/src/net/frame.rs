//! Reading size-prefixed requests from a connection.
//!
//! A request is a 4-byte length and that many bytes. Small requests are cut out of one read buffer;
//! a large one is read straight into a buffer of its own, which the decoded request then shares, so
//! that a produce is not copied on its way to the log. Memory is reserved as bytes arrive: a length
//! that is only claimed costs little. Large requests of all connections together stay within
//! [`RequestMemory`]: when it is used up, reading waits.
//!
//! [`FrameReader::next`] is cancel-safe: bytes read stay in the reader.

use std::sync::Arc;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    sync::{OwnedSemaphorePermit, Semaphore},
};

/// The read buffer for small requests.
const READ_BUFFER_BYTES: usize = 8 * 1024;
/// A request up to this size gets its buffer at once; a larger one grows by doubling as its bytes
/// arrive.
const RESERVED_AT_ONCE_BYTES: usize = 1024 * 1024 + 64 * 1024;
/// Requests up to this size are not counted: their number is bounded by that of the connections.
const UNCOUNTED_BYTES: usize = 64 * 1024;
const LENGTH_BYTES: usize = 4;
/// The bytes of one permit of [`RequestMemory`].
const PERMIT_BYTES: usize = 1024;

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
    #[error("reading from the connection failed: {0}")]
    Io(#[from] std::io::Error),
}

/// The memory that large requests of all connections of a broker share, until they were handled.
#[derive(Clone, Debug)]
pub(crate) struct RequestMemory {
    permits: Arc<Semaphore>,
    all: u32,
}

impl RequestMemory {
    pub(crate) fn new(bytes: usize) -> Self {
        let all = u32::try_from(bytes / PERMIT_BYTES)
            .unwrap_or(u32::MAX)
            .clamp(1, Semaphore::MAX_PERMITS as u32);
        Self { permits: Arc::new(Semaphore::new(all as usize)), all }
    }

    /// Memory for a request. One that is larger than all there is gets all of it. Cancel-safe.
    async fn permit(&self, bytes: usize) -> OwnedSemaphorePermit {
        let permits_needed =
            u32::try_from(bytes.div_ceil(PERMIT_BYTES)).unwrap_or(u32::MAX).min(self.all);
        let permits = self.permits.clone();
        permits
            .acquire_many_owned(permits_needed)
            .await
            .expect("the memory of requests is never closed")
    }
}

/// The bytes of a request, without its length.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) bytes: Bytes,
    /// Keeps the memory counted. Dropped when the request was handled.
    pub(crate) permit: Option<OwnedSemaphorePermit>,
}

/// Cuts a byte stream into requests.
#[derive(Debug)]
pub(crate) struct FrameReader {
    buffer: BytesMut,
    /// The length of the request whose body is being read.
    body: Option<usize>,
    permit: Option<OwnedSemaphorePermit>,
    memory: RequestMemory,
    max: usize,
}

impl FrameReader {
    pub(crate) fn new(max: usize, memory: RequestMemory) -> Self {
        Self { buffer: BytesMut::new(), body: None, permit: None, memory, max }
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
                    let bytes = self.buffer.split_to(length).freeze();
                    return Ok(Some(Frame { bytes, permit: self.permit.take() }));
                }
                Some(length) if length > UNCOUNTED_BYTES && self.permit.is_none() => {
                    self.permit = Some(self.memory.permit(length).await);
                }
                Some(length) => {
                    self.reserve(length);
                    let missing = length - self.buffer.len();
                    // Only a request that needs a buffer of its own must not take the next one's
                    // bytes with it.
                    let bytes_max = if length > READ_BUFFER_BYTES { missing } else { usize::MAX };
                    if stream.read_buf(&mut (&mut self.buffer).limit(bytes_max)).await? == 0 {
                        return Err(FrameError::Truncated { received: self.buffer.len() });
                    }
                }
            }
        }
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
        let target = length.min(RESERVED_AT_ONCE_BYTES.max(held * 2)).max(READ_BUFFER_BYTES);
        self.buffer.reserve(target - held);
    }
}

#[cfg(test)]
mod tests;
