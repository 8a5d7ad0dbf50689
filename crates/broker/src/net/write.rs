//! Writing responses with vectored I/O: records go from the log's buffers to the socket without a
//! copy.

use std::{
    io::{self, IoSlice},
    time::Duration,
};

use bytes::{Buf, Bytes};
use futures_util::FutureExt as _;
use tokio::{
    io::{AsyncWrite, AsyncWriteExt},
    time::sleep,
};

use crate::memory::room::Room;

/// How many parts one system call takes at most; Linux takes 1024.
const SLICES_MAX: usize = 64;

/// Who has read nothing for so long is closed once others want room for their responses.
const UNREAD_MAX: Duration = Duration::from_secs(30);

/// Who has not read all of its responses after so long is closed, too, once others want room: one that
/// reads a little now and then would keep it for ever.
const WRITE_MAX: Duration = Duration::from_secs(60);

/// After so long the rest of what is written is copied into memory of its own: a slice of a log's
/// buffer keeps all of the buffer, which may be far larger.
const SHARED_MAX: Duration = Duration::from_secs(1);

/// Why responses could not be written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WriteError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("the client has read nothing of its responses for {0:?}")]
    Unread(Duration),
    #[error("the client has not read all of its responses in {0:?}, and others have no room")]
    Slow(Duration),
}

/// How long a client may read nothing, or little.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience<'a> {
    /// What unread responses may keep others from.
    pub(crate) room: &'a Room,
    /// Whether these do.
    pub(crate) holds_room: bool,
    pub(crate) idle_max: Duration,
}

impl Patience<'_> {
    /// Returns when there is none left.
    async fn ended(self) -> Duration {
        let first = UNREAD_MAX.min(self.idle_max);
        sleep(first).await;
        tokio::select! {
            biased;
            () = self.room.wanted() => first,
            () = sleep(self.idle_max - first) => self.idle_max,
        }
    }

    /// Returns when all should have been read.
    async fn overdue(self) {
        if !self.holds_room {
            std::future::pending::<()>().await;
        }
        sleep(WRITE_MAX).await;
        self.room.wanted().await;
    }
}

/// Writes all `parts` in order and leaves them empty. Cancel-safe: those that are written are empty
/// or shorter then.
pub(crate) async fn write_parts<W: AsyncWrite + Unpin>(
    stream: &mut W,
    parts: &mut Vec<Bytes>,
    patience: Patience<'_>,
) -> Result<(), WriteError> {
    let mut first = skip(parts, 0, 0);
    while first < parts.len() {
        // Nearly always all is taken at once, and nobody need look at the time.
        let Some(written) = write_some(stream, &parts[first..]).now_or_never() else {
            Box::pin(write_patiently(stream, &mut parts[first..], patience)).await?;
            break;
        };
        first = skip(parts, first, written?);
    }
    parts.clear();
    Ok(())
}

/// Writes what a stream did not take at once.
async fn write_patiently<W: AsyncWrite + Unpin>(
    stream: &mut W,
    parts: &mut [Bytes],
    patience: Patience<'_>,
) -> Result<(), WriteError> {
    let mut first = 0;
    let mut shared = std::pin::pin!(sleep(SHARED_MAX));
    let mut is_shared = true;
    let mut unread = std::pin::pin!(patience.ended());
    let mut overdue = std::pin::pin!(patience.overdue());
    while first < parts.len() {
        let written = tokio::select! {
            biased;
            written = write_some(stream, &parts[first..]) => Some(written?),
            () = shared.as_mut(), if is_shared => None,
            unread = unread.as_mut() => return Err(WriteError::Unread(unread)),
            () = overdue.as_mut() => return Err(WriteError::Slow(WRITE_MAX)),
        };
        let Some(written) = written else {
            is_shared = false;
            for part in &mut parts[first..] {
                *part = Bytes::copy_from_slice(part);
                tokio::task::yield_now().await;
            }
            continue;
        };
        first = skip(parts, first, written);
        unread.set(patience.ended());
    }
    Ok(())
}

/// Writes what one call takes of `parts`, of which the first is not empty. Cancel-safe.
async fn write_some<W: AsyncWrite + Unpin>(stream: &mut W, parts: &[Bytes]) -> io::Result<usize> {
    let written = match parts {
        [part] => stream.write(part).await?,
        parts => {
            let mut slices = [IoSlice::new(&[]); SLICES_MAX];
            for (slice, part) in slices.iter_mut().zip(parts) {
                *slice = IoSlice::new(part);
            }
            stream.write_vectored(&slices[..parts.len().min(SLICES_MAX)]).await?
        }
    };
    if written > 0 { Ok(written) } else { Err(io::ErrorKind::WriteZero.into()) }
}

