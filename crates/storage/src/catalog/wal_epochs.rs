//! The life of a broker epoch in the catalog: live, sealed, retired; and who flushes it.

use milena_store::{Txn, Versioned};
use milena_types::{BrokerEpoch, BrokerId, ChunkSeq, Revision};

use super::{
    keys::StorageKey,
    records::{
        LiveRecord, LogId, LostRecord, OpenedRecord, RetiredRecord, SealedRecord, WalRecord,
    },
    storage_catalog::{CatalogError, StorageCatalog, damaged},
};

impl StorageCatalog {
    /// Records this broker epoch, with no chunk flushed. A conflict if it was sealed before it
    /// began, or a later one has begun: a list of a broker's epochs read after one has begun misses
    /// none before it, however late its transaction arrives.
    pub(crate) async fn open_epoch(&self) -> Result<(), CatalogError> {
        let (key, own) = (StorageKey::Wal(self.own()), WalRecord::new(self.epoch));
        let (sealed, opened) = (StorageKey::Sealed(self.broker), StorageKey::Opened(self.broker));
        let mut txn = self.put(Txn::new().absent(key).vital(), key, &own);
        let before = self.sealed(self.broker).await?.map(|seen| (seen.value.epoch, seen.revision));
        txn = self.below_own(txn, sealed, before)?;
        let before = self.opened(self.broker).await?.map(|seen| (seen.value.epoch, seen.revision));
        txn = self.below_own(txn, opened, before)?;
        let txn = self.put(txn, opened, &OpenedRecord { epoch: self.epoch });
        let txn = self.put(txn, StorageKey::Live(self.own()), &LiveRecord {});
        self.commit_unsealed(txn, |_| false).await.map(|_| ())
    }

    /// Requires that the epoch recorded under `key` is unchanged and before this one.
    fn below_own(
        &self,
        txn: Txn,
        key: StorageKey<'_>,
        seen: Option<(BrokerEpoch, Revision)>,
    ) -> Result<Txn, CatalogError> {
        match seen {
            Some((epoch, _)) if epoch >= self.epoch => Err(CatalogError::Conflict(key.into())),
            seen => Ok(txn.unchanged(key, seen.map(|(_, revision)| revision))),
        }
    }

    /// The newest epoch of a broker that has begun.
    async fn opened(
        &self,
        broker: BrokerId,
    ) -> Result<Option<Versioned<OpenedRecord>>, CatalogError> {
        self.get(StorageKey::Opened(broker)).await
    }

    /// The newest epoch of a broker that another broker has sealed.
    pub(crate) async fn sealed(
        &self,
        broker: BrokerId,
    ) -> Result<Option<Versioned<SealedRecord>>, CatalogError> {
        self.get(StorageKey::Sealed(broker)).await
    }

    /// Records that all epochs of `broker` up to `epoch` are sealed, which the caller has done; one
    /// without a record can no longer begin. Returns the key and revision of the record: neither
    /// changes until a later epoch is sealed.
    pub(crate) async fn note_sealed(
        &self,
        broker: BrokerId,
        epoch: BrokerEpoch,
    ) -> Result<(String, Revision), CatalogError> {
        let key = StorageKey::Sealed(broker);
        let seen = self.sealed(broker).await?;
        if let Some(seen) = seen.as_ref().filter(|seen| seen.value.epoch >= epoch) {
            return Ok((key.into(), seen.revision));
        }
        let txn = Txn::new().unchanged(key, seen.map(|seen| seen.revision)).vital();
        // Read before the epochs are listed: none begins in between.
        let opened = self.opened(broker).await?.map(|seen| seen.revision);
        let txn = txn.unchanged(StorageKey::Opened(broker), opened);
        let epochs = self.epochs_of(broker).await?;
        let open = |(log, seen): &&(LogId, Versioned<WalRecord>)| {
            log.epoch <= epoch && seen.value.tail_end.is_none()
        };
        if let Some((log, _)) = epochs.iter().find(open) {
            return Err(CatalogError::Conflict(StorageKey::Wal(*log).into()));
        }
        let revision = self.commit(self.put(txn, key, &SealedRecord { epoch })).await?;
        Ok((key.into(), revision))
    }

    /// The epochs of all brokers that have chunks which may not be in segments yet; of each broker
    /// the oldest first.
    pub(crate) async fn all_epochs(
        &self,
    ) -> Result<Vec<(LogId, Versioned<WalRecord>)>, CatalogError> {
        let mut epochs = Vec::new();
        for (key, versioned) in self.range(StorageKey::WAL).await? {
            let Some(StorageKey::Wal(log)) = StorageKey::parse(&key) else {
                return Err(damaged(&key, "its key has no broker and epoch"));
            };
            epochs.push((log, versioned));
        }
        Ok(epochs)
    }

