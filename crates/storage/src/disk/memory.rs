//! A disk in memory, with the failures of real ones. For tests and simulation.
//!
//! It keeps two images of every file: what reads see (the page cache), and what is durable. A sync
//! carries dirty sectors from the first to the second; a *failed* sync carries none and forgets
//! that they were dirty, as Linux does, so that a later sync of the file succeeds and means
//! nothing. A crash leaves of each dirty sector either the old or the new bytes.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex, MutexGuard},
};

use crate::disk::file_system::{Disk, DiskFile, DiskLock};

const SECTOR_BYTES: usize = 512;

/// A disk in memory. Clones are the same disk.
#[derive(Clone, Debug, Default)]
pub struct MemoryDisk {
    shared: Arc<SharedDisk>,
}

#[derive(Debug, Default)]
struct SharedDisk {
    state: Mutex<DiskState>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct DiskState {
    /// Rises at a crash or kill: handles of an earlier life fail.
    life: u64,
    names: BTreeMap<PathBuf, usize>,
    durable_names: BTreeMap<PathBuf, usize>,
    files: Vec<FileImage>,
    locked: BTreeSet<PathBuf>,
    space_bytes: Option<u64>,
    failing_creates: u32,
    failing_removes: u32,
    failing_writes: u32,
    failing_syncs: u32,
    short_writes: bool,
    hold_syncs: bool,
    held_syncs: u32,
    hold_removal: bool,
    held_removals: u32,
    syncs: u64,
    synced_after_failure: u32,
}

#[derive(Clone, Debug, Default)]
struct FileImage {
    seen: Vec<u8>,
    durable: Vec<u8>,
    dirty: BTreeSet<usize>,
    sync_failed: bool,
}

/// The disk as one process sees it, until it is killed.
#[derive(Debug)]
struct MemoryProcess {
    shared: Arc<SharedDisk>,
    life: u64,
}

#[derive(Debug)]
struct MemoryFile {
    shared: Arc<SharedDisk>,
    file: usize,
    life: u64,
}

#[derive(Debug)]
struct MemoryLock {
    shared: Arc<SharedDisk>,
    path: PathBuf,
    life: u64,
}

impl MemoryDisk {
    fn state(&self) -> MutexGuard<'_, DiskState> {
        self.shared.state()
    }

    /// The disk for one process: after a kill or crash it fails in everything.
    pub fn process(&self) -> Arc<dyn Disk> {
        Arc::new(MemoryProcess { shared: self.shared.clone(), life: self.state().life })
    }

    /// Limits the allocated bytes of all files. `None`: no limit.
    pub fn limit_space(&self, bytes: Option<u64>) {
        self.state().space_bytes = bytes;
    }

    /// Makes the next creations of a file fail.
    pub fn fail_creates(&self, count: u32) {
        self.state().failing_creates = count;
    }

    /// Makes the next removals of a file fail.
    pub fn fail_removes(&self, count: u32) {
        self.state().failing_removes = count;
    }

    /// Makes the next writes fail with EIO, after they have written about half.
    pub fn fail_writes(&self, count: u32) {
        self.state().failing_writes = count;
    }

    /// Makes the next syncs fail with EIO.
    pub fn fail_syncs(&self, count: u32) {
        self.state().failing_syncs = count;
    }

    /// Makes writes take only a part of what they are given.
    pub fn write_short(&self, short: bool) {
        self.state().short_writes = short;
    }

    /// Makes syncs wait until this is called with `false`.
    pub fn hold_syncs(&self, hold: bool) {
        self.state().hold_syncs = hold;
        self.shared.changed.notify_all();
    }

    /// Waits until a sync waits.
    pub fn wait_for_held_sync(&self) {
        let state = self.state();
        drop(self.shared.changed.wait_while(state, |state| state.held_syncs == 0));
    }

    /// Makes the next removal of a file wait until this is called with `false`.
    pub fn hold_removal(&self, hold: bool) {
        self.state().hold_removal = hold;
        self.shared.changed.notify_all();
    }

    /// Waits until a removal waits.
    pub fn wait_for_held_removal(&self) {
        let state = self.state();
        drop(self.shared.changed.wait_while(state, |state| state.held_removals == 0));
    }

    /// How many syncs have succeeded.
    pub fn syncs(&self) -> u64 {
        self.state().syncs
    }

    /// How often a file was synced of which a sync had failed before: must stay 0.
    pub fn syncs_after_failure(&self) -> u32 {
        self.state().synced_after_failure
    }

