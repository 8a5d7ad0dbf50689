//! Resolving an unknown outcome: resend the transaction, then read back what it wrote.

use std::{collections::HashSet, time::Duration};

use milena_runtime::{Backoff, Runtime};
use milena_types::Revision;

use crate::store::{Committed, MetadataStore, Precondition, StoreError, Txn, TxnOutcome};

/// How often a transaction is sent.
pub const ATTEMPTS: u32 = 6;
/// The pauses between.
pub const BACKOFF: Backoff =
    Backoff::doubling(Duration::from_millis(10), Duration::from_millis(320));

/// Sends a transaction once. One that the store refuses as invalid is reported: nobody means to
/// send such a transaction.
pub async fn send(store: &dyn MetadataStore, txn: Txn) -> Result<TxnOutcome, StoreError> {
    let first = txn.puts.first().map(|put| &put.key).or(txn.deletes.first());
    let first = first.or(txn.delete_prefixes.first()).cloned();
    let outcome = store.txn(txn).await;
    if let Err(StoreError::Invalid(error)) = &outcome {
        let (key, size) = (first.unwrap_or_default(), error.size);
        tracing::error!(
            %error, key, ops = size.ops, preconditions = size.preconditions, bytes = size.bytes,
            "a metadata transaction is not made"
        );
    }
    outcome
}

/// Applies a transaction, and finds out whether it was applied when the store does not know.
///
/// It is sent again until the outcome is known, although the first may have been applied, or may be
/// so later. A conflict of a repeated transaction is therefore either its own doing or another
/// writer's. What it wrote tells: every key that it changes under a precondition on that key
/// ([`Precondition::At`], [`Precondition::Absent`]) is as it left it; if it has none, every key
/// that it changes is.
///
/// This leaves three duties to the caller:
/// - Such a value must be the transaction's own: no other writer puts the same. The writer of a
///   counter computes its change again instead ([`MetadataStore::txn`]).
/// - What is created on [`Precondition::Absent`] and may be deleted by others needs a precondition
///   that their deletion breaks, or the repeated transaction creates it again.
/// - A conflict may be the caller's own doing all the same, if another writer has changed what it
///   wrote since: before it undoes anything, it reads whose the record is.
///
/// # Errors
/// [`StoreError::OutcomeUnknown`] if it is still not known after several attempts. Everything else
/// that fails on the first attempt is returned at once, and [`StoreError::Invalid`] on any.
pub async fn commit(
    store: &dyn MetadataStore,
    runtime: &Runtime,
    txn: Txn,
) -> Result<TxnOutcome, StoreError> {
    let mut unknown = None;
    for attempt in 1..=ATTEMPTS {
        match send(store, txn.clone()).await {
            Ok(TxnOutcome::Conflict(conflict)) if unknown.is_some() => {
                match read_back(store, &txn).await {
                    Ok(Some(revision)) => return Ok(TxnOutcome::Committed(Committed { revision })),
                    Ok(None) => return Ok(TxnOutcome::Conflict(conflict)),
                    Err(_) => {}
                }
            }
            Err(error @ StoreError::OutcomeUnknown { .. }) => unknown = Some(error),
            Err(error @ (StoreError::Invalid(_) | StoreError::LeaseNotFound(_))) => {
                return Err(error);
            }
            Err(error) if unknown.is_none() => return Err(error),
            Err(_) => {}
            Ok(outcome) => return Ok(outcome),
        }
        if attempt < ATTEMPTS {
            runtime.sleep(BACKOFF.pause(attempt)).await;
        }
    }
    Err(unknown.expect("only an unknown outcome is tried again"))
}

