//! The tests that every [`MetadataStore`] must pass. An implementation's tests call [`run_all`]
//! with a function that opens a new, empty store, or the single checks; a check panics if it fails.
//!
//! The checks need a tokio runtime with time enabled and work on one thread.

use std::{cell::Cell, future::Future, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::future::join_all;
use milena_types::Revision;

use crate::store::{
    Event, EventBatch, LeaseId, MetadataStore, StoreError, Txn, TxnOutcome, Watch, WatchError,
};

/// A store under test.
pub type Store = Arc<dyn MetadataStore>;

/// Runs every check, each on a store of its own.
pub async fn run_all<F: Future<Output = Store>>(open: impl Fn() -> F) {
    values_have_revisions(open().await).await;
    ranges_follow_prefixes_and_pages(open().await).await;
    every_precondition_is_judged(open().await).await;
    a_transaction_is_all_or_nothing(open().await).await;
    invalid_transactions_are_refused(open().await).await;
    of_many_that_swap_one_key_one_wins_each_time(open().await).await;
    transfers_between_keys_keep_the_sum(open().await).await;
    a_watch_sees_every_change_once_and_in_order(open().await).await;
    a_watch_resumes_where_it_was_left(open().await).await;
    a_watch_shows_only_its_prefix(open().await).await;
    a_watch_says_now_and_then_how_far_it_has_come(open().await).await;
    a_dropped_wait_of_a_watch_loses_nothing(open().await).await;
    keys_end_with_their_lease(open().await).await;
    a_lease_that_is_kept_alive_stays(open().await).await;
    a_put_without_a_lease_detaches_the_key(open().await).await;
    leases_are_renewed_while_large_transactions_are_applied(open().await).await;
    an_ended_lease_takes_no_keys(open().await).await;
}

const DEADLINE: Duration = Duration::from_secs(10);

async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(DEADLINE, future).await {
        Ok(value) => value,
        Err(_) => panic!("{what} did not happen within {DEADLINE:?}"),
    }
}

async fn commit(store: &Store, txn: Txn) -> Revision {
    match store.txn(txn).await.expect("the store takes a valid transaction") {
        TxnOutcome::Committed(c) => c.revision,
        TxnOutcome::Conflict(c) => panic!("precondition {} should have held", c.index),
    }
}

async fn conflict(store: &Store, txn: Txn) -> usize {
    match store.txn(txn).await.expect("the store judges a valid transaction") {
        TxnOutcome::Committed(c) => panic!("committed at {} against a precondition", c.revision),
        TxnOutcome::Conflict(c) => c.index,
    }
}

async fn keys(store: &Store, prefix: &str) -> Vec<String> {
    let page = store.range(prefix, None, 10_000).await.expect("a range can be read");
    page.entries.into_iter().map(|entry| entry.key).collect()
}

/// The next change that is not empty.
async fn next(watch: &mut Box<dyn Watch>) -> EventBatch {
    soon("a change of the watched prefix", async {
        loop {
            let batch = watch.next().await.expect("the watch goes on");
            if !batch.events.is_empty() {
                return batch;
            }
        }
    })
    .await
}

/// Puts, overwrites and deletes are seen at once, with the revision of the last put.
pub async fn values_have_revisions(store: Store) {
    assert_eq!(store.get("a").await, Ok(None));
    let first = commit(&store, Txn::new().put("a", "1")).await;
    let second = commit(&store, Txn::new().put("a", "2")).await;
    assert!(second > first && first > Revision(0), "{first} {second}");
    let found = store.get("a").await.unwrap().expect("it was put");
    assert_eq!((found.value.as_ref(), found.revision), (&b"2"[..], second));
    commit(&store, Txn::new().delete("a")).await;
    assert_eq!(store.get("a").await, Ok(None));
    let again = commit(&store, Txn::new().put("a", "")).await;
    let found = store.get("a").await.unwrap().expect("it was put again, empty");
    assert_eq!((found.value.len(), found.revision), (0, again));
}

