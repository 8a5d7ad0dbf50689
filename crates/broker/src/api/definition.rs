//! The definition of a Kafka API: its key, the versions handled, and notes by version.
//!
//! Every API file has one [`ApiDefinition`]. The APIs that a cluster offers, the pipelining of
//! connections and the API table of `docs/compatibility.md` are made from it.

use std::{ops::RangeInclusive, time::Duration};

use milena_protocol::ApiKey;

/// A Kafka API as this broker handles it.
#[derive(Debug)]
pub struct ApiDefinition {
    /// The API, with its number.
    pub key: ApiKey,
    /// The versions that the handler knows: at least those that any Kafka release offers. A cluster
    /// offers the ones of its Kafka version.
    pub versions: RangeInclusive<i16>,
    /// The differences to Kafka's API; empty if there are none.
    pub limits: &'static str,
    /// Notes in ascending order of versions: the first version, and the change with its KIP.
    pub notes: &'static [(i16, &'static str)],
    pub next_request: NextRequest,
    /// Whether a connection may use the API before it has authenticated.
    pub before_authentication: bool,
    /// How long a request may take at most, whatever its own fields allow. None for those that the
    /// group coordinator's times end.
    pub time_max: Option<Duration>,
    /// Whether what a request costs does not follow from its size.
    pub computes: bool,
}

/// Less than the 30 s after which Java clients give a request up by default.
const TIME_MAX: Duration = Duration::from_secs(25);

/// The point at which the next request of the same connection may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextRequest {
    /// When the response is ready.
    AfterResponse,
    /// When the request has taken effect in the order of its arrival; the response may follow
    /// later, when the log is on disk.
    AfterEffect,
}

impl ApiDefinition {
    /// An API without limits and notes, for authenticated connections, one request at a time.
    pub const fn new(key: ApiKey, versions: RangeInclusive<i16>) -> Self {
        Self {
            key,
            versions,
            limits: "",
            notes: &[],
            next_request: NextRequest::AfterResponse,
            before_authentication: false,
            time_max: Some(TIME_MAX),
            computes: false,
        }
    }
}
