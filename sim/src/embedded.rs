//! The embedded metadata store over the simulated disk.
//!
//! It is the product's own, with redb below it, in a process of its own that may die at any disk
//! operation. A [mirror](Mirror) of what it has shown shows every change to the monitor, and is
//! held against the file when it is opened again: what was acknowledged or shown is there, and
//! nothing else but what was on its way.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard},
};

use bytes::Bytes;
use futures_util::FutureExt;
use milena_runtime::Runtime;
use milena_storage::disk::{Disk, DiskFile, MemoryDisk, read_exact_at, write_all_at};
use milena_store::{
    Change, EmbeddedOptions, Event, EventBatch, MetadataStore, SteppedStore, StorageBackend,
    StoreError, Txn, TxnOutcome, Watch,
};
use milena_types::Revision;

use crate::{
    disk::{Process, ProcessDisk},
    findings::Findings,
    monitor::{Caller, Monitor},
};

const FILE: &str = "/metadata/metadata.redb";

/// The store and the process it runs in.
pub(crate) struct EmbeddedMedium {
    disk: MemoryDisk,
    runtime: Runtime,
    monitor: Monitor,
    findings: Findings,
    process: Mutex<Arc<Process>>,
    open: Mutex<Option<OpenStore>>,
    mirror: Mutex<Mirror>,
}

struct OpenStore {
    store: Arc<SteppedStore>,
    /// Everything that changes.
    watch: Box<dyn Watch>,
}

/// What the store has shown so far.
#[derive(Default)]
struct Mirror {
    revision: Revision,
    entries: BTreeMap<String, Bytes>,
    /// The keys that end with a lease.
    leased: BTreeSet<String>,
    /// Whose transaction a revision is.
    callers: BTreeMap<Revision, Caller>,
    /// Transactions that may have been applied or not.
    undecided: Vec<(Caller, Txn)>,
}

impl EmbeddedMedium {
    pub(crate) fn new(
        disk: MemoryDisk,
        runtime: Runtime,
        monitor: Monitor,
        findings: Findings,
    ) -> Self {
        let this = Self {
            disk,
            runtime,
            monitor,
            findings,
            process: Mutex::new(Process::new()),
            open: Mutex::default(),
            mirror: Mutex::default(),
        };
        this.restart();
        this
    }

    pub(crate) fn process(&self) -> Arc<Process> {
        self.process.lock().expect("no panic with the process").clone()
    }

    fn open(&self) -> MutexGuard<'_, Option<OpenStore>> {
        self.open.lock().expect("no panic with the store")
    }

    /// The store, if it could be opened.
    pub(crate) fn store(&self) -> Result<Arc<SteppedStore>, StoreError> {
        let away = || StoreError::Unavailable { reason: "simulated: not open".to_owned() };
        self.open().as_ref().map(|open| open.store.clone()).ok_or_else(away)
    }

    /// Whether it has to be restarted to work again.
    pub(crate) fn is_broken(&self) -> bool {
        self.open().as_ref().is_none_or(|open| open.store.is_broken())
    }

    /// The process ends where it is, and starts again.
    pub(crate) fn restart(&self) {
        let process = Process::new();
        std::mem::replace(
            &mut *self.process.lock().expect("no panic with the process"),
            process.clone(),
        )
        .kill();
        if let Some(former) = self.open().take() {
            former.store.close();
        }
        let (disk, memory) =
            (ProcessDisk::over(self.disk.process(), process.clone()), self.disk.clone());
        let open_file = move || {
            let file = open_or_create(&*disk)?;
            let (disk, process) = (memory.clone(), process.clone());
            Ok(Box::new(StoreFile { disk, process, file }) as Box<dyn StorageBackend>)
        };
        let options =
            EmbeddedOptions { cache_bytes: 1 << 20, ..EmbeddedOptions::new(PathBuf::from(FILE)) };
        match SteppedStore::open(options, Box::new(open_file), &self.runtime) {
            Ok(store) => self.take(Arc::new(store)),
            Err(error) => self.judge(&error.to_string()),
        }
    }

    /// It may fail to open because the disk fails, but not because of what is in the file.
    fn judge(&self, error: &str) {
        let expected = ["input/output", "simulated", "no storage space"];
        if !expected.iter().any(|reason| error.contains(reason)) {
            self.findings.add("store-open", error);
        }
    }

    fn take(&self, store: Arc<SteppedStore>) {
        self.compare(&store);
        let after = self.mirror.lock().expect("no panic with the mirror").revision;
        let watch = store.store().watch("", after).now_or_never();
        let watch = watch.expect("nothing to wait for").expect("it is open");
        *self.open() = Some(OpenStore { store, watch });
    }

    /// Applies transactions together, as the store's own thread does, and ends leases.
    pub(crate) fn apply(&self, txns: Vec<(Caller, Txn)>) -> Vec<Result<TxnOutcome, StoreError>> {
        let store = match self.store() {
            Ok(store) => store,
            Err(error) => return txns.iter().map(|_| Err(error.clone())).collect(),
        };
        let mut begun: Vec<_> =
            txns.iter().map(|(_, txn)| Box::pin(store.store().txn(txn.clone()))).collect();
        let mut outcomes: Vec<_> = begun.iter_mut().map(|txn| txn.now_or_never()).collect();
        store.step();
        for (outcome, txn) in outcomes.iter_mut().zip(&mut begun) {
            if outcome.is_none() {
                *outcome = txn.now_or_never();
            }
        }
        drop(begun);
        let mut mirror = self.mirror.lock().expect("no panic with the mirror");
        let outcomes = outcomes.into_iter().map(|outcome| outcome.expect("the writer replies"));
        let outcomes: Vec<_> = outcomes.collect();
        for ((caller, txn), outcome) in txns.into_iter().zip(&outcomes) {
            let leased = txn.puts.iter().filter(|put| put.lease.is_some());
            mirror.leased.extend(leased.map(|put| put.key.clone()));
            match outcome {
                Ok(outcome) => {
                    outcome.committed().map(|revision| mirror.callers.insert(revision, caller));
                }
                Err(_) => mirror.undecided.push((caller, txn)),
            }
        }
        drop(mirror);
        self.show();
        outcomes
    }

    /// Shows the monitor what the store has shown.
    fn show(&self) {
        let mut lost = None;
        if let Some(open) = &mut *self.open() {
            while let Some(next) = open.watch.next().now_or_never() {
                match next {
                    Ok(batch) => {
                        let mut mirror = self.mirror.lock().expect("no panic with the mirror");
                        mirror.apply(batch, &self.monitor);
                    }
                    Err(_) => {
                        lost = Some(open.store.clone());
                        break;
                    }
                }
            }
        }
        // It has rolled back, or was closed.
        if let Some(store) = lost
            && !store.is_broken()
        {
            self.take(store);
        }
    }

    /// Holds the file against what was shown.
    fn compare(&self, store: &SteppedStore) {
        let Some((entries, revision)) = read_all(store) else { return };
        let mut mirror = self.mirror.lock().expect("no panic with the mirror");
        if revision < mirror.revision {
            let text = format!("revision {revision:?} is there, {:?} was shown", mirror.revision);
            self.findings.add("store-lost", text);
        }
        let keys: BTreeSet<&String> = mirror.entries.keys().chain(entries.keys()).collect();
        let mut changes: BTreeMap<Caller, Vec<Change>> = BTreeMap::new();
        for key in keys {
            let (before, after) = (mirror.entries.get(key), entries.get(key));
            if before == after {
                continue;
            }
            let ended = after.is_none() && mirror.leased.contains(key);
            let sent = mirror.undecided.iter().rev().find(|(_, txn)| explains(txn, key, after));
            let caller = sent.map(|(caller, _)| *caller);
            if caller.is_none() && !ended {
                let text = format!("{key} was {before:?}, and is {after:?} after a restart");
                self.findings.add("store-lost", text);
            }
            let change = (key.clone(), before.cloned(), after.cloned());
            changes.entry(caller.unwrap_or(0)).or_default().push(change);
        }
        mirror.entries = entries;
        mirror.revision = mirror.revision.max(revision);
        mirror.undecided.clear();
        for (caller, changes) in changes {
            let now = |key: &str| mirror.entries.get(key).cloned();
            self.monitor.changed(caller, revision, &changes, &now);
        }
    }
}