/// Prefixes are of text, not of path elements; pages go on behind the last key; `more` is true only
/// if there is more.
pub async fn ranges_follow_prefixes_and_pages(store: Store) {
    let mut txn = Txn::new();
    for key in ["a", "a/", "a/b", "a/b/c", "a/ä", "a0", "b", "B"] {
        txn = txn.put(key, key.to_owned());
    }
    let revision = commit(&store, txn).await;
    assert_eq!(keys(&store, "a/").await, ["a/", "a/b", "a/b/c", "a/ä"]);
    assert_eq!(keys(&store, "a").await, ["a", "a/", "a/b", "a/b/c", "a/ä", "a0"]);
    assert_eq!(keys(&store, "").await, ["B", "a", "a/", "a/b", "a/b/c", "a/ä", "a0", "b"]);
    assert!(keys(&store, "c").await.is_empty());
    let page = store.range("a/", None, 2).await.unwrap();
    assert_eq!((page.entries.len(), page.more, page.revision), (2, true, revision));
    let page = store.range("a/", Some("a/b"), 2).await.unwrap();
    let found: Vec<_> = page.entries.iter().map(|e| e.key.as_str()).collect();
    assert_eq!((found, page.more), (vec!["a/b/c", "a/ä"], false));
    let page = store.range("a/", Some("a/ä"), 2).await.unwrap();
    assert!(page.entries.is_empty() && !page.more);
    let page = store.range("a/", Some("A"), 1).await.unwrap();
    assert_eq!(page.entries[0].key, "a/", "a place before the prefix is its beginning");
    commit(&store, Txn::new().delete_prefix("a/")).await;
    assert_eq!(keys(&store, "a").await, ["a", "a0"]);
}

/// Each kind of precondition, holding and not, and which one is reported.
pub async fn every_precondition_is_judged(store: Store) {
    let revision = commit(&store, Txn::new().put("p/a", "1")).await;
    assert_eq!(conflict(&store, Txn::new().absent("p/b").absent("p/a").put("x", "")).await, 1);
    assert_eq!(conflict(&store, Txn::new().exists("p/b").put("x", "")).await, 0);
    assert_eq!(
        conflict(&store, Txn::new().at("p/a", Revision(revision.raw() + 1)).put("x", "")).await,
        0
    );
    assert_eq!(conflict(&store, Txn::new().at("p/b", revision).put("x", "")).await, 0);
    assert_eq!(conflict(&store, Txn::new().prefix_absent("p/").put("x", "")).await, 0);
    assert_eq!(conflict(&store, Txn::new().unchanged("p/a", None).put("x", "")).await, 0);
    assert_eq!(store.get("x").await, Ok(None));
    let all = Txn::new()
        .absent("p/b")
        .exists("p/a")
        .at("p/a", revision)
        .prefix_absent("q/")
        .prefix_absent("p/a/")
        .unchanged("p/a", Some(revision));
    let now = commit(&store, all.clone()).await;
    assert_eq!(now, revision, "a transaction that changes nothing has no revision of its own");
    commit(&store, all.put("x", "")).await;
    assert!(store.get("x").await.unwrap().is_some());
}

/// Puts and deletes come together, in one revision, or not at all.
pub async fn a_transaction_is_all_or_nothing(store: Store) {
    commit(&store, Txn::new().put("old", "").put("gone/1", "").put("gone/2", "")).await;
    let all =
        Txn::new().put("a", "1").put("b", "2").delete("old").delete("never").delete_prefix("gone/");
    conflict(&store, all.clone().exists("missing")).await;
    assert_eq!(keys(&store, "").await, ["gone/1", "gone/2", "old"]);
    let revision = commit(&store, all).await;
    let page = store.range("", None, 10).await.unwrap();
    assert_eq!(page.revision, revision);
    let found: Vec<_> =
        page.entries.iter().map(|e| (e.key.as_str(), e.versioned.revision)).collect();
    assert_eq!(found, [("a", revision), ("b", revision)]);
}

/// A key twice, a deleted prefix over a put, an empty key, too many operations: refused, nothing
/// changed.
pub async fn invalid_transactions_are_refused(store: Store) {
    let mut many = Txn::new();
    for n in 0..=store.limits().ops {
        many = many.put(format!("k{n}"), "");
    }
    let big = Txn::new().put("big", vec![0; store.limits().bytes + 1]);
    let bad = [
        Txn::new().put("a", "1").put("a", "2"),
        Txn::new().put("a", "1").delete("a"),
        Txn::new().put("a/b", "1").delete_prefix("a/"),
        Txn::new().put("", "1"),
        many,
        big,
    ];
    for txn in bad {
        let outcome = store.txn(txn).await;
        assert!(matches!(outcome, Err(StoreError::Invalid { .. })), "{outcome:?}");
    }
    assert!(keys(&store, "").await.is_empty());
}

