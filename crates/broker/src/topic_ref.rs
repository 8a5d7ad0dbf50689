//! Topics as requests name them.

use milena_protocol::KString;
use milena_types::TopicId;

/// A topic as a request names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum TopicRef<'a> {
    Name(&'a str),
    /// KIP-516.
    Id(TopicId),
}

/// A [`TopicRef`] that is kept.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(crate) enum OwnedTopicRef {
    Name(KString),
    Id(TopicId),
}

impl OwnedTopicRef {
    pub(crate) fn as_ref(&self) -> TopicRef<'_> {
        match self {
            Self::Name(name) => TopicRef::Name(name),
            Self::Id(id) => TopicRef::Id(*id),
        }
    }

    /// The same without a hold on the request's buffer.
    pub(crate) fn detached(&self) -> Self {
        match self {
            Self::Name(name) => Self::Name(KString::from(name.as_str())),
            Self::Id(id) => Self::Id(*id),
        }
    }
}
