//! A broker's access to the machine's disk, for one life of its process. The disk itself is
//! [`MemoryDisk`](milena_storage::disk::MemoryDisk): what is not synced is lost when the power is
//! cut.
//!
//! A process may be given a number of disk operations after which it dies: a crash between any two
//! steps of what it does with its log. From then on nothing it does reaches the disk.

use std::{
    collections::BTreeSet,
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
};

use milena_storage::disk::{Disk, DiskFile, DiskLock};

/// Whether a process lives, and how much longer.
#[derive(Debug)]
pub(crate) struct Process {
    dead: AtomicBool,
    /// Disk operations until it dies; negative: for ever.
    left: AtomicI64,
}

impl Process {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { dead: AtomicBool::new(false), left: AtomicI64::new(-1) })
    }

    /// Dies after so many more disk operations.
    pub(crate) fn die_after(&self, operations: u64) {
        self.left.store(operations as i64, Ordering::Relaxed);
    }

    /// Nothing of it reaches the disk any more.
    pub(crate) fn kill(&self) {
        self.dead.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.dead.load(Ordering::Relaxed)
    }

    /// One more disk operation.
    pub(crate) fn step(&self) -> io::Result<()> {
        let left = self.left.load(Ordering::Relaxed);
        if left == 0 {
            self.kill();
        } else if left > 0 {
            self.left.store(left - 1, Ordering::Relaxed);
        }
        if self.is_dead() {
            Err(io::Error::other("simulated: the process is dead"))
        } else {
            Ok(())
        }
    }
}

#[derive(Debug)]
pub(crate) struct ProcessDisk {
    disk: Arc<dyn Disk>,
    process: Arc<Process>,
}

impl ProcessDisk {
    pub(crate) fn over(disk: Arc<dyn Disk>, process: Arc<Process>) -> Arc<dyn Disk> {
        Arc::new(Self { disk, process })
    }

    fn file(&self, file: Arc<dyn DiskFile>) -> Arc<dyn DiskFile> {
        Arc::new(ProcessFile { file, process: self.process.clone() })
    }
}

impl Disk for ProcessDisk {
    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        self.process.step()?;
        self.disk.create_dir_all(dir)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.process.step()?;
        self.disk.list(dir)
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        self.process.step()?;
        Ok(self.file(self.disk.open(path)?))
    }

    fn create(&self, path: &Path, bytes: u64) -> io::Result<Arc<dyn DiskFile>> {
        self.process.step()?;
        Ok(self.file(self.disk.create(path, bytes)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.process.step()?;
        self.disk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.process.step()?;
        self.disk.remove(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.process.step()?;
        self.disk.sync_dir(dir)
    }

    fn try_lock(&self, path: &Path) -> io::Result<Option<Box<dyn DiskLock>>> {
        self.process.step()?;
        self.disk.try_lock(path)
    }
}

#[derive(Debug)]
struct ProcessFile {
    file: Arc<dyn DiskFile>,
    process: Arc<Process>,
}

impl DiskFile for ProcessFile {
    fn write_at(&self, bytes: &[u8], position: u64) -> io::Result<usize> {
        let lived = !self.process.is_dead();
        if let Err(dead) = self.process.step() {
            if lived {
                // It dies in the middle of this.
                let _ = self.file.write_at(&bytes[..bytes.len() / 2], position);
            }
            return Err(dead);
        }
        self.file.write_at(bytes, position)
    }

    fn read_at(&self, bytes: &mut [u8], position: u64) -> io::Result<usize> {
        if self.process.is_dead() {
            return Err(io::Error::other("simulated: the process is dead"));
        }
        self.file.read_at(bytes, position)
    }

    fn sync(&self) -> io::Result<()> {
        self.process.step()?;
        self.file.sync()
    }

    fn bytes(&self) -> io::Result<u64> {
        self.file.bytes()
    }
}

/// Directories that cannot be listed until they are taken out, as on a mount that fails. Clones share
/// the list.
#[derive(Clone, Debug, Default)]
pub(crate) struct StuckDirs(Arc<Mutex<BTreeSet<PathBuf>>>);

impl StuckDirs {
    pub(crate) fn set(&self, dir: PathBuf, is_stuck: bool) {
        let mut stuck = self.0.lock().expect("no panic while directories are listed");
        if is_stuck {
            stuck.insert(dir)
        } else {
            stuck.remove(&dir)
        };
    }

    /// A disk on which they fail.
    pub(crate) fn over(&self, disk: Arc<dyn Disk>) -> Arc<dyn Disk> {
        Arc::new(StuckDisk { disk, stuck: self.clone() })
    }
}

#[derive(Debug)]
struct StuckDisk {
    disk: Arc<dyn Disk>,
    stuck: StuckDirs,
}

impl Disk for StuckDisk {
    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        if self.stuck.0.lock().expect("no panic while directories are listed").contains(dir) {
            return Err(io::Error::other("simulated: the directory cannot be read"));
        }
        self.disk.list(dir)
    }

    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        self.disk.create_dir_all(dir)
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        self.disk.open(path)
    }

    fn create(&self, path: &Path, bytes: u64) -> io::Result<Arc<dyn DiskFile>> {
        self.disk.create(path, bytes)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.disk.remove(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.disk.sync_dir(dir)
    }

    fn try_lock(&self, path: &Path) -> io::Result<Option<Box<dyn DiskLock>>> {
        self.disk.try_lock(path)
    }
}
