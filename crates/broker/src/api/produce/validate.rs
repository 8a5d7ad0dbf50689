//! The rules for records that a client sends, in the order in which Kafka applies them: form, size,
//! checksum, codec, then what concerns single records. Reading records means decompression, so it is
//! done only where a rule of the topic needs it. Pure: the log's own rules (epochs, sequences) are
//! storage's.

use bytes::Bytes;
use milena_protocol::ErrorCode;
use milena_records::{
    self as records, Batch, BatchBuilder, BatchError, Compression, NewRecord, RecordFault,
    RecordRules, RejectedRecords, TimestampType, legacy::up_convert,
};

use milena_kafka_config::{StoredCompression, TopicConfig};

use crate::{
    api::bounds::DECOMPRESSED_BYTES_MAX,
    errors::{ApiError, ToErrorCode},
};

/// The first version of Produce that carries record batches instead of message sets (KIP-98).
const FIRST_BATCH_VERSION: i16 = 3;
/// The first version of Produce in which zstd is allowed (KIP-110).
const FIRST_ZSTD_VERSION: i16 = 7;

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

    fn of_records(code: ErrorCode, message: &str, records: Vec<(i32, String)>) -> Self {
        Self { error: ApiError::new(code, message), records }
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
        Self::new(error.error_code(), error.to_string())
    }
}

/// The batches of one partition, checked. Their bytes are those that were received, unless the
/// topic has another codec or the client is so old that it sends message sets. A message set that
/// is cut is refused: Kafka drops the last, unfinished message and acknowledges the others.
pub(crate) fn validate(
    sent: Option<Bytes>,
    config: &TopicConfig,
    api_version: i16,
    now_ms: i64,
) -> Result<Vec<Batch>, ProduceError> {
    let sent = sent.unwrap_or_default();
    // As Kafka does, old versions take a batch too, while newer ones take nothing else.
    let batches = if api_version < FIRST_BATCH_VERSION && records::magic_of(&sent) != Some(2) {
        // Old clients check nothing themselves, so every message is read and its checksum checked.
        vec![up_convert(&sent, DECOMPRESSED_BYTES_MAX)?]
    } else {
        record_batch(sent)?
    };
    for batch in &batches {
        check(batch, config, api_version, now_ms)?;
    }
    match config.compression_type {
        StoredCompression::Producer => Ok(batches),
        StoredCompression::Fixed(codec) => batches
            .into_iter()
            .map(|batch| recompress(batch, codec, config.compression_level))
            .collect(),
    }
}

/// The same records with the topic's codec (`compression.type`).
fn recompress(batch: Batch, codec: Compression, level: Option<i32>) -> Result<Batch, ProduceError> {
    let header = *batch.header();
    if header.attributes.compression()? == codec {
        return Ok(batch);
    }
    let mut builder = BatchBuilder::new(codec).level(level);
    if header.has_producer() {
        builder = builder.producer(header.producer_id, header.producer_epoch, header.base_sequence);
    }
    if header.attributes.is_transactional() {
        builder = builder.transactional();
    }
    let records = batch.records(DECOMPRESSED_BYTES_MAX)?;
    for record in &records {
        let record = record?;
        let headers: Vec<_> =
            record.headers.into_iter().map(|header| (header.key, header.value)).collect();
        let (timestamp, key, value) = (record.timestamp, record.key, record.value);
        builder.push(&NewRecord { timestamp, key, value, headers: &headers });
    }
    Ok(builder.build()?)
}

/// From version 3 on a partition has exactly one batch.
fn record_batch(sent: Bytes) -> Result<Vec<Batch>, ProduceError> {
    let mut split = records::split(sent);
    let Some(first) = split.next() else {
        return Err(ProduceError::new(
            ErrorCode::InvalidRecord,
            "a produce needs one record batch for each partition",
        ));
    };
    let first = first?;
    if split.next().is_some() {
        let message = "more than one record batch for a partition: send one in each request";
        return Err(ProduceError::new(ErrorCode::InvalidRecord, message));
    }
    Ok(vec![first])
}

fn check(
    batch: &Batch,
    config: &TopicConfig,
    api_version: i16,
    now_ms: i64,
) -> Result<(), ProduceError> {
    if batch.size() > config.max_message_bytes {
        let (size, max) = (batch.size(), config.max_message_bytes);
        let message =
            format!("the batch has {size} bytes, max.message.bytes of the topic is {max}");
        return Err(ProduceError::new(ErrorCode::MessageTooLarge, message));
    }
    batch.verify_crc()?;
    batch.validate_produced()?;
    if api_version < FIRST_ZSTD_VERSION
        && batch.header().attributes.compression()? == Compression::Zstd
    {
        let message =
            "zstd needs version 7 or later of Produce: use a newer client or another codec";
        return Err(ProduceError::new(ErrorCode::UnsupportedCompressionType, message));
    }
    if config.message_format_version.is_some() {
        check_old_format(batch, config)?;
    }
    let record_rules = record_rules(config, now_ms);
    if record_rules.needs_look(batch) {
        batch.check_records(&record_rules, DECOMPRESSED_BYTES_MAX)?;
    }
    Ok(())
}

/// Refuses what the topic's format has no place for (`message.format.version`).
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
    for (index, record) in (0..).zip(&batch.records(DECOMPRESSED_BYTES_MAX)?) {
        if !record?.headers.is_empty() {
            let message = "message.format.version of the topic is older than headers: send none";
            let records = vec![(index, "it has headers".to_owned())];
            return Err(ProduceError::of_records(ErrorCode::InvalidRecord, message, records));
        }
    }
    Ok(())
}

/// The rules for records that arrive at `now_ms`.
fn record_rules(config: &TopicConfig, now_ms: i64) -> RecordRules {
    let timestamps = (config.message_timestamp_type == TimestampType::CreateTime).then(|| {
        let earliest = now_ms.saturating_sub(config.message_timestamp_before_max_ms);
        earliest..=now_ms.saturating_add(config.message_timestamp_after_max_ms)
    });
    RecordRules { key_required: config.cleanup_policy.compact, timestamps }
}

impl From<RejectedRecords> for ProduceError {
    fn from(rejected: RejectedRecords) -> Self {
        let is_timestamp = rejected.is_timestamp();
        match rejected {
            RejectedRecords::Batch(error) => error.into(),
            RejectedRecords::Records { errors } => {
                let error = if is_timestamp {
                    ErrorCode::InvalidTimestamp
                } else {
                    ErrorCode::InvalidRecord
                };
                let same = errors.iter().all(|e| matches!(e.fault, RecordFault::NoKey));
                let message = if same {
                    "one or more records have no key, and the topic is compacted"
                } else {
                    "one or more records have been refused"
                };
                let records = errors.iter().map(|e| (e.index, e.fault.to_string())).collect();
                Self::of_records(error, message, records)
            }
        }
    }
}
