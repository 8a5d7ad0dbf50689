use std::{
    path::Path,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use futures_util::{FutureExt, future::join_all};
use milena_runtime::{Clock, Random, Runtime};
use milena_types::Revision;
use tempfile::TempDir;

use super::{
    EmbeddedOptions, EmbeddedStore, QUEUE_UNITS_MAX, VITAL_UNITS_MAX, file::Opener,
    options::OpenError, tables,
};
use crate::{
    conformance,
    store::{MetadataStore, StoreError, Txn, TxnOutcome, WatchError},
};

fn open(directory: &Path) -> EmbeddedStore {
    EmbeddedStore::open(options(directory), &Runtime::system()).expect("it opens")
}

fn options(directory: &Path) -> EmbeddedOptions {
    EmbeddedOptions {
        cache_bytes: 4 << 20,
        ..EmbeddedOptions::new(directory.join("metadata.redb"))
    }
}

async fn put(store: &EmbeddedStore, key: &str, value: &str) -> Result<Revision, StoreError> {
    let outcome = store.txn(Txn::new().put(key, value.to_owned())).await?;
    Ok(outcome.committed().expect("it has no precondition"))
}

async fn value(store: &EmbeddedStore, key: &str) -> Option<String> {
    let found = store.get(key).await.expect("readable")?;
    Some(String::from_utf8(found.value.to_vec()).unwrap())
}

#[tokio::test]
async fn it_conforms() {
    let directory = TempDir::new().unwrap();
    let number = std::sync::atomic::AtomicU32::new(0);
    conformance::run_all(async || {
        let n = number.fetch_add(1, Ordering::Relaxed);
        let options = EmbeddedOptions::new(directory.path().join(n.to_string()));
        Arc::new(EmbeddedStore::open(options, &Runtime::system()).unwrap()) as conformance::Store
    })
    .await;
}

#[tokio::test]
async fn a_second_opener_gets_the_holder_in_its_error() {
    let directory = TempDir::new().unwrap();
    let store = open(directory.path());
    let error = EmbeddedStore::open(options(directory.path()), &Runtime::system()).err().unwrap();
    assert!(matches!(error, OpenError::InUse { .. }), "{error}");
    assert!(error.to_string().contains("another process"), "{error}");
    store.close().await;
    open(directory.path());
}

#[tokio::test]
async fn a_newer_format_is_refused_and_left_alone() {
    let directory = TempDir::new().unwrap();
    drop(open(directory.path()));
    let database = Opener::new(options(directory.path())).open().unwrap();
    tables::write_format(&database, tables::FORMAT_LEVEL + 1).unwrap();
    drop(database);
    let error = EmbeddedStore::open(options(directory.path()), &Runtime::system()).err().unwrap();
    assert!(
        matches!(error, OpenError::NewerFormat { found, known, .. } if found == known + 1),
        "{error}"
    );
}

#[tokio::test]
async fn a_file_of_something_else_is_refused() {
    let directory = TempDir::new().unwrap();
    std::fs::write(directory.path().join("metadata.redb"), vec![7; 10_000]).unwrap();
    let error = EmbeddedStore::open(options(directory.path()), &Runtime::system()).err().unwrap();
    assert!(matches!(error, OpenError::Failed { .. }), "{error}");
}

#[tokio::test]
async fn everything_is_there_again_after_a_clean_close() {
    let directory = TempDir::new().unwrap();
    let store = open(directory.path());
    put(&store, "a", "1").await.unwrap();
    let revision = put(&store, "b", "2").await.unwrap();
    store.close().await;
    assert_eq!(store.get("a").await, Err(StoreError::Closed));
    assert_eq!(put(&store, "a", "3").await, Err(StoreError::Closed));
    let store = open(directory.path());
    let page = store.range("", None, 10).await.unwrap();
    assert_eq!((page.entries.len(), page.revision), (2, revision));
    assert!(put(&store, "c", "3").await.unwrap() > revision);
}

/// A crash leaves the file as it is at some moment while the store works. Copies of it, taken at
/// any time, hold every transaction acknowledged by then, whole.
#[tokio::test]
async fn a_file_copied_while_in_use_has_all_that_was_acknowledged() {
    let directory = TempDir::new().unwrap();
    let store = open(directory.path());
    for round in 0..20 {
        let write = async |n: usize| {
            let txn = Txn::new()
                .put(format!("left/{n}"), round.to_string())
                .put(format!("right/{n}"), vec![b'x'; 200 * round]);
            store.txn(txn).await.unwrap().committed().unwrap()
        };
        let last = join_all((0..20).map(write)).await.into_iter().max().unwrap();
        let crashed = TempDir::new().unwrap();
        std::fs::copy(directory.path().join("metadata.redb"), crashed.path().join("metadata.redb"))
            .unwrap();
        let copy = open(crashed.path());
        let left = copy.range("left/", None, 100).await.unwrap();
        assert_eq!(left.revision, last);
        assert_eq!(left.entries.len(), 20);
        for entry in left.entries {
            let n = entry.key.strip_prefix("left/").unwrap();
            let right = copy.get(&format!("right/{n}")).await.unwrap().unwrap();
            assert_eq!(entry.versioned.value.as_ref(), round.to_string().as_bytes());
            assert_eq!(
                (right.value.len(), right.revision),
                (200 * round, entry.versioned.revision)
            );
        }
    }
}

#[tokio::test]
async fn a_watch_from_before_the_restart_ends_as_compacted() {
    let directory = TempDir::new().unwrap();
    let store = open(directory.path());
    let first = put(&store, "a", "1").await.unwrap();
    let mut watch = store.watch("a", first).await.unwrap();
    let last = put(&store, "a", "2").await.unwrap();
    watch.next().await.unwrap();
    store.close().await;
    assert_eq!(watch.next().await, Err(WatchError::Closed));
    let store = open(directory.path());
    conformance::assert_compacted(&mut store.watch("a", first).await.unwrap()).await;
    let mut watch = store.watch("a", last).await.unwrap();
    let next = put(&store, "a", "3").await.unwrap();
    assert_eq!(watch.next().await.unwrap().revision, next);
}

#[tokio::test]
async fn a_watch_that_lags_behind_the_kept_history_ends_as_compacted() {
    let directory = TempDir::new().unwrap();
    let options = EmbeddedOptions { history_bytes: 4096, ..options(directory.path()) };
    let store = EmbeddedStore::open(options, &Runtime::system()).unwrap();
    let mut slow = store.watch("a", Revision(0)).await.unwrap();
    for _ in 0..20 {
        put(&store, "a", &"x".repeat(500)).await.unwrap();
    }
    conformance::assert_compacted(&mut slow).await;
}

fn is_unwatched(key: &str) -> bool {
    key.starts_with("s/")
}

/// However many there are, they do not push out the changes that watches show.
#[tokio::test]
async fn changes_of_unwatched_keys_are_no_history() {
    let directory = TempDir::new().unwrap();
    let options = EmbeddedOptions {
        history_bytes: 4096,
        unwatched: is_unwatched,
        ..options(directory.path())
    };
    let store = EmbeddedStore::open(options, &Runtime::system()).unwrap();
    let mut slow = store.watch("", Revision(0)).await.unwrap();
    let first = put(&store, "a", "1").await.unwrap();
    let write = async |n: usize| put(&store, &format!("s/{}", n % 7), &"x".repeat(500)).await;
    join_all((0..100).map(write)).await.into_iter().for_each(|written| _ = written.unwrap());
    let lease = store.grant(Duration::from_secs(60)).await.unwrap();
    let leased = Txn::new().put_leased("s/leased", "", lease).delete("s/1").put("a", "2");
    let second = store.txn(leased).await.unwrap().committed().unwrap();
    store.revoke(lease).await.unwrap();
    let third = store.txn(Txn::new().delete_prefix("s/")).await.unwrap().committed().unwrap();
    assert_eq!(third.raw(), second.raw() + 2, "they have revisions like all others");
    let last = put(&store, "b", "1").await.unwrap();
    for (revision, key) in [(first, "a"), (second, "a"), (last, "b")] {
        let batch = slow.next().await.unwrap();
        assert_eq!((batch.revision, batch.events.len()), (revision, 1));
        assert_eq!(batch.events[0].key(), key);
    }
    store.close().await;
    let store = open(directory.path());
    assert_eq!(store.range("", None, 10).await.unwrap().revision, last);
}

#[tokio::test]
async fn transactions_that_wait_together_share_a_commit() {
    let directory = TempDir::new().unwrap();
    let store = open(directory.path());
    let started = Runtime::system();
    join_all((0..2000).map(async |n| put(&store, &format!("{n}"), "x").await.unwrap())).await;
    // 2000 single syncs would take seconds on any disk that really syncs; the count of revisions
    // shows none was lost.
    assert_eq!(store.range("", None, 1).await.unwrap().revision, Revision(2000));
    assert!(started.monotonic() < Duration::from_secs(20));
}

#[tokio::test]
async fn a_full_disk_refuses_changes_and_is_used_again_when_there_is_space() {
    let directory = TempDir::new().unwrap();
    let opener = Opener::new(options(directory.path()));
    let faults = opener.faults();
    let store = EmbeddedStore::open_with(opener, &Runtime::system()).unwrap();
    put(&store, "a", "1").await.unwrap();
    let revision = put(&store, "b", "1").await.unwrap();
    let mut watch = store.watch("", revision).await.unwrap();
    faults.full.store(true, Ordering::Release);
    let refused = put(&store, "a", "2").await.unwrap_err();
    assert!(
        matches!(refused, StoreError::NoSpace { .. } | StoreError::OutcomeUnknown { .. }),
        "{refused}"
    );
    faults.full.store(false, Ordering::Release);
    let deadline = Runtime::system();
    let after = loop {
        assert_eq!(value(&store, "a").await.as_deref(), Some("1"));
        match put(&store, "c", "1").await {
            Ok(revision) => break revision,
            Err(error) => assert!(matches!(error, StoreError::NoSpace { .. }), "{error}"),
        }
        assert!(deadline.monotonic() < Duration::from_secs(10));
        tokio::task::yield_now().await;
    };
    assert_eq!(watch.next().await.unwrap().revision, after);
    store.close().await;
    let store = open(directory.path());
    assert_eq!(value(&store, "a").await.as_deref(), Some("1"));
    assert_eq!(value(&store, "c").await.as_deref(), Some("1"));
}

/// A store whose last sync failed and whose disk takes no sync, and the file.
async fn unsynced(directory: &Path) -> (EmbeddedStore, Arc<super::file::Faults>, std::fs::File) {
    let opener = Opener::new(options(directory));
    let faults = opener.faults();
    let store = EmbeddedStore::open_with(opener, &Runtime::system()).unwrap();
    put(&store, "a", "1").await.unwrap();
    faults.unsyncable.store(true, Ordering::Release);
    let failed = put(&store, "b", "1").await.unwrap_err();
    assert!(matches!(failed, StoreError::OutcomeUnknown { .. }), "{failed}");
    (store, faults, std::fs::File::open(directory.join("metadata.redb")).unwrap())
}

/// Whether the store's file is another one now.
fn is_replaced(directory: &Path, before: &std::fs::File) -> bool {
    use std::os::unix::fs::MetadataExt;
    let now = std::fs::metadata(directory.join("metadata.redb")).unwrap();
    now.ino() != before.metadata().unwrap().ino()
}

/// What is in the system's cache may not be on the disk: no caller is told that it is committed.
#[expect(clippy::disallowed_methods, reason = "nothing here is simulated")]
#[tokio::test]
async fn after_a_failed_sync_nothing_is_read_until_the_file_is_written_anew() {
    let directory = TempDir::new().unwrap();
    let (store, faults, file) = unsynced(directory.path()).await;
    let read = store.get("b").await.unwrap_err();
    assert!(matches!(read, StoreError::Unavailable { .. }), "{read}");
    assert!(put(&store, "c", "1").await.is_err());
    faults.unsyncable.store(false, Ordering::Release);
    let started = std::time::Instant::now();
    while put(&store, "c", "1").await.is_err() {
        assert!(started.elapsed() < Duration::from_secs(10));
        tokio::task::yield_now().await;
    }
    assert!(is_replaced(directory.path(), &file));
    assert_eq!(value(&store, "a").await.as_deref(), Some("1"));
    let unknown = value(&store, "b").await;
    store.close().await;
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1, "no marker, no draft");
    let store = open(directory.path());
    assert_eq!(value(&store, "b").await, unknown, "what was read stays");
}

