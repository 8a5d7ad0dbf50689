//! LZ4 frames as Kafka's Java clients write them: 64 KiB, independent blocks.

use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};

pub(super) fn encoder(out: Vec<u8>) -> FrameEncoder<Vec<u8>> {
    let frame = FrameInfo::new().block_size(BlockSize::Max64KB).block_mode(BlockMode::Independent);
    FrameEncoder::with_frame_info(frame, out)
}
