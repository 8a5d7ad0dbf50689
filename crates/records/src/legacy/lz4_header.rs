//! The header checksum of LZ4 frames. In magic 0 it is wrong: it covers the frame's magic number
//! too (KAFKA-3160).

/// The frame's magic number, 4 bytes, comes before the descriptor.
const DESCRIPTOR: usize = 4;

/// Writes the header checksum that the frame format asks for.
///
/// `None` when the bytes are too short to be a frame.
pub(super) fn write_right_checksum(frame: &mut [u8]) -> Option<()> {
    write_checksum(frame, DESCRIPTOR)
}

/// Writes the header checksum that magic 0 has.
///
/// `None` when the bytes are too short to be a frame.
pub(super) fn write_magic_0_checksum(frame: &mut [u8]) -> Option<()> {
    write_checksum(frame, 0)
}

fn write_checksum(frame: &mut [u8], from: usize) -> Option<()> {
    let flags = *frame.get(DESCRIPTOR)?;
    // Flags and block size; the content's size (bit 3) and the dictionary (bit 0) are there if
    // their bits are.
    let len = 2 + if flags & 0x08 != 0 { 8 } else { 0 } + if flags & 0x01 != 0 { 4 } else { 0 };
    let place = DESCRIPTOR + len;
    let hash = twox_hash::XxHash32::oneshot(0, frame.get(from..place)?);
    *frame.get_mut(place)? = (hash >> 8) as u8;
    Some(())
}
