//! The life of a broker epoch in the ledger: known, sealed, retired; and who flushes it.

use milena_types::{BrokerEpoch, BrokerId, ChunkSeq, Revision};

use super::{
    Ledger, LedgerError, LogId, OpenedRecord, RECORD_LEVEL, RetiredRecord, SealedRecord, Versioned,
    WalRecord, opened_key, put, retired_key, sealed_key, unreadable, wal_key,
};
use crate::decisions::{Expect, Txn};

impl Ledger {
    /// Makes this broker epoch known, with no chunk flushed. A conflict if it was sealed before it
    /// began, or a later one has begun: who lists a broker's epochs after one has begun misses
    /// none before it, however late its transaction arrives.
    pub(crate) async fn open_epoch(&self) -> Result<(), LedgerError> {
        let (key, sealed, opened) =
            (wal_key(self.own()), sealed_key(self.broker), opened_key(self.broker));
        let mut expect = vec![Expect::Absent(key.clone())];
        let before = self.sealed(self.broker).await?.map(|seen| (seen.record.epoch, seen.revision));
        expect.push(self.below_own(sealed, before)?);
        let before = self.opened(self.broker).await?.map(|seen| (seen.record.epoch, seen.revision));
        expect.push(self.below_own(opened.clone(), before)?);
        let begun = OpenedRecord { level: RECORD_LEVEL, epoch: self.epoch };
        let put = vec![put(&key, &WalRecord::new(self.epoch)), put(&opened, &begun)];
        self.decide(Txn { expect, put, delete: vec![] }).await.map(|_| ())
    }

    /// That an epoch noted under `key` stays what it was: one before this.
    fn below_own(
        &self,
        key: String,
        seen: Option<(BrokerEpoch, Revision)>,
    ) -> Result<Expect, LedgerError> {
        match seen {
            Some((epoch, _)) if epoch >= self.epoch => Err(LedgerError::Conflict(key)),
            Some((_, revision)) => Ok(Expect::At(key, revision)),
            None => Ok(Expect::Absent(key)),
        }
    }

    /// The newest epoch of a broker that has begun.
    async fn opened(
        &self,
        broker: BrokerId,
    ) -> Result<Option<Versioned<OpenedRecord>>, LedgerError> {
        self.read(&opened_key(broker)).await
    }

    /// The newest epoch of a broker that another broker has sealed.
    pub(crate) async fn sealed(
        &self,
        broker: BrokerId,
    ) -> Result<Option<Versioned<SealedRecord>>, LedgerError> {
        self.read(&sealed_key(broker)).await
    }

    /// Notes that all epochs of `broker` up to `epoch` are sealed, which the caller has seen to;
    /// one without a record does not begin any more. Answers where it is noted, and since when:
    /// neither changes until a later epoch is sealed.
    pub(crate) async fn note_sealed(
        &self,
        broker: BrokerId,
        epoch: BrokerEpoch,
    ) -> Result<(String, Revision), LedgerError> {
        let key = sealed_key(broker);
        let mut expect = Vec::new();
        match self.sealed(broker).await? {
            Some(seen) if seen.record.epoch >= epoch => return Ok((key, seen.revision)),
            Some(seen) => expect.push(Expect::At(key.clone(), seen.revision)),
            None => expect.push(Expect::Absent(key.clone())),
        }
        // Read before the epochs are listed: none begins in between.
        let opened = opened_key(broker);
        expect.push(match self.opened(broker).await? {
            Some(seen) => Expect::At(opened, seen.revision),
            None => Expect::Absent(opened),
        });
        let epochs = self.epochs_of(broker).await?;
        let open = |(log, seen): &&(LogId, Versioned<WalRecord>)| {
            log.epoch <= epoch && seen.record.tail_end.is_none()
        };
        if let Some((log, _)) = epochs.iter().find(open) {
            return Err(LedgerError::Conflict(wal_key(*log)));
        }
        let put = vec![put(&key, &SealedRecord { level: RECORD_LEVEL, epoch })];
        let revision = self.decide(Txn { expect, put, delete: vec![] }).await?;
        Ok((key, revision))
    }

    /// The epochs of all brokers that have chunks which may not be in segments yet; of each broker
    /// the oldest first.
    pub(crate) async fn all_epochs(
        &self,
    ) -> Result<Vec<(LogId, Versioned<WalRecord>)>, LedgerError> {
        const PREFIX: &str = "wal/";
        let mut epochs = Vec::new();
        for (key, versioned) in self.range(PREFIX).await? {
            let log = key[PREFIX.len()..].split_once('/').and_then(|(broker, epoch)| {
                Some(LogId {
                    broker: BrokerId(broker.parse().ok()?),
                    epoch: BrokerEpoch(epoch.parse().ok()?),
                })
            });
            let log = log.ok_or_else(|| unreadable(&key, "its key has no broker and epoch"))?;
            epochs.push((log, versioned));
        }
        Ok(epochs)
    }

