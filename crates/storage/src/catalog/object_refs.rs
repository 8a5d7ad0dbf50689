//! The states of an object: announced, referred to, garbage, removed.

use std::collections::BTreeMap;

use milena_store::{Txn, Versioned};
use milena_types::{BrokerId, Revision};

use super::{
    keys::StorageKey,
    records::{GarbageRecord, ObjectRecord, UploadRecord},
    storage_catalog::{CatalogError, StorageCatalog, damaged},
};

/// The references to objects that a transaction adds and releases.
#[derive(Clone, Debug, Default)]
pub(crate) struct ObjectChanges {
    adopted: BTreeMap<String, (Revision, u32)>,
    released: BTreeMap<String, u32>,
}

impl ObjectChanges {
    /// How many operations these are at most.
    pub(super) fn ops(&self) -> usize {
        2 * (self.adopted.len() + self.released.len())
    }

    /// An announced object is referred to `references` times from now on.
    pub(crate) fn adopt(&mut self, object: &str, announced: Revision, references: u32) {
        self.adopted.insert(object.to_owned(), (announced, references));
    }

    /// Releases one reference to an object, which may be one added in the same transaction.
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

impl StorageCatalog {
    /// Announces objects before they are uploaded, so that what a crash leaves behind can be found.
    pub(crate) async fn announce(&self, objects: &[String]) -> Result<Revision, CatalogError> {
        let record = UploadRecord { broker: self.broker, epoch: self.epoch };
        let announce = |txn: Txn, object: &String| {
            let key = StorageKey::Upload(object);
            self.put(txn.absent(key), key, &record)
        };
        self.commit(objects.iter().fold(Txn::new(), announce)).await
    }

    /// Adds the changes to a transaction: announcements become references, and what loses its last
    /// reference becomes garbage in the same moment.
    pub(super) async fn change_objects(
        &self,
        mut txn: Txn,
        changes: &ObjectChanges,
    ) -> Result<Txn, CatalogError> {
        for (object, (announced, references)) in &changes.adopted {
            let upload = StorageKey::Upload(object);
            txn = self.refer(txn.at(upload, *announced).delete(upload), object, *references);
        }
        for (object, count) in &changes.released {
            let key = StorageKey::Object(object);
            let seen: Versioned<ObjectRecord> =
                self.get(key).await?.ok_or_else(|| CatalogError::Conflict(key.to_string()))?;
            // Where there are too few, another change has released them since the caller read.
            let left = seen.value.references.checked_sub(*count);
            let left = left.ok_or_else(|| CatalogError::Conflict(key.to_string()))?;
            txn = txn.at(key, seen.revision);
            if left == 0 {
                txn = txn.delete(key);
            }
            txn = self.refer(txn, object, left);
        }
        Ok(txn)
    }

    /// Records the number of references to the object: without any it is garbage.
    fn refer(&self, txn: Txn, object: &str, references: u32) -> Txn {
        match references {
            0 => self.put(txn, StorageKey::Garbage(object), &self.garbage()),
            _ => self.put(txn, StorageKey::Object(object), &ObjectRecord { references }),
        }
    }

    fn garbage(&self) -> GarbageRecord {
        GarbageRecord { broker: self.broker, since_ms: self.runtime.wall_ms() }
    }

    /// Turns what earlier epochs of this broker announced and never committed into garbage.
    /// Committing such an object is impossible from then on.
    pub(crate) async fn abandon_uploads(&self) -> Result<usize, CatalogError> {
        let own = |upload: &UploadRecord| upload.broker == self.broker && upload.epoch < self.epoch;
        self.abandon_uploads_of(own).await
    }

    /// Turns what `select` picks of the announced objects into garbage of this broker. Committing
    /// one of them is impossible from then on.
    pub(crate) async fn abandon_uploads_of(
        &self,
        select: impl Fn(&UploadRecord) -> bool,
    ) -> Result<usize, CatalogError> {
        let mut abandoned = 0;
        for (key, seen) in self.range::<UploadRecord>(StorageKey::UPLOADS).await? {
            if select(&seen.value) {
                self.abandon_upload(object_of(&key)?, seen.revision).await?;
                abandoned += 1;
            }
        }
        Ok(abandoned)
    }

    /// Abandons the uploads that a failed transaction was to adopt.
    pub(crate) async fn abandon_adopted(
        &self,
        changes: &ObjectChanges,
    ) -> Result<(), CatalogError> {
        for (object, (announced, _)) in &changes.adopted {
            self.abandon_upload(object, *announced).await?;
        }
        Ok(())
    }

    /// Turns an upload of this epoch that will not be committed into garbage.
    pub(crate) async fn abandon_upload(
        &self,
        object: &str,
        announced: Revision,
    ) -> Result<(), CatalogError> {
        let key = StorageKey::Upload(object);
        let txn = self.refer(Txn::new().at(key, announced).delete(key), object, 0);
        match self.commit(txn).await {
            Ok(_) | Err(CatalogError::Conflict(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The objects that `select` picks the broker of, which is to remove them, and whose last
    /// reference went at or before `since_ms`.
    pub(crate) async fn garbage_since(
        &self,
        since_ms: i64,
        select: impl Fn(BrokerId) -> bool,
    ) -> Result<Vec<String>, CatalogError> {
        let all = self.range::<GarbageRecord>(StorageKey::GARBAGE).await?;
        let due = all
            .iter()
            .filter(|(_, seen)| select(seen.value.broker) && seen.value.since_ms <= since_ms);
        due.map(|(key, _)| object_of(key).map(str::to_owned)).collect()
    }

    /// Removes the record of a garbage object that was deleted from the store.
    pub(crate) async fn forget_garbage(&self, object: &str) -> Result<(), CatalogError> {
        self.commit(Txn::new().delete(StorageKey::Garbage(object))).await.map(|_| ())
    }
}

/// The object of a key.
fn object_of(key: &str) -> Result<&str, CatalogError> {
    match StorageKey::parse(key) {
        Some(StorageKey::Upload(object) | StorageKey::Garbage(object)) => Ok(object),
        _ => Err(damaged(key, "its key names no object")),
    }
}
