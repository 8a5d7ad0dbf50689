//! The flush records by partition, read once for all concurrent callers: thousands of partitions
//! are opened together, and each needs all records.
//!
//! Invariant: a caller gets a reading that began after its call, so it misses nothing that was
//! committed before.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use milena_store::{Entry, Versioned};
use milena_types::{Revision, TopicPartition};

use crate::{
    catalog::manifest::UnfoldedFlush,
    catalog::{
        records::FlushRecord,
        storage_catalog::{CatalogError, StorageCatalog},
    },
};

/// One reading of all flush records.
#[derive(Debug, Default)]
pub(crate) struct Flushes(HashMap<TopicPartition, Vec<UnfoldedFlush>>);

impl Flushes {
    /// The partition's flushes that are not folded into its manifest, in no order.
    pub(crate) fn of(&self, partition: TopicPartition) -> &[UnfoldedFlush] {
        self.0.get(&partition).map_or(&[], Vec::as_slice)
    }

    fn new(records: Vec<(String, Versioned<FlushRecord>)>) -> Self {
        let mut by_partition: HashMap<_, Vec<UnfoldedFlush>> = HashMap::new();
        for (key, seen) in records {
            let flush: Arc<str> = key.into();
            for part in &seen.value.parts {
                let (flush, segment) = (flush.clone(), seen.value.segment_of(part));
                let unfolded = UnfoldedFlush { flush, epochs: part.epochs.clone(), segment };
                by_partition.entry(part.partition).or_default().push(unfolded);
            }
        }
        Self(by_partition)
    }
}

#[derive(Debug, Default)]
struct LastReading {
    /// The number of calls when it began.
    asked: u64,
    /// The keys of the records, and when each was last changed.
    records: Vec<(String, Revision)>,
    flushes: Arc<Flushes>,
}

/// Reads the flush records, for concurrent callers together.
#[derive(Debug, Default)]
pub(crate) struct FlushReader {
    /// The number of calls.
    asked: AtomicU64,
    last: tokio::sync::Mutex<LastReading>,
}

impl FlushReader {
    /// A reading that began after this call. Records that have not changed since the last one are
    /// not parsed again.
    pub(crate) async fn read(
        &self,
        catalog: &StorageCatalog,
    ) -> Result<Arc<Flushes>, CatalogError> {
        let ours = self.asked.fetch_add(1, Ordering::AcqRel) + 1;
        let mut last = self.last.lock().await;
        if last.asked >= ours {
            return Ok(last.flushes.clone());
        }
        // A caller that opens many partitions polls them one after another: let the others call
        // too.
        tokio::task::yield_now().await;
        let asked = self.asked.load(Ordering::Acquire);
        let entries = catalog.flush_entries().await?;
        let same = |(entry, (key, revision)): (&Entry, &(String, Revision))| {
            entry.key == *key && entry.versioned.revision == *revision
        };
        let unchanged =
            entries.len() == last.records.len() && entries.iter().zip(&last.records).all(same);
        if !unchanged {
            let records =
                entries.iter().map(|entry| (entry.key.clone(), entry.versioned.revision)).collect();
            let flushes = Arc::new(Flushes::new(catalog.parse_flushes(entries)?));
            *last = LastReading { asked, records, flushes };
        }
        last.asked = asked;
        Ok(last.flushes.clone())
    }

    /// Frees the last reading.
    pub(crate) async fn forget(&self) {
        *self.last.lock().await = LastReading::default();
    }
}