    /// Like [`Ledger::all_epochs`], of one broker.
    pub(crate) async fn epochs_of(
        &self,
        broker: BrokerId,
    ) -> Result<Vec<(LogId, Versioned<WalRecord>)>, LedgerError> {
        let mut epochs = self.all_epochs().await?;
        epochs.retain(|(log, _)| log.broker == broker);
        Ok(epochs)
    }

    /// One epoch; none when it is retired or was never known.
    pub(crate) async fn epoch(
        &self,
        log: LogId,
    ) -> Result<Option<Versioned<WalRecord>>, LedgerError> {
        self.read(&wal_key(log)).await
    }

    /// Seals an epoch at `tail_end` (the first chunk that is not part of it) and makes this broker
    /// epoch its flusher. Sealed before at another tail is a conflict; at the same tail it
    /// changes the flusher.
    pub(crate) async fn seal_epoch(
        &self,
        log: LogId,
        seen: &Versioned<WalRecord>,
        tail_end: ChunkSeq,
    ) -> Result<Versioned<WalRecord>, LedgerError> {
        let key = wal_key(log);
        let mut record = seen.record.clone();
        match record.tail_end {
            Some(sealed) if sealed != tail_end => return Err(LedgerError::Conflict(key)),
            Some(_) => {}
            None => {
                let sealed = self.all_epochs().await?.into_iter();
                let newest = sealed
                    .filter_map(|(_, seen)| seen.record.tail_end.and(Some(seen.record.order)))
                    .max();
                record.order = newest.unwrap_or(0) + 1;
            }
        }
        record.tail_end = Some(tail_end);
        record.flusher = self.epoch;
        record.flusher_broker = (log.broker != self.broker).then_some(self.broker);
        let expect = vec![Expect::At(key.clone(), seen.revision)];
        let txn = Txn { expect, put: vec![put(&key, &record)], delete: vec![] };
        let revision = self.decide(txn).await?;
        Ok(Versioned { record, revision })
    }

    /// This epoch has ended at `tail_end` and is forgotten, if all of it is in segments.
    pub(crate) async fn end_epoch(&self, tail_end: ChunkSeq) -> Result<(), LedgerError> {
        let own = self.own();
        let Some(seen) = self.epoch(own).await? else { return Ok(()) };
        if seen.record.tail_end.is_some() || seen.record.floor_end != tail_end {
            return Ok(());
        }
        self.seal_epoch(own, &seen, tail_end).await?;
        self.retire_epoch(own).await
    }

    /// Makes an end of the chunks of a sealed epoch that nobody has any more.
    pub(crate) async fn give_up_chunks(
        &self,
        log: LogId,
        seen: &Versioned<WalRecord>,
    ) -> Result<(), LedgerError> {
        let key = wal_key(log);
        let floor_end =
            seen.record.tail_end.expect("only a sealed epoch has chunks that are known");
        let record = WalRecord { floor_end, ..seen.record.clone() };
        let expect = vec![Expect::At(key.clone(), seen.revision)];
        self.decide(Txn { expect, put: vec![put(&key, &record)], delete: vec![] }).await.map(|_| ())
    }

    /// Forgets a sealed epoch all of whose chunks are in segments.
    pub(crate) async fn retire_epoch(&self, log: LogId) -> Result<(), LedgerError> {
        let key = wal_key(log);
        let Some(seen) = self.epoch(log).await? else { return Ok(()) };
        let flushed = seen.record.tail_end.is_some_and(|end| end <= seen.record.floor_end);
        assert!(flushed, "an epoch is retired only when its chunks are in segments");
        let retired = retired_key(log.broker);
        let before: Option<Versioned<RetiredRecord>> = self.read(&retired).await?;
        let newest = before.as_ref().map_or(log.epoch, |before| before.record.epoch.max(log.epoch));
        let put = vec![put(&retired, &RetiredRecord { level: RECORD_LEVEL, epoch: newest })];
        let mut expect = vec![Expect::At(key.clone(), seen.revision)];
        expect.push(match before {
            Some(before) => Expect::At(retired, before.revision),
            None => Expect::Absent(retired),
        });
        self.decide(Txn { expect, put, delete: vec![key] }).await.map(|_| ())
    }

    /// The newest epoch of a broker that was retired. An epoch above it without a record was never
    /// known here.
    pub(crate) async fn newest_retired(
        &self,
        broker: BrokerId,
    ) -> Result<Option<BrokerEpoch>, LedgerError> {
        let seen: Option<Versioned<RetiredRecord>> = self.read(&retired_key(broker)).await?;
        Ok(seen.map(|seen| seen.record.epoch))
    }
}
