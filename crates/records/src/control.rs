//! Control records: the markers that end a transaction in a partition (KIP-98).

use milena_types::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, Sequence, Timestamp};

use crate::{
    batch::Batch,
    builder::{BatchBuilder, NewRecord},
    bytes_in::BytesIn,
    codec::Compression,
    error::BatchError,
    record::Record,
};

/// How a transaction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransactionResult {
    /// Its records never happened.
    Abort,
    Commit,
}

/// The marker a transaction coordinator has written to every partition of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndTransactionMarker {
    pub result: TransactionResult,
    /// The term of the coordinator; a marker of an older one is refused.
    pub coordinator_epoch: i32,
}

impl EndTransactionMarker {
    /// The largest version of the marker's key and value that is known; later ones only add fields.
    const VERSION: i16 = 0;

    /// The marker in a record of a control batch. `None` for other control records (leader change,
    /// snapshots), which readers skip.
    ///
    /// Errors: [`BatchError::Record`] when key or value are cut.
    pub fn of(record: &Record<'_>) -> Result<Option<Self>, BatchError> {
        let cut = |reason| BatchError::Record { index: record.offset_delta, reason };
        let mut key = BytesIn::new(record.key.ok_or(cut("a control record has a key"))?);
        let (version, kind) = key
            .i16()
            .zip(key.i16())
            .ok_or(cut("a control record's key has a version and a type"))?;
        if version < 0 {
            return Err(cut("the version of a control record's key is negative"));
        }
        let result = match kind {
            0 => TransactionResult::Abort,
            1 => TransactionResult::Commit,
            _ => return Ok(None),
        };
        let mut value = BytesIn::new(record.value.ok_or(cut("a transaction marker has a value"))?);
        let (_, coordinator_epoch) = value
            .i16()
            .zip(value.i32())
            .ok_or(cut("a transaction marker's value has a coordinator epoch"))?;
        Ok(Some(Self { result, coordinator_epoch }))
    }

    /// The batch that carries this marker: one control record, transactional, without a sequence.
    ///
    /// Errors: as [`BatchBuilder::build`].
    pub fn batch(
        &self,
        producer_id: ProducerId,
        producer_epoch: ProducerEpoch,
        timestamp: Timestamp,
    ) -> Result<Batch, BatchError> {
        let kind: i16 = match self.result {
            TransactionResult::Abort => 0,
            TransactionResult::Commit => 1,
        };
        let mut key = [0; 4];
        key[..2].copy_from_slice(&Self::VERSION.to_be_bytes());
        key[2..].copy_from_slice(&kind.to_be_bytes());
        let mut value = [0; 6];
        value[..2].copy_from_slice(&Self::VERSION.to_be_bytes());
        value[2..].copy_from_slice(&self.coordinator_epoch.to_be_bytes());

        let mut builder = BatchBuilder::new(Compression::None)
            .at(Offset::ZERO, LeaderEpoch::NONE)
            .producer(producer_id, producer_epoch, Sequence(-1))
            .transactional()
            .control();
        builder.push(&NewRecord { timestamp, key: Some(&key), value: Some(&value), headers: &[] });
        builder.build()
    }
}
