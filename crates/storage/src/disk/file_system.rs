//! The few file operations a write-ahead log needs, as a trait, so that tests and simulation can
//! fail them.
//!
//! Every implementation guarantees:
//! - bytes written are durable once [`DiskFile::sync`] has returned without error, not before, and
//!   then only if the file's name was made durable by [`Disk::sync_dir`];
//! - an error of `sync` says nothing about which bytes are durable, and the same file's next `sync`
//!   may succeed without having written them: callers never sync such a file again.
//!
//! Not here: access to objects (`objects`), nor anything that knows a format.

use std::{fmt, io, path::Path, sync::Arc};

/// The unit that disks write as a whole. Frames of the write-ahead log start on such a boundary, so
/// that writing one never touches the sectors of another.
pub const BLOCK_BYTES: usize = 4096;

/// Whether an error of this kind means that there is no space, on the disk or of a quota.
pub(crate) fn is_disk_full(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

pub trait Disk: Send + Sync + fmt::Debug + 'static {
    /// Creates a directory and its parents, durably.
    fn create_dir_all(&self, dir: &Path) -> io::Result<()>;
    /// The names of the files in a directory, in no order.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;
    /// Opens an existing file to read and write.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;
    /// Creates a file of `bytes` zeros, maybe none, whose space is allocated. Fails, and leaves no
    /// file, if the file exists or there is no space.
    fn create(&self, path: &Path, bytes: u64) -> io::Result<Arc<dyn DiskFile>>;
    /// As `rename(2)`.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// As `unlink(2)`.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Makes creations, renames and removals in a directory durable.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    /// Locks a file, created if absent, against every other holder, in this process or another,
    /// until the lock is dropped. `None`: another holder has it.
    fn try_lock(&self, path: &Path) -> io::Result<Option<Box<dyn DiskLock>>>;
}

/// A lock, held until dropped.
pub trait DiskLock: Send + Sync + fmt::Debug {}

/// An open file. Calls may come from several threads.
pub trait DiskFile: Send + Sync + fmt::Debug {
    /// Writes some of `bytes` at `position`. Returns how many, as `write(2)`. Does not run out of
    /// space within the allocated length.
    fn write_at(&self, bytes: &[u8], position: u64) -> io::Result<usize>;
    /// Reads into `bytes` from `position`. Returns how many, as `read(2)`.
    fn read_at(&self, bytes: &mut [u8], position: u64) -> io::Result<usize>;
    /// Makes what was written durable (`fdatasync(2)`).
    fn sync(&self) -> io::Result<()>;
    /// The length of the file.
    fn bytes(&self) -> io::Result<u64>;
}

/// Writes all of `bytes` at `position`.
///
/// # Errors
/// The first error other than an interruption; `WriteZero` if the file takes no more.
pub fn write_all_at(file: &dyn DiskFile, mut bytes: &[u8], mut position: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.write_at(bytes, position) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => {
                bytes = &bytes[written..];
                position += written as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Fills `bytes` from `position`.
///
/// # Errors
/// The first error other than an interruption; `UnexpectedEof` if the file is shorter.
pub fn read_exact_at(
    file: &dyn DiskFile,
    mut bytes: &mut [u8],
    mut position: u64,
) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.read_at(bytes, position) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => {
                bytes = &mut bytes[read..];
                position += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
