//! Snappy, as one raw block (librdkafka and others) or in the framing of the snappy-java library
//! (Kafka's Java clients): a 16-byte header, then blocks behind their 32-bit big-endian sizes.

use crate::{bytes_in::BytesIn, codec::Compression, error::BatchError};

const CODEC: Compression = Compression::Snappy;

/// What framed streams begin with; no raw block does, for it would say that its last length byte is
/// not the last.
const FRAMING: [u8; 8] = [0x82, b'S', b'N', b'A', b'P', b'P', b'Y', 0];

/// Version, and the oldest version that can read it: 1 and 1.
const FRAMING_VERSIONS: [u8; 8] = [0, 0, 0, 1, 0, 0, 0, 1];

/// How much of the input goes into one block, as snappy-java does by default.
const BLOCK_LEN: usize = 32 * 1024;

/// A snappy element of three bytes copies 64 bytes at most, so that no block grows by more than
/// this.
const GROWTH_MAX: usize = 32;

pub(super) fn compress(payload: &[u8]) -> Result<Vec<u8>, BatchError> {
    let mut encoder = snap::raw::Encoder::new();
    let mut out = Vec::with_capacity(16 + payload.len() / 2);
    out.extend_from_slice(&FRAMING);
    out.extend_from_slice(&FRAMING_VERSIONS);
    for block in payload.chunks(BLOCK_LEN) {
        let compressed = encoder.compress_vec(block).map_err(|e| CODEC.failed(&e))?;
        out.extend_from_slice(&(compressed.len() as u32).to_be_bytes());
        out.extend_from_slice(&compressed);
    }
    Ok(out)
}

pub(super) fn decompress(payload: &[u8], limit: usize) -> Result<Vec<u8>, BatchError> {
    let mut out = Vec::new();
    let Some(framed) = payload.strip_prefix(&FRAMING) else {
        decompress_block(payload, &mut out, limit)?;
        return Ok(out);
    };
    let mut input = BytesIn::new(framed);
    input
        .take(FRAMING_VERSIONS.len())
        .ok_or_else(|| CODEC.failed(&"the framing's header is cut"))?;
    while !input.is_empty() {
        let block = input
            .u32()
            .and_then(|len| input.take(usize::try_from(len).ok()?))
            .ok_or_else(|| CODEC.failed(&"a block is cut"))?;
        decompress_block(block, &mut out, limit)?;
    }
    Ok(out)
}

fn decompress_block(block: &[u8], out: &mut Vec<u8>, limit: usize) -> Result<(), BatchError> {
    let len = snap::raw::decompress_len(block).map_err(|e| CODEC.failed(&e))?;
    let start = out.len();
    if len > limit.saturating_sub(start) {
        return Err(BatchError::TooLarge { limit });
    }
    if len > block.len().saturating_mul(GROWTH_MAX) {
        return Err(CODEC.failed(&"a block says it is larger than it can be"));
    }
    out.resize(start + len, 0);
    let written = snap::raw::Decoder::new()
        .decompress(block, &mut out[start..])
        .map_err(|e| CODEC.failed(&e))?;
    out.truncate(start + written);
    Ok(())
}