/// Drops `written` bytes from the front of `parts[first..]`. Returns the first part that still holds
/// some.
fn skip(parts: &mut [Bytes], mut first: usize, mut written: usize) -> usize {
    while let Some(part) = parts.get_mut(first) {
        if written < part.len() {
            part.advance(written);
            break;
        }
        written -= part.len();
        // Releases the memory of the bytes sent while the rest is still unsent.
        *part = Bytes::new();
        first += 1;
    }
    first
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    };

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
                let room = Room::new(1);
                let patience =
                    Patience { room: &room, holds_room: false, idle_max: Duration::from_secs(60) };
                write_parts(&mut server, &mut parts, patience).await.expect("the client reads");
                assert!(parts.is_empty());
            };
            let mut received = Vec::new();
            let (_, result) = tokio::join!(sending, client.read_to_end(&mut received));
            result.expect("all was read");
            assert_eq!(received, expected, "capacity {capacity}");
        }
    }

    /// Another connection, which waits for room if it is wanted.
    async fn wait_for_room(room: &Room, is_wanted: bool) {
        if is_wanted {
            room.exactly(1 << 20).await;
        }
        std::future::pending::<()>().await;
    }

    #[expect(clippy::disallowed_methods, reason = "the clock of the timers, which is paused")]
    #[tokio::test(start_paused = true)]
    async fn who_reads_nothing_is_closed_when_others_want_room_and_late_in_any_case() {
        let idle_max = Duration::from_secs(600);
        for (is_wanted, reads_after, closed_after) in
            [(true, 0, 30), (false, 0, 600), (true, 29, 59), (false, 599, 1199)]
        {
            let room = Room::new(1 << 20);
            let all = room.exactly(1 << 20).await;
            let waiting = wait_for_room(&room, is_wanted);
            let (mut server, mut client) = tokio::io::duplex(10);
            let reading = async {
                if reads_after > 0 {
                    sleep(Duration::from_secs(reads_after)).await;
                    client.read_exact(&mut [0; 10]).await.expect("something to read");
                }
                std::future::pending::<()>().await;
            };
            let started = tokio::time::Instant::now();
            let mut parts = vec![Bytes::from(vec![1; 100])];
            let patience = Patience { room: &room, holds_room: true, idle_max };
            let ended = tokio::select! {
                ended = write_parts(&mut server, &mut parts, patience) => ended,
                () = waiting => unreachable!(),
                () = reading => unreachable!(),
            };
            assert!(matches!(ended, Err(WriteError::Unread(_))), "{ended:?}");
            assert_eq!(started.elapsed().as_secs(), closed_after);
            drop(all);
        }
    }

    #[expect(clippy::disallowed_methods, reason = "the clock of the timers, which is paused")]
    #[tokio::test(start_paused = true)]
    async fn who_reads_a_little_now_and_then_is_closed_when_others_want_room() {
        for (is_wanted, holds_room, closed_after) in
            [(true, true, Some(60)), (true, false, None), (false, true, None)]
        {
            let room = Room::new(1 << 20);
            let all = room.exactly(1 << 20).await;
            let waiting = wait_for_room(&room, is_wanted);
            let (mut server, mut client) = tokio::io::duplex(10);
            let started = tokio::time::Instant::now();
            let reading = async {
                for _ in 0..9 {
                    sleep(Duration::from_secs(20)).await;
                    client.read_exact(&mut [0; 10]).await.expect("something to read");
                }
            };
            let mut parts = vec![Bytes::from(vec![1; 1000])];
            let patience = Patience { room: &room, holds_room, idle_max: UNREAD_MAX };
            let closed = tokio::select! {
                ended = write_parts(&mut server, &mut parts, patience) => {
                    assert!(matches!(ended, Err(WriteError::Slow(_))), "{ended:?}");
                    Some(started.elapsed().as_secs())
                }
                () = waiting => unreachable!(),
                () = reading => None,
            };
            assert_eq!(closed, closed_after);
            drop(all);
        }
    }

    /// A buffer that tells when nobody holds it any more.
    struct LogBuffer(Vec<u8>, Arc<AtomicBool>);

    impl AsRef<[u8]> for LogBuffer {
        fn as_ref(&self) -> &[u8] {
            &self.0
        }
    }

    impl Drop for LogBuffer {
        fn drop(&mut self) {
            self.1.store(true, Ordering::SeqCst);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_reads_slowly_holds_no_buffers_of_logs() {
        let is_free = Arc::new(AtomicBool::new(false));
        let buffer = Bytes::from_owner(LogBuffer((0..100).collect(), is_free.clone()));
        let mut parts = vec![buffer.slice(10..20), buffer.slice(40..60)];
        drop(buffer);
        let (mut server, mut client) = tokio::io::duplex(5);
        let writing = async {
            let room = Room::new(1);
            let patience =
                Patience { room: &room, holds_room: false, idle_max: Duration::from_secs(60) };
            write_parts(&mut server, &mut parts, patience).await.expect("the client reads");
        };
        let reading = async {
            let mut received = [0; 30];
            client.read_exact(&mut received[..7]).await.expect("something to read");
            assert!(!is_free.load(Ordering::SeqCst), "what is read at once is not copied");
            sleep(Duration::from_secs(2)).await;
            assert!(is_free.load(Ordering::SeqCst));
            client.read_exact(&mut received[7..]).await.expect("the rest");
            let expected: Vec<u8> = (10..20).chain(40..60).collect();
            assert_eq!(received.as_slice(), expected);
        };
        tokio::join!(writing, reading);
    }
}
