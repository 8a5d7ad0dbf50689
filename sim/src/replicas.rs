//! The replicas that partitions are to have: those of the last reassignment that was acknowledged.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
};

type Given = BTreeMap<(&'static str, i32), Vec<i32>>;

#[derive(Default)]
pub(crate) struct Replicas {
    given: Mutex<Given>,
    moves: AtomicU64,
}

impl Replicas {
    fn lock(&self) -> MutexGuard<'_, Given> {
        self.given.lock().expect("no panic with the replicas")
    }

    /// A partition is about to be reassigned: until there is a response it may have any.
    pub(crate) fn asked(&self, topic: &'static str, partition: i32) {
        self.lock().remove(&(topic, partition));
    }

    pub(crate) fn given(&self, topic: &'static str, partition: i32, replicas: Vec<i32>) {
        self.lock().insert((topic, partition), replicas);
        self.moves.fetch_add(1, Ordering::Relaxed);
    }

    /// The replicas that a partition is to have, if that is known.
    pub(crate) fn of(&self, topic: &'static str, partition: i32) -> Option<Vec<i32>> {
        self.lock().get(&(topic, partition)).cloned()
    }

    /// How many reassignments were acknowledged.
    pub(crate) fn moves(&self) -> u64 {
        self.moves.load(Ordering::Relaxed)
    }
}
