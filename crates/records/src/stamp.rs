//! What a broker writes into a batch before it stores it.

use milena_types::{LeaderEpoch, Offset, Timestamp};

use crate::{
    crc_shift,
    header::{Attributes, HEADER_LEN, at},
};

/// The fields of a batch that are the broker's: everything else is stored as the client sent it.
///
/// Base offset and leader epoch are outside the checksum. The times are inside; the new checksum is
/// worked out from the old one and the changed bytes alone, so it costs nothing per record, and a
/// batch that was damaged stays one that fails its check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The offset given to the first record.
    pub base_offset: Offset,
    /// The term of the leader that appends the batch.
    pub leader_epoch: LeaderEpoch,
    /// The largest timestamp of the records. What clients say is not always right.
    pub max_timestamp: Timestamp,
    /// For topics with `message.timestamp.type=LogAppendTime`: the time of every record of the
    /// batch.
    pub log_append_time: Option<Timestamp>,
}

impl Stamp {
    /// Appends a copy of `batch`, stamped, to `out`. What is compared is read from `batch`: to read
    /// it from the copy would wait until all of that is written.
    ///
    /// Panics when `batch` is shorter than a header: it must be a parsed batch, whole.
    pub fn copy_to(&self, batch: &[u8], out: &mut Vec<u8>) {
        let (header, payload) = batch.split_first_chunk().expect("a whole batch");
        let mut header: [u8; HEADER_LEN] = *header;
        self.patch(&mut header, payload.len());
        out.reserve(batch.len());
        out.extend_from_slice(&header);
        out.extend_from_slice(payload);
    }

    fn patch(&self, prefix: &mut [u8; HEADER_LEN], payload_len: usize) {
        let put = |prefix: &mut [u8; HEADER_LEN], place: usize, bytes: &[u8]| {
            prefix[place..place + bytes.len()].copy_from_slice(bytes);
        };
        put(prefix, at::BASE_OFFSET, &self.base_offset.raw().to_be_bytes());
        put(prefix, at::LEADER_EPOCH, &self.leader_epoch.raw().to_be_bytes());
        let max_timestamp = self.log_append_time.unwrap_or(self.max_timestamp).raw().to_be_bytes();
        let same = prefix[at::MAX_TIMESTAMP..].starts_with(&max_timestamp);
        if same && self.log_append_time.is_none() {
            return;
        }

        let before = crc32c::crc32c(&prefix[at::ATTRIBUTES..]);
        // As in Kafka, bits without a meaning do not survive a new checksum.
        let bits = [prefix[at::ATTRIBUTES], prefix[at::ATTRIBUTES + 1]];
        let mut attributes = Attributes(i16::from_be_bytes(bits)).known();
        if self.log_append_time.is_some() {
            attributes = attributes.with_log_append_time();
        }
        put(prefix, at::ATTRIBUTES, &attributes.0.to_be_bytes());
        put(prefix, at::MAX_TIMESTAMP, &max_timestamp);
        let after = crc32c::crc32c(&prefix[at::ATTRIBUTES..]);

        // CRCs are linear: crc(a'b) = crc(ab) ^ shift(crc(a) ^ crc(a'), |b|).
        let stored = u32::from_be_bytes([
            prefix[at::CRC],
            prefix[at::CRC + 1],
            prefix[at::CRC + 2],
            prefix[at::CRC + 3],
        ]);
        let patched = stored ^ crc_shift::shifted(before ^ after, payload_len);
        put(prefix, at::CRC, &patched.to_be_bytes());
    }
}
