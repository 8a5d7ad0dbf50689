//! Decisions kept in memory, for tests and for trying storage alone. Lost with the process.

use std::{collections::BTreeMap, sync::Mutex};

use bytes::Bytes;
use milena_types::Revision;

use super::{DecisionError, Decisions, Entry, Expect, Txn};

/// See the module's documentation.
#[derive(Default)]
pub struct MemoryDecisions {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    entries: BTreeMap<String, (Bytes, Revision)>,
    revision: u64,
    /// Transactions that are refused before they happen, so that tests see storage without its
    /// store.
    unavailable: bool,
    /// So many transactions happen and are answered as if it were not known.
    lost_answers: u32,
    /// A transaction that puts a key with this prefix is the last before everything fails.
    fail_after: Option<String>,
    /// Transactions that put a key with this prefix fail.
    refused: Option<String>,
}

impl MemoryDecisions {
    /// Nothing decided yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on every call fails (`true`) or works again (`false`).
    pub fn set_unavailable(&self, unavailable: bool) {
        self.lock().unavailable = unavailable;
    }

    /// The next transactions happen, but their outcome is not told.
    pub fn lose_answers(&self, count: u32) {
        self.lock().lost_answers = count;
    }

    /// Once a key with this prefix was put, the answer is lost and every call fails, until
    /// [`MemoryDecisions::set_unavailable`] says otherwise.
    pub fn fail_after_putting(&self, prefix: &str) {
        self.lock().fail_after = Some(prefix.to_owned());
    }

    /// From now on transactions that put a key with this prefix fail, and nothing comes of them.
    pub fn refuse_putting(&self, prefix: Option<&str>) {
        self.lock().refused = prefix.map(str::to_owned);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("no panic while decisions are changed")
    }
}

impl State {
    fn check_available(&self) -> Result<(), DecisionError> {
        if self.unavailable {
            Err(DecisionError::Unavailable("switched off".to_owned()))
        } else {
            Ok(())
        }
    }

    fn holds(&self, expect: &Expect) -> bool {
        match expect {
            Expect::Absent(key) => !self.entries.contains_key(key),
            Expect::At(key, revision) => {
                self.entries.get(key).is_some_and(|(_, at)| at == revision)
            }
        }
    }
}

#[async_trait::async_trait]
impl Decisions for MemoryDecisions {
    async fn read(&self, key: &str) -> Result<Option<Entry>, DecisionError> {
        let state = self.lock();
        state.check_available()?;
        let found = state.entries.get(key);
        Ok(found.map(|(value, revision)| Entry {
            key: key.to_owned(),
            value: value.clone(),
            revision: *revision,
        }))
    }

    async fn range(&self, prefix: &str) -> Result<Vec<Entry>, DecisionError> {
        let state = self.lock();
        state.check_available()?;
        let below =
            state.entries.range(prefix.to_owned()..).take_while(|(key, _)| key.starts_with(prefix));
        let entry = |(key, (value, revision)): (&String, &(Bytes, Revision))| Entry {
            key: key.clone(),
            value: value.clone(),
            revision: *revision,
        };
        Ok(below.map(entry).collect())
    }

    async fn txn(&self, txn: Txn) -> Result<Revision, DecisionError> {
        let mut state = self.lock();
        state.check_available()?;
        if !txn.expect.iter().all(|expect| state.holds(expect)) {
            return Err(DecisionError::Conflict);
        }
        let last =
            |prefix: &String| txn.put.iter().any(|(key, _)| key.starts_with(prefix.as_str()));
        if state.refused.as_ref().is_some_and(last) {
            return Err(DecisionError::Unavailable("refused".to_owned()));
        }
        if state.fail_after.as_ref().is_some_and(last) {
            (state.fail_after, state.lost_answers, state.unavailable) = (None, 1, true);
        }
        state.revision += 1;
        let revision = Revision(state.revision);
        for key in txn.delete {
            state.entries.remove(&key);
        }
        for (key, value) in txn.put {
            state.entries.insert(key, (value, revision));
        }
        if state.lost_answers > 0 {
            state.lost_answers -= 1;
            return Err(DecisionError::Unavailable("the answer was lost".to_owned()));
        }
        Ok(revision)
    }
}
