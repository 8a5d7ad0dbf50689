//! The operating system's file system.
//!
//! Whole blocks are written and read past the page cache (O_DIRECT) where the file system can: the
//! log's frames, which are read again only when a broker starts. That takes less processor time, and
//! the disk is faster at it, than the way through the page cache.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::Path,
    sync::Arc,
};

use crate::disk::file_system::{BLOCK_BYTES, Disk, DiskFile, DiskLock};

/// Shorter reads go through the page cache, which reads ahead of them.
const DIRECT_READ_FROM: usize = 64 << 10;

/// The operating system's file system.
#[derive(Clone, Copy, Debug, Default)]
pub struct LocalDisk;

#[derive(Debug)]
struct LocalFile {
    file: File,
    /// The same file, for whole blocks. `None`: the file system has no direct I/O.
    direct: Option<File>,
}

/// The outcome of direct I/O, unless the file system needs something else for it.
fn supported(outcome: Option<io::Result<usize>>) -> Option<io::Result<usize>> {
    let refused = |error: &io::Error| error.kind() == io::ErrorKind::InvalidInput;
    outcome.filter(|outcome| !outcome.as_ref().is_err_and(refused))
}

impl LocalFile {
    /// The file for direct I/O of these bytes, if that can be.
    fn direct(&self, bytes: &[u8], position: u64) -> Option<&File> {
        self.direct.as_ref().filter(|_| is_whole_blocks(bytes, position))
    }

    fn new(file: File, path: &Path) -> Self {
        Self { file, direct: open_direct(OpenOptions::new().read(true).write(true), path).ok() }
    }
}

/// Opens a file for reading and writing past the page cache.
#[cfg(target_os = "linux")]
pub(crate) fn open_direct(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    options.custom_flags(rustix::fs::OFlags::DIRECT.bits().cast_signed()).open(path)
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn open_direct(_options: &mut OpenOptions, _path: &Path) -> io::Result<File> {
    Err(io::ErrorKind::Unsupported.into())
}

#[derive(Debug)]
struct LocalLock(#[expect(dead_code, reason = "the lock lasts as long as the file is open")] File);

impl DiskLock for LocalLock {}

impl Disk for LocalDisk {
    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        if dir.is_dir() {
            return Ok(());
        }
        let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty());
        if let Some(parent) = parent {
            self.create_dir_all(parent)?;
        }
        match std::fs::create_dir(dir) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        self.sync_dir(parent.unwrap_or(Path::new(".")))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let names = std::fs::read_dir(dir)?
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
        names.collect()
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        Ok(Arc::new(LocalFile::new(file, path)))
    }

    fn create(&self, path: &Path, bytes: u64) -> io::Result<Arc<dyn DiskFile>> {
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(path)?;
        let allocated = if bytes == 0 { Ok(()) } else { allocate(&file, bytes) };
        if let Err(error) = allocated.and_then(|()| file.sync_all()) {
            std::fs::remove_file(path)?;
            return Err(error);
        }
        Ok(Arc::new(LocalFile::new(file, path)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        File::open(dir)?.sync_all()
    }

    fn try_lock(&self, path: &Path) -> io::Result<Option<Box<dyn DiskLock>>> {
        // Where others may write into the directory, a link that they put there is not followed.
        let no_follow = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or_default();
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).custom_flags(no_follow);
        let file = options.open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Box::new(LocalLock(file)))),
            Err(std::fs::TryLockError::WouldBlock) => Ok(None),
            Err(std::fs::TryLockError::Error(error)) => Err(error),
        }
    }
}

impl DiskFile for LocalFile {
    fn write_at(&self, bytes: &[u8], position: u64) -> io::Result<usize> {
        let outcome = self.direct(bytes, position).map(|direct| direct.write_at(bytes, position));
        match supported(outcome) {
            Some(outcome) => outcome,
            None => self.file.write_at(bytes, position),
        }
    }

    fn read_at(&self, bytes: &mut [u8], position: u64) -> io::Result<usize> {
        let direct = self.direct(bytes, position).filter(|_| bytes.len() >= DIRECT_READ_FROM);
        let outcome = direct.map(|direct| direct.read_at(bytes, position));
        match supported(outcome) {
            Some(outcome) => outcome,
            None => self.file.read_at(bytes, position),
        }
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn bytes(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }
}

/// Whether these bytes, in memory and in the file, are what direct I/O can write.
fn is_whole_blocks(bytes: &[u8], position: u64) -> bool {
    bytes.as_ptr().align_offset(BLOCK_BYTES) == 0
        && bytes.len().is_multiple_of(BLOCK_BYTES)
        && position.is_multiple_of(BLOCK_BYTES as u64)
}

/// Allocates space. If the file system cannot, zeros are written, which takes longer.
#[cfg(target_os = "linux")]
fn allocate(file: &File, bytes: u64) -> io::Result<()> {
    match rustix::fs::fallocate(file, rustix::fs::FallocateFlags::empty(), 0, bytes) {
        Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => write_zeros(file, bytes),
        result => Ok(result?),
    }
}

#[cfg(not(target_os = "linux"))]
fn allocate(file: &File, bytes: u64) -> io::Result<()> {
    write_zeros(file, bytes)
}

fn write_zeros(file: &File, bytes: u64) -> io::Result<()> {
    let zeros = [0; 1 << 16];
    let mut position = 0;
    while position < bytes {
        let length = zeros.len().min((bytes - position) as usize);
        file.write_all_at(&zeros[..length], position)?;
        position += length as u64;
    }
    Ok(())
}
