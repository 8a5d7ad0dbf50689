//! From sockets to requests and back: listeners and connections.
//!
//! One task serves one connection. It reads requests in order, hands them to [`crate::dispatch`]
//! and writes the responses in the same order. Not here: the meaning of requests.

pub(crate) mod accept;
mod alarm;
pub(crate) mod connection;
pub(crate) mod connection_slots;
pub(crate) mod frame;
pub(crate) mod listener;
pub(crate) mod network;
pub(crate) mod responses;
pub(crate) mod stream;
pub(crate) mod write;

/// The sockets that brokers use: the operating system's, or those of a simulated network.
pub(crate) mod sockets {
    #[cfg(not(feature = "simulation"))]
    pub(crate) use tokio::net::{TcpListener, TcpStream};
    #[cfg(feature = "simulation")]
    pub(crate) use turmoil::net::{TcpListener, TcpStream};
}
