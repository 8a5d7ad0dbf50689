//! Records for clients that do not take batches as the log has them.
//!
//! Fetch 0 and 1 carry messages of magic 0, 2 and 3 of magic 1 (KIP-31, KIP-32, KIP-98), and zstd
//! is for version 10 on (KIP-110). A topic can ask for an older format too
//! (`message.format.version`, Kafka 2.8): the log holds batches all the same, and whatever is read
//! is converted to it. Converting is one batch at a time, within the bytes that the
//! partition may have; headers, producers and control records are left out.

use std::time::Duration;

use bytes::Bytes;
use milena_kafka_config::{StoredCompression, TopicConfig};
use milena_protocol::{ErrorCode, Records};
use milena_records::{
    self as records, Batch, CheckProgress, Compression, RecordCheck, RecordRules,
    legacy::{DownConverter, MessageFormat},
};
use milena_runtime::{ComputeSlices, OwnedTask, Runtime};
use milena_types::Offset;

use crate::{
    errors::ToErrorCode,
    memory::room::{Room, RoomPermit},
};

/// Fewer bytes are converted at once, whatever they expand to.
const INLINE_BYTES: usize = 1024;
/// How large a compressed batch may be for those it is converted for, decompressed: it is in memory
/// as a whole.
const DECOMPRESSED_BYTES_MAX: usize = 64 << 20;
/// A batch is in memory as records and once more as messages, and buffers that grow are larger than
/// what is in them.
const COPIES: usize = 3;
/// How much is decompressed between two chances for others, to see how large a batch is.
const SLICE_BYTES: usize = 64 << 10;
/// The first version that gets batches.
const FIRST_BATCH_VERSION: i16 = 4;
/// The first version that takes zstd (KIP-110).
const FIRST_ZSTD_VERSION: i16 = 10;

/// The settings of a topic that decide which format its readers get.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct TopicFormats {
    /// `message.downconversion.enable`.
    converts: bool,
    /// `compression.type` is zstd.
    is_zstd: bool,
    /// `message.format.version`, if it is older than batches.
    topic_format: Option<MessageFormat>,
}

impl From<&TopicConfig> for TopicFormats {
    fn from(config: &TopicConfig) -> Self {
        Self {
            converts: config.message_downconversion_enable,
            is_zstd: config.compression_type == StoredCompression::Fixed(Compression::Zstd),
            topic_format: config.message_format_version,
        }
    }
}

/// The conversion of the records of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Conversion {
    None,
    /// The client takes batches, but none of zstd.
    WithoutZstd,
    /// The client takes messages only.
    ForClient(MessageFormat),
    /// The client takes everything; the topic's format is messages.
    ForTopic(MessageFormat),
}

impl TopicFormats {
    /// The conversion for clients of a version of Fetch.
    ///
    /// Errors: UNSUPPORTED_COMPRESSION_TYPE, UNSUPPORTED_VERSION where the topic does not convert.
    pub(super) fn conversion(self, version: i16) -> Result<Conversion, ErrorCode> {
        if self.is_zstd && version < FIRST_ZSTD_VERSION {
            return Err(ErrorCode::UnsupportedCompressionType);
        }
        let taken = match version {
            ..=1 => MessageFormat::Magic0,
            2..FIRST_BATCH_VERSION => MessageFormat::Magic1,
            _ => {
                return Ok(match self.topic_format {
                    Some(format) => Conversion::ForTopic(format),
                    None if version < FIRST_ZSTD_VERSION => Conversion::WithoutZstd,
                    None => Conversion::None,
                });
            }
        };
        match self.topic_format {
            Some(format) if format <= taken => Ok(Conversion::ForClient(format)),
            _ if self.converts => Ok(Conversion::ForClient(taken)),
            _ => Err(ErrorCode::UnsupportedVersion),
        }
    }
}

/// Records that were converted.
#[derive(Debug)]
pub(super) struct ConvertedRecords {
    pub(super) records: Records,
    /// The offset after the last batch that was looked at.
    pub(super) next: Offset,
}

/// From where on records are converted, and how far.
#[derive(Clone, Copy, Debug)]
pub(super) struct ConversionLimit {
    /// The client reads from this offset on.
    pub(super) from: Offset,
    /// It takes so many bytes, or one message or batch more.
    pub(super) bytes_max: usize,
    /// From then on, in monotonic time, nothing is converted if there is something already.
    pub(super) until: Duration,
}

