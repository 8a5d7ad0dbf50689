//! The APIs of Kafka's protocol and the header versions that follow from an API and its version.

use std::{fmt, ops::RangeInclusive};

/// A key that no API known here has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("api key {0} is not known; close the connection")]
pub struct UnknownApiKey(pub i16);

macro_rules! apis {
    ($($name:ident = $key:literal: $versions:expr, $flexible_from:expr;)*) => {
        /// An API: a kind of request and its response.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(i16)]
        pub enum ApiKey { $($name = $key,)* }

        impl ApiKey {
            /// Every API, by key.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The name, as Kafka writes it.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }

            /// The versions whose schema is known.
            pub const fn known_versions(self) -> RangeInclusive<i16> {
                match self { $(Self::$name => $versions,)* }
            }

            const fn flexible_from(self) -> i16 {
                match self { $(Self::$name => $flexible_from,)* }
            }
        }

        impl TryFrom<i16> for ApiKey {
            type Error = UnknownApiKey;
            fn try_from(key: i16) -> Result<Self, UnknownApiKey> {
                match key { $($key => Ok(Self::$name),)* _ => Err(UnknownApiKey(key)) }
            }
        }
    };
}

include!("api_key/table.rs");

impl ApiKey {
    /// The number on the wire.
    pub const fn code(self) -> i16 {
        self as i16
    }

    /// Whether a version uses compact lengths and tagged fields (KIP-482). A version above the
    /// known ones is.
    pub const fn is_flexible(self, version: i16) -> bool {
        version >= self.flexible_from()
    }

    /// The version of a request's header: 2 with tagged fields, 1 with a client id, 0 with neither
    /// (the old ControlledShutdown alone).
    pub const fn request_header_version(self, version: i16) -> i16 {
        const CONTROLLED_SHUTDOWN: i16 = 7;
        if self.is_flexible(version) {
            2
        } else if self.code() == CONTROLLED_SHUTDOWN && version == 0 {
            0
        } else {
            1
        }
    }

    /// The version of a response's header: 1 with tagged fields. ApiVersions always has 0, so that
    /// a client can read the refusal of a version that the broker does not know (KIP-511).
    pub const fn response_header_version(self, version: i16) -> i16 {
        (self.is_flexible(version) && !matches!(self, Self::ApiVersions)) as i16
    }
}

impl fmt::Display for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