    /// Ends the process: open files and locks are lost, written bytes are not.
    pub fn kill(&self) {
        let mut state = self.state();
        state.life += 1;
        state.locked.clear();
        (state.failing_creates, state.failing_writes, state.failing_syncs) = (0, 0, 0);
        state.failing_removes = 0;
        (state.hold_syncs, state.hold_removal) = (false, false);
        self.shared.changed.notify_all();
    }

    /// Cuts the power: `seed` decides what is left of unsynced writes.
    pub fn crash(&self, mut seed: u64) {
        self.kill();
        let mut coin = move || {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            seed >> 63 == 1
        };
        let mut state = self.state();
        let keep_names = coin();
        for file in &mut state.files {
            for sector in std::mem::take(&mut file.dirty) {
                if coin() {
                    file.make_durable(sector);
                }
            }
            file.seen = file.durable.clone();
            file.sync_failed = false;
        }
        if keep_names {
            state.durable_names = state.names.clone();
        } else {
            state.names = state.durable_names.clone();
        }
    }

    /// Makes a file longer, with zeros, or shorter. Durable with the file's next sync.
    pub fn set_length(&self, path: &Path, bytes: u64) -> io::Result<()> {
        let mut state = self.state();
        let file = state.name(path)?;
        let grown = bytes.saturating_sub(state.files[file].seen.len() as u64);
        let full = |space: u64| grown > 0 && state.used_bytes() + grown > space;
        if state.space_bytes.is_some_and(full) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let (image, bytes) = (&mut state.files[file], bytes as usize);
        let before = image.seen.len();
        image.seen.resize(bytes, 0);
        image.dirty.retain(|sector| sector * SECTOR_BYTES < bytes);
        if bytes > before {
            image.dirty.extend(before / SECTOR_BYTES..bytes.div_ceil(SECTOR_BYTES));
        }
        Ok(())
    }

    /// Reads or changes a file's bytes, durably.
    pub fn edit<T>(&self, path: &Path, edit: impl FnOnce(&mut Vec<u8>) -> T) -> T {
        let mut state = self.state();
        let file = state.names[path];
        let image = &mut state.files[file];
        let result = edit(&mut image.seen);
        image.durable = image.seen.clone();
        image.dirty.clear();
        result
    }

    /// A disk with the same contents and nothing else in common.
    #[must_use]
    pub fn fork(&self) -> Self {
        let state = self.state();
        let names = state.names.clone();
        let files = state.files.clone();
        let copy = DiskState { durable_names: names.clone(), names, files, ..DiskState::default() };
        Self { shared: Arc::new(SharedDisk { state: Mutex::new(copy), changed: Condvar::new() }) }
    }

    /// The paths of all files below a directory.
    pub fn paths(&self, dir: &Path) -> Vec<PathBuf> {
        self.state().names.keys().filter(|path| path.starts_with(dir)).cloned().collect()
    }
}

impl SharedDisk {
    fn state(&self) -> MutexGuard<'_, DiskState> {
        self.state.lock().expect("no holder of the disk panics")
    }

    /// The disk's state, unless the calling process has ended.
    fn state_of(&self, life: u64) -> io::Result<MutexGuard<'_, DiskState>> {
        let state = self.state();
        if state.life == life { Ok(state) } else { Err(eio()) }
    }
}

impl FileImage {
    fn make_durable(&mut self, sector: usize) {
        let range = sector * SECTOR_BYTES..((sector + 1) * SECTOR_BYTES).min(self.seen.len());
        self.durable.resize(self.seen.len(), 0);
        self.durable[range.clone()].copy_from_slice(&self.seen[range]);
    }
}

impl DiskState {
    fn name(&self, path: &Path) -> io::Result<usize> {
        self.names.get(path).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn used_bytes(&self) -> u64 {
        self.names.values().map(|&file| self.files[file].seen.len() as u64).sum()
    }
}

fn take_one(count: &mut u32) -> bool {
    let some = *count > 0;
    *count = count.saturating_sub(1);
    some
}

fn eio() -> io::Error {
    io::Error::other("input/output error")
}

impl MemoryProcess {
    fn state(&self) -> io::Result<MutexGuard<'_, DiskState>> {
        self.shared.state_of(self.life)
    }
}

impl Disk for MemoryProcess {
    fn create_dir_all(&self, _dir: &Path) -> io::Result<()> {
        Ok(())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let state = self.state()?;
        let inside = state.names.keys().filter(|path| path.parent() == Some(dir));
        Ok(inside
            .filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
            .collect())
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let state = self.state()?;
        Ok(Arc::new(MemoryFile {
            shared: self.shared.clone(),
            file: state.name(path)?,
            life: state.life,
        }))
    }

