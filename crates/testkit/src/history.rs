//! An independent checker of what clients saw.
//!
//! Clients write one JSON object a line, in the order in which they learned it (one file per client
//! process): sends, acknowledgements, reads, commits and what a group had committed when asked
//! again. The files of one run, crashes of the cluster included, are held against these promises:
//!
//! 1. an acknowledged record is present, once, at the offset that the acknowledgement named;
//! 2. a partition has one value per offset, for ever, and no offset is missing between the log
//!    start and the end;
//! 3. an idempotent producer's record is present at most once;
//! 4. the records of one producer stand in a partition in the order in which they were sent;
//! 5. no record is read that was not sent;
//! 6. a committed group offset never goes back;
//! 7. a retry gets the offset that was acknowledged first, and is never refused;
//! 8. high watermark and log start never go back, and a record that was read stays: a request sent
//!    after a response gets none that is older.
//!
//! Once a partition has [ended](Event::Ended) nothing later counts, and its records need not be there.
//! Where retention moved the log start, records below it may be gone. Promise 8 needs the order of
//! all clients' events, so it is held within each history.

mod event;
mod responses;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, hash_map::Entry};

use event::Log;
pub use event::{Event, Violation};

/// Counts of a history's events, for a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Records sent.
    pub sent: usize,
    /// Records acknowledged.
    pub acked: usize,
    /// Records in the complete read at the end.
    pub present: usize,
    /// Offset commits acknowledged.
    pub commits: usize,
}

type Key = (String, i32, u64);

/// Holds the histories of one run (one per client process, each in order) against the promises.
pub fn check(histories: &[Vec<Event>]) -> (Totals, Vec<Violation>) {
    let mut violations = Vec::new();
    let promised = promised(histories);
    let histories = &promised.histories[..];
    let (sent, acked) = produced(histories, &mut violations);
    let last = reads(histories, &sent, &mut violations);
    let mut starts = responses::log_starts(histories);
    starts.extend(promised.ended.iter().map(|partition| (*partition, i64::MAX)));
    lost(&acked, &last, &starts, &mut violations);
    if !last.is_empty() {
        responses::check_reads_stay(histories, &last, &starts, &mut violations);
    }
    for history in histories {
        responses::check_monotonic(history, &mut violations);
    }
    dense(&last, &starts, &mut violations);
    ordered(&last, &mut violations);
    let commits = commits(histories, &mut violations);
    let present = last.values().map(BTreeMap::len).sum();
    (Totals { sent: sent.len(), acked: acked.len(), present, commits }, violations)
}

/// Histories without what came after the end of promises.
struct Promised {
    histories: Vec<Vec<Event>>,
    ended: BTreeSet<i32>,
}

fn promised(histories: &[Vec<Event>]) -> Promised {
    let mut ended = BTreeSet::new();
    let histories = histories.iter().map(|history| {
        let mut over = BTreeSet::new();
        let mut kept = Vec::with_capacity(history.len());
        for event in history {
            if let Event::Ended { partition } = event {
                over.insert(*partition);
            } else if event.promised_of().is_none_or(|partition| !over.contains(&partition)) {
                kept.push(event.clone());
            }
        }
        ended.extend(over);
        kept
    });
    Promised { histories: histories.collect(), ended }
}

fn produced(
    histories: &[Vec<Event>],
    violations: &mut Vec<Violation>,
) -> (HashSet<Key>, BTreeMap<Key, i64>) {
    let (mut sent, mut acked) = (HashSet::new(), BTreeMap::new());
    for event in histories.iter().flatten() {
        match event {
            Event::Sent { client, partition, id } => {
                sent.insert((client.clone(), *partition, *id));
            }
            Event::Acked { client, partition, id, offset } => {
                let first = *acked.entry((client.clone(), *partition, *id)).or_insert(*offset);
                if first != *offset {
                    let (client, partition, id, second) =
                        (client.clone(), *partition, *id, *offset);
                    violations.push(Violation::AckedTwice { client, id, partition, first, second });
                }
            }
            Event::Refused { client, partition, id, error } => {
                let (client, partition, id, error) =
                    (client.clone(), *partition, *id, error.clone());
                violations.push(Violation::Refused { client, id, partition, error });
            }
            _ => {}
        }
    }
    (sent, acked)
}

