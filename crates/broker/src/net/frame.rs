//! Reading size-prefixed requests from a connection.
//!
//! A request is a 4-byte length and that many bytes. Small requests are cut out of one read buffer;
//! a large one is read straight into a buffer of its own, which the decoded request then shares, so
//! that a produce is not copied on its way to the log. What is reserved follows what has arrived: a
//! length that is only claimed costs little. Large requests of all connections together stay within
//! [`RequestMemory`]: when it is used up, reading waits.
//!
//! [`FrameReader::next`] is cancel-safe: what was read stays in the reader.

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
/// What one permit of [`RequestMemory`] stands for.
const PERMIT_BYTES: usize = 1024;

/// Why no further request can be read from a connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FrameError {
    /// The length is negative or larger than `socket.request.max.bytes`.
    #[error(
        "a request claims {claimed} bytes, the limit is {max}: the peer may speak TLS or HTTP, otherwise raise \
         socket.request.max.bytes"
    )]
    Size { claimed: i32, max: usize },
    #[error(
        "the peer closed the connection in the middle of a request ({received} bytes of it had arrived)"
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

/// A request as it came, without its length.
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
mod tests {
    use super::*;

    fn framed(bodies: &[&[u8]]) -> Vec<u8> {
        let mut out = Vec::new();
        for body in bodies {
            out.extend_from_slice(&(body.len() as i32).to_be_bytes());
            out.extend_from_slice(body);
        }
        out
    }

    fn reader(max: usize) -> FrameReader {
        FrameReader::new(max, RequestMemory::new(1 << 20))
    }

    async fn read_all(max: usize, bytes: &[u8]) -> (Vec<Bytes>, Option<FrameError>) {
        let mut reader = reader(max);
        let mut stream = bytes;
        let mut frames = Vec::new();
        loop {
            match reader.next(&mut stream).await {
                Ok(Some(frame)) => frames.push(frame.bytes),
                Ok(None) => return (frames, None),
                Err(error) => return (frames, Some(error)),
            }
        }
    }

    #[tokio::test]
    async fn requests_of_all_sizes_come_out_whole_and_in_order() {
        let bodies: Vec<Vec<u8>> = [0, 1, 100, 8191, 8192, 8193, 70_000, 3_000_000, 5, 0]
            .into_iter()
            .enumerate()
            .map(|(i, n)| vec![i as u8; n])
            .collect();
        let slices: Vec<&[u8]> = bodies.iter().map(Vec::as_slice).collect();
        let (frames, error) = read_all(4_000_000, &framed(&slices)).await;
        assert!(error.is_none(), "{error:?}");
        assert_eq!(frames, bodies);
    }

    #[tokio::test]
    async fn a_request_survives_being_read_byte_by_byte_with_cancellations() {
        let (mut client, mut server) = tokio::io::duplex(3);
        let bytes = framed(&[b"hello", b"", b"worlds"]);
        let writer = async move {
            use tokio::io::AsyncWriteExt;
            client.write_all(&bytes).await.expect("the reader reads");
        };
        let reading = async move {
            let mut reader = reader(100);
            let mut frames = Vec::new();
            loop {
                tokio::select! {
                    biased;
                    frame = reader.next(&mut server) => match frame.expect("whole requests") {
                        Some(frame) => frames.push(frame.bytes),
                        None => return frames,
                    },
                    () = tokio::task::yield_now() => {}
                }
            }
        };
        let (frames, ()) = tokio::join!(reading, writer);
        assert_eq!(frames, [&b"hello"[..], b"", b"worlds"]);
    }

    #[tokio::test]
    async fn a_length_beyond_the_limit_or_negative_is_refused() {
        for claimed in [101_i32, i32::MAX, -1, i32::MIN] {
            let (frames, error) = read_all(100, &claimed.to_be_bytes()).await;
            assert!(frames.is_empty());
            assert!(matches!(error, Some(FrameError::Size { .. })), "{error:?}");
        }
    }

    #[tokio::test]
    async fn a_claimed_length_reserves_no_more_than_the_first_step() {
        let mut reader = reader(100_000_000);
        let bytes = 90_000_000_i32.to_be_bytes();
        assert!(reader.next(&mut &bytes[..]).await.is_err());
        assert!(
            reader.buffer.capacity() <= 2 * RESERVED_AT_ONCE_BYTES,
            "{}",
            reader.buffer.capacity()
        );
    }

    #[tokio::test]
    async fn a_large_request_waits_for_memory_that_others_hold() {
        let memory = RequestMemory::new(150_000);
        let bytes = framed(&[&[1; 100_000]]);
        let mut first = FrameReader::new(1 << 20, memory.clone());
        let held = first.next(&mut &bytes[..]).await.expect("a whole request").expect("a request");
        let mut second = FrameReader::new(1 << 20, memory);
        let mut stream = &bytes[..];
        {
            let mut next = std::pin::pin!(second.next(&mut stream));
            assert!(futures_util::poll!(next.as_mut()).is_pending());
        }
        drop(held);
        assert!(second.next(&mut stream).await.expect("a whole request").is_some());
    }

    #[tokio::test]
    async fn a_connection_closed_within_a_request_is_an_error() {
        let mut bytes = framed(&[b"whole"]);
        bytes.extend_from_slice(&[0, 0, 0, 9, 1]);
        let (frames, error) = read_all(100, &bytes).await;
        assert_eq!(frames.len(), 1);
        assert!(matches!(error, Some(FrameError::Truncated { received: 1 })), "{error:?}");
    }
}
