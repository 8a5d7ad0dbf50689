//! Variable-length integers of footers, lists and details. Does not trust the bytes it reads.

/// A footer that breaks the format's rules.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("{what} (byte {position} of the footer)")]
pub struct FooterError {
    pub what: &'static str,
    /// Where in the footer's plaintext.
    pub position: usize,
}

/// Appends an unsigned integer, seven bits a byte, lowest first.
pub(super) fn put_unsigned(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a signed integer, so that small ones of either sign are short.
pub(super) fn put_signed(out: &mut Vec<u8>, value: i64) {
    put_unsigned(out, ((value << 1) ^ (value >> 63)) as u64);
}

/// Reads a footer's bytes from the front.
pub(super) struct Cursor<'a> {
    rest: &'a [u8],
    total: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, total: bytes.len() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// An error about what was just read.
    pub(super) fn error(&self, what: &'static str) -> FooterError {
        FooterError { what, position: self.total - self.rest.len() }
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], FooterError> {
        let (array, rest) =
            self.rest.split_first_chunk().ok_or_else(|| self.error("the footer ends early"))?;
        self.rest = rest;
        Ok(*array)
    }

    pub(super) fn bytes(&mut self, count: usize) -> Result<&'a [u8], FooterError> {
        let (bytes, rest) =
            self.rest.split_at_checked(count).ok_or_else(|| self.error("the footer ends early"))?;
        self.rest = rest;
        Ok(bytes)
    }

    pub(super) fn unsigned(&mut self) -> Result<u64, FooterError> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let [byte] = self.array()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(self.error("an integer is longer than 64 bits"))
    }

    pub(super) fn signed(&mut self) -> Result<i64, FooterError> {
        let value = self.unsigned()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    pub(super) fn signed_32(&mut self) -> Result<i32, FooterError> {
        let value = self.signed()?;
        i32::try_from(value).map_err(|_| self.error("a value does not fit 32 bits"))
    }

    pub(super) fn unsigned_32(&mut self) -> Result<u32, FooterError> {
        let value = self.unsigned()?;
        u32::try_from(value).map_err(|_| self.error("a value does not fit 32 bits"))
    }

    /// The sum of `base` and a non-negative step read from here.
    pub(super) fn step_from(&mut self, base: i64) -> Result<i64, FooterError> {
        let step = self.unsigned()?;
        let sum = i64::try_from(step).ok().and_then(|step| base.checked_add(step));
        sum.ok_or_else(|| self.error("an offset does not fit 63 bits"))
    }

    /// A number of items of at least `bytes_min` each: never more than the bytes left can hold.
    pub(super) fn count(&mut self, bytes_min: usize) -> Result<usize, FooterError> {
        let count = self.unsigned()?;
        if count > (self.rest.len() / bytes_min) as u64 {
            return Err(self.error("a count is larger than the bytes left"));
        }
        Ok(count as usize)
    }
}
