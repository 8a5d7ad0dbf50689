//! A blocking connection that sends requests and reads responses in order.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use anyhow::Context;
use bytes::Bytes;
use milena_protocol::{Request, frame};

pub(crate) struct Connection {
    stream: TcpStream,
}

impl Connection {
    pub(crate) fn open(address: &str) -> anyhow::Result<Self> {
        let stream =
            TcpStream::connect(address).with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        Ok(Self { stream })
    }

    /// Sends a request and waits for its response.
    pub(crate) fn call<R: Request>(
        &mut self,
        request: &R,
        version: i16,
    ) -> anyhow::Result<R::Response> {
        self.send(&frame::encode_request(request, version, 1, None).to_bytes())?;
        self.receive::<R>(version)
    }

    /// Sends a whole request frame.
    pub(crate) fn send(&mut self, frame: &[u8]) -> anyhow::Result<()> {
        Ok(self.stream.write_all(frame)?)
    }

    /// Reads the next response.
    pub(crate) fn receive<R: Request>(&mut self, version: i16) -> anyhow::Result<R::Response> {
        let frame = self.receive_frame()?;
        Ok(frame::decode_response::<R>(frame, version)?)
    }

    fn receive_frame(&mut self) -> anyhow::Result<Bytes> {
        let mut prefix = [0; 4];
        self.stream.read_exact(&mut prefix).context("the broker closed the connection")?;
        let mut frame = vec![0; frame::frame_length(prefix, 256 << 20)?];
        self.stream.read_exact(&mut frame)?;
        Ok(frame.into())
    }
}
