//! Accepting connections, within the listener's limit.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

use super::{
    connection::Connection,
    sockets::{TcpListener, TcpStream},
};
use crate::{
    access::{Anonymous, Authenticator},
    shared::BrokerShared,
};

/// How long accepting rests when the process has no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A listener as requests and Metadata answers see it.
pub struct Listener {
    /// The name (`PLAINTEXT`), by which `advertised.listeners` tells addresses apart.
    pub name: String,
    /// The bound address.
    pub address: SocketAddr,
    /// Decides whose a connection is.
    pub authenticator: Box<dyn Authenticator>,
}

impl Listener {
    /// A plaintext listener, where everybody is `User:ANONYMOUS`.
    pub fn plaintext(address: SocketAddr) -> Self {
        Self {
            name: "PLAINTEXT".to_owned(),
            address,
            authenticator: Box::new(Anonymous::default()),
        }
    }
}

/// Accepts until `stopping` is cancelled. Connections are tasks of the broker's runtime.
pub(crate) async fn accept(
    socket: TcpListener,
    listener: Arc<Listener>,
    broker: Arc<BrokerShared>,
) {
    let stopping: CancellationToken = broker.connections_stopping.clone();
    loop {
        let accepted = tokio::select! {
            accepted = socket.accept() => accepted,
            () = stopping.cancelled() => return,
        };
        match accepted {
            Ok((stream, peer)) => serve(stream, peer, &listener, &broker),
            Err(error) => {
                tracing::warn!(listener = %listener.address, %error, "accepting a connection failed");
                broker.runtime.sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    listener: &Arc<Listener>,
    broker: &Arc<BrokerShared>,
) {
    let image = broker.image();
    let admitted = match broker.admission.admit(peer.ip(), broker.layers(&image)) {
        Ok(admitted) => admitted,
        Err(reason) => {
            tracing::warn!(%peer, %reason, "a connection was refused");
            return;
        }
    };
    if let Err(error) = prepare(&stream) {
        tracing::debug!(%peer, %error, "the peer closed its connection at once");
        return;
    }
    let connection = Connection::new(stream, peer, listener.clone(), broker.clone());
    let killed = broker.killed.clone();
    broker.connections.spawn(async move {
        tokio::select! {
            () = connection.run() => {}
            () = killed.cancelled() => {}
        }
        drop(admitted);
    });
}

fn prepare(stream: &TcpStream) -> io::Result<()> {
    // Answers are written whole, so waiting for more bytes to fill a packet only delays them.
    stream.set_nodelay(true)
}
