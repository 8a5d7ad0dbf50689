//! Reading Kafka's primitive types from a buffer.
//!
//! Invariants: no input makes a method panic; a count is believed only as far as the bytes left can
//! hold that many elements; all arrays of one frame together reserve at most [`Decoder::budget_of`]
//! its length; the depth of nesting is that of the schema, which is fixed.

use bytes::Bytes;
use uuid::Uuid;

use crate::{KString, Message, Records};

/// Why bytes are not the message they should be. The peer and this schema disagree, or the bytes
/// are damaged: the connection cannot be trusted any more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes end inside a field.
    #[error(
        "message ends early: {need} bytes wanted at byte {at}, {left} left; close the connection"
    )]
    Truncated {
        /// Where, in bytes from the start of the buffer.
        at: usize,
        /// Bytes the field needs.
        need: usize,
        left: usize,
    },
    /// A length or count that no message can have.
    #[error("length {length} at byte {at} is not possible there; close the connection")]
    BadLength {
        /// Where the length ended.
        at: usize,
        /// The length as read.
        length: i64,
    },
    /// The arrays of the message would take far more memory than its bytes justify.
    #[error(
        "{count} elements at byte {at} would take more memory than the message's size justifies; \
         send smaller requests"
    )]
    TooManyElements {
        /// Where the count ended.
        at: usize,
        count: usize,
    },
    /// A null where the version allows none.
    #[error("null at byte {at} where the version allows none; close the connection")]
    UnexpectedNull {
        /// Where the null ended.
        at: usize,
    },
    /// A string that is not UTF-8.
    #[error("string is not utf-8; close the connection")]
    NotUtf8,
    /// A variable-length integer of more than five bytes.
    #[error("variable-length integer at byte {at} does not end; close the connection")]
    BadVarint {
        /// Where it began.
        at: usize,
    },
    /// The schema does not have this version.
    #[error("version {version} is not one of {min} to {max}; use one that ApiVersions offers")]
    UnsupportedVersion {
        /// The version asked for.
        version: i16,
        min: i16,
        max: i16,
    },
    /// Bytes after the end, where the caller allows none.
    #[error("{left} bytes left after the message; close the connection")]
    TrailingBytes { left: usize },
}

/// What an element of an array counts at least: whoever handles a number makes more of it.
const ELEMENT_BYTES_MIN: usize = 16;

type Result<T> = std::result::Result<T, DecodeError>;

/// A cursor over one frame. Strings, byte strings and records it returns share the frame's memory.
#[derive(Debug, Clone)]
pub struct Decoder {
    buf: Bytes,
    pos: usize,
    /// Where reading must stop: the end of the buffer, or of the tagged field being read.
    end: usize,
    /// Bytes that arrays may still reserve.
    budget: usize,
}

