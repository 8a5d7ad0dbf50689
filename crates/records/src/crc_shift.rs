//! What zero bytes make of a CRC32C.
//!
//! A checksum is a polynomial over GF(2), modulo that of CRC32C; appending a zero bit multiplies it
//! by x. So a length takes one multiplication for each bit that is set in it.

/// The polynomial, the highest power in the lowest bit.
const POLYNOMIAL: u32 = 0x82f6_3b78;

/// The powers x^(2^n), n from 0: enough for the bits of any batch.
const POWERS: [u32; 40] = {
    let mut powers = [1 << 30; 40];
    let mut n = 1;
    while n < powers.len() {
        powers[n] = multiplied(powers[n - 1], powers[n - 1]);
        n += 1;
    }
    powers
};

const fn multiplied(a: u32, mut b: u32) -> u32 {
    let (mut product, mut bit) = (0, 1 << 31);
    while bit != 0 {
        if a & bit != 0 {
            product ^= b;
        }
        b = if b & 1 == 0 { b >> 1 } else { b >> 1 ^ POLYNOMIAL };
        bit >>= 1;
    }
    product
}

/// The checksum that `crc` becomes with `zeros` zero bytes behind it, without the inversions at the
/// beginning and the end.
pub(crate) fn shifted(crc: u32, zeros: usize) -> u32 {
    let (mut shifted, mut left, mut power) = (crc, zeros, 3);
    while left > 0 {
        if left & 1 != 0 {
            shifted = multiplied(POWERS[power], shifted);
        }
        left >>= 1;
        power += 1;
    }
    shifted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shift_does_what_combining_does() {
        for zeros in [0, 1, 2, 3, 61, 255, 256, 1 << 20, (100 << 20) + 7, i32::MAX as usize] {
            for crc in [0, 1, 1 << 31, 0xdead_beef, u32::MAX] {
                assert_eq!(shifted(crc, zeros), crc32c::crc32c_combine(crc, 0, zeros), "{zeros}");
            }
        }
    }
}
