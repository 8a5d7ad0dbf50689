//! Opening the file: its lock, its cache, and what becomes of it when a sync has failed.
//!
//! After a failed sync the system may hold pages as clean that never reached the disk. redb refuses
//! everything until the file is opened anew, and that trusts what the system's cache says, in this
//! process as in the next. So the file is not used any more, which a marker beside it tells the next
//! process: its bytes, as they can be read, are written into another file, which is synced, checked
//! page by page, and takes its place.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    ops::Bound,
    path::{Path, PathBuf},
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
    /// What is opened in place of the file at the path.
    #[cfg(any(test, feature = "testing"))]
    replacement: Option<Box<OpenFile>>,
    #[cfg(test)]
    faults: Arc<Faults>,
}

/// Opens a file, or creates it.
#[cfg(any(test, feature = "testing"))]
pub type OpenFile = dyn Fn() -> io::Result<Box<dyn StorageBackend>> + Send + Sync;

/// Faults that tests inject.
#[cfg(test)]
#[derive(Debug, Default)]
pub(super) struct Faults {
    /// Writes and growth fail for lack of space.
    pub(super) full: AtomicBool,
    pub(super) unsyncable: AtomicBool,
    /// Reads fail.
    pub(super) unreadable: AtomicBool,
    /// No marker can be made.
    pub(super) unmarkable: AtomicBool,
    /// Who holds it keeps the writer from staging.
    pub(super) staging: std::sync::Mutex<()>,
    /// Who holds it keeps the file from being opened.
    pub(super) opening: std::sync::Mutex<()>,
    /// The file is being opened.
    pub(super) is_opening: AtomicBool,
}

#[cfg(test)]
impl Faults {
    pub(super) fn wait_to_stage(&self) {
        drop(self.staging.lock().expect("no panic while held"));
    }

    fn wait_to_open(&self) {
        self.is_opening.store(true, Ordering::Release);
        drop(self.opening.lock().expect("no panic while held"));
    }
}

impl Opener {
    pub(super) fn new(options: EmbeddedOptions) -> Self {
        Self {
            options,
            sync_failed: Arc::new(AtomicBool::new(false)),
            #[cfg(any(test, feature = "testing"))]
            replacement: None,
            #[cfg(test)]
            faults: Arc::default(),
        }
    }

    /// Opens another file than that at the path. Once a sync of it has failed it is not used any
    /// more: it is not written anew.
    #[cfg(any(test, feature = "testing"))]
    pub(super) fn with_file(self, open: Box<OpenFile>) -> Self {
        Self { replacement: Some(open), ..self }
    }

    pub(super) fn options(&self) -> &EmbeddedOptions {
        &self.options
    }

    #[cfg(test)]
    pub(super) fn faults(&self) -> Arc<Faults> {
        self.faults.clone()
    }

    /// Whether a sync of the file has failed since it was written anew, or by an earlier process:
    /// what is read of it may never have reached the disk.
    pub(super) fn sync_failed(&self) -> bool {
        // Where it is not known whether there is a marker, there may be one.
        self.sync_failed.load(Ordering::Acquire) || self.marker().try_exists().unwrap_or(true)
    }

    /// Opens the file, or creates it. One of which a sync has failed is written anew first.
    pub(super) fn open(&self) -> Result<Database, OpenError> {
        #[cfg(any(test, feature = "testing"))]
        if let Some(open) = &self.replacement {
            return self.database(open().map_err(|e| self.failed(e.to_string()))?, None);
        }
        #[cfg(test)]
        self.faults.wait_to_open();
        if !self.sync_failed() {
            let file = open_private(&self.options.path);
            return self.open_file(&file.map_err(|e| self.failed(e.to_string()))?);
        }
        self.write_anew().map_err(|error| {
            // Also where only the copy failed, and where there could be no marker.
            self.sync_failed.store(true, Ordering::Release);
            self.failed(format!(
                "a sync of it has failed, and it cannot be written anew ({error}): see to the disk \
                 and its free space"
            ))
        })
    }

    /// Writes the file anew, and opens that.
    fn write_anew(&self) -> Result<Database, Box<dyn std::error::Error>> {
        let (path, draft) = (&self.options.path, self.beside("rewritten"));
        self.copy_to(&draft)?;
        // From here on of the copy.
        self.sync_failed.store(false, Ordering::Release);
        let opened = open_private(&draft)?;
        let mut database = self.open_file(&opened)?;
        let whole = database.check_integrity()?;
        self.sync(&opened)?;
        fs::rename(&draft, path)?;
        sync_directory(path)?;
        // Last: until here the next process has to begin again.
        remove_if_there(&self.marker())?;
        sync_directory(path)?;
        tracing::warn!(
            path = %path.display(), whole,
            "the metadata store was written anew, since a sync of it had failed"
        );
        Ok(database)
    }