/// Concurrent compare-and-swap: of all that saw the same revision exactly one commits.
pub async fn of_many_that_swap_one_key_one_wins_each_time(store: Store) {
    const ROUNDS: usize = 10;
    const RACERS: usize = 32;
    let mut revision = commit(&store, Txn::new().put("k", "start")).await;
    for round in 0..ROUNDS {
        let race = async |racer: usize| {
            let txn = Txn::new().at("k", revision).put("k", format!("{round}/{racer}"));
            (racer, store.txn(txn).await.expect("the store is there").committed())
        };
        let results = join_all((0..RACERS).map(race)).await;
        let winners: Vec<_> =
            results.iter().filter_map(|(racer, r)| r.map(|r| (*racer, r))).collect();
        assert_eq!(winners.len(), 1, "round {round}");
        let found = store.get("k").await.unwrap().expect("it exists");
        let (winner, committed) = winners[0];
        assert_eq!(found.value.as_ref(), format!("{round}/{winner}").as_bytes());
        assert_eq!(found.revision, committed);
        revision = committed;
    }
}

/// Transactions over two keys, many at a time: their sum never changes, and no transfer is lost.
pub async fn transfers_between_keys_keep_the_sum(store: Store) {
    const ACCOUNTS: usize = 4;
    let mut open = Txn::new();
    for account in 0..ACCOUNTS {
        open = open.put(format!("account/{account}"), "100");
    }
    commit(&store, open).await;
    let transfer = async |n: usize| {
        let (from, to) = (
            format!("account/{}", n % ACCOUNTS),
            format!("account/{}", (n + 1 + n / 7) % ACCOUNTS),
        );
        if from == to {
            return 0;
        }
        loop {
            let read = async |key: &str| {
                let found =
                    store.get(key).await.expect("readable").expect("accounts are never closed");
                let text = String::from_utf8(found.value.to_vec()).expect("a number");
                (text.parse::<i64>().expect("a number"), found.revision)
            };
            let ((a, a_revision), (b, b_revision)) = (read(&from).await, read(&to).await);
            let txn = Txn::new()
                .at(&from, a_revision)
                .at(&to, b_revision)
                .put(&from, (a - 1).to_string())
                .put(&to, (b + 1).to_string());
            if store.txn(txn).await.expect("the store is there").committed().is_some() {
                return 1;
            }
        }
    };
    let before = store.range("account/", None, 10).await.unwrap().revision;
    let moved: u64 = soon("all transfers", join_all((0..60).map(transfer))).await.iter().sum();
    let page = store.range("account/", None, 10).await.unwrap();
    let balance = |value: &[u8]| std::str::from_utf8(value).unwrap().parse::<i64>().unwrap();
    let sum: i64 = page.entries.iter().map(|entry| balance(&entry.versioned.value)).sum();
    assert_eq!(sum, 100 * ACCOUNTS as i64);
    assert!(
        page.revision.raw() >= before.raw() + moved,
        "every transfer has a revision of its own"
    );
}

/// A watch shows puts and deletes of one transaction as one batch, batches in order, none twice and
/// none left out.
pub async fn a_watch_sees_every_change_once_and_in_order(store: Store) {
    let start = commit(&store, Txn::new().put("w/0", "before")).await;
    let mut watch = store.watch("w/", start).await.unwrap();
    let write = async |n: usize| {
        commit(&store, Txn::new().put(format!("w/{n}"), "x").put(format!("v/{n}"), "")).await
    };
    let mut written = join_all((1..=50).map(write)).await;
    written.sort_unstable();
    for revision in &written {
        let batch = next(&mut watch).await;
        assert_eq!(batch.revision, *revision);
        assert!(batch.events.len() == 1 && batch.events[0].key().starts_with("w/"), "{batch:?}");
    }
    let both = commit(&store, Txn::new().put("w/new", "y").delete("w/1")).await;
    let batch = next(&mut watch).await;
    assert_eq!((batch.revision, batch.events.len()), (both, 2));
    let put = batch.events.iter().find_map(|event| match event {
        Event::Put(entry) => Some(entry),
        Event::Delete { .. } => None,
    });
    let put = put.expect("one event is the put");
    assert_eq!((put.key.as_str(), put.versioned.value.as_ref()), ("w/new", &b"y"[..]));
    assert_eq!(put.versioned.revision, both);
    assert!(batch.events.contains(&Event::Delete { key: "w/1".to_owned() }));
    commit(&store, Txn::new().delete_prefix("w/")).await;
    assert_eq!(
        next(&mut watch).await.events.len(),
        51,
        "a deleted prefix is the deletion of each key"
    );
}