/// Converts records, where computing delays nobody unless they are few: what they expand to is
/// known only then. `room` is for what is in memory meanwhile.
pub(super) async fn convert_in_turn(
    runtime: &Runtime,
    room: &Room,
    parts: Vec<Bytes>,
    conversion: Conversion,
    limit: ConversionLimit,
) -> Result<ConvertedRecords, ErrorCode> {
    let bytes: usize = parts.iter().map(Bytes::len).sum();
    let expands = matches!(conversion, Conversion::ForClient(_) | Conversion::ForTopic(_));
    let (runtime, room, until) = (runtime.clone(), room.clone(), limit.until);
    let mut turns = Turns { runtime, room, until, slices: None, held: None };
    if !expands || bytes <= INLINE_BYTES {
        return convert(parts, conversion, limit, &mut turns).await;
    }
    let task = turns.runtime.clone().spawn_compute(async move {
        turns.slices = Some(turns.runtime.compute_slices().await);
        convert(parts, conversion, limit, &mut turns).await
    });
    // Ends otherwise when the broker stops.
    OwnedTask::from(task).await.unwrap_or(Err(ErrorCode::NotLeaderOrFollower))
}

/// The turns of a conversion: one a batch.
struct Turns {
    runtime: Runtime,
    room: Room,
    /// How long it waits for room, in monotonic time.
    until: Duration,
    /// None for what is small.
    slices: Option<ComputeSlices>,
    /// For the batch whose turn it is.
    held: Option<RoomPermit>,
}

impl Turns {
    /// Waits for the turn of a batch, and for the memory that it needs; `false`: there is none.
    async fn next(&mut self, batch: &Batch) -> bool {
        let Some(slices) = &mut self.slices else { return true };
        slices.next().await;
        self.held = None;
        let codec = batch.header().attributes.compression();
        if codec == Ok(Compression::None) {
            return true;
        }
        let bytes = expanded_bytes(batch, slices).await;
        // Not held while this waits: others would wait for it.
        self.slices = None;
        let left = self.until.saturating_sub(self.runtime.monotonic());
        self.held = tokio::select! {
            biased;
            held = self.room.exactly(COPIES * bytes) => Some(held),
            () = self.runtime.sleep(left) => None,
        };
        self.slices = Some(self.runtime.compute_slices().await);
        self.held.is_some()
    }
}

/// How many bytes the records of a batch are, as far as they would be converted.
async fn expanded_bytes(batch: &Batch, slices: &mut ComputeSlices) -> usize {
    let Ok(mut walk) = RecordCheck::new(batch, RecordRules::default()) else { return 0 };
    while let Ok(CheckProgress::Pending) = walk.step(SLICE_BYTES) {
        if walk.size() > DECOMPRESSED_BYTES_MAX as u64 {
            break;
        }
        slices.next().await;
    }
    usize::try_from(walk.size()).unwrap_or(usize::MAX).min(DECOMPRESSED_BYTES_MAX)
}

/// A batch that cannot be converted is an error only when it comes first; otherwise the client gets
/// the batches before it.
async fn convert(
    parts: Vec<Bytes>,
    conversion: Conversion,
    limit: ConversionLimit,
    turns: &mut Turns,
) -> Result<ConvertedRecords, ErrorCode> {
    let ConversionLimit { from, bytes_max, until } = limit;
    match conversion {
        Conversion::None => Ok(ConvertedRecords { records: Records::from(parts), next: from }),
        Conversion::WithoutZstd => without_zstd(parts, from, turns).await,
        Conversion::ForClient(format) => {
            let runtime = turns.runtime.clone();
            let mut converter = DownConverter::new(format, from, DECOMPRESSED_BYTES_MAX, bytes_max);
            let next = each(&parts, from, turns, |batch| match converter.push(batch) {
                Err(error) if converter.is_empty() => Err(conversion_error(&error)),
                Ok(true) => Ok(converter.is_empty() || runtime.monotonic() < until),
                Ok(false) | Err(_) => Ok(false),
            });
            let next = next.await?;
            Ok(ConvertedRecords { records: Records::from(converter.finish()), next })
        }
        Conversion::ForTopic(format) => in_topic_format(&parts, format, limit, turns).await,
    }
}

