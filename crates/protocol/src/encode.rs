//! Writing Kafka's primitive types.
//!
//! Small things go to one growing buffer; large byte strings and records are kept as they are and
//! cut in when the frame is taken, so that no record is copied on its way to the socket.

use bytes::{BufMut, Bytes, BytesMut};
use uuid::Uuid;

use crate::{KString, Message, Records};

/// Below this many bytes copying is cheaper than one more buffer to write.
const SHARED_FROM: usize = 1024;

/// The output of an [`Encoder`]: buffers to be written one after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EncodedFrame {
    /// The buffers in order; none is empty.
    pub parts: Vec<Bytes>,
}

impl EncodedFrame {
    /// Bytes in all parts.
    pub fn len(&self) -> usize {
        self.parts.iter().map(Bytes::len).sum()
    }

    /// True without any bytes.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// All bytes in one buffer; copies where there is more than one part.
    pub fn to_bytes(&self) -> Bytes {
        Records::from(self.parts.clone()).to_bytes()
    }
}

#[derive(Debug, Default)]
pub struct Encoder {
    own: BytesMut,
    /// Buffers to cut in, each with the position in `own` it comes at; positions never fall.
    shared: Vec<(usize, Bytes)>,
    shared_len: usize,
}

macro_rules! fixed {
    ($($(#[$doc:meta])* $name:ident: $type:ty,)*) => {$(
        $(#[$doc])*
        pub fn $name(&mut self, value: $type) {
            self.own.put_slice(&value.to_be_bytes());
        }
    )*};
}

impl Encoder {
    /// An encoder that has written nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Bytes written so far.
    pub fn len(&self) -> usize {
        self.own.len() + self.shared_len
    }

    /// True before anything is written.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The output in one buffer.
    pub fn into_bytes(self) -> Bytes {
        if self.shared.is_empty() { self.own.freeze() } else { self.into_frame().to_bytes() }
    }

    /// The output as buffers, without copying.
    pub fn into_frame(self) -> EncodedFrame {
        let own = self.own.freeze();
        let mut parts = Vec::with_capacity(2 * self.shared.len() + 1);
        let mut from = 0;
        for (at, bytes) in self.shared {
            if at > from {
                parts.push(own.slice(from..at));
                from = at;
            }
            parts.push(bytes);
        }
        if from < own.len() {
            parts.push(own.slice(from..));
        }
        EncodedFrame { parts }
    }

    /// Puts the length of everything after the first four bytes into those four. The length, if
    /// they cannot hold it.
    pub(crate) fn patch_length(&mut self) -> Result<(), usize> {
        let length = self.len() - 4;
        let prefix = i32::try_from(length).map_err(|_| length)?;
        self.own[..4].copy_from_slice(&prefix.to_be_bytes());
        Ok(())
    }

    fixed! {
        i8: i8,
        /// A signed 16-bit integer.
        i16: i16,
        /// A signed 32-bit integer.
        i32: i32,
        /// A signed 64-bit integer.
        i64: i64,
        /// An unsigned 16-bit integer.
        u16: u16,
        /// An unsigned 32-bit integer.
        u32: u32,
        /// A double-precision number.
        f64: f64,
    }

    pub fn bool(&mut self, value: bool) {
        self.own.put_u8(u8::from(value));
    }

    pub fn uuid(&mut self, value: Uuid) {
        self.own.put_slice(value.as_bytes());
    }

    /// An unsigned variable-length integer.
    pub fn uvarint(&mut self, mut value: u32) {
        while value >= 0x80 {
            self.own.put_u8(value as u8 | 0x80);
            value >>= 7;
        }
        self.own.put_u8(value as u8);
    }

    /// The length of a string (or null).
    fn string_length(&mut self, length: Option<usize>, flexible: bool) {
        match (flexible, length) {
            (true, n) => self.uvarint(n.map_or(0, |n| n as u32 + 1)),
            (false, n) => self.i16(n.map_or(-1, |n| n as i16)),
        }
    }

    /// The length of a byte string or an array (or null).
    fn length(&mut self, length: Option<usize>, flexible: bool) {
        match (flexible, length) {
            (true, n) => self.uvarint(n.map_or(0, |n| n as u32 + 1)),
            (false, n) => self.i32(n.map_or(-1, |n| n as i32)),
        }
    }

    /// A string. One of more than 32,767 bytes does not fit its length on the wire and is cut at a
    /// character.
    pub fn string(&mut self, value: &str, flexible: bool) {
        let mut end = value.len().min(i16::MAX as usize);
        while !value.is_char_boundary(end) {
            end -= 1;
        }
        let text = &value[..end];
        self.string_length(Some(text.len()), flexible);
        self.own.put_slice(text.as_bytes());
    }

    /// A string or null.
    pub fn nullable_string(&mut self, value: Option<&KString>, flexible: bool) {
        match value {
            Some(text) => self.string(text, flexible),
            None => self.string_length(None, flexible),
        }
    }

    fn raw(&mut self, bytes: &Bytes) {
        if bytes.len() < SHARED_FROM {
            self.own.put_slice(bytes);
        } else {
            self.shared_len += bytes.len();
            self.shared.push((self.own.len(), bytes.clone()));
        }
    }

    pub fn bytes(&mut self, value: &Bytes, flexible: bool) {
        self.length(Some(value.len()), flexible);
        self.raw(value);
    }

    /// A byte string or null.
    pub fn nullable_bytes(&mut self, value: Option<&Bytes>, flexible: bool) {
        match value {
            Some(bytes) => self.bytes(bytes, flexible),
            None => self.length(None, flexible),
        }
    }

    /// Records of a response.
    pub fn records(&mut self, value: &Records, flexible: bool) {
        self.length(Some(value.len()), flexible);
        for part in value.parts() {
            self.raw(part);
        }
    }

    /// Records of a response, or null.
    pub fn nullable_records(&mut self, value: Option<&Records>, flexible: bool) {
        match value {
            Some(records) => self.records(records, flexible),
            None => self.length(None, flexible),
        }
    }

    /// An array of structs.
    pub fn structs<T: Message>(&mut self, value: &[T], flexible: bool, version: i16) {
        self.length(Some(value.len()), flexible);
        for element in value {
            element.encode(self, version);
        }
    }

    /// An array of structs, or null.
    pub fn nullable_structs<T: Message>(
        &mut self,
        value: Option<&Vec<T>>,
        flexible: bool,
        version: i16,
    ) {
        match value {
            Some(elements) => self.structs(elements, flexible, version),
            None => self.length(None, flexible),
        }
    }

    /// A struct that may be null: a byte says so (KIP-893).
    pub fn nullable_struct<T: Message>(&mut self, value: Option<&T>, version: i16) {
        self.i8(if value.is_some() { 1 } else { -1 });
        if let Some(value) = value {
            value.encode(self, version);
        }
    }

    /// An array of primitives.
    pub(crate) fn array<T: Primitive>(&mut self, value: &[T], flexible: bool) {
        self.length(Some(value.len()), flexible);
        for element in value {
            element.write(self, flexible);
        }
    }

    /// An array of primitives, or null.
    pub(crate) fn nullable_array<T: Primitive>(&mut self, value: Option<&Vec<T>>, flexible: bool) {
        match value {
            Some(elements) => self.array(elements, flexible),
            None => self.length(None, flexible),
        }
    }

    /// A tagged field, whose size goes before what `write` writes. None of Kafka's holds a large
    /// byte string.
    pub(crate) fn tagged(&mut self, tag: u32, write: impl FnOnce(&mut Self)) {
        self.uvarint(tag);
        let mut value = Self::new();
        write(&mut value);
        let value = value.into_bytes();
        self.uvarint(value.len() as u32);
        self.own.put_slice(&value);
    }
}

/// An element type of arrays of primitives.
pub(crate) trait Primitive {
    fn write(&self, encoder: &mut Encoder, flexible: bool);
}

macro_rules! primitive {
    ($($type:ty: |$value:ident, $e:ident, $flexible:ident| $write:expr,)*) => {$(
        impl Primitive for $type {
            fn write(&self, $e: &mut Encoder, $flexible: bool) { let $value = self; $write; }
        }
    )*};
}

primitive! {
    i8: |value, e, _flexible| e.i8(*value),
    i16: |value, e, _flexible| e.i16(*value),
    i32: |value, e, _flexible| e.i32(*value),
    i64: |value, e, _flexible| e.i64(*value),
    Uuid: |value, e, _flexible| e.uuid(*value),
    KString: |value, e, flexible| e.string(value, flexible),
}