/// A watch from an old revision first shows what happened since.
pub async fn a_watch_resumes_where_it_was_left(store: Store) {
    let mut revisions = Vec::new();
    for n in 0..10 {
        revisions.push(commit(&store, Txn::new().put("k", n.to_string())).await);
    }
    let mut watch = store.watch("k", revisions[3]).await.unwrap();
    for revision in &revisions[4..] {
        assert_eq!(next(&mut watch).await.revision, *revision);
    }
    drop(watch);
    let last = commit(&store, Txn::new().delete("k")).await;
    let mut watch = store.watch("k", revisions[9]).await.unwrap();
    let batch = next(&mut watch).await;
    assert_eq!(
        batch,
        EventBatch { revision: last, events: vec![Event::Delete { key: "k".to_owned() }] }
    );
}

/// A watch of a prefix shows nothing else.
pub async fn a_watch_shows_only_its_prefix(store: Store) {
    let start = commit(&store, Txn::new().put("x", "")).await;
    let mut watch = store.watch("a/", start).await.unwrap();
    let mut all = store.watch("", start).await.unwrap();
    commit(&store, Txn::new().put("a", "").put("a0", "").put("b/a/", "")).await;
    let seen = commit(&store, Txn::new().put("a/", "1")).await;
    assert_eq!(next(&mut watch).await.revision, seen);
    assert_eq!(next(&mut all).await.events.len(), 3);
    assert_eq!(next(&mut all).await.revision, seen);
}

/// While others change, a watch says how far it has come: at once what was there when it began,
/// and then now and then, but not with each change.
pub async fn a_watch_says_now_and_then_how_far_it_has_come(store: Store) {
    const CHANGES: usize = 500;
    // More than there are intervals in the time that this may take.
    const BATCHES_MAX: usize = 20;
    let start = commit(&store, Txn::new().put("a/", "")).await;
    let begun_at = commit(&store, Txn::new().put("x", "")).await;
    let mut watch = store.watch("a/", start).await.unwrap();
    let batch = soon("the first batch", watch.next()).await.expect("the watch goes on");
    assert_eq!(batch, EventBatch { revision: begun_at, events: Vec::new() });
    let target = Cell::new(None);
    let write = async {
        for n in 0..CHANGES {
            let revision = commit(&store, Txn::new().put("x", n.to_string())).await;
            if n == CHANGES - 1 {
                target.set(Some(revision));
            }
        }
    };
    let follow = async {
        let (mut reached, mut batches) = (begun_at, 0);
        while target.get().is_none_or(|target| reached < target) {
            let batch = watch.next().await.expect("the watch goes on");
            assert!(batch.events.is_empty() && batch.revision > reached, "{batch:?}");
            (reached, batches) = (batch.revision, batches + 1);
        }
        batches
    };
    let ((), batches) =
        soon("that the watch has come so far", async { tokio::join!(write, follow) }).await;
    assert!(batches <= BATCHES_MAX, "{batches} batches for {CHANGES} changes");
    let changed = commit(&store, Txn::new().put("a/", "1")).await;
    assert_eq!(next(&mut watch).await.revision, changed);
}

/// Dropping the future of [`Watch::next`] drops no change.
pub async fn a_dropped_wait_of_a_watch_loses_nothing(store: Store) {
    let start = commit(&store, Txn::new().put("x", "")).await;
    let mut watch = store.watch("k", start).await.unwrap();
    for n in 0..20 {
        let waited = tokio::time::timeout(Duration::from_millis(1), watch.next()).await;
        assert!(
            waited.is_err() || waited.is_ok_and(|batch| batch.is_ok_and(|b| b.events.is_empty()))
        );
        let revision = commit(&store, Txn::new().put("k", n.to_string())).await;
        assert_eq!(next(&mut watch).await.revision, revision);
    }
}

