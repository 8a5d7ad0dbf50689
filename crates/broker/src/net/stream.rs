//! The stream of a connection.

use std::future::{Future, pending};

use tokio::io::{AsyncRead, AsyncWrite};

/// A stream that may know more of its peer than what was read.
pub(crate) trait PeerStream: AsyncRead + AsyncWrite + Unpin + Send {
    /// Returns when the peer has closed its half of the stream, also where bytes before that are
    /// unread. Never returns where this cannot be known.
    fn closed_by_peer(&self) -> impl Future<Output = ()> + Send {
        pending()
    }
}

#[cfg(not(feature = "simulation"))]
impl PeerStream for super::sockets::TcpStream {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    async fn closed_by_peer(&self) {
        // Of this interest alone the readiness for unread bytes is no part, and the end of the
        // stream is.
        if self.ready(tokio::io::Interest::PRIORITY).await.is_err() {
            pending::<()>().await;
        }
    }
}

#[cfg(feature = "simulation")]
impl PeerStream for super::sockets::TcpStream {}

#[cfg(test)]
impl PeerStream for tokio::io::DuplexStream {}

#[cfg(all(test, target_os = "linux", not(feature = "simulation")))]
mod tests {
    use tokio::{
        io::AsyncWriteExt as _,
        net::{TcpListener, TcpStream},
    };

    use super::*;

    #[tokio::test]
    async fn the_end_of_a_stream_is_seen_behind_unread_bytes() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (server, _) = listener.accept().await.unwrap();
        client.write_all(&[1; 100]).await.unwrap();
        server.readable().await.unwrap();
        let mut closed = std::pin::pin!(server.closed_by_peer());
        assert!(futures_util::poll!(closed.as_mut()).is_pending());
        client.shutdown().await.unwrap();
        closed.await;
    }
}
