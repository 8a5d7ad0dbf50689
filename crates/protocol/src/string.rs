//! Kafka's strings without copies: a slice of the frame it came in, checked to be UTF-8.

use std::{borrow::Borrow, fmt, ops::Deref};

use bytes::Bytes;
use bytestring::ByteString;

use crate::DecodeError;

/// A UTF-8 string that shares the memory of the buffer it was read from. Cloning is cheap; keeping
/// one keeps the whole buffer, so what lives long should own its text (`to_owned`).
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KString(ByteString);

impl KString {
    /// A string that lives as long as the program.
    pub const fn from_static(text: &'static str) -> Self {
        Self(ByteString::from_static(text))
    }

    /// Takes bytes over if they are UTF-8.
    pub fn from_utf8(bytes: Bytes) -> Result<Self, DecodeError> {
        ByteString::try_from(bytes).map(Self).map_err(|_| DecodeError::NotUtf8)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text's bytes, shared.
    pub fn into_bytes(self) -> Bytes {
        self.0.into_bytes()
    }
}

impl Deref for KString {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for KString {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for KString {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl From<&str> for KString {
    fn from(text: &str) -> Self {
        Self(ByteString::from(text))
    }
}

impl From<String> for KString {
    fn from(text: String) -> Self {
        Self(ByteString::from(text))
    }
}

impl From<&String> for KString {
    fn from(text: &String) -> Self {
        Self::from(text.as_str())
    }
}

impl PartialEq<str> for KString {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for KString {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl fmt::Display for KString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self)
    }
}

impl fmt::Debug for KString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}
