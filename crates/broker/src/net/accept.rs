//! Accepting connections, within the limits of connections.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use milena_runtime::OnWake;

use super::{
    connection::Connection,
    listener::Listener,
    network::Network,
    sockets::{TcpListener, TcpStream},
};
use crate::dispatch::RequestService;

/// How long accepting pauses when the process has no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Accepts until the network's runtime stops. Connections are tasks of that runtime.
pub(crate) async fn accept<S: RequestService>(
    socket: TcpListener,
    listener: Listener,
    network: Arc<Network<S>>,
) {
    loop {
        let accepted = tokio::select! {
            biased;
            accepted = socket.accept() => accepted,
            () = network.runtime.stopping().cancelled() => return,
        };
        match accepted {
            Ok((stream, peer)) => serve(stream, peer, &listener, &network),
            Err(error) => {
                if let Some(unlogged) = network.refusals.pass(network.runtime.monotonic()) {
                    tracing::warn!(
                        listener = %listener.address, %error, unlogged,
                        "accepting a connection failed"
                    );
                }
                network.runtime.sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn serve<S: RequestService>(
    stream: TcpStream,
    peer: SocketAddr,
    listener: &Listener,
    network: &Arc<Network<S>>,
) {
    let image = network.images.current();
    let slot = match network.slots.take(peer.ip(), network.kafka_config.effective(&image)) {
        Ok(slot) => slot,
        Err(reason) => {
            if let Some(unlogged) = network.refusals.pass(network.runtime.monotonic()) {
                tracing::warn!(%peer, %reason, unlogged, "a connection was refused");
            }
            return;
        }
    };
    if let Err(error) = prepare(&stream) {
        tracing::debug!(%peer, %error, "the peer closed its connection at once");
        return;
    }
    let connection = Connection::new(stream, peer, listener, network.clone());
    let killed = network.killed.clone();
    network.runtime.spawn(async move {
        tokio::select! {
            biased;
            () = OnWake::new(killed.cancelled()) => {}
            () = connection.run() => {}
        }
        drop(slot);
    });
}

fn prepare(stream: &TcpStream) -> io::Result<()> {
    // Responses are written whole, so waiting for more bytes to fill a packet only delays them.
    stream.set_nodelay(true)
}
