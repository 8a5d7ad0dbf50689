//! The rules for records that a client sends, in the order in which Kafka applies them: how many
//! batches there are, base offset, size, checksum, header, then every record. Pure: the log's own
//! rules (epochs, sequences) are storage's.
//!
//! Where Kafka looks less closely, a batch that consumers could not read, or read twice, is refused
//! all the same; docs/record-validation.md lists these.

use bytes::Bytes;
use milena_kafka_config::{StoredCompression, TopicConfig};
use milena_protocol::ErrorCode;
use milena_records::{
    self as records, Batch, BatchError, CheckProgress, Checksum, Compression, Recompressed,
    Recompression, RecordCheck, RecordRules, RejectedRecords, TimestampType,
    legacy::{UpConversion, UpConverted},
};

use crate::errors::{ApiError, ToErrorCode};

/// The first version of Produce that carries record batches instead of message sets (KIP-98).
const FIRST_BATCH_VERSION: i16 = 3;
/// The first version of Produce in which zstd is allowed (KIP-110).
const FIRST_ZSTD_VERSION: i16 = 7;

/// How large a message of an old client may be, decompressed: it is in memory as a whole.
const MESSAGE_BYTES_MAX: usize = 256 << 20;

/// How large the records of a batch may be when they are decompressed. Kafka has no limit; this one
/// is 40 times the largest batch, and ends what would take minutes.
const EXPANDED_BYTES_MAX: u64 = 4 << 30;

/// In how much of the time in which a byte is decompressed one is compressed, roughly.
const COMPRESSED_COST: usize = 8;

/// How many bytes are summed up in the time in which one is decompressed, roughly.
const CHECKSUM_BYTES: usize = 64;

/// How many bytes of records that are not compressed are walked over in the time in which one is
/// decompressed, roughly: values are skipped.
const PLAIN_BYTES: usize = 16;

/// Why a partition's records are refused (Produce response: ErrorCode, ErrorMessage, RecordErrors;
/// KIP-467).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProduceError {
    pub(crate) error: ApiError,
    /// The record's index in its batch, and what is wrong with it.
    pub(crate) records: Vec<(i32, String)>,
}

impl ProduceError {
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        ApiError::new(code, message).into()
    }
}

impl From<ApiError> for ProduceError {
    fn from(error: ApiError) -> Self {
        Self { error, records: Vec::new() }
    }
}

impl From<ErrorCode> for ProduceError {
    fn from(code: ErrorCode) -> Self {
        ApiError::from(code).into()
    }
}

impl From<BatchError> for ProduceError {
    fn from(error: BatchError) -> Self {
        let code = match &error {
            // The checksum is right, so that sending it again would not help: CORRUPT_MESSAGE is
            // one that producers retry.
            BatchError::Compression { .. } => ErrorCode::InvalidRecord,
            error => error.error_code(),
        };
        Self::new(code, error.to_string())
    }
}

/// The validation of one partition's records, in steps.
pub(crate) struct Validation {
    now_ms: i64,
    stage: Stage,
    /// Whether the batch is not the one that was sent.
    is_made: bool,
}

enum Stage {
    /// The set of an old client, which checks nothing itself: every message is read and its
    /// checksum checked.
    MessageSet(Box<UpConversion>),
    Checksum(Batch, Checksum),
    Records(Batch, Box<RecordCheck>),
    /// For the topic's codec.
    Recompress(Box<Recompression>),
    Done,
}

/// The next stage, after a stage or a slice of it.
enum Next {
    Stage(Stage),
    Valid(Batch),
}

impl Validation {
    /// Looks at what was sent as a whole. A message set that is cut is refused: Kafka drops the
    /// last, unfinished message and acknowledges the others.
    pub(crate) fn begin(
        sent: Option<Bytes>,
        config: &TopicConfig,
        api_version: i16,
        now_ms: i64,
    ) -> Result<Self, ProduceError> {
        let sent = sent.unwrap_or_default();
        // As Kafka does, old versions take a batch too, while newer ones take nothing else.
        let is_set = api_version < FIRST_BATCH_VERSION && records::magic_of(&sent) != Some(2);
        let stage = if is_set {
            Stage::MessageSet(Box::new(UpConversion::new(sent, MESSAGE_BYTES_MAX)))
        } else {
            let batch = only_batch(sent)?;
            if api_version < FIRST_ZSTD_VERSION
                && batch.header().attributes.compression() == Ok(Compression::Zstd)
            {
                let message =
                    "zstd needs version 7 or later of Produce: use a newer client or another codec";
                return Err(ProduceError::new(ErrorCode::UnsupportedCompressionType, message));
            }
            first_checks(&batch, config)?;
            Stage::Checksum(batch, Checksum::default())
        };
        Ok(Self { now_ms, stage, is_made: is_set })
    }

    /// Whether the valid batch has bytes of its own.
    pub(crate) const fn is_made(&self) -> bool {
        self.is_made
    }