/// The revision at which `txn` was applied, if what it wrote is there.
async fn read_back(store: &dyn MetadataStore, txn: &Txn) -> Result<Option<Revision>, StoreError> {
    let guarded: HashSet<&str> = txn
        .preconditions
        .iter()
        .filter_map(|precondition| match precondition {
            Precondition::Absent(key) | Precondition::At(key, _) => Some(key.as_str()),
            Precondition::Exists(_) | Precondition::PrefixAbsent(_) => None,
        })
        .collect();
    let puts = txn.puts.iter().map(|put| (put.key.as_str(), Some(&put.value)));
    let writes: Vec<_> = puts.chain(txn.deletes.iter().map(|key| (key.as_str(), None))).collect();
    let mut compared: Vec<_> =
        writes.iter().copied().filter(|(key, _)| guarded.contains(key)).collect();
    if compared.is_empty() {
        compared = writes;
    }
    let Some((first, _)) = compared.first().copied() else { return Ok(None) };
    let mut applied = None;
    for (key, value) in compared {
        let found = store.get(key).await?;
        if found.as_ref().map(|found| &found.value) != value {
            return Ok(None);
        }
        applied = applied.max(found.map(|found| found.revision));
    }
    match applied {
        Some(revision) => Ok(Some(revision)),
        // It only deleted: it was applied at the latest now.
        None => Ok(Some(store.range(first, None, 1).await?.revision)),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{faults::FaultyStore, memory::MemoryStore};

    fn faulty() -> (Arc<FaultyStore>, Runtime) {
        let runtime = Runtime::system();
        (Arc::new(FaultyStore::new(MemoryStore::new(&runtime))), runtime)
    }

    async fn put(store: &FaultyStore, key: &str, value: &'static str) -> Revision {
        let outcome = store.txn(Txn::new().put(key.to_owned(), value)).await;
        outcome.expect("the store is there").committed().expect("no precondition")
    }

    #[tokio::test]
    async fn a_commit_whose_response_was_lost_is_resolved() {
        let (store, runtime) = faulty();
        store.lose_responses(2);
        let txn = Txn::new().absent("k").put("k", "1").put("free", "1");
        let outcome = commit(&*store, &runtime, txn).await.expect("known in the end");
        let found = store.get("k").await.expect("readable").expect("put");
        assert_eq!(outcome.committed(), Some(found.revision));
    }

    #[tokio::test]
    async fn a_conflict_after_an_unknown_outcome_is_another_writers_if_its_value_is() {
        let (store, runtime) = faulty();
        let seen = put(&store, "k", "0").await;
        store.lose_requests(1);
        let other = async {
            tokio::task::yield_now().await;
            put(&store, "k", "theirs").await
        };
        let txn = Txn::new().at("k", seen).put("k", "ours");
        let (outcome, _) = tokio::join!(commit(&*store, &runtime, txn), other);
        assert_eq!(outcome.expect("known in the end").committed(), None);
        assert_eq!(store.get("k").await.unwrap().unwrap().value, "theirs");
    }

    /// Others may write what the transaction put without a precondition.
    #[tokio::test]
    async fn only_keys_with_their_own_precondition_are_read_back() {
        let (store, runtime) = faulty();
        store.lose_responses(1);
        let other = async {
            while store.get("free").await.unwrap().is_none() {
                tokio::task::yield_now().await;
            }
            put(&store, "free", "2").await
        };
        let txn = Txn::new().absent("k").put("k", "1").put("free", "1");
        let (outcome, _) = tokio::join!(commit(&*store, &runtime, txn), other);
        assert!(outcome.expect("known in the end").committed().is_some());
    }

    #[tokio::test]
    async fn deletions_are_found_out() {
        let (store, runtime) = faulty();
        let seen = put(&store, "k", "0").await;
        store.lose_responses(1);
        let txn = Txn::new().at("k", seen).delete("k");
        let outcome = commit(&*store, &runtime, txn).await.expect("known in the end");
        assert!(outcome.committed() > Some(seen));
    }

    #[tokio::test]
    async fn a_transaction_that_was_not_applied_is_not_sent_again() {
        let (store, runtime) = faulty();
        store.set_unavailable(true);
        let outcome = commit(&*store, &runtime, Txn::new().put("k", "1")).await;
        assert!(matches!(outcome, Err(StoreError::Unavailable { .. })), "{outcome:?}");
    }

    /// Its size is told, and it is sent no more, whatever came before.
    #[tokio::test]
    async fn an_invalid_transaction_is_returned_at_once_also_after_an_unknown_outcome() {
        for lost in [0, 1] {
            let (store, runtime) = faulty();
            store.lose_requests(lost);
            let txn = (0..129).fold(Txn::new().absent("k"), |txn, n| txn.put(format!("{n}"), "1"));
            let (size, started) = (txn.size(), runtime.monotonic());
            let outcome = commit(&*store, &runtime, txn).await;
            let Err(StoreError::Invalid(invalid)) = outcome else { panic!("{outcome:?}") };
            assert_eq!(invalid.size, size);
            assert_eq!((size.ops, size.preconditions), (129, 1));
            let pauses = (1..=lost).map(|attempt| BACKOFF.pause(attempt)).sum::<Duration>();
            let left = (lost + 1..ATTEMPTS).map(|attempt| BACKOFF.pause(attempt)).sum::<Duration>();
            assert!(runtime.monotonic() - started < pauses + left, "it is not sent again");
        }
    }

    #[tokio::test]
    async fn an_outcome_that_stays_unknown_is_returned_as_such() {
        let (store, runtime) = faulty();
        store.lose_requests(ATTEMPTS);
        let outcome = commit(&*store, &runtime, Txn::new().put("k", "1")).await;
        assert!(matches!(outcome, Err(StoreError::OutcomeUnknown { .. })), "{outcome:?}");
    }
}