macro_rules! fixed {
    ($($(#[$doc:meta])* $name:ident: $type:ty,)*) => {$(
        $(#[$doc])*
        pub fn $name(&mut self) -> Result<$type> {
            let mut bytes = [0; size_of::<$type>()];
            let at = self.take(bytes.len())?;
            bytes.copy_from_slice(&self.buf[at..self.pos]);
            Ok(<$type>::from_be_bytes(bytes))
        }
    )*};
}

impl Decoder {
    /// Reads `buf` from its start.
    pub fn new(buf: Bytes) -> Self {
        let end = buf.len();
        Self { buf, pos: 0, end, budget: Self::budget_of(end) }
    }

    /// Bytes that the arrays of a message of `len` bytes may reserve in all: no honest message
    /// comes near it.
    pub const fn budget_of(len: usize) -> usize {
        len.saturating_mul(16).saturating_add(64 << 10)
    }

    /// Allows the arrays that are still to be read no more than `bytes`.
    #[must_use]
    pub fn within(self, bytes: usize) -> Self {
        Self { budget: self.budget.min(bytes), ..self }
    }

    /// Reads something whose arrays reserve no more than `bytes`. After an error nothing of it was
    /// read.
    pub fn read_within<T>(
        &mut self,
        bytes: usize,
        read: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let (pos, end, budget) = (self.pos, self.end, self.budget);
        self.budget = budget.min(bytes);
        let read = read(self);
        if read.is_err() {
            (self.pos, self.end, self.budget) = (pos, end, budget);
        }
        read
    }

    /// Bytes that arrays may still reserve.
    pub const fn budget(&self) -> usize {
        self.budget
    }

    /// Bytes not yet read.
    pub fn remaining(&self) -> usize {
        self.end - self.pos
    }

    /// For those who want no bytes after a message. Kafka's brokers do not mind them, and neither
    /// does Milena's.
    pub fn finish(self) -> Result<()> {
        match self.remaining() {
            0 => Ok(()),
            left => Err(DecodeError::TrailingBytes { left }),
        }
    }

    /// Moves over `n` bytes and returns where they began.
    fn take(&mut self, n: usize) -> Result<usize> {
        let at = self.pos;
        let left = self.remaining();
        if n > left {
            return Err(DecodeError::Truncated { at, need: n, left });
        }
        self.pos += n;
        Ok(at)
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

    /// A boolean: any byte but zero is true.
    pub fn bool(&mut self) -> Result<bool> {
        Ok(self.i8()? != 0)
    }

    /// A UUID; zero where there is none.
    pub fn uuid(&mut self) -> Result<Uuid> {
        let at = self.take(16)?;
        Ok(Uuid::from_slice(&self.buf[at..self.pos]).unwrap_or_default())
    }

    /// An unsigned variable-length integer of at most 32 bits.
    pub fn uvarint(&mut self) -> Result<u32> {
        let begin = self.pos;
        let mut value = 0u64;
        for shift in (0..35).step_by(7) {
            let byte = self.i8()? as u8;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return u32::try_from(value).map_err(|_| DecodeError::BadVarint { at: begin });
            }
        }
        Err(DecodeError::BadVarint { at: begin })
    }

    /// A length, either compact (`n + 1`, zero for null) or of the fixed width that `fixed` reads
    /// (negative for null).
    fn length(
        &mut self,
        flexible: bool,
        fixed: impl FnOnce(&mut Self) -> Result<i32>,
    ) -> Result<Option<usize>> {
        if flexible {
            return Ok(self.uvarint()?.checked_sub(1).map(|n| n as usize));
        }
        match fixed(self)? {
            -1 => Ok(None),
            n => match usize::try_from(n) {
                Ok(n) => Ok(Some(n)),
                Err(_) => Err(DecodeError::BadLength { at: self.pos, length: i64::from(n) }),
            },
        }
    }

    fn not_null<T>(&self, value: Option<T>) -> Result<T> {
        value.ok_or(DecodeError::UnexpectedNull { at: self.pos })
    }

    fn slice(&mut self, n: usize) -> Result<Bytes> {
        let at = self.take(n)?;
        Ok(self.buf.slice(at..self.pos))
    }

    pub fn string(&mut self, flexible: bool) -> Result<KString> {
        let value = self.nullable_string(flexible)?;
        self.not_null(value)
    }

    /// A string or null.
    pub fn nullable_string(&mut self, flexible: bool) -> Result<Option<KString>> {
        match self.length(flexible, |d| d.i16().map(i32::from))? {
            Some(n) => KString::from_utf8(self.slice(n)?).map(Some),
            None => Ok(None),
        }
    }

    pub fn bytes(&mut self, flexible: bool) -> Result<Bytes> {
        let value = self.nullable_bytes(flexible)?;
        self.not_null(value)
    }

    /// A byte string or null.
    pub fn nullable_bytes(&mut self, flexible: bool) -> Result<Option<Bytes>> {
        match self.length(flexible, Self::i32)? {
            Some(n) => self.slice(n).map(Some),
            None => Ok(None),
        }
    }

    /// Records of a response.
    pub fn records(&mut self, flexible: bool) -> Result<Records> {
        self.bytes(flexible).map(Records::from)
    }

    /// Records of a response, or null.
    pub fn nullable_records(&mut self, flexible: bool) -> Result<Option<Records>> {
        Ok(self.nullable_bytes(flexible)?.map(Records::from))
    }

    /// Reserves an array of `count` elements, if the bytes left can hold them and the budget can
    /// pay for them.
    fn reserve<T>(&mut self, count: usize) -> Result<Vec<T>> {
        let left = self.remaining();
        if count > left {
            return Err(DecodeError::Truncated { at: self.pos, need: count, left });
        }
        let too_many = DecodeError::TooManyElements { at: self.pos, count };
        let each = size_of::<T>().max(ELEMENT_BYTES_MIN);
        let cost = count.checked_mul(each).ok_or(too_many.clone())?;
        self.budget = self.budget.checked_sub(cost).ok_or(too_many)?;
        Ok(Vec::with_capacity(count))
    }

    /// An array of structs.
    pub fn structs<T: Message>(&mut self, flexible: bool, version: i16) -> Result<Vec<T>> {
        let value = self.nullable_structs(flexible, version)?;
        self.not_null(value)
    }

    /// An array of structs, or null.
    pub fn nullable_structs<T: Message>(
        &mut self,
        flexible: bool,
        version: i16,
    ) -> Result<Option<Vec<T>>> {
        let Some(count) = self.length(flexible, Self::i32)? else { return Ok(None) };
        let mut elements = self.reserve(count)?;
        for _ in 0..count {
            elements.push(T::decode(self, version)?);
        }
        Ok(Some(elements))
    }

    /// A struct that may be null: a byte says so (KIP-893).
    pub fn nullable_struct<T: Message>(&mut self, version: i16) -> Result<Option<T>> {
        match self.i8()? {
            -1 => Ok(None),
            _ => T::decode(self, version).map(Some),
        }
    }

    /// An array of primitives.
    pub(crate) fn array<T: Primitive>(&mut self, flexible: bool) -> Result<Vec<T>> {
        let value = self.nullable_array(flexible)?;
        self.not_null(value)
    }

    /// An array of primitives, or null.
    pub(crate) fn nullable_array<T: Primitive>(
        &mut self,
        flexible: bool,
    ) -> Result<Option<Vec<T>>> {
        let Some(count) = self.length(flexible, Self::i32)? else { return Ok(None) };
        let mut elements = self.reserve(count)?;
        for _ in 0..count {
            elements.push(T::read(self, flexible)?);
        }
        Ok(Some(elements))
    }

    /// How many tagged fields follow.
    pub(crate) fn tag_count(&mut self) -> Result<u32> {
        let count = self.uvarint()?;
        let left = self.remaining();
        // Each takes at least a tag and a size.
        if count as usize > left / 2 {
            return Err(DecodeError::Truncated { at: self.pos, need: count as usize * 2, left });
        }
        Ok(count)
    }

    /// The next tagged field: its tag, and the argument of [`Self::end_tag`]. Reading stops at the
    /// field's end.
    pub(crate) fn begin_tag(&mut self) -> Result<(u32, usize)> {
        let tag = self.uvarint()?;
        let size = self.uvarint()? as usize;
        let left = self.remaining();
        if size > left {
            return Err(DecodeError::Truncated { at: self.pos, need: size, left });
        }
        let outer = self.end;
        self.end = self.pos + size;
        Ok((tag, outer))
    }

    /// Ends a tagged field; what was not read of it is skipped.
    pub(crate) fn end_tag(&mut self, outer: usize) {
        self.pos = self.end;
        self.end = outer;
    }

    /// Skips all tagged fields.
    pub(crate) fn skip_tags(&mut self) -> Result<()> {
        for _ in 0..self.tag_count()? {
            let (_, outer) = self.begin_tag()?;
            self.end_tag(outer);
        }
        Ok(())
    }

    /// Refuses a version that a schema does not have.
    pub(crate) fn check_version<M: Message>(&self, version: i16) -> Result<()> {
        if M::VERSIONS.contains(&version) {
            return Ok(());
        }
        Err(DecodeError::UnsupportedVersion {
            version,
            min: *M::VERSIONS.start(),
            max: *M::VERSIONS.end(),
        })
    }
}

/// An element type of arrays of primitives.
pub(crate) trait Primitive: Sized {
    fn read(decoder: &mut Decoder, flexible: bool) -> Result<Self>;
}

macro_rules! primitive {
    ($($type:ty: |$d:ident, $flexible:ident| $read:expr,)*) => {$(
        impl Primitive for $type {
            fn read($d: &mut Decoder, $flexible: bool) -> Result<Self> { $read }
        }
    )*};
}

primitive! {
    i8: |d, _flexible| d.i8(),
    i16: |d, _flexible| d.i16(),
    i32: |d, _flexible| d.i32(),
    i64: |d, _flexible| d.i64(),
    Uuid: |d, _flexible| d.uuid(),
    KString: |d, flexible| d.string(flexible),
}