    /// How much memory it has beside what was sent, about.
    pub(crate) fn memory(&self) -> usize {
        match &self.stage {
            Stage::MessageSet(conversion) => conversion.memory(),
            Stage::Recompress(recompression) => recompression.memory(),
            Stage::Records(batch, check) => {
                check.memory() + if self.is_made { batch.size() } else { 0 }
            }
            Stage::Checksum(..) | Stage::Done => 0,
        }
    }

    /// Goes on for about as long as decompressing `budget` bytes takes, and takes that from it. The
    /// valid batch, with its largest timestamp, or `None`: there is more to do. `config` is the one
    /// it began with.
    pub(crate) fn run(
        &mut self,
        config: &TopicConfig,
        budget: &mut usize,
    ) -> Result<Option<Batch>, ProduceError> {
        while *budget > 0 {
            let (next, cost) = self.step(config, *budget)?;
            *budget = budget.saturating_sub(cost.max(1));
            match next {
                Next::Valid(batch) => return Ok(Some(batch)),
                Next::Stage(stage) => self.stage = stage,
            }
        }
        Ok(None)
    }

    /// A part of a stage, and what it cost.
    fn step(&mut self, config: &TopicConfig, budget: usize) -> Result<(Next, usize), ProduceError> {
        match std::mem::replace(&mut self.stage, Stage::Done) {
            Stage::Done => Err(ErrorCode::UnknownServerError.into()),
            Stage::MessageSet(conversion) => match conversion.step(budget / COMPRESSED_COST)? {
                UpConverted::Pending(conversion) => {
                    check_size(conversion.size(), config)?;
                    check_expanded(conversion.expanded())?;
                    Ok((Next::Stage(Stage::MessageSet(Box::new(conversion))), budget))
                }
                UpConverted::Done(batch) => {
                    first_checks(&batch, config)?;
                    // The budget is used up: most of the records wait for the next step.
                    let (next, _) = self.check_header(batch, config, 0)?;
                    Ok((next, budget))
                }
            },
            Stage::Checksum(batch, mut sum) => {
                let bytes = budget.saturating_mul(CHECKSUM_BYTES);
                let cost = bytes.min(batch.size()) / CHECKSUM_BYTES;
                if !batch.add_to_checksum(&mut sum, bytes)? {
                    return Ok((Next::Stage(Stage::Checksum(batch, sum)), cost));
                }
                let (next, walked) =
                    self.check_header(batch, config, budget.saturating_sub(cost))?;
                Ok((next, cost + walked))
            }
            Stage::Records(batch, check) => self.check_records(batch, *check, config, budget),
            Stage::Recompress(recompression) => {
                let next = match recompression.step(budget / COMPRESSED_COST)? {
                    Recompressed::Pending(recompression) => {
                        check_size(recompression.size(), config)?;
                        Next::Stage(Stage::Recompress(Box::new(recompression)))
                    }
                    Recompressed::Done(batch) => {
                        check_size(batch.size(), config)?;
                        Next::Valid(batch)
                    }
                };
                Ok((next, budget))
            }
        }
    }

    fn check_records(
        &mut self,
        batch: Batch,
        mut check: RecordCheck,
        config: &TopicConfig,
        budget: usize,
    ) -> Result<(Next, usize), ProduceError> {
        let plain = batch.header().attributes.compression() == Ok(Compression::None);
        let weight = if plain { PLAIN_BYTES } else { 1 };
        let before = check.work();
        let progress = check.step(budget.saturating_mul(weight))?;
        let walked = usize::try_from(check.work() - before).unwrap_or(usize::MAX);
        let next = match progress {
            CheckProgress::Pending => {
                check_expanded(check.size())?;
                Next::Stage(Stage::Records(batch, Box::new(check)))
            }
            CheckProgress::Done(summary) => self.checked(batch, &summary, config)?,
        };
        Ok((next, walked / weight))
    }

    /// Goes on with the records, which usually are few enough for the same step.
    fn check_header(
        &mut self,
        batch: Batch,
        config: &TopicConfig,
        budget: usize,
    ) -> Result<(Next, usize), ProduceError> {
        batch.validate_produced()?;
        if config.message_format_version.is_some() {
            check_old_format(&batch, config)?;
        }
        let check = RecordCheck::new(&batch, self.record_rules(config))?;
        self.check_records(batch, check, config, budget)
    }

    /// The rules for records that arrive now.
    fn record_rules(&self, config: &TopicConfig) -> RecordRules {
        let now_ms = self.now_ms;
        let timestamps = (config.message_timestamp_type == TimestampType::CreateTime).then(|| {
            let earliest = now_ms.saturating_sub(config.message_timestamp_before_max_ms);
            earliest..=now_ms.saturating_add(config.message_timestamp_after_max_ms)
        });
        RecordRules {
            key_required: config.cleanup_policy.compact,
            headers_refused: config.message_format_version.is_some(),
            timestamps,
        }
    }