/// Keys end with their lease, when it is revoked and when its time is over, and watches show it.
pub async fn keys_end_with_their_lease(store: Store) {
    let revoked = store.grant(Duration::from_secs(60)).await.unwrap();
    let expiring = store.grant(Duration::from_secs(1)).await.unwrap();
    let txn = Txn::new()
        .put_leased("l/revoked", "", revoked)
        .put_leased("l/revoked2", "", revoked)
        .put_leased("l/expiring", "", expiring)
        .put("l/free", "");
    let start = commit(&store, txn).await;
    let mut watch = store.watch("l/", start).await.unwrap();
    store.revoke(revoked).await.unwrap();
    assert_eq!(next(&mut watch).await.events.len(), 2);
    let batch = next(&mut watch).await;
    assert_eq!(batch.events, [Event::Delete { key: "l/expiring".to_owned() }]);
    assert_eq!(keys(&store, "l/").await, ["l/free"]);
    assert_eq!(store.keep_alive(expiring).await, Err(StoreError::LeaseNotFound(expiring)));
    assert_eq!(store.keep_alive(revoked).await, Err(StoreError::LeaseNotFound(revoked)));
    store.revoke(revoked).await.expect("revoking again is no error");
}

/// A lease that is kept alive outlives its time to live.
pub async fn a_lease_that_is_kept_alive_stays(store: Store) {
    let kept = store.grant(Duration::from_secs(1)).await.unwrap();
    let left = store.grant(Duration::from_secs(2)).await.unwrap();
    commit(&store, Txn::new().put_leased("kept", "", kept).put_leased("left", "", left)).await;
    let wait = async {
        while store.get("left").await.unwrap().is_some() {
            store.keep_alive(kept).await.expect("it is kept alive in time");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    soon("the end of the lease that was left", wait).await;
    assert!(store.get("kept").await.unwrap().is_some());
}

/// Whatever else the store does, a lease is renewed, and vital transactions are applied.
pub async fn leases_are_renewed_while_large_transactions_are_applied(store: Store) {
    let lease = store.grant(Duration::from_secs(2)).await.unwrap();
    commit(&store, Txn::new().put_leased("kept", "", lease)).await;
    let value = Bytes::from(vec![7; store.limits().bytes / 2]);
    for round in 0..6 {
        let large = commit(&store, Txn::new().put(format!("large/{}", round % 4), value.clone()));
        let vital = commit(&store, Txn::new().put("vital", format!("{round}")).vital());
        let renew = async { store.keep_alive(lease).await.expect("it is renewed meanwhile") };
        // Begun in this order.
        soon("all three", async { tokio::join!(large, renew, vital) }).await;
    }
    assert!(store.get("kept").await.unwrap().is_some());
}

/// The last put decides which lease a key ends with.
pub async fn a_put_without_a_lease_detaches_the_key(store: Store) {
    let (one, two) = (store.grant(DEADLINE).await.unwrap(), store.grant(DEADLINE).await.unwrap());
    commit(&store, Txn::new().put_leased("a", "", one).put_leased("b", "", one)).await;
    commit(&store, Txn::new().put("a", "").put_leased("b", "", two)).await;
    store.revoke(one).await.unwrap();
    assert_eq!(keys(&store, "").await, ["a", "b"]);
    store.revoke(two).await.unwrap();
    assert_eq!(keys(&store, "").await, ["a"]);
}

/// A put with a lease that has ended changes nothing, nor do the other puts of its transaction.
pub async fn an_ended_lease_takes_no_keys(store: Store) {
    let lease = store.grant(DEADLINE).await.unwrap();
    store.revoke(lease).await.unwrap();
    for ended in [lease, LeaseId(u64::MAX >> 1)] {
        let outcome = store.txn(Txn::new().put("free", "").put_leased("a", "", ended)).await;
        assert_eq!(outcome, Err(StoreError::LeaseNotFound(ended)));
    }
    assert!(keys(&store, "").await.is_empty());
}

/// A watch from changes that are no longer kept fails.
pub async fn assert_compacted(watch: &mut Box<dyn Watch>) {
    let outcome = soon("an answer of the watch", watch.next()).await;
    assert!(matches!(outcome, Err(WatchError::Compacted { .. })), "{outcome:?}");
}