    /// Like [`StorageCatalog::all_epochs`], of one broker.
    pub(crate) async fn epochs_of(
        &self,
        broker: BrokerId,
    ) -> Result<Vec<(LogId, Versioned<WalRecord>)>, CatalogError> {
        let mut epochs = self.all_epochs().await?;
        epochs.retain(|(log, _)| log.broker == broker);
        Ok(epochs)
    }

    /// One epoch; none when it is retired or was never known.
    pub(crate) async fn epoch(
        &self,
        log: LogId,
    ) -> Result<Option<Versioned<WalRecord>>, CatalogError> {
        self.get(StorageKey::Wal(log)).await
    }

    /// Seals an epoch at `tail_end` (the first chunk that is not part of it) and makes this broker
    /// epoch its flusher; it changes nothing from then on. Sealed before at another tail is a
    /// conflict; at the same tail it changes the flusher.
    pub(crate) async fn seal_epoch(
        &self,
        log: LogId,
        seen: &Versioned<WalRecord>,
        tail_end: ChunkSeq,
    ) -> Result<Versioned<WalRecord>, CatalogError> {
        let key = StorageKey::Wal(log);
        let mut record = seen.value.clone();
        if record.tail_end.is_some_and(|sealed| sealed != tail_end) {
            return Err(CatalogError::Conflict(key.into()));
        }
        record.tail_end = Some(tail_end);
        record.flusher = self.epoch;
        record.flusher_broker = (log.broker != self.broker).then_some(self.broker);
        let txn = self.put(Txn::new().at(key, seen.revision).vital(), key, &record);
        let revision = self.commit(txn.delete(StorageKey::Live(log))).await?;
        Ok(Versioned { value: record, revision })
    }

    /// This epoch has ended at `tail_end` and is forgotten, if all of it is in segments.
    pub(crate) async fn end_epoch(&self, tail_end: ChunkSeq) -> Result<(), CatalogError> {
        let own = self.own();
        let Some(seen) = self.epoch(own).await? else { return Ok(()) };
        if seen.value.tail_end.is_some() || seen.value.floor_end != tail_end {
            return Ok(());
        }
        let txn = self.retirement(own, &seen).await?;
        self.commit(txn.delete(StorageKey::Live(own))).await.map(|_| ())
    }

    /// Forgets this epoch, which has written no chunk and will write none. It does not count as
    /// retired: of the epochs before it, those without a record are as unknown as they were.
    pub(crate) async fn forget_epoch(&self) -> Result<(), CatalogError> {
        let own = self.own();
        let Some(seen) = self.epoch(own).await? else { return Ok(()) };
        let (key, live) = (StorageKey::Wal(own), StorageKey::Live(own));
        let txn = Txn::new().at(key, seen.revision).delete(key).delete(live).vital();
        self.commit(txn).await.map(|_| ())
    }

    /// Marks the remaining chunks of a sealed epoch as flushed: they are lost, which is noted for the
    /// partitions that go on behind them.
    pub(crate) async fn abandon_chunks(
        &self,
        log: LogId,
        seen: &Versioned<WalRecord>,
    ) -> Result<(), CatalogError> {
        let key = StorageKey::Wal(log);
        let floor_end = seen.value.tail_end.expect("only a sealed epoch has chunks that are known");
        let record = WalRecord { floor_end, ..seen.value.clone() };
        let txn = self.put(Txn::new().at(key, seen.revision), key, &record);
        self.commit(self.put(txn, StorageKey::Lost(log), &LostRecord {})).await.map(|_| ())
    }

    /// Forgets a sealed epoch all of whose chunks are in segments.
    pub(crate) async fn retire_epoch(&self, log: LogId) -> Result<(), CatalogError> {
        let Some(seen) = self.epoch(log).await? else { return Ok(()) };
        let flushed = seen.value.tail_end.is_some_and(|end| end <= seen.value.floor_end);
        assert!(flushed, "an epoch is retired only when its chunks are in segments");
        let txn = self.retirement(log, &seen).await?;
        self.commit(txn).await.map(|_| ())
    }

    async fn retirement(
        &self,
        log: LogId,
        seen: &Versioned<WalRecord>,
    ) -> Result<Txn, CatalogError> {
        let (key, retired) = (StorageKey::Wal(log), StorageKey::Retired(log.broker));
        let before: Option<Versioned<RetiredRecord>> = self.get(retired).await?;
        let newest = before.as_ref().map_or(log.epoch, |before| before.value.epoch.max(log.epoch));
        let txn = Txn::new().at(key, seen.revision).delete(key);
        let txn = txn.unchanged(retired, before.map(|before| before.revision));
        Ok(self.put(txn, retired, &RetiredRecord { epoch: newest }))
    }

    /// The newest epoch of a broker that was retired. An epoch above it without a record was never
    /// known here.
    pub(crate) async fn newest_retired(
        &self,
        broker: BrokerId,
    ) -> Result<Option<BrokerEpoch>, CatalogError> {
        let seen: Option<Versioned<RetiredRecord>> = self.get(StorageKey::Retired(broker)).await?;
        Ok(seen.map(|seen| seen.value.epoch))
    }
}