#[tokio::test]
async fn a_process_that_starts_after_a_failed_sync_of_another_writes_the_file_anew() {
    let directory = TempDir::new().unwrap();
    let (store, _, file) = unsynced(directory.path()).await;
    store.close().await;
    let before = std::fs::read(directory.path().join("metadata.redb")).unwrap();
    let opener = Opener::new(options(directory.path()));
    opener.faults().unsyncable.store(true, Ordering::Release);
    let refused = EmbeddedStore::open_with(opener, &Runtime::system()).err().unwrap();
    assert!(refused.to_string().contains("see to the disk"), "{refused}");
    assert!(!is_replaced(directory.path(), &file));
    assert_eq!(std::fs::read(directory.path().join("metadata.redb")).unwrap(), before);
    let store = open(directory.path());
    assert!(is_replaced(directory.path(), &file));
    assert_eq!(value(&store, "a").await.as_deref(), Some("1"));
    drop(store);
    let file = std::fs::File::open(directory.path().join("metadata.redb")).unwrap();
    drop(open(directory.path()));
    assert!(!is_replaced(directory.path(), &file), "once");
}

/// Writing a large file anew takes a while: whoever reads meanwhile waits, and no thread does.
#[tokio::test]
async fn reads_block_no_thread_while_the_file_is_opened() {
    const PATIENCE: Duration = Duration::from_secs(10);
    let directory = TempDir::new().unwrap();
    let (store, faults, _) = unsynced(directory.path()).await;
    faults.unsyncable.store(false, Ordering::Release);
    let store = Arc::new(store);
    faults.is_opening.store(false, Ordering::Release);
    let opening = faults.opening.lock().unwrap();
    let (polled, outcome) = std::sync::mpsc::channel();
    let (reads, opened) = (store.clone(), faults.clone());
    let poll = move || {
        let mut first = reads.get("a");
        assert!(first.as_mut().now_or_never().is_none());
        while !opened.is_opening.load(Ordering::Acquire) {
            std::thread::yield_now();
        }
        let _ = polled.send(reads.get("a").now_or_never().is_none());
    };
    let reader = Runtime::system().spawn_thread("reader", poll).unwrap();
    let waits = outcome.recv_timeout(PATIENCE);
    drop(opening);
    reader.join().unwrap();
    assert_eq!(waits, Ok(true));
    assert_eq!(value(&store, "a").await.as_deref(), Some("1"));
}