    fn checked(
        &mut self,
        mut batch: Batch,
        summary: &records::RecordsSummary,
        config: &TopicConfig,
    ) -> Result<Next, ProduceError> {
        batch.set_max_timestamp(summary.max_timestamp);
        Ok(match config.compression_type {
            StoredCompression::Fixed(codec)
                if batch.header().attributes.compression()? != codec =>
            {
                let level = config.compression_level;
                self.is_made = true;
                let recompression = Recompression::new(&batch, codec, level)?;
                Next::Stage(Stage::Recompress(Box::new(recompression)))
            }
            _ => Next::Valid(batch),
        })
    }
}

/// From version 3 on a partition has exactly one batch.
fn only_batch(sent: Bytes) -> Result<Batch, ProduceError> {
    let mut split = records::split(sent);
    let first = match split.next() {
        // As Kafka, which sees no batch in one that is cut.
        None | Some(Err(BatchError::Truncated { .. })) => {
            return Err(ProduceError::new(
                ErrorCode::InvalidRecord,
                "a produce needs one whole record batch for each partition",
            ));
        }
        Some(first) => first?,
    };
    check_rest(split.rest())?;
    Ok(first)
}

/// Bytes after the first batch that are no whole batch or message are not stored, as in Kafka. They
/// are refused when their length or magic is not that of a batch.
fn check_rest(rest: &Bytes) -> Result<(), ProduceError> {
    /// Offset and length.
    const PREFIX: usize = 12;
    /// The smallest message that there is.
    const LENGTH_MIN: i32 = 14;
    let length = rest.get(PREFIX - 4..).and_then(<[u8]>::first_chunk);
    let Some(length) = length.map(|length| i32::from_be_bytes(*length)) else { return Ok(()) };
    if length < LENGTH_MIN {
        return Err(BatchError::Length { length }.into());
    }
    match records::magic_of(rest) {
        None => Ok(()),
        Some(0..=2) if (length as usize) > rest.len() - PREFIX => Ok(()),
        Some(0..=2) => Err(ProduceError::new(
            ErrorCode::InvalidRecord,
            "more than one record batch for a partition: send one in each request",
        )),
        Some(magic) => Err(BatchError::Magic { magic }.into()),
    }
}

/// The checks that Kafka makes before that of the checksum.
fn first_checks(batch: &Batch, config: &TopicConfig) -> Result<(), ProduceError> {
    if batch.header().base_offset.raw() != 0 {
        let message = "the base offset of a produced batch is 0";
        return Err(ProduceError::new(ErrorCode::InvalidRecord, message));
    }
    check_size(batch.size(), config)
}

/// `max.message.bytes` holds for the converted or recompressed batch too.
fn check_size(size: usize, config: &TopicConfig) -> Result<(), ProduceError> {
    let max = config.max_message_bytes;
    if size <= max {
        return Ok(());
    }
    let message = format!("the batch has {size} bytes, max.message.bytes of the topic is {max}");
    Err(ProduceError::new(ErrorCode::MessageTooLarge, message))
}

fn check_expanded(bytes: u64) -> Result<(), ProduceError> {
    if bytes <= EXPANDED_BYTES_MAX {
        return Ok(());
    }
    Err(BatchError::TooLarge { limit: EXPANDED_BYTES_MAX as usize }.into())
}

/// Refuses what the topic's format has no place for (`message.format.version`), but for headers.
fn check_old_format(batch: &Batch, config: &TopicConfig) -> Result<(), ProduceError> {
    let attributes = batch.header().attributes;
    if attributes.is_transactional() || batch.header().has_producer() {
        let message = "message.format.version of the topic is older than idempotent producers: disable idempotence";
        return Err(ProduceError::new(ErrorCode::UnsupportedForMessageFormat, message));
    }
    let stored = match config.compression_type {
        StoredCompression::Producer => attributes.compression()?,
        StoredCompression::Fixed(codec) => codec,
    };
    if stored == Compression::Zstd {
        let message = "message.format.version of the topic is older than zstd: use another codec";
        return Err(ProduceError::new(ErrorCode::UnsupportedCompressionType, message));
    }
    Ok(())
}

impl From<RejectedRecords> for ProduceError {
    fn from(rejected: RejectedRecords) -> Self {
        match rejected {
            RejectedRecords::Batch(error) => error.into(),
            RejectedRecords::Records { errors, is_timestamp } => {
                let error = if is_timestamp {
                    ErrorCode::InvalidTimestamp
                } else {
                    ErrorCode::InvalidRecord
                };
                let first = errors.first();
                let message = first.map_or_else(String::new, |first| {
                    format!(
                        "one or more records have been refused, the first: record {}: {}",
                        first.index, first.fault
                    )
                });
                let records = errors.iter().map(|e| (e.index, e.fault.to_string())).collect();
                Self { error: ApiError::new(error, message), records }
            }
        }
    }
}
