//! The rules for records that a client sends, in the order in which Kafka applies them: form, size,
//! checksum, codec, then what needs a look at single records. A look means decompression, so it is
//! taken only where a rule of the topic asks for one. Pure: the log's own rules (epochs, sequences)
//! are storage's.

use bytes::Bytes;
use milena_protocol::ErrorCode;
use milena_records::{
    self as records, Batch, BatchBuilder, BatchError, Compression, NewRecord, RecordFault,
    RecordRules, RejectedRecords, TimestampType, legacy::up_convert,
};

use milena_kafka_config::{StoredCompression, TopicConfig};

use crate::{api::bounds::DECOMPRESSED_BYTES_MAX, errors::ToErrorCode};

/// The first version of Produce that carries record batches instead of message sets (KIP-98).
const FIRST_BATCH_VERSION: i16 = 3;
/// The first version of Produce in which zstd is allowed (KIP-110).
const FIRST_ZSTD_VERSION: i16 = 7;

/// Why a partition's records are refused (Produce response: ErrorCode, RecordErrors, ErrorMessage;
/// KIP-467).
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) error: ErrorCode,
    pub(crate) message: Option<String>,
    /// Batch index and what is wrong with the record.
    pub(crate) records: Vec<(i32, String)>,
}

impl Refusal {
    pub(crate) fn new(error: ErrorCode, message: impl Into<String>) -> Self {
        Self { error, message: Some(message.into()), records: Vec::new() }
    }
}

impl From<ErrorCode> for Refusal {
    fn from(error: ErrorCode) -> Self {
        Self { error, message: None, records: Vec::new() }
    }
}

impl From<BatchError> for Refusal {
    fn from(error: BatchError) -> Self {
        Self::new(error.error_code(), error.to_string())
    }
}

/// The batches of one partition, checked. Their bytes are those that were received, unless the
/// topic asks for another codec or the client is so old that it sends message sets. Of these one
/// that is cut is refused: Kafka drops the last, unfinished message and acknowledges the others.
pub(crate) fn validate(
    sent: Option<Bytes>,
    config: &TopicConfig,
    api_version: i16,
    now_ms: i64,
) -> Result<Vec<Batch>, Refusal> {
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
    match config.compression {
        StoredCompression::Producer => Ok(batches),
        StoredCompression::Fixed(codec) => batches
            .into_iter()
            .map(|batch| recompress(batch, codec, config.compression_level))
            .collect(),
    }
}

/// The same records with the codec that the topic asks for (`compression.type`).
fn recompress(batch: Batch, codec: Compression, level: Option<i32>) -> Result<Batch, Refusal> {
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
fn record_batch(sent: Bytes) -> Result<Vec<Batch>, Refusal> {
    let mut split = records::split(sent);
    let Some(first) = split.next() else {
        return Err(Refusal::new(
            ErrorCode::InvalidRecord,
            "a produce needs one record batch for each partition",
        ));
    };
    let first = first?;
    if split.next().is_some() {
        let message = "more than one record batch for a partition: send one in each request";
        return Err(Refusal::new(ErrorCode::InvalidRecord, message));
    }
    Ok(vec![first])
}

fn check(
    batch: &Batch,
    config: &TopicConfig,
    api_version: i16,
    now_ms: i64,
) -> Result<(), Refusal> {
    if batch.size() > config.max_message_bytes {
        let (size, max) = (batch.size(), config.max_message_bytes);
        let message =
            format!("the batch has {size} bytes, max.message.bytes of the topic is {max}");
        return Err(Refusal::new(ErrorCode::MessageTooLarge, message));
    }
    batch.verify_crc()?;
    batch.validate_produced()?;
    if api_version < FIRST_ZSTD_VERSION
        && batch.header().attributes.compression()? == Compression::Zstd
    {
        let message =
            "zstd needs version 7 or later of Produce: use a newer client or another codec";
        return Err(Refusal::new(ErrorCode::UnsupportedCompressionType, message));
    }
    if config.message_format.is_some() {
        check_old_format(batch, config)?;
    }
    let record_rules = record_rules(config, now_ms);
    if record_rules.needs_look(batch) {
        batch.check_records(&record_rules, DECOMPRESSED_BYTES_MAX)?;
    }
    Ok(())
}

/// What the format that the topic asks for has no place for (`message.format.version`).
fn check_old_format(batch: &Batch, config: &TopicConfig) -> Result<(), Refusal> {
    let attributes = batch.header().attributes;
    if attributes.is_transactional() || batch.header().has_producer() {
        let message = "message.format.version of the topic is older than idempotent producers: disable idempotence";
        return Err(Refusal::new(ErrorCode::UnsupportedForMessageFormat, message));
    }
    let stored = match config.compression {
        StoredCompression::Producer => attributes.compression()?,
        StoredCompression::Fixed(codec) => codec,
    };
    if stored == Compression::Zstd {
        let message = "message.format.version of the topic is older than zstd: use another codec";
        return Err(Refusal::new(ErrorCode::UnsupportedCompressionType, message));
    }
    for (index, record) in (0..).zip(&batch.records(DECOMPRESSED_BYTES_MAX)?) {
        if !record?.headers.is_empty() {
            let message =
                "message.format.version of the topic is older than headers: send none".to_owned();
            let records = vec![(index, "it has headers".to_owned())];
            return Err(Refusal {
                error: ErrorCode::InvalidRecord,
                message: Some(message),
                records,
            });
        }
    }
    Ok(())
}

/// What each record has to keep to that arrives at `now_ms`.
fn record_rules(config: &TopicConfig, now_ms: i64) -> RecordRules {
    let timestamps = (config.timestamp_type == TimestampType::CreateTime).then(|| {
        let earliest = now_ms.saturating_sub(config.timestamp_before_max_ms);
        earliest..=now_ms.saturating_add(config.timestamp_after_max_ms)
    });
    RecordRules { key_required: config.compacts, timestamps }
}

impl From<RejectedRecords> for Refusal {
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
                    "one or more records have no key, and the topic is compacted".to_owned()
                } else {
                    "one or more records have been refused".to_owned()
                };
                let records = errors.iter().map(|e| (e.index, e.fault.to_string())).collect();
                Self { error, message: Some(message), records }
            }
        }
    }
}