fn reads(histories: &[Vec<Event>], sent: &HashSet<Key>, violations: &mut Vec<Violation>) -> Log {
    let mut seen: HashMap<(i32, i64), (String, u64)> = HashMap::new();
    let mut complete = Log::new();
    for event in histories.iter().flatten() {
        let Event::Read { partition, offset, client, id, last } = event else { continue };
        let value = (client.clone(), *id);
        if !sent.contains(&(client.clone(), *partition, *id)) {
            let (client, id) = value.clone();
            violations.push(Violation::Invented {
                client,
                id,
                partition: *partition,
                offset: *offset,
            });
        }
        match seen.entry((*partition, *offset)) {
            Entry::Vacant(place) => {
                place.insert(value.clone());
            }
            Entry::Occupied(before) if *before.get() != value => {
                let show = |v: &(String, u64)| format!("record {} of {}", v.1, v.0);
                let (before, after) = (show(before.get()), show(&value));
                violations.push(Violation::Changed {
                    partition: *partition,
                    offset: *offset,
                    before,
                    after,
                });
            }
            Entry::Occupied(_) => {}
        }
        if *last {
            complete.entry(*partition).or_default().insert(*offset, value);
        }
    }
    complete
}

fn lost(
    acked: &BTreeMap<Key, i64>,
    last: &Log,
    starts: &BTreeMap<i32, i64>,
    violations: &mut Vec<Violation>,
) {
    for ((client, partition, id), offset) in acked {
        if starts.get(partition).is_some_and(|start| offset < start) {
            continue;
        }
        let found = last.get(partition).and_then(|log| log.get(offset));
        if found.is_none_or(|(c, i)| (c, i) != (client, id)) {
            let client = client.clone();
            violations.push(Violation::Lost {
                client,
                id: *id,
                partition: *partition,
                offset: *offset,
            });
        }
    }
}

fn dense(last: &Log, starts: &BTreeMap<i32, i64>, violations: &mut Vec<Violation>) {
    for (partition, log) in last {
        // Below it records may have been removed while they were read.
        let start = starts.get(partition).copied().unwrap_or(0);
        for (before, after) in log.keys().zip(log.keys().skip(1)) {
            if *after != before + 1 && *after > start {
                violations.push(Violation::Gap { partition: *partition, offset: before + 1 });
            }
        }
    }
}

fn ordered(last: &Log, violations: &mut Vec<Violation>) {
    for (partition, log) in last {
        let mut places: HashMap<(&str, u64), Vec<i64>> = HashMap::new();
        let mut latest: HashMap<&str, u64> = HashMap::new();
        for (offset, (client, id)) in log {
            places.entry((client, *id)).or_default().push(*offset);
            let before = latest.entry(client).or_insert(*id);
            if *id < *before {
                let (client, partition) = (client.clone(), *partition);
                violations.push(Violation::Reordered {
                    client,
                    partition,
                    earlier: *id,
                    later: *before,
                });
            }
            *before = (*before).max(*id);
        }
        for ((client, id), offsets) in places.into_iter().filter(|(_, offsets)| offsets.len() > 1) {
            let client = client.to_owned();
            violations.push(Violation::Duplicated { client, id, partition: *partition, offsets });
        }
    }
}

fn commits(histories: &[Vec<Event>], violations: &mut Vec<Violation>) -> usize {
    let mut count = 0;
    for history in histories {
        // Only one process works for a group at a time, and its file is in order.
        let mut latest: HashMap<(&str, i32), i64> = HashMap::new();
        for event in history {
            match event {
                Event::Committed { group, partition, offset } => {
                    count += 1;
                    latest.insert((group, *partition), *offset);
                }
                Event::Resumed { group, partition, offset, call: None } => {
                    if let Some(committed) = latest.get(&(group.as_str(), *partition))
                        && offset < committed
                    {
                        let (group, partition) = (group.clone(), *partition);
                        let (committed, found) = (*committed, *offset);
                        violations.push(Violation::CommitWentBack {
                            group,
                            partition,
                            committed,
                            found,
                        });
                    }
                }
                _ => {}
            }
        }
    }
    count
}

#[cfg(test)]
mod tests;
