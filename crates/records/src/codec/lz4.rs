//! LZ4 frames as Kafka's Java clients write them: 64 KiB, independent blocks.

use std::io::Write;

use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};

use crate::{codec::Compression, error::BatchError};

const CODEC: Compression = Compression::Lz4;

pub(super) fn compress(payload: &[u8]) -> Result<Vec<u8>, BatchError> {
    let frame = FrameInfo::new().block_size(BlockSize::Max64KB).block_mode(BlockMode::Independent);
    let mut encoder = FrameEncoder::with_frame_info(frame, Vec::with_capacity(payload.len() / 2));
    encoder.write_all(payload).map_err(|e| CODEC.failed(&e))?;
    encoder.finish().map_err(|e| CODEC.failed(&e))
}
