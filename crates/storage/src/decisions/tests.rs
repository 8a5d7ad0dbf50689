use bytes::Bytes;

use super::{DecisionError, Decisions, Expect, MemoryDecisions, Txn};

fn put(key: &str, value: &str) -> (String, Bytes) {
    (key.to_owned(), Bytes::copy_from_slice(value.as_bytes()))
}

#[tokio::test]
async fn a_transaction_happens_wholly_or_not_at_all() {
    let decisions = MemoryDecisions::new();
    let first =
        Txn { expect: vec![Expect::Absent("a".into())], put: vec![put("a", "1")], delete: vec![] };
    let revision = decisions.txn(first.clone()).await.expect("nothing is there yet");
    let both = Txn { put: vec![put("a", "2"), put("b", "2")], ..first };
    assert_eq!(decisions.txn(both).await, Err(DecisionError::Conflict));
    let entry = decisions.read("a").await.expect("available").expect("put before");
    assert_eq!((entry.value.as_ref(), entry.revision), (b"1".as_ref(), revision));
    assert_eq!(decisions.read("b").await, Ok(None));
}

#[tokio::test]
async fn ranges_hold_what_starts_with_the_prefix_in_key_order() {
    let decisions = MemoryDecisions::new();
    let keys = ["b/2", "a/1", "b/1", "c"];
    let txn = Txn { put: keys.iter().map(|key| put(key, "")).collect(), ..Txn::default() };
    decisions.txn(txn).await.expect("no expectations");
    let found = decisions.range("b/").await.expect("available");
    assert_eq!(found.iter().map(|entry| entry.key.as_str()).collect::<Vec<_>>(), ["b/1", "b/2"]);
}
