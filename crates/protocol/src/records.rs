//! Records in a response: a list of buffers, written one after the other.

use bytes::{Bytes, BytesMut};

/// The bytes of a response's records as the parts they lie in (slices of cached chunks or blocks),
/// so that a response is put together without copying. On the wire the parts are one byte string.
#[derive(Clone, Debug, Default)]
pub struct Records {
    parts: Vec<Bytes>,
}

impl Records {
    /// No records. On the wire a byte string of length zero, not null.
    pub const fn new() -> Self {
        Self { parts: Vec::new() }
    }

    pub fn push(&mut self, part: Bytes) {
        if !part.is_empty() {
            self.parts.push(part);
        }
    }

    /// The parts, in order; none is empty.
    pub fn parts(&self) -> &[Bytes] {
        &self.parts
    }

    /// Bytes in all parts.
    pub fn len(&self) -> usize {
        self.parts.iter().map(Bytes::len).sum()
    }

    /// True without any bytes.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// All bytes in one buffer; copies only where there is more than one part.
    pub fn to_bytes(&self) -> Bytes {
        if let [part] = self.parts.as_slice() {
            return part.clone();
        }
        let mut all = BytesMut::with_capacity(self.len());
        for part in &self.parts {
            all.extend_from_slice(part);
        }
        all.freeze()
    }
}

impl From<Bytes> for Records {
    fn from(bytes: Bytes) -> Self {
        let mut records = Self::new();
        records.push(bytes);
        records
    }
}

impl From<Vec<Bytes>> for Records {
    fn from(mut parts: Vec<Bytes>) -> Self {
        parts.retain(|part| !part.is_empty());
        Self { parts }
    }
}

impl PartialEq for Records {
    /// Equal bytes, however they are cut.
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.to_bytes() == other.to_bytes()
    }
}

impl Eq for Records {}