    fn create(&self, path: &Path, bytes: u64) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = self.state()?;
        if state.names.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        if take_one(&mut state.failing_creates) {
            return Err(eio());
        }
        if state.space_bytes.is_some_and(|space| state.used_bytes() + bytes > space) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let zeros = vec![0; bytes as usize];
        state.files.push(FileImage { seen: zeros.clone(), durable: zeros, ..FileImage::default() });
        let file = state.files.len() - 1;
        state.names.insert(path.to_owned(), file);
        Ok(Arc::new(MemoryFile { shared: self.shared.clone(), file, life: state.life }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state()?;
        let file = state.name(from)?;
        state.names.remove(from);
        state.names.insert(to.to_owned(), file);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state()?;
        state.name(path)?;
        if state.hold_removal && state.held_removals == 0 {
            state.held_removals = 1;
            self.shared.changed.notify_all();
            let held = self.shared.changed.wait_while(state, |state| state.hold_removal);
            state = held.expect("no holder of the disk panics");
            state.held_removals = 0;
            if state.life != self.life {
                return Err(eio());
            }
        }
        if take_one(&mut state.failing_removes) {
            return Err(eio());
        }
        state.names.remove(path);
        Ok(())
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.state()?;
        let state = &mut *state;
        state.durable_names.retain(|path, _| path.parent() != Some(dir));
        let inside = state.names.iter().filter(|(path, _)| path.parent() == Some(dir));
        state.durable_names.extend(inside.map(|(path, &file)| (path.clone(), file)));
        Ok(())
    }

    fn try_lock(&self, path: &Path) -> io::Result<Option<Box<dyn DiskLock>>> {
        let mut state = self.state()?;
        if !state.locked.insert(path.to_owned()) {
            return Ok(None);
        }
        Ok(Some(Box::new(MemoryLock {
            shared: self.shared.clone(),
            path: path.to_owned(),
            life: state.life,
        })))
    }
}

impl DiskLock for MemoryLock {}

impl Drop for MemoryLock {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        if state.life == self.life {
            state.locked.remove(&self.path);
        }
    }
}

impl MemoryFile {
    fn state(&self) -> io::Result<MutexGuard<'_, DiskState>> {
        self.shared.state_of(self.life)
    }
}

impl DiskFile for MemoryFile {
    fn write_at(&self, bytes: &[u8], position: u64) -> io::Result<usize> {
        let mut state = self.state()?;
        let fails = take_one(&mut state.failing_writes);
        let part = if fails || state.short_writes { bytes.len().div_ceil(2) } else { bytes.len() };
        let image = &mut state.files[self.file];
        let range = position as usize..position as usize + part;
        if range.end > image.seen.len() {
            image.seen.resize(range.end, 0);
        }
        image.seen[range.clone()].copy_from_slice(&bytes[..part]);
        image.dirty.extend(range.start / SECTOR_BYTES..range.end.div_ceil(SECTOR_BYTES));
        if fails { Err(eio()) } else { Ok(part) }
    }

    fn read_at(&self, bytes: &mut [u8], position: u64) -> io::Result<usize> {
        let state = self.state()?;
        let rest = state.files[self.file].seen.get(position as usize..).unwrap_or_default();
        let length = rest.len().min(bytes.len());
        bytes[..length].copy_from_slice(&rest[..length]);
        Ok(length)
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.state()?;
        state.held_syncs += 1;
        self.shared.changed.notify_all();
        let held = self.shared.changed.wait_while(state, |state| state.hold_syncs);
        state = held.expect("no holder of the disk panics");
        state.held_syncs -= 1;
        if state.life != self.life {
            return Err(eio());
        }
        let fails = take_one(&mut state.failing_syncs);
        let image = &mut state.files[self.file];
        let (again, dirty) = (image.sync_failed, std::mem::take(&mut image.dirty));
        image.sync_failed |= fails;
        if !fails {
            for sector in dirty {
                image.make_durable(sector);
            }
            image.durable.truncate(image.seen.len());
        }
        state.synced_after_failure += u32::from(again);
        state.syncs += u64::from(!fails);
        if fails { Err(eio()) } else { Ok(()) }
    }

    fn bytes(&self) -> io::Result<u64> {
        Ok(self.state()?.files[self.file].seen.len() as u64)
    }
}
