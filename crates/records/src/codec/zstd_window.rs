//! How large the window of a Zstandard decoder is to be, known from what it is to decompress.

/// What a frame of Zstandard begins with, as a little-endian number.
const MAGIC: [u8; 4] = 0xfd2f_b528_u32.to_le_bytes();
/// The largest window of a Zstandard frame as a power of two: what decoders accept that are not
/// told otherwise.
const WINDOW_LOG_MAX: u32 = 27;
/// A frame behind the first may have a window of this in any case.
const WINDOW_LOG_MIN: u32 = 21;

/// The largest window, as a power of two, that a decoder of `payload` is to accept: that of its
/// first frame, or a small one.
pub(super) fn window_log_max(payload: &[u8]) -> u32 {
    // Where the window is not known, the largest.
    let window = window(payload).unwrap_or(1 << WINDOW_LOG_MAX);
    let log = window.checked_next_power_of_two().map_or(u32::MAX, u64::trailing_zeros);
    log.clamp(WINDOW_LOG_MIN, WINDOW_LOG_MAX)
}

/// RFC 8878, 3.1.1.1: the window's descriptor, or where the frame is one segment its content's size.
fn window(payload: &[u8]) -> Option<u64> {
    let header = payload.strip_prefix(&MAGIC)?;
    let (descriptor, rest) = header.split_first()?;
    let is_one_segment = descriptor & (1 << 5) != 0;
    if !is_one_segment {
        let window = rest.first()?;
        let base = 1_u64 << (10 + (window >> 3));
        return Some(base + base / 8 * u64::from(window & 7));
    }
    let dictionary = [0, 1, 2, 4][usize::from(descriptor & 3)];
    let size = rest.get(dictionary..)?;
    let little_endian = |bytes: usize| {
        let mut value = [0; 8];
        value[..bytes].copy_from_slice(size.get(..bytes)?);
        Some(u64::from_le_bytes(value))
    };
    match descriptor >> 6 {
        0 => little_endian(1),
        1 => Some(little_endian(2)? + 256),
        2 => little_endian(4),
        _ => little_endian(8),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::codec::{Compression, Decoder};

    fn frame(window_log: u32, content: &[u8]) -> Vec<u8> {
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
        encoder.window_log(window_log).unwrap();
        encoder.include_contentsize(false).unwrap();
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn a_window_is_known_from_the_first_frame() {
        for log in [24, 25, 27] {
            assert_eq!(window_log_max(&frame(log, &[7; 100_000])), log);
        }
        assert_eq!(window_log_max(&frame(12, &[7; 100_000])), WINDOW_LOG_MIN);
        let one_segment = zstd::bulk::compress(&[7; 1000], 1).unwrap();
        assert_eq!(window(&one_segment), Some(1000));
        let size = (20_u32 << 20).to_le_bytes();
        let large = [&MAGIC[..], &[0b1010_0000], &size].concat();
        assert_eq!(window(&large), Some(20 << 20));
        assert_eq!(window_log_max(&large), 25);
        assert_eq!(window_log_max(b"no frame"), WINDOW_LOG_MAX);
        assert_eq!(window_log_max(&MAGIC), WINDOW_LOG_MAX);
    }

    #[test]
    fn a_decoder_takes_no_window_that_was_not_counted() {
        let read = |payload: Vec<u8>| {
            let mut decoder = Decoder::new(Compression::Zstd, payload.into()).unwrap().unwrap();
            let mut out = Vec::new();
            decoder.read_to_end(&mut out, 1 << 30).map(|()| out.len())
        };
        let (small, large) = (frame(20, &[1; 1000]), frame(26, &[2; 1000]));
        assert_eq!(read([large.clone(), small.clone()].concat()).unwrap(), 2000);
        assert!(read([small, large].concat()).is_err(), "its window would be larger");
    }
}