/// Calls `take` for each batch until it returns false; returns the offset after the last one.
async fn each(
    parts: &[Bytes],
    from: Offset,
    turns: &mut Turns,
    mut take: impl FnMut(&Batch) -> Result<bool, ErrorCode>,
) -> Result<Offset, ErrorCode> {
    let mut next = from;
    for part in parts {
        for batch in records::split(part.clone()) {
            let batch = batch.map_err(|error| conversion_error(&error))?;
            if !turns.next(&batch).await {
                // Old clients know no other error after which they try again.
                let busy = Err(ErrorCode::NotLeaderOrFollower);
                return if next > from { Ok(next) } else { busy };
            }
            next = batch.header().next_offset();
            if !take(&batch)? {
                return Ok(next);
            }
        }
    }
    Ok(next)
}

fn conversion_error(error: &milena_records::BatchError) -> ErrorCode {
    let code = error.error_code();
    if code != ErrorCode::UnsupportedCompressionType {
        tracing::warn!(%error, "records could not be converted for an old client");
    }
    code
}

fn is_zstd(batch: &Batch) -> bool {
    batch.header().attributes.compression() == Ok(Compression::Zstd)
}

async fn without_zstd(
    parts: Vec<Bytes>,
    from: Offset,
    turns: &mut Turns,
) -> Result<ConvertedRecords, ErrorCode> {
    let mut before = Vec::new();
    let mut found = false;
    let next = each(&parts, from, turns, |batch| {
        found = is_zstd(batch);
        if !found {
            before.push(batch.bytes().clone());
        }
        Ok(!found)
    });
    let next = next.await?;
    match (found, before.is_empty()) {
        (false, _) => Ok(ConvertedRecords { records: Records::from(parts), next }),
        (true, false) => Ok(ConvertedRecords { records: Records::from(before), next }),
        (true, true) => Err(ErrorCode::UnsupportedCompressionType),
    }
}

/// Messages of the topic's format. What does not fit into it is older than the setting, and comes
/// as it is.
async fn in_topic_format(
    parts: &[Bytes],
    format: MessageFormat,
    limit: ConversionLimit,
    turns: &mut Turns,
) -> Result<ConvertedRecords, ErrorCode> {
    let ConversionLimit { from, bytes_max, until } = limit;
    let runtime = turns.runtime.clone();
    let mut out: Vec<Bytes> = Vec::new();
    let mut len = 0;
    let next = each(parts, from, turns, |batch| {
        let header = batch.header();
        let (bytes, fits) =
            if is_zstd(batch) || header.has_producer() || header.attributes.is_control() {
                (batch.bytes().clone(), true)
            } else {
                let left = bytes_max.saturating_sub(len);
                let mut converter = DownConverter::new(format, from, DECOMPRESSED_BYTES_MAX, left);
                let fits = converter.push(batch).map_err(|error| conversion_error(&error))?;
                (converter.finish(), fits)
            };
        if len > 0 && len + bytes.len() > bytes_max {
            return Ok(false);
        }
        len += bytes.len();
        out.push(bytes);
        Ok(fits && runtime.monotonic() < until)
    });
    let next = next.await?;
    Ok(ConvertedRecords { records: Records::from(out), next })
}

#[cfg(test)]
mod tests {
    use milena_records::{BatchBuilder, NewRecord};

    use super::*;

    #[tokio::test]
    async fn a_conversion_waits_for_the_memory_that_it_needs() {
        let runtime = Runtime::system();
        let room = Room::new(4 << 20);
        let noise = |i: u32| (i.wrapping_mul(2_654_435_761) >> 9) as u8;
        let value: Vec<u8> = (0..1_000_000).map(noise).collect();
        let mut builder = BatchBuilder::new(Compression::Gzip);
        builder.push(&NewRecord { value: Some(&value), ..NewRecord::default() });
        let parts = vec![builder.build().expect("a batch").into_bytes()];
        let convert = async |until| {
            let limit = ConversionLimit { from: Offset::ZERO, bytes_max: 1 << 20, until };
            let conversion = Conversion::ForClient(MessageFormat::Magic1);
            convert_in_turn(&runtime, &room, parts.clone(), conversion, limit).await
        };
        let held = room.exactly(4 << 20).await;
        let late = convert(runtime.monotonic() + Duration::from_millis(50)).await;
        assert_eq!(late.map(|done| done.next), Err(ErrorCode::NotLeaderOrFollower));
        drop(held);
        let done = convert(runtime.monotonic() + Duration::from_secs(10)).await;
        let done = done.expect("there is room");
        assert_eq!((done.next, done.records.is_empty()), (Offset(1), false));
        assert_eq!(room.exactly(4 << 20).await.bytes(), 4 << 20, "all is given back");
    }
}