    fn open_file(&self, file: &File) -> Result<Database, OpenError> {
        let file = file.try_clone().map_err(|e| self.failed(e.to_string()))?;
        let file = FileBackend::new(file).map_err(|e| self.failure(e))?;
        self.database(Box::new(file), Some(self.marker()))
    }

    fn database(
        &self,
        file: Box<dyn StorageBackend>,
        marker: Option<PathBuf>,
    ) -> Result<Database, OpenError> {
        let file = WatchedFile {
            file,
            sync_failed: self.sync_failed.clone(),
            marker,
            #[cfg(test)]
            faults: self.faults.clone(),
        };
        let mut builder = Builder::new();
        builder.set_cache_size(self.options.cache_bytes);
        builder.create_with_backend(file).map_err(|e| self.failure(e))
    }

    /// Makes the name of a new file durable.
    pub(super) fn sync_directory(&self) -> Result<(), OpenError> {
        #[cfg(any(test, feature = "testing"))]
        if self.replacement.is_some() {
            return Ok(());
        }
        sync_directory(&self.options.path).map_err(|e| self.failed(e.to_string()))
    }

    /// Writes what can be read of the file into another, and syncs that. Not with the system's own
    /// copying, which may share with the copy what is on the disk.
    fn copy_to(&self, draft: &Path) -> io::Result<()> {
        remove_if_there(draft)?;
        let (mut from, mut to) = (File::open(&self.options.path)?, open_private(draft)?);
        let mut buffer = vec![0; COPY_BUFFER];
        loop {
            let read = from.read(&mut buffer)?;
            if read == 0 {
                return self.sync(&to);
            }
            to.write_all(&buffer[..read])?;
        }
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        #[cfg(test)]
        if self.faults.unsyncable.load(Ordering::Acquire) {
            return Err(io::Error::other("input/output error"));
        }
        file.sync_all()
    }

    /// Tells the next process that a sync has failed. Where even it does not reach the disk it is
    /// lost together with the cache that cannot be trusted.
    fn marker(&self) -> PathBuf {
        self.beside("unsynced")
    }

    /// A file whose name is the store's and `extension`.
    fn beside(&self, extension: &str) -> PathBuf {
        let mut name = self.options.path.file_name().unwrap_or_default().to_owned();
        name.push(".");
        name.push(extension);
        self.options.path.with_file_name(name)
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

/// How much is copied at once.
const COPY_BUFFER: usize = 1 << 20;

fn open_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        outcome => outcome,
    }
}

/// Syncs the directory of a file: without this a crash may lose a new file that was synced.
fn sync_directory(path: &Path) -> io::Result<()> {
    let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(parent)?.sync_all()
}

/// The file, with a flag and a marker that a sync has failed.
#[derive(Debug)]
struct WatchedFile {
    file: Box<dyn StorageBackend>,
    sync_failed: Arc<AtomicBool>,
    /// Without one the next process is not told.
    marker: Option<PathBuf>,
    #[cfg(test)]
    faults: Arc<Faults>,
}

impl WatchedFile {
    /// Says beside the file that a sync of it has failed, where the next process is to be told.
    fn mark(&self) -> io::Result<()> {
        #[cfg(test)]
        if self.faults.unmarkable.load(Ordering::Acquire) {
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        match &self.marker {
            Some(marker) => open_private(marker)?.sync_all(),
            None => Ok(()),
        }
    }

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
        #[cfg(test)]
        if self.faults.unreadable.load(Ordering::Acquire) {
            return Err(io::Error::other("input/output error"));
        }
        self.file.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.check_space()?;
        self.file.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        if self.sync_failed.load(Ordering::Acquire) {
            return Err(io::Error::other("an earlier sync of this file failed"));
        }
        self.sync().inspect_err(|_| {
            self.sync_failed.store(true, Ordering::Release);
            if let Err(error) = self.mark() {
                tracing::error!(
                    marker = ?self.marker, %error,
                    "a sync of the metadata store failed, and so did the marker that says so: do not restart the process before the machine"
                );
            }
        })
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
