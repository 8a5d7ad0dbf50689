//! Opening the file: its lock, its cache, and the detection of failed syncs.

use std::{
    fs::OpenOptions,
    io,
    ops::Bound,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use redb::{
    BackendError, Builder, Database, DatabaseError, StorageBackend, StorageError,
    backends::FileBackend,
};

use super::options::{EmbeddedOptions, OpenError};

pub(super) struct Opener {
    options: EmbeddedOptions,
    sync_failed: Arc<AtomicBool>,
    #[cfg(test)]
    faults: Arc<Faults>,
}

/// Faults that tests inject.
#[cfg(test)]
#[derive(Debug, Default)]
pub(super) struct Faults {
    /// Writes and growth fail for lack of space.
    pub(super) full: AtomicBool,
    pub(super) unsyncable: AtomicBool,
    /// Who holds it keeps the writer from staging.
    pub(super) staging: std::sync::Mutex<()>,
}

#[cfg(test)]
impl Faults {
    pub(super) fn wait_to_stage(&self) {
        drop(self.staging.lock().expect("no panic while held"));
    }
}

impl Opener {
    pub(super) fn new(options: EmbeddedOptions) -> Self {
        Self {
            options,
            sync_failed: Arc::new(AtomicBool::new(false)),
            #[cfg(test)]
            faults: Arc::default(),
        }
    }

    pub(super) fn options(&self) -> &EmbeddedOptions {
        &self.options
    }

    #[cfg(test)]
    pub(super) fn faults(&self) -> Arc<Faults> {
        self.faults.clone()
    }

    /// Whether a sync of this file has failed since the store was opened: writes in the system's
    /// cache may then never reach the disk.
    pub(super) fn sync_failed(&self) -> bool {
        self.sync_failed.load(Ordering::Acquire)
    }

    pub(super) fn open(&self) -> Result<Database, OpenError> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&self.options.path)
            .map_err(|e| self.failed(e.to_string()))?;
        let file = WatchedFile {
            file: FileBackend::new(file).map_err(|e| self.failure(e))?,
            sync_failed: self.sync_failed.clone(),
            #[cfg(test)]
            faults: self.faults.clone(),
        };
        let mut builder = Builder::new();
        builder.set_cache_size(self.options.cache_bytes);
        builder.create_with_backend(file).map_err(|e| self.failure(e))
    }

    fn failed(&self, reason: String) -> OpenError {
        OpenError::Failed { path: self.options.path.clone(), reason }
    }

    fn failure(&self, error: DatabaseError) -> OpenError {
        match error {
            DatabaseError::DatabaseAlreadyOpen => {
                OpenError::InUse { path: self.options.path.clone() }
            }
            DatabaseError::Storage(StorageError::Io(e))
                if e.kind() == io::ErrorKind::InvalidData =>
            {
                self.failed(format!(
                    "{e}; it is not a metadata store, or its first page was overwritten"
                ))
            }
            error => self.failed(error.to_string()),
        }
    }
}

/// The file, with a flag that a sync has failed.
#[derive(Debug)]
struct WatchedFile {
    file: FileBackend,
    sync_failed: Arc<AtomicBool>,
    #[cfg(test)]
    faults: Arc<Faults>,
}

impl WatchedFile {
    #[cfg(test)]
    fn check_space(&self) -> io::Result<()> {
        if self.faults.full.load(Ordering::Acquire) {
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        Ok(())
    }

    #[cfg(not(test))]
    #[expect(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "tests inject faults with the same signature"
    )]
    fn check_space(&self) -> io::Result<()> {
        Ok(())
    }

    #[cfg(test)]
    fn sync(&self) -> io::Result<()> {
        if self.faults.unsyncable.load(Ordering::Acquire) {
            return Err(io::Error::other("input/output error"));
        }
        self.file.sync_data()
    }

    #[cfg(not(test))]
    fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}

impl StorageBackend for WatchedFile {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.check_space()?;
        self.file.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        if self.sync_failed.load(Ordering::Acquire) {
            return Err(io::Error::other(
                "an earlier sync of this file failed; restart the process",
            ));
        }
        self.sync().inspect_err(|_| self.sync_failed.store(true, Ordering::Release))
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.check_space()?;
        self.file.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.file.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.try_lock_range(start, end)
    }

    fn try_lock_shared_range(
        &self,
        start: Bound<u64>,
        end: Bound<u64>,
    ) -> Result<bool, BackendError> {
        self.file.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.query_lock_range(start, end)
    }
}
