//! An address that clients connect to.

use std::{net::SocketAddr, sync::Arc};

use crate::authentication::{Anonymous, Authenticator};

pub(crate) struct Listener {
    /// `PLAINTEXT`, as in `advertised.listeners`.
    pub(crate) name: Arc<str>,
    pub(crate) address: SocketAddr,
    pub(crate) authenticator: Box<dyn Authenticator>,
}

impl Listener {
    /// A plaintext listener, where every client is `User:ANONYMOUS`.
    pub(crate) fn plaintext(address: SocketAddr) -> Self {
        Self { name: "PLAINTEXT".into(), address, authenticator: Box::new(Anonymous) }
    }
}
