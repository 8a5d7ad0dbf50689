//! Which lives of brokers may have records that are in no manifest.

use std::collections::{BTreeMap, BTreeSet};

use milena_store::Versioned;
use milena_types::{BrokerEpoch, BrokerId};

use super::{
    keys::StorageKey,
    records::{LogId, LostRecord, RetiredRecord},
    storage_catalog::{CatalogError, StorageCatalog, damaged},
};

/// What is known of the lives of a cluster's brokers. One that is retired and not among the unfolded
/// is done: everything that it wrote is in manifests, and that is final. Of one that is in neither
/// nothing is known; it may have begun since.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lives {
    /// Those with chunks that may not be in segments, with flushes that are not folded, or of which an
    /// accepted loss took something.
    pub unfolded: BTreeSet<(BrokerId, BrokerEpoch)>,
    /// The newest life of each broker that has ended with all its chunks in segments.
    pub retired: BTreeMap<BrokerId, BrokerEpoch>,
}

impl StorageCatalog {
    /// See [`Lives`].
    pub(crate) async fn lives(&self) -> Result<Lives, CatalogError> {
        let mut retired = BTreeMap::new();
        for (key, seen) in self.range::<RetiredRecord>(StorageKey::RETIRED).await? {
            let Some(StorageKey::Retired(broker)) = StorageKey::parse(&key) else {
                return Err(damaged(&key, "its key has no broker"));
            };
            retired.insert(broker, seen.value.epoch);
        }
        // In the order in which records move: from chunks to flushes.
        let epochs = self.all_epochs().await?;
        let mut logs: BTreeSet<LogId> = epochs.into_iter().map(|(log, _)| log).collect();
        for entry in self.flush_entries().await? {
            let Some(StorageKey::Flush { log, .. }) = StorageKey::parse(&entry.key) else {
                return Err(damaged(&entry.key, "its key names no flush"));
            };
            logs.insert(log);
        }
        logs.extend(self.lost_epochs().await?);
        let unfolded = logs.into_iter().map(|log| (log.broker, log.epoch)).collect();
        Ok(Lives { unfolded, retired })
    }

    /// The epochs of which an accepted loss took chunks.
    pub(crate) async fn lost_epochs(&self) -> Result<BTreeSet<LogId>, CatalogError> {
        let lost: Vec<(String, Versioned<LostRecord>)> = self.range(StorageKey::LOST).await?;
        let log_of = |(key, _): (String, _)| match StorageKey::parse(&key) {
            Some(StorageKey::Lost(log)) => Ok(log),
            _ => Err(damaged(&key, "its key has no broker and epoch")),
        };
        lost.into_iter().map(log_of).collect()
    }
}
