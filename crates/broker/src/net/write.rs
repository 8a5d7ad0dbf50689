//! Writing responses with vectored I/O: records go from the log's buffers to the socket without a
//! copy.

use std::io::{self, IoSlice};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncWrite, AsyncWriteExt};

/// How many parts one system call takes at most; Linux takes 1024.
const SLICES_MAX: usize = 64;

/// Writes all `parts` in order and leaves them empty.
pub(crate) async fn write_parts<W: AsyncWrite + Unpin>(
    stream: &mut W,
    parts: &mut Vec<Bytes>,
) -> io::Result<()> {
    let mut first = 0;
    while first < parts.len() {
        if parts[first].is_empty() {
            first += 1;
            continue;
        }
        let written = {
            let mut slices = [IoSlice::new(&[]); SLICES_MAX];
            let pending = &parts[first..];
            let count = pending.len().min(SLICES_MAX);
            for (slice, part) in slices.iter_mut().zip(pending) {
                *slice = IoSlice::new(part);
            }
            stream.write_vectored(&slices[..count]).await?
        };
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        first = skip(parts, first, written);
    }
    parts.clear();
    Ok(())
}

/// Drops `written` bytes from the front of `parts[first..]`; the first part that still holds some.
fn skip(parts: &mut [Bytes], mut first: usize, mut written: usize) -> usize {
    while written > 0 {
        let part = &mut parts[first];
        let taken = written.min(part.len());
        if taken == part.len() {
            // Releases the memory of the bytes sent while the rest is still unsent.
            *part = Bytes::new();
            first += 1;
        } else {
            part.advance(taken);
        }
        written -= taken;
    }
    first
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    #[tokio::test]
    async fn parts_arrive_in_order_however_little_the_socket_takes_at_once() {
        for capacity in [1, 7, 64, 100_000] {
            let (mut server, mut client) = tokio::io::duplex(capacity);
            let bodies: Vec<Vec<u8>> = (0..200_u8).map(|i| vec![i; usize::from(i) % 23]).collect();
            let expected: Vec<u8> = bodies.concat();
            let mut parts: Vec<Bytes> = bodies.into_iter().map(Bytes::from).collect();
            let sending = async move {
                write_parts(&mut server, &mut parts).await.expect("the client reads");
                assert!(parts.is_empty());
            };
            let mut received = Vec::new();
            let (_, result) = tokio::join!(sending, client.read_to_end(&mut received));
            result.expect("all was read");
            assert_eq!(received, expected, "capacity {capacity}");
        }
    }
}
