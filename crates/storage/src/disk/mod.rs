//! The file operations of the write-ahead log.

pub(crate) mod buffer;
pub(crate) mod file_system;
pub(crate) mod local;
#[cfg(any(test, feature = "testing"))]
pub(crate) mod memory;

pub use buffer::{SpareBuffers, WriteBuffer};
pub use file_system::{BLOCK_BYTES, Disk, DiskFile, DiskLock, read_exact_at, write_all_at};
pub use local::LocalDisk;
#[cfg(any(test, feature = "testing"))]
pub use memory::MemoryDisk;