impl Mirror {
    fn apply(&mut self, batch: EventBatch, monitor: &Monitor) {
        self.revision = self.revision.max(batch.revision);
        let changes: Vec<Change> = batch
            .events
            .into_iter()
            .map(|event| match event {
                Event::Put(entry) => {
                    let after = entry.versioned.value;
                    let before = self.entries.insert(entry.key.clone(), after.clone());
                    (entry.key, before, Some(after))
                }
                Event::Delete { key } => {
                    let before = self.entries.remove(&key);
                    (key, before, None)
                }
            })
            .collect();
        if !changes.is_empty() {
            let caller = self.callers.remove(&batch.revision).unwrap_or(0);
            let now = |key: &str| self.entries.get(key).cloned();
            monitor.changed(caller, batch.revision, &changes, &now);
        }
    }
}

/// Whether a transaction leaves a key so.
fn explains(txn: &Txn, key: &str, after: Option<&Bytes>) -> bool {
    let put = txn.puts.iter().rev().find(|put| put.key == key);
    match (put, after) {
        (Some(put), Some(after)) => put.value == *after,
        (None, None) => {
            txn.deletes.iter().any(|deleted| deleted == key)
                || txn.delete_prefixes.iter().any(|prefix| key.starts_with(prefix.as_str()))
        }
        _ => false,
    }
}

fn read_all(store: &SteppedStore) -> Option<(BTreeMap<String, Bytes>, Revision)> {
    let (mut entries, mut revision) = (BTreeMap::new(), Revision::default());
    let mut after: Option<String> = None;
    loop {
        let page = store.store().range("", after.as_deref(), 1000).now_or_never()?.ok()?;
        revision = revision.max(page.revision);
        after = page.entries.last().map(|entry| entry.key.clone());
        let values = page.entries.into_iter().map(|entry| (entry.key, entry.versioned.value));
        entries.extend(values);
        if !page.more {
            return Some((entries, revision));
        }
    }
}

fn open_or_create(disk: &dyn Disk) -> io::Result<Arc<dyn DiskFile>> {
    let path = Path::new(FILE);
    match disk.open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let file = disk.create(path, 0)?;
            disk.sync_dir(path.parent().expect("it has one"))?;
            Ok(file)
        }
        outcome => outcome,
    }
}

/// The store's file, for redb.
#[derive(Debug)]
struct StoreFile {
    disk: MemoryDisk,
    process: Arc<Process>,
    file: Arc<dyn DiskFile>,
}

impl StorageBackend for StoreFile {
    fn len(&self) -> io::Result<u64> {
        self.file.bytes()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        read_exact_at(&*self.file, out, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.process.step()?;
        self.disk.set_length(Path::new(FILE), len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.sync()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        write_all_at(&*self.file, data, offset)
    }
}
