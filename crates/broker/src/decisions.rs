//! Storage's [`Decisions`] kept in the metadata store, below the cluster's own prefix.
//!
//! Keys are the prefix and storage's key behind it; values pass through untouched. Both sides
//! promise the same: linearizable reads, transactions that happen wholly or not at all, an unknown
//! outcome reported as such.

use std::sync::Arc;

use async_trait::async_trait;
use milena_storage::{DecisionError, Decisions, Entry, Expect, Txn};
use milena_store::{self as metadata, MetadataStore, StoreError, TxnOutcome};
use milena_types::Revision;

/// How many entries one read of a range asks for.
const PAGE_ENTRIES: usize = 1000;

/// [`Decisions`] on a [`MetadataStore`].
#[derive(Clone)]
pub(crate) struct StoredDecisions {
    store: Arc<dyn MetadataStore>,
    prefix: String,
}

impl StoredDecisions {
    /// Keeps everything below `prefix`, which ends with a slash.
    pub(crate) fn new(store: Arc<dyn MetadataStore>, prefix: String) -> Self {
        assert!(prefix.ends_with('/'), "a prefix of keys ends with a slash");
        Self { store, prefix }
    }

    fn key(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    fn entry(&self, key: &str, versioned: metadata::Versioned) -> Entry {
        let key = key.strip_prefix(&self.prefix).unwrap_or(key).to_owned();
        Entry { key, value: versioned.value, revision: versioned.revision }
    }
}

#[async_trait]
impl Decisions for StoredDecisions {
    async fn read(&self, key: &str) -> Result<Option<Entry>, DecisionError> {
        let key = self.key(key);
        let found = self.store.get(&key).await.map_err(|e| unavailable(&e))?;
        Ok(found.map(|versioned| self.entry(&key, versioned)))
    }

    async fn range(&self, prefix: &str) -> Result<Vec<Entry>, DecisionError> {
        let prefix = self.key(prefix);
        let mut entries = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let page = self
                .store
                .range(&prefix, after.as_deref(), PAGE_ENTRIES)
                .await
                .map_err(|e| unavailable(&e))?;
            after = page.entries.last().map(|entry| entry.key.clone());
            entries.extend(
                page.entries.into_iter().map(|found| self.entry(&found.key, found.versioned)),
            );
            if !page.more {
                return Ok(entries);
            }
        }
    }

    async fn txn(&self, txn: Txn) -> Result<Revision, DecisionError> {
        let mut change = metadata::Txn::new();
        for expect in txn.expect {
            change = match expect {
                Expect::Absent(key) => change.absent(self.key(&key)),
                Expect::At(key, revision) => change.at(self.key(&key), revision),
            };
        }
        for (key, value) in txn.put {
            change = change.put(self.key(&key), value);
        }
        for key in txn.delete {
            change = change.delete(self.key(&key));
        }
        match self.store.txn(change).await.map_err(|e| unavailable(&e))? {
            TxnOutcome::Committed(committed) => Ok(committed.revision),
            TxnOutcome::Conflict(_) => Err(DecisionError::Conflict),
        }
    }

    fn ops_max(&self) -> usize {
        self.store.limits().ops
    }
}

fn unavailable(error: &StoreError) -> DecisionError {
    DecisionError::Unavailable(error.to_string())
}
