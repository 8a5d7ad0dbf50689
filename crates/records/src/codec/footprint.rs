//! How much memory a decoder takes, known from what it is to decompress.

use crate::{Batch, codec::Compression};

/// What a frame of Zstandard begins with, as a little-endian number.
const ZSTD_MAGIC: [u8; 4] = 0xfd2f_b528_u32.to_le_bytes();
/// The largest window of a Zstandard frame as a power of two: what decoders accept that are not
/// told otherwise.
const ZSTD_WINDOW_LOG_MAX: u32 = 27;
/// A frame behind the first may have a window of this in any case.
const ZSTD_WINDOW_LOG_MIN: u32 = 21;
/// What a decoder has beside its window: tables, and a block as it came and as it becomes.
const ZSTD_BYTES: usize = 512 * 1024;
/// A block as it came and as it becomes, of the largest kind.
const LZ4_BYTES: usize = 2 * (4 << 20);
const OTHER_BYTES: usize = 64 * 1024;

impl Batch {
    /// How many bytes a decoder of the batch's records takes at most about, as long as it lives.
    pub fn decoder_bytes(&self) -> usize {
        match self.header().attributes.compression() {
            Ok(codec) => decoder_bytes(codec, &self.payload()),
            Err(_) => 0,
        }
    }
}

fn decoder_bytes(codec: Compression, payload: &[u8]) -> usize {
    match codec {
        Compression::None => 0,
        Compression::Gzip | Compression::Snappy => OTHER_BYTES,
        Compression::Lz4 => LZ4_BYTES.min(OTHER_BYTES + 2 * lz4_block(payload)),
        Compression::Zstd => ZSTD_BYTES + (1 << zstd_window_log_max(payload)),
    }
}

/// The largest block that the frame's descriptor allows.
fn lz4_block(payload: &[u8]) -> usize {
    match payload.get(5).map(|descriptor| descriptor >> 4 & 7) {
        Some(4) => 64 << 10,
        Some(5) => 256 << 10,
        Some(6) => 1 << 20,
        _ => 4 << 20,
    }
}

/// The largest window, as a power of two, that a decoder of `payload` is to accept: that of its
/// first frame, or a small one.
pub(crate) fn zstd_window_log_max(payload: &[u8]) -> u32 {
    // Where the window is not known, the largest.
    let window = zstd_window(payload).unwrap_or(1 << ZSTD_WINDOW_LOG_MAX);
    let log = window.checked_next_power_of_two().map_or(u32::MAX, u64::trailing_zeros);
    log.clamp(ZSTD_WINDOW_LOG_MIN, ZSTD_WINDOW_LOG_MAX)
}

/// RFC 8878, 3.1.1.1: the window's descriptor, or where the frame is one segment its content's size.
fn zstd_window(payload: &[u8]) -> Option<u64> {
    let header = payload.strip_prefix(&ZSTD_MAGIC)?;
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
    use crate::codec::Decoder;

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
            assert_eq!(zstd_window_log_max(&frame(log, &[7; 100_000])), log);
        }
        assert_eq!(zstd_window_log_max(&frame(12, &[7; 100_000])), ZSTD_WINDOW_LOG_MIN);
        let one_segment = zstd::bulk::compress(&[7; 1000], 1).unwrap();
        assert_eq!(zstd_window(&one_segment), Some(1000));
        let size = (20_u32 << 20).to_le_bytes();
        let large = [&ZSTD_MAGIC[..], &[0b1010_0000], &size].concat();
        assert_eq!(zstd_window(&large), Some(20 << 20));
        assert_eq!(zstd_window_log_max(&large), 25);
        assert_eq!(zstd_window_log_max(b"no frame"), ZSTD_WINDOW_LOG_MAX);
        assert_eq!(zstd_window_log_max(&ZSTD_MAGIC), ZSTD_WINDOW_LOG_MAX);
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

    #[test]
    fn every_codec_but_none_has_a_decoder_that_takes_memory() {
        for codec in Compression::ALL {
            let payload = codec.compress(vec![7; 100_000]).unwrap();
            let bytes = decoder_bytes(codec, &payload);
            assert_eq!(bytes == 0, codec == Compression::None, "{codec}");
            assert!(bytes <= 16 << 20, "{codec}: {bytes}");
        }
    }
}
