//! The life of an object: announced, referred to, garbage, gone.

use std::collections::BTreeMap;

use milena_types::Revision;

use super::{
    GarbageRecord, Ledger, LedgerError, RECORD_LEVEL, UploadRecord, Versioned, garbage_key,
    object_key, put, records::ObjectRecord, upload_key,
};
use crate::decisions::{Expect, Txn};

/// What a transaction does to objects.
#[derive(Clone, Debug, Default)]
pub(crate) struct ObjectChanges {
    adopted: BTreeMap<String, (Revision, u32)>,
    released: BTreeMap<String, u32>,
}

impl ObjectChanges {
    /// An announced object is referred to `references` times from now on.
    pub(crate) fn adopt(&mut self, object: &str, announced: Revision, references: u32) {
        self.adopted.insert(object.to_owned(), (announced, references));
    }

    /// One reference to an object goes, which may be one that came in the same transaction.
    pub(crate) fn release(&mut self, object: &str) {
        if let Some((_, references)) = self.adopted.get_mut(object)
            && *references > 0
        {
            *references -= 1;
            return;
        }
        *self.released.entry(object.to_owned()).or_default() += 1;
    }
}

impl Ledger {
    /// Adds the changes to a transaction: announcements become references, and what loses its last
    /// reference becomes garbage in the same moment.
    pub(super) async fn add_objects(
        &self,
        txn: &mut Txn,
        changes: &ObjectChanges,
    ) -> Result<(), LedgerError> {
        for (object, (announced, references)) in &changes.adopted {
            let upload = upload_key(object);
            txn.expect.push(Expect::At(upload.clone(), *announced));
            txn.delete.push(upload);
            if *references == 0 {
                txn.put.push(put(&garbage_key(object), &self.garbage()));
                continue;
            }
            let record = ObjectRecord { level: RECORD_LEVEL, references: *references };
            txn.put.push(put(&object_key(object), &record));
        }
        for (object, count) in &changes.released {
            let key = object_key(object);
            let seen: Versioned<ObjectRecord> =
                self.read(&key).await?.ok_or_else(|| LedgerError::Conflict(key.clone()))?;
            txn.expect.push(Expect::At(key.clone(), seen.revision));
            let references = seen.record.references.checked_sub(*count);
            match references.expect("no more references are released than there were") {
                0 => {
                    txn.delete.push(key);
                    txn.put.push(put(&garbage_key(object), &self.garbage()));
                }
                references => {
                    txn.put.push(put(&key, &ObjectRecord { level: RECORD_LEVEL, references }))
                }
            }
        }
        Ok(())
    }

    fn garbage(&self) -> GarbageRecord {
        GarbageRecord { level: RECORD_LEVEL, broker: self.broker, since_ms: self.runtime.wall_ms() }
    }

    /// Turns what earlier epochs of this broker announced and never committed into garbage.
    /// Committing such an object is impossible from then on.
    pub(crate) async fn abandon_uploads(&self) -> Result<usize, LedgerError> {
        let mut abandoned = 0;
        for (key, seen) in self.range::<UploadRecord>("uploads/").await? {
            if seen.record.broker == self.broker && seen.record.epoch < self.epoch {
                self.abandon(&key, seen.revision).await?;
                abandoned += 1;
            }
        }
        Ok(abandoned)
    }

    /// Gives up what a transaction that did not happen was to adopt.
    pub(crate) async fn abandon_adopted(&self, changes: &ObjectChanges) -> Result<(), LedgerError> {
        for (object, (announced, _)) in &changes.adopted {
            self.abandon_upload(object, *announced).await?;
        }
        Ok(())
    }

    /// Gives up an upload of this epoch that will not be committed.
    pub(crate) async fn abandon_upload(
        &self,
        object: &str,
        announced: Revision,
    ) -> Result<(), LedgerError> {
        self.abandon(&upload_key(object), announced).await
    }

    async fn abandon(&self, key: &str, announced: Revision) -> Result<(), LedgerError> {
        let object = &key["uploads/".len()..];
        let txn = Txn {
            expect: vec![Expect::At(key.to_owned(), announced)],
            put: vec![put(&garbage_key(object), &self.garbage())],
            delete: vec![key.to_owned()],
        };
        match self.decide(txn).await {
            Ok(_) | Err(LedgerError::Conflict(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The objects this broker is to remove whose last reference went at or before `since_ms`.
    pub(crate) async fn garbage_since(&self, since_ms: i64) -> Result<Vec<String>, LedgerError> {
        let all = self.range::<GarbageRecord>("garbage/").await?;
        let mine = all.into_iter().filter(|(_, seen)| {
            seen.record.broker == self.broker && seen.record.since_ms <= since_ms
        });
        Ok(mine.map(|(key, _)| key["garbage/".len()..].to_owned()).collect())
    }

    /// The object is gone from the store.
    pub(crate) async fn forget_garbage(&self, object: &str) -> Result<(), LedgerError> {
        self.decide(Txn { delete: vec![garbage_key(object)], ..Txn::default() }).await.map(|_| ())
    }
}
