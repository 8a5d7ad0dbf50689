//! [`ClientError`]: the failures of calls to brokers.

use std::{io, time::Duration};

use milena_protocol::{ApiKey, DecodeError, ErrorCode, frame::FrameError};
use milena_records::BatchError;

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No connection could be made.
    #[error(
        "cannot connect to {address}: {source}; check that the broker runs and the address is its \
         listener"
    )]
    Connect {
        /// Host and port.
        address: String,
        /// Why.
        source: io::Error,
    },
    /// The connection ended before the response.
    #[error("{address} closed the connection; check its log, or try again")]
    Disconnected {
        /// Host and port.
        address: String,
    },
    /// No response arrived in time.
    #[error("no response to {what} within {after:?}; try again, or allow more time")]
    TimedOut {
        /// The operation.
        what: String,
        /// How long.
        after: Duration,
    },
    /// The peer does not speak Kafka's protocol.
    #[error("cannot read what the broker sent: {0}")]
    Protocol(#[from] FrameError),
    /// The broker does not have the API in any version known here.
    #[error(
        "the broker does not offer {api} in a version that this client knows; use a cluster of \
         another kafka version"
    )]
    NotOffered {
        /// The API.
        api: ApiKey,
    },
    /// The broker returned an error.
    #[error("{what}: {} ({})", message.as_deref().unwrap_or(code.message()), code.name())]
    Broker {
        /// The request, for a person.
        what: String,
        /// The error.
        code: ErrorCode,
        /// The broker's own words, where it has some.
        message: Option<String>,
    },
    /// Records that cannot be read or written.
    #[error("{what}: {source}")]
    Records {
        /// Which records.
        what: String,
        /// Why.
        source: BatchError,
    },
    /// Another call of this client asked for the same and failed.
    #[error("{reason}")]
    Awaited {
        /// Its failure.
        reason: String,
        /// Whether the same call may succeed when tried again.
        retriable: bool,
    },
    /// No bootstrap address was given.
    #[error("no bootstrap server is given; pass one as host:port")]
    NoBootstrap,
    /// The producer or the runtime was shut down.
    #[error("the client is shut down")]
    Closed,
}

impl ClientError {
    pub(crate) fn broker(what: impl Into<String>, code: i16, message: Option<String>) -> Self {
        Self::Broker { what: what.into(), code: ErrorCode::from_code(code), message }
    }

    /// An error unless the code is zero.
    pub(crate) fn check(
        what: impl Into<String>,
        code: i16,
        message: Option<&str>,
    ) -> Result<(), Self> {
        if code == 0 { Ok(()) } else { Err(Self::broker(what, code, message.map(str::to_owned))) }
    }

    /// Whether the same call may succeed when tried again.
    pub fn is_retriable(&self) -> bool {
        match self {
            Self::Connect { .. } | Self::Disconnected { .. } | Self::TimedOut { .. } => true,
            Self::Broker { code, .. } => code.is_retriable(),
            Self::Awaited { retriable, .. } => *retriable,
            Self::Protocol(_)
            | Self::NotOffered { .. }
            | Self::Records { .. }
            | Self::NoBootstrap
            | Self::Closed => false,
        }
    }

    /// Kafka's code, when the broker returned one.
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Broker { code, .. } => Some(*code),
            _ => None,
        }
    }
}

impl From<DecodeError> for ClientError {
    fn from(error: DecodeError) -> Self {
        Self::Protocol(FrameError::Decode(error))
    }
}
