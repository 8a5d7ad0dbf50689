//! The tables of the file, and reading them.
//!
//! `entries`: key → (created, revision, lease or 0, value). `lease_keys`: (lease, key), to find
//! what ends with a lease. `leases`: lease → time to live in milliseconds. `state`: the format
//! level, the revision, the last lease id.

use std::{ops::Bound, path::Path, time::Duration};

use bytes::Bytes;
use milena_types::Revision;
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition, TableError};

use crate::store::{Entry, LeaseId, Page, StoreError, Versioned};

use super::options::OpenError;

pub(super) type StoredEntry = (u64, u64, u64, &'static [u8]);

pub(super) const ENTRIES: TableDefinition<'_, &str, StoredEntry> = TableDefinition::new("entries");
pub(super) const LEASE_KEYS: TableDefinition<'_, (u64, &str), ()> =
    TableDefinition::new("lease_keys");
pub(super) const LEASES: TableDefinition<'_, u64, u64> = TableDefinition::new("leases");
pub(super) const STATE: TableDefinition<'_, &str, u64> = TableDefinition::new("state");

pub(super) const REVISION: &str = "revision";
pub(super) const LAST_LEASE: &str = "last_lease";
const FORMAT: &str = "format";
pub(super) const FORMAT_LEVEL: u64 = 1;

/// Checks the format of the file, or gives an empty one its tables. Returns the revision.
pub(super) fn prepare(database: &Database, path: &Path) -> Result<Revision, OpenError> {
    let failed =
        |e: redb::Error| OpenError::Failed { path: path.to_owned(), reason: e.to_string() };
    match read_format(database).map_err(failed)? {
        None => create_tables(database).map_err(failed)?,
        Some(FORMAT_LEVEL) => {}
        Some(found) => {
            return Err(OpenError::NewerFormat {
                path: path.to_owned(),
                found,
                known: FORMAT_LEVEL,
            });
        }
    }
    revision(database).map_err(failed)
}

fn read_format(database: &Database) -> Result<Option<u64>, redb::Error> {
    match database.begin_read()?.open_table(STATE) {
        Ok(state) => Ok(state.get(FORMAT)?.map(|level| level.value())),
        Err(TableError::TableDoesNotExist(_)) => Ok(None),
        Err(e) => Err(e.into()),
    }
}

fn create_tables(database: &Database) -> Result<(), redb::Error> {
    let txn = database.begin_write()?;
    txn.open_table(STATE)?.insert(FORMAT, FORMAT_LEVEL)?;
    txn.open_table(ENTRIES)?;
    txn.open_table(LEASE_KEYS)?;
    txn.open_table(LEASES)?;
    txn.commit()?;
    Ok(())
}

#[cfg(test)]
pub(super) fn write_format(database: &Database, level: u64) -> Result<(), redb::Error> {
    let txn = database.begin_write()?;
    txn.open_table(STATE)?.insert(FORMAT, level)?;
    txn.commit()?;
    Ok(())
}

pub(super) fn revision(database: &Database) -> Result<Revision, redb::Error> {
    let state = database.begin_read()?.open_table(STATE)?;
    Ok(Revision(state.get(REVISION)?.map_or(0, |r| r.value())))
}

pub(super) fn leases(database: &Database) -> Result<Vec<(LeaseId, Duration)>, redb::Error> {
    let leases = database.begin_read()?.open_table(LEASES)?;
    let mut granted = Vec::new();
    for entry in leases.iter()? {
        let (id, ttl_ms) = entry?;
        granted.push((LeaseId(id.value()), Duration::from_millis(ttl_ms.value())));
    }
    Ok(granted)
}

pub(super) fn get(database: &Database, key: &str) -> Result<Option<Versioned>, StoreError> {
    let read = || -> Result<_, redb::Error> {
        let entries = database.begin_read()?.open_table(ENTRIES)?;
        Ok(entries.get(key)?.map(|stored| versioned(stored.value())))
    };
    read().map_err(unavailable)
}

pub(super) fn range(
    database: &Database,
    prefix: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<Page, StoreError> {
    let read = || -> Result<_, redb::Error> {
        let txn = database.begin_read()?;
        let state = txn.open_table(STATE)?;
        let revision = Revision(state.get(REVISION)?.map_or(0, |r| r.value()));
        let table = txn.open_table(ENTRIES)?;
        let mut entries = Vec::new();
        let mut more = false;
        for stored in table.range::<&str>((start_of(prefix, after), Bound::Unbounded))? {
            let (key, value) = stored?;
            if !key.value().starts_with(prefix) {
                break;
            }
            if entries.len() == limit {
                more = true;
                break;
            }
            entries
                .push(Entry { key: key.value().to_owned(), versioned: versioned(value.value()) });
        }
        Ok(Page { entries, revision, more })
    };
    read().map_err(unavailable)
}

fn start_of<'a>(prefix: &'a str, after: Option<&'a str>) -> Bound<&'a str> {
    match after {
        Some(after) if after >= prefix => Bound::Excluded(after),
        _ => Bound::Included(prefix),
    }
}

pub(super) fn versioned((_created, revision, _lease, value): (u64, u64, u64, &[u8])) -> Versioned {
    Versioned { value: Bytes::copy_from_slice(value), revision: Revision(revision) }
}

/// The keys that start with `prefix`, in order.
pub(super) fn keys_below(
    table: &impl ReadableTable<&'static str, StoredEntry>,
    prefix: &str,
) -> Result<Vec<String>, redb::StorageError> {
    let mut keys = Vec::new();
    for stored in table.range::<&str>(prefix..)? {
        let (key, _) = stored?;
        if !key.value().starts_with(prefix) {
            break;
        }
        keys.push(key.value().to_owned());
    }
    Ok(keys)
}

fn unavailable(error: redb::Error) -> StoreError {
    match error {
        redb::Error::Corrupted(reason) => StoreError::Corrupt { reason },
        error => StoreError::Unavailable { reason: error.to_string() },
    }
}
