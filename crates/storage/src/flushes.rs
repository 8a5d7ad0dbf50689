//! The flush records by partition, read once for all who ask at the same time: thousands of partitions are opened
//! together, and each has to look at all records.
//!
//! Invariant: whoever asks gets a reading that began after it asked, so it misses nothing that was decided before.

use std::{
    collections::HashMap,
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

use milena_types::TopicPartition;

use crate::{
    ledger::{Ledger, LedgerError},
    manifest::Unfolded,
};

/// One reading of all flush records.
#[derive(Debug, Default)]
pub(crate) struct Flushes(HashMap<TopicPartition, Vec<Unfolded>>);

impl Flushes {
    /// What flushes made of the partition that it has not taken into its manifest, in no order.
    pub(crate) fn of(&self, partition: TopicPartition) -> &[Unfolded] {
        self.0.get(&partition).map_or(&[], Vec::as_slice)
    }

    async fn read(ledger: &Ledger) -> Result<Self, LedgerError> {
        let mut by_partition: HashMap<_, Vec<Unfolded>> = HashMap::new();
        for (key, seen) in ledger.flush_records().await? {
            let flush: Arc<str> = key.into();
            for part in &seen.record.parts {
                let (flush, segment) = (flush.clone(), seen.record.segment_of(part));
                let unfolded = Unfolded { flush, epochs: part.epochs.clone(), segment };
                by_partition.entry(part.partition).or_default().push(unfolded);
            }
        }
        Ok(Self(by_partition))
    }
}

/// See the module's documentation.
#[derive(Debug, Default)]
pub(crate) struct FlushReader {
    /// How many have asked.
    asked: AtomicU64,
    /// The last reading, and how many had asked when it began. Nobody keeps it for those who come later.
    last: tokio::sync::Mutex<(u64, Weak<Flushes>)>,
}

impl FlushReader {
    /// A reading that began after this call.
    pub(crate) async fn read(&self, ledger: &Ledger) -> Result<Arc<Flushes>, LedgerError> {
        let ours = self.asked.fetch_add(1, Ordering::AcqRel) + 1;
        let mut last = self.last.lock().await;
        if last.0 >= ours
            && let Some(flushes) = last.1.upgrade()
        {
            return Ok(flushes);
        }
        let asked = self.asked.load(Ordering::Acquire);
        let flushes = Arc::new(Flushes::read(ledger).await?);
        *last = (asked, Arc::downgrade(&flushes));
        Ok(flushes)
    }
}
