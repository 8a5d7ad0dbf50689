//! Checks of responses in the order of their requests and arrival: promises 6 and 8.

use std::collections::{BTreeMap, HashMap};

use super::event::{Event, Log, Violation};

/// The highest log start seen, by partition.
pub(super) fn log_starts(histories: &[Vec<Event>]) -> BTreeMap<i32, i64> {
    let mut starts = BTreeMap::new();
    for event in histories.iter().flatten() {
        if let Event::Bounds { partition, log_start: Some(start), .. } = event {
            let highest = starts.entry(*partition).or_insert(*start);
            *highest = (*highest).max(*start);
        }
    }
    starts
}

/// Records that were read and are not in the complete read at the end.
pub(super) fn check_reads_stay(
    histories: &[Vec<Event>],
    last: &Log,
    starts: &BTreeMap<i32, i64>,
    violations: &mut Vec<Violation>,
) {
    for event in histories.iter().flatten() {
        let Event::Read { partition, offset, client, id, last: false } = event else { continue };
        let removed = starts.get(partition).is_some_and(|start| offset < start);
        if !removed && last.get(partition).is_none_or(|log| !log.contains_key(offset)) {
            let (partition, offset, client, id) = (*partition, *offset, client.clone(), *id);
            violations.push(Violation::Vanished { partition, offset, client, id });
        }
    }
}

/// The values that can only rise, as far as one client knows them.
#[derive(Clone, Default)]
struct Watermarks {
    ends: BTreeMap<i32, i64>,
    starts: BTreeMap<i32, i64>,
    commits: BTreeMap<(String, i32), i64>,
}

fn raise<K: Ord>(known: &mut BTreeMap<K, i64>, key: K, value: i64) {
    let highest = known.entry(key).or_insert(value);
    *highest = (*highest).max(value);
}

/// Compares every response with what was known when it was requested.
pub(super) fn check_monotonic(history: &[Event], violations: &mut Vec<Violation>) {
    let mut known = Watermarks::default();
    let mut asked: HashMap<u64, Watermarks> = HashMap::new();
    for event in history {
        match event {
            Event::Asked { call } => {
                asked.insert(*call, known.clone());
            }
            Event::Acked { partition, offset, .. } | Event::Read { partition, offset, .. } => {
                raise(&mut known.ends, *partition, offset + 1);
            }
            Event::Bounds { call, partition, log_start, high_watermark } => {
                let before = asked.remove(call).unwrap_or_default();
                let mut hold = |what, before: &BTreeMap<i32, i64>, after: Option<i64>| {
                    let (before, after) = (before.get(partition).copied(), after?);
                    if let Some(before) = before.filter(|before| after < *before) {
                        violations.push(Violation::WentBack {
                            what,
                            partition: *partition,
                            before,
                            after,
                        });
                    }
                    Some(())
                };
                hold("high watermark", &before.ends, *high_watermark);
                hold("log start", &before.starts, *log_start);
                high_watermark.inspect(|end| raise(&mut known.ends, *partition, *end));
                log_start.inspect(|start| raise(&mut known.starts, *partition, *start));
            }
            Event::Committed { group, partition, offset } => {
                raise(&mut known.commits, (group.clone(), *partition), *offset);
            }
            Event::Resumed { group, partition, offset, call: Some(call) } => {
                let before = asked.remove(call).unwrap_or_default();
                let place = (group.clone(), *partition);
                if let Some(committed) = before.commits.get(&place).copied().filter(|c| offset < c)
                {
                    let (group, partition, found) = (group.clone(), *partition, *offset);
                    violations.push(Violation::CommitWentBack {
                        group,
                        partition,
                        committed,
                        found,
                    });
                }
                raise(&mut known.commits, place, *offset);
            }
            _ => {}
        }
    }
}
