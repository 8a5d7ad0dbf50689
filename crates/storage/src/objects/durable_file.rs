//! Writing a file that has its name only when all of it is durable.

use std::{io, path::Path};

use crate::disk::file_system::Disk;

/// Writes a file with `write`, which makes `temporary` in the same directory and syncs it, and gives
/// it its name. Durable when it returns.
pub(super) fn write_durably(
    disk: &dyn Disk,
    path: &Path,
    temporary: &Path,
    write: impl FnOnce() -> io::Result<()>,
) -> io::Result<()> {
    let parent = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    disk.create_dir_all(parent)?;
    let outcome = write().and_then(|()| {
        disk.rename(temporary, path)?;
        disk.sync_dir(parent)
    });
    if outcome.is_err() {
        // The first error counts; a file that is left over is removed at the next start.
        let _ = disk.remove(temporary);
    }
    outcome
}
