//! Names within groups.

use std::{fmt, sync::Arc};

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.into())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text.into())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name! {
    /// A group's id. May be empty where only offsets are kept under it.
    GroupId
}
name! {
    /// A member's id, given out by the coordinator: client id or instance id, then a UUID. Never
    /// empty.
    MemberId
}
name! {
    /// `group.instance.id`: a static member's own name (KIP-345).
    InstanceId
}

impl MemberId {
    /// The id on the wire, where the empty string means none.
    pub fn parse(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| text.into())
    }
}

/// One round of membership of a group; rises by one at each rebalance. -1 on the wire: none.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Generation(pub i32);

impl Generation {
    /// "No generation" on the wire: a commit from outside group management.
    pub const NONE: Self = Self(-1);

    /// The generation after this one; starts again from 1 after `i32::MAX`.
    pub(crate) const fn next(self) -> Self {
        Self(if self.0 == i32::MAX { 1 } else { self.0 + 1 })
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
