//! A stream that fails when its client does not read.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

/// How long a response may wait for its client, and how many bytes a second it must read beyond.
#[derive(Clone, Copy, Debug)]
pub(super) struct WriteLimit {
    pub(super) wait: Duration,
    pub(super) bytes_per_second: u64,
}

/// A stream whose writes fail once the client is behind the limit: what counts is the time since
/// the system last took all that was to be written.
pub(super) struct TimedWrites<S> {
    stream: S,
    limit: WriteLimit,
    /// Ends when the client is too late; only while something could not be written at once.
    late: Option<Pin<Box<Sleep>>>,
}

impl<S> TimedWrites<S> {
    pub(super) fn new(stream: S, limit: WriteLimit) -> Self {
        Self { stream, limit, late: None }
    }

    fn written(&mut self, bytes: usize, all: usize) {
        if bytes == all {
            self.late = None;
        } else if let Some(late) = &mut self.late {
            let more = Duration::from_secs_f64(bytes as f64 / self.limit.bytes_per_second as f64);
            let deadline = late.deadline() + more;
            late.as_mut().reset(deadline);
        }
    }

    /// The client has not read: pending until it does, or an error once it is too late.
    fn poll_late<T>(&mut self, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        let late = self.late.get_or_insert_with(|| Box::pin(sleep(self.limit.wait)));
        ready!(late.as_mut().poll(context));
        let message = "the client does not read the response";
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, message)))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for TimedWrites<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.stream).poll_write(context, bytes) {
            Poll::Ready(Ok(count)) => {
                self.written(count, bytes.len());
                Poll::Ready(Ok(count))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => self.poll_late(context),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for TimedWrites<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    const LIMIT: WriteLimit =
        WriteLimit { wait: Duration::from_millis(100), bytes_per_second: 1000 };

    #[tokio::test(start_paused = true)]
    async fn a_client_that_does_not_read_is_given_up() {
        let (near, _far) = duplex(1000);
        let mut stream = TimedWrites::new(near, LIMIT);
        stream.write_all(&[0; 1000]).await.unwrap();
        let error = stream.write_all(&[0; 1]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_has_the_more_time_the_more_it_reads() {
        for (bytes, is_quick_enough) in [(1000, true), (1, false)] {
            let (near, mut far) = duplex(1000);
            let mut stream = TimedWrites::new(near, LIMIT);
            let reading = async {
                let mut read = vec![0; bytes];
                // On the paused clock, which goes on when both wait.
                while far.read(&mut read).await.is_ok_and(|count| count > 0) {
                    sleep(Duration::from_millis(10)).await;
                }
            };
            let writing = stream.write_all(&[0; 50_000]);
            let outcome = tokio::select! {
                outcome = writing => outcome,
                () = reading => unreachable!("the stream stays open"),
            };
            assert_eq!(outcome.is_ok(), is_quick_enough, "{bytes} at a time: {outcome:?}");
        }
    }
}
