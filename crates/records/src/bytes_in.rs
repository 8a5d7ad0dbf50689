//! Reading and writing the numbers of the record format: big-endian fixed ones and zigzag varints.
//! Reads return `None` at the end of the bytes and for a varint that is too long.

/// The longest 32-bit varint in bytes.
pub(crate) const VARINT_MAX: usize = 5;

/// A place in borrowed bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BytesIn<'a> {
    rest: &'a [u8],
}

impl<'a> BytesIn<'a> {
    pub(crate) const fn new(rest: &'a [u8]) -> Self {
        Self { rest }
    }

    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) const fn len(&self) -> usize {
        self.rest.len()
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.rest.split_first_chunk::<N>()?;
        self.rest = rest;
        Some(*taken)
    }

    pub(crate) fn i8(&mut self) -> Option<i8> {
        self.array().map(i8::from_be_bytes)
    }

    pub(crate) fn i16(&mut self) -> Option<i16> {
        self.array().map(i16::from_be_bytes)
    }

    pub(crate) fn i32(&mut self) -> Option<i32> {
        self.array().map(i32::from_be_bytes)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn i64(&mut self) -> Option<i64> {
        self.array().map(i64::from_be_bytes)
    }

    #[inline]
    pub(crate) fn varint(&mut self) -> Option<i32> {
        let raw = match self.short_varint() {
            Some(raw) => raw,
            None => u32::try_from(self.unsigned_varlong(VARINT_MAX)?).ok()?,
        };
        Some(unzigzag(raw))
    }

    #[inline]
    pub(crate) fn varlong(&mut self) -> Option<i64> {
        let raw = match self.short_varint() {
            Some(raw) => u64::from(raw),
            None => self.unsigned_varlong(10)?,
        };
        Some((raw >> 1).cast_signed() ^ -(raw & 1).cast_signed())
    }

    /// Nearly every varint of a record (lengths, deltas, counts) has one byte or two.
    #[inline]
    fn short_varint(&mut self) -> Option<u32> {
        match *self.rest {
            [first, ..] if first < 0x80 => {
                self.rest = &self.rest[1..];
                Some(u32::from(first))
            }
            [first, second, ..] if second < 0x80 => {
                self.rest = &self.rest[2..];
                Some(u32::from(first & 0x7f) | u32::from(second) << 7)
            }
            _ => None,
        }
    }

    fn unsigned_varlong(&mut self, len_max: usize) -> Option<u64> {
        let mut value = 0u64;
        for (i, &byte) in self.rest.iter().take(len_max).enumerate() {
            let bits = u64::from(byte & 0x7f);
            let shift = 7 * i;
            // The tenth byte holds only the last bit.
            if shift == 63 && bits > 1 {
                return None;
            }
            value |= bits << shift;
            if byte < 0x80 {
                self.rest = &self.rest[i + 1..];
                return Some(value);
            }
        }
        None
    }

    /// Bytes behind a varint length; the outer `None` is an error, the inner one a null (any
    /// negative length).
    pub(crate) fn nullable(&mut self) -> Option<Option<&'a [u8]>> {
        match usize::try_from(self.varint()?) {
            Ok(len) => self.take(len).map(Some),
            Err(_) => Some(None),
        }
    }

    /// Bytes behind a fixed 32-bit length, -1 for null, as in magic 0 and 1.
    pub(crate) fn nullable_i32(&mut self) -> Option<Option<&'a [u8]>> {
        match self.i32()? {
            -1 => Some(None),
            len => self.take(usize::try_from(len).ok()?).map(Some),
        }
    }
}

/// The signed number that an unsigned varint stands for.
pub(crate) const fn unzigzag(raw: u32) -> i32 {
    (raw >> 1).cast_signed() ^ -(raw & 1).cast_signed()
}

const fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

pub(crate) fn put_varint(out: &mut Vec<u8>, value: i32) {
    put_varlong(out, i64::from(value));
}

pub(crate) fn put_varlong(out: &mut Vec<u8>, value: i64) {
    let mut rest = zigzag(value);
    while rest >= 0x80 {
        out.push((rest as u8 & 0x7f) | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

/// How many bytes `value` takes as a varint.
pub(crate) const fn varint_len(value: i64) -> usize {
    let bits = 64 - (zigzag(value) | 1).leading_zeros() as usize;
    bits.div_ceil(7)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn varints_come_back_as_written(value: i64, small: i32) {
            let mut out = Vec::new();
            put_varlong(&mut out, value);
            prop_assert_eq!(out.len(), varint_len(value));
            put_varint(&mut out, small);
            let mut input = BytesIn::new(&out);
            prop_assert_eq!(input.varlong(), Some(value));
            prop_assert_eq!(input.varint(), Some(small));
            prop_assert!(input.is_empty());
        }
    }

    #[test]
    fn a_varint_that_is_too_long_or_cut_is_refused() {
        assert_eq!(BytesIn::new(&[0xff; 5]).varint(), None);
        assert_eq!(BytesIn::new(&[0xff, 0xff, 0xff, 0xff, 0x7f]).varint(), None, "35 bits");
        assert_eq!(BytesIn::new(&[0xff; 11]).varlong(), None);
        assert_eq!(
            BytesIn::new(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2]).varlong(),
            None
        );
        assert_eq!(BytesIn::new(&[0x80]).varint(), None);
        assert_eq!(BytesIn::new(&[0xff, 0xff, 0xff, 0xff, 0x0f]).varint(), Some(i32::MIN));
    }
}
