//! Records as JSON with a format level, so that a release refuses those of later levels. Within a
//! level fields may be added that older releases may ignore.
//!
//! The level is read before the record: one of a newer level need not even parse. What a [`Codec`]
//! writes is on disk in every installation, so a [`Layout`] never changes.

use std::{borrow::Cow, fmt};

use bytes::Bytes;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeOwned, Error, IgnoredAny, MapAccess, Visitor},
};

/// Where the level stands beside the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// `{"level":1, …}`: among the record's fields, under this name.
    Level,
    /// `{"format":1, …}`: among the record's fields, under this name.
    Format,
    /// `{"format":1,"record":…}`: around the record, which need not be an object.
    Wrapped,
}

/// The format of one owner's records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Codec {
    layout: Layout,
    newest: u32,
}

/// Why a record cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    #[error("the record '{key}' is damaged: {reason}")]
    Damaged { key: String, reason: String },
    #[error("the record '{key}' has format {found}, known is {known}; start a newer release")]
    Newer { key: String, found: u32, known: u32 },
}

#[derive(Serialize)]
struct WithLevel<'a, T> {
    level: u32,
    #[serde(flatten)]
    record: &'a T,
}

#[derive(Serialize)]
struct WithFormat<'a, T> {
    format: u32,
    #[serde(flatten)]
    record: &'a T,
}

#[derive(Serialize, Deserialize)]
struct Wrapped<T> {
    format: u32,
    record: T,
}

impl Codec {
    /// Writes level `newest`, and reads levels up to it.
    pub const fn new(layout: Layout, newest: u32) -> Self {
        Self { layout, newest }
    }

    pub fn encode<T: Serialize>(&self, record: &T) -> Bytes {
        let level = self.newest;
        let bytes = match self.layout {
            Layout::Level => serde_json::to_vec(&WithLevel { level, record }),
            Layout::Format => serde_json::to_vec(&WithFormat { format: level, record }),
            Layout::Wrapped => serde_json::to_vec(&Wrapped { format: level, record }),
        };
        bytes.expect("records have text keys only").into()
    }

    /// The record in `bytes`, which were found at `key`.
    pub fn decode<T: DeserializeOwned>(&self, key: &str, bytes: &[u8]) -> Result<T, DecodeError> {
        let damaged = |reason: String| DecodeError::Damaged { key: key.to_owned(), reason };
        let name = match self.layout {
            Layout::Level => "level",
            Layout::Format | Layout::Wrapped => "format",
        };
        match level(name, bytes) {
            None => Err(damaged(format!("it is no object with a number '{name}'"))),
            Some(found) if found > self.newest => {
                Err(DecodeError::Newer { key: key.to_owned(), found, known: self.newest })
            }
            Some(_) if self.layout == Layout::Wrapped => {
                let wrapped = serde_json::from_slice::<Wrapped<T>>(bytes);
                wrapped.map(|wrapped| wrapped.record).map_err(|error| damaged(error.to_string()))
            }
            Some(_) => serde_json::from_slice(bytes).map_err(|error| damaged(error.to_string())),
        }
    }
}

/// The number under `name` in an object. Reads no further than that: it is the first field of every
/// record written so far.
fn level(name: &'static str, bytes: &[u8]) -> Option<u32> {
    let mut found = None;
    // The visitor stops with an error once it has found the number; bytes that are damaged before
    // it have none.
    let _ = serde_json::Deserializer::from_slice(bytes)
        .deserialize_map(FindLevel { name, found: &mut found });
    found
}

struct FindLevel<'a> {
    name: &'static str,
    found: &'a mut Option<u32>,
}

impl<'de> Visitor<'de> for FindLevel<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with a number '{}'", self.name)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            if key == self.name {
                *self.found = Some(map.next_value()?);
                return Err(A::Error::custom("found"));
            }
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Topic {
        name: String,
        #[serde(default)]
        partitions: u32,
    }

    fn topic() -> Topic {
        Topic { name: "t".to_owned(), partitions: 3 }
    }

    #[test]
    fn every_layout_is_written_as_it_always_was() {
        let written = |layout| Codec::new(layout, 1).encode(&topic());
        assert_eq!(written(Layout::Level), r#"{"level":1,"name":"t","partitions":3}"#);
        assert_eq!(written(Layout::Format), r#"{"format":1,"name":"t","partitions":3}"#);
        let wrapped = r#"{"format":1,"record":{"name":"t","partitions":3}}"#;
        assert_eq!(written(Layout::Wrapped), wrapped);
        assert_eq!(Codec::new(Layout::Wrapped, 1).encode(&7), r#"{"format":1,"record":7}"#);
    }

    #[test]
    fn written_records_are_read() {
        for layout in [Layout::Level, Layout::Format, Layout::Wrapped] {
            let codec = Codec::new(layout, 2);
            assert_eq!(codec.decode("k", &codec.encode(&topic())), Ok(topic()));
        }
        let older = r#"{"name":"t","more":[1,{"level":9}],"level":1}"#.as_bytes();
        let read = Codec::new(Layout::Level, 2).decode("k", older);
        assert_eq!(read, Ok(Topic { name: "t".to_owned(), partitions: 0 }));
    }

    #[test]
    fn a_newer_level_is_refused_as_such_whatever_stands_beside_it() {
        for (layout, text) in [
            (Layout::Level, r#"{"level":2,"name":[]}"#),
            (Layout::Format, r#"{"format":2,"name":[]}"#),
            (Layout::Wrapped, r#"{"format":2,"rec"#),
        ] {
            let read = Codec::new(layout, 1).decode::<Topic>("k", text.as_bytes());
            assert_eq!(read, Err(DecodeError::Newer { key: "k".to_owned(), found: 2, known: 1 }));
        }
    }

    #[test]
    fn damaged_records_are_refused_by_name() {
        for text in ["", "nonsense", "[1]", r#"{"name":"t"}"#, r#"{"level":-1}"#, r#"{"level":1"#] {
            let read = Codec::new(Layout::Level, 1).decode::<Topic>("k", text.as_bytes());
            let error = read.expect_err(text);
            assert!(matches!(&error, DecodeError::Damaged { key, .. } if key == "k"), "{error}");
        }
    }
}
