//! What members of the group saw of it.
//!
//! - `generation`: a generation is never lower than one that a member was in before it asked;
//! - `assigned-twice`: a partition is given to one member in a generation;
//! - `assignment`: a member is given what the leader of its generation chose for it;
//! - `old-generation`: nothing is committed in a generation once there is a later one.

use std::{collections::BTreeMap, sync::Mutex};

use crate::findings::Findings;

#[derive(Default)]
pub(crate) struct Groups {
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    /// Who was given a partition in a generation.
    owners: BTreeMap<(i32, i32), String>,
    /// What the leader of a generation chose for each member.
    chosen: BTreeMap<(i32, String), Vec<i32>>,
    /// Commits that were refused to members of former generations.
    refused: u64,
}

impl Groups {
    /// A member asked to join while `newest` was the newest generation, and is in `generation`.
    pub(crate) fn joined(&self, findings: &Findings, newest: i32, generation: i32) {
        if generation < newest {
            findings.add("generation", format!("{generation} was joined after {newest} had begun"));
        }
    }

    /// The leader of a generation is about to send what it chose for a member.
    pub(crate) fn chosen(&self, generation: i32, member: &str, partitions: Vec<i32>) {
        let mut seen = self.seen.lock().expect("no panic with the groups");
        seen.chosen.insert((generation, member.to_owned()), partitions);
    }

    /// A commit of a generation was answered; `newest` was the newest one before.
    pub(crate) fn committed(&self, findings: &Findings, newest: i32, generation: i32, taken: bool) {
        if generation >= newest {
            return;
        }
        if taken {
            let text = format!("generation {generation} commits although {newest} has begun");
            findings.add("old-generation", text);
        } else {
            self.seen.lock().expect("no panic with the groups").refused += 1;
        }
    }

    /// The newest generation, and how many commits of former ones were refused.
    pub(crate) fn totals(&self) -> (i32, u64) {
        (self.newest(), self.seen.lock().expect("no panic with the groups").refused)
    }

    /// The newest generation in which a member was given something.
    pub(crate) fn newest(&self) -> i32 {
        let seen = self.seen.lock().expect("no panic with the groups");
        seen.owners.keys().next_back().map_or(0, |(generation, _)| *generation)
    }

    pub(crate) fn assigned(
        &self,
        findings: &Findings,
        generation: i32,
        member: &str,
        partitions: &[i32],
    ) {
        let mut seen = self.seen.lock().expect("no panic with the groups");
        let chosen = seen.chosen.get(&(generation, member.to_owned()));
        if chosen.is_none_or(|chosen| chosen != partitions) {
            let text = format!(
                "{member} is given {partitions:?} in generation {generation}, the leader chose \
                 {chosen:?}"
            );
            findings.add("assignment", text);
        }
        for partition in partitions {
            let owner = seen.owners.entry((generation, *partition)).or_insert(member.to_owned());
            if owner != member {
                let text = format!(
                    "partition {partition} in generation {generation}: {owner} and {member}"
                );
                findings.add("assigned-twice", text);
            }
        }
    }
}