/// Without the marker, only the flag says that the file is not to be used: not even while its copy
/// cannot be opened.
#[tokio::test]
async fn a_file_whose_sync_failed_is_not_used_where_its_copy_cannot_be_opened() {
    let directory = TempDir::new().unwrap();
    let opener = Opener::new(options(directory.path()));
    let faults = opener.faults();
    faults.unmarkable.store(true, Ordering::Release);
    let database = opener.open().unwrap();
    tables::prepare(&database, directory.path()).unwrap();
    faults.unsyncable.store(true, Ordering::Release);
    tables::write_format(&database, tables::FORMAT_LEVEL).expect_err("it cannot be synced");
    drop(database);
    assert!(!directory.path().join("metadata.redb.unsynced").exists());
    faults.unsyncable.store(false, Ordering::Release);
    faults.unreadable.store(true, Ordering::Release);
    for _ in 0..2 {
        let refused = opener.open().err().unwrap().to_string();
        assert!(refused.contains("cannot be written anew"), "{refused}");
        assert!(opener.sync_failed());
    }
    faults.unreadable.store(false, Ordering::Release);
    opener.open().unwrap();
    assert!(!opener.sync_failed());
}

/// redb reads nothing from a file any more of which a read has failed.
#[expect(clippy::disallowed_methods, reason = "nothing here is simulated")]
#[tokio::test]
async fn after_a_failed_read_the_file_is_opened_anew_without_a_change() {
    let directory = TempDir::new().unwrap();
    // More than is kept in memory.
    let options = EmbeddedOptions { cache_bytes: 1 << 20, ..options(directory.path()) };
    let opener = Opener::new(options);
    let faults = opener.faults();
    let store = EmbeddedStore::open_with(opener, &Runtime::system()).unwrap();
    join_all((0..500).map(async |n| {
        put(&store, &format!("k{n}"), &"x".repeat(4096)).await.unwrap();
    }))
    .await;
    // The revision is in memory: that it can be read says nothing.
    store.range("none", None, 1).await.unwrap();
    faults.unreadable.store(true, Ordering::Release);
    let mut failed = None;
    for n in 0..500 {
        failed = store.get(&format!("k{n}")).await.err().or(failed);
    }
    let failed = failed.expect("not all of them are in memory");
    assert!(matches!(failed, StoreError::Unavailable { .. }), "{failed}");
    faults.unreadable.store(false, Ordering::Release);
    let started = std::time::Instant::now();
    for n in 0..500 {
        while store.get(&format!("k{n}")).await.is_err() {
            assert!(started.elapsed() < Duration::from_secs(10), "k{n}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// A commit that ends a lease may be found in the file although it failed.
#[tokio::test]
async fn a_lease_that_a_failed_commit_ended_is_over() {
    let directory = TempDir::new().unwrap();
    let opener = Opener::new(options(directory.path()));
    let faults = opener.faults();
    let clock = Arc::new(TestClock::default());
    let runtime = Runtime::new(clock.clone(), Arc::new(NoRandom));
    let store = EmbeddedStore::open_with(opener, &runtime).unwrap();
    let lease = store.grant(Duration::from_secs(1)).await.unwrap();
    let leased = store.txn(Txn::new().put_leased("k", "", lease)).await.unwrap();
    assert!(leased.committed().is_some());
    faults.unsyncable.store(true, Ordering::Release);
    let ended = pass_until(&clock, || store.state.database().is_none());
    ended.await;
    faults.unsyncable.store(false, Ordering::Release);
    pass_until(&clock, || store.state.leases().next_deadline().is_none()).await;
    assert_eq!(store.get("k").await, Ok(None));
    assert_eq!(store.keep_alive(lease).await, Err(StoreError::LeaseNotFound(lease)));
}

/// A clock that a test moves.
#[derive(Default)]
struct TestClock(std::sync::Mutex<Duration>);

impl Clock for TestClock {
    fn wall_ms(&self) -> i64 {
        0
    }

    fn monotonic(&self) -> Duration {
        *self.0.lock().unwrap()
    }
}

struct NoRandom;

impl Random for NoRandom {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

#[tokio::test]
async fn leases_follow_the_monotonic_clock_and_start_anew_after_a_restart() {
    let directory = TempDir::new().unwrap();
    let clock = Arc::new(TestClock::default());
    let runtime = Runtime::new(clock.clone(), Arc::new(NoRandom));
    let store = EmbeddedStore::open(options(directory.path()), &runtime).unwrap();
    let lease = store.grant(Duration::from_secs(100)).await.unwrap();
    let TxnOutcome::Committed(_) = store.txn(Txn::new().put_leased("k", "", lease)).await.unwrap()
    else {
        panic!("it has no precondition")
    };
    pass(&store, &clock, 99).await;
    store.close().await;
    let store = EmbeddedStore::open(options(directory.path()), &runtime).unwrap();
    pass(&store, &clock, 99).await;
    store.keep_alive(lease).await.expect("it got its whole time again");
    pass(&store, &clock, 100).await;
    assert_eq!(store.keep_alive(lease).await, Err(StoreError::LeaseNotFound(lease)));
    let mut watch = store.watch("k", Revision(1)).await.unwrap();
    let batch = tokio::time::timeout(Duration::from_secs(10), watch.next()).await.unwrap().unwrap();
    assert_eq!(batch.events.len(), 1);
    assert_eq!(store.get("k").await, Ok(None));
    let again = store.grant(Duration::from_secs(1)).await.unwrap();
    assert!(again > lease, "lease ids are never used again");
}

/// Time passes, faster than it does, until something has come true.
#[expect(clippy::disallowed_methods, reason = "the writer's waits are real")]
async fn pass_until(clock: &TestClock, condition: impl Fn() -> bool) {
    let started = std::time::Instant::now();
    while !condition() {
        assert!(started.elapsed() < Duration::from_secs(20), "it did not come true");
        *clock.0.lock().unwrap() += Duration::from_millis(100);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Time passes while the store's writer runs.
async fn pass(store: &EmbeddedStore, clock: &TestClock, seconds: u64) {
    for _ in 0..seconds {
        *clock.0.lock().unwrap() += Duration::from_secs(1);
        let TxnOutcome::Committed(_) = store.txn(Txn::new()).await.unwrap() else {
            panic!("it has no precondition")
        };
    }
}

#[tokio::test]
async fn time_in_which_the_writer_did_not_run_does_not_count_for_leases() {
    let directory = TempDir::new().unwrap();
    let clock = Arc::new(TestClock::default());
    let runtime = Runtime::new(clock.clone(), Arc::new(NoRandom));
    let store = EmbeddedStore::open(options(directory.path()), &runtime).unwrap();
    let lease = store.grant(Duration::from_secs(9)).await.unwrap();
    pass(&store, &clock, 1).await;
    // As when the process was stopped.
    *clock.0.lock().unwrap() += Duration::from_secs(3600);
    store.keep_alive(lease).await.expect("whoever renews was stopped too");
    pass(&store, &clock, 9).await;
    assert_eq!(store.keep_alive(lease).await, Err(StoreError::LeaseNotFound(lease)));
}

#[expect(clippy::await_holding_lock, reason = "it keeps another thread from staging")]
#[expect(clippy::disallowed_methods, reason = "nothing here is simulated")]
#[tokio::test(flavor = "multi_thread")]
async fn renewals_and_vital_transactions_do_not_wait_for_a_full_queue_that_is_staged() {
    let directory = TempDir::new().unwrap();
    let opener = Opener::new(options(directory.path()));
    let faults = opener.faults();
    let store = Arc::new(EmbeddedStore::open_with(opener, &Runtime::system()).unwrap());
    let lease = store.grant(Duration::from_secs(60)).await.unwrap();
    let given_back = async {
        // The writer gives the place back after its response.
        while store.vital_queue.available_permits() < VITAL_UNITS_MAX as usize {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), given_back).await.expect("the lease's place");
    let staging = faults.staging.lock().unwrap();
    // One that is being staged, and those behind it fill the queue.
    let value = bytes::Bytes::from(vec![0; 15 << 20]);
    let put = |n: u32| {
        let (store, txn) = (store.clone(), Txn::new().put(format!("k{n}"), value.clone()));
        tokio::spawn(async move { store.txn(txn).await.is_ok() })
    };
    let puts: Vec<_> = (0..7).map(put).collect();
    let full = async {
        while store.queue.available_permits() > QUEUE_UNITS_MAX as usize / 10 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), full).await.expect("the queue becomes full");
    let renewal = tokio::spawn({
        let store = store.clone();
        async move { store.keep_alive(lease).await }
    });
    let renewed = tokio::time::timeout(Duration::from_secs(20), renewal).await;
    renewed.expect("it does not wait for the writer").unwrap().unwrap();
    let txn = Txn::new().put("register", "").vital();
    let mut vital = Box::pin(store.txn(txn));
    assert!(futures_util::poll!(&mut vital).is_pending());
    let queued = store.vital_queue.available_permits();
    assert_eq!(queued, VITAL_UNITS_MAX as usize - 1, "it has a place in the queue");
    drop(staging);
    assert!(vital.await.is_ok());
    for put in join_all(puts).await {
        assert!(put.unwrap());
    }
}
