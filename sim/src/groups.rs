//! What members of the group saw of it.
//!
//! - `generation`: a generation is never lower than one that a member was in before it asked;
//! - `assigned-twice`: a partition is given to one member in a generation.

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
}

impl Groups {
    /// A member asked to join while `newest` was the newest generation, and is in `generation`.
    pub(crate) fn joined(&self, findings: &Findings, newest: i32, generation: i32) {
        if generation < newest {
            findings.add("generation", format!("{generation} was joined after {newest} had begun"));
        }
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
