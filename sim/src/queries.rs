//! What was read, by time and leader epoch, and the answers to questions about these.
//!
//! - `time-query`: of the records that are there, none before the offset that is named is of the
//!   time asked for, or later, and the one at the offset is;
//! - `epoch-query`: an epoch ends after all records of it, and of earlier ones, that were read when
//!   it was asked for, and before all records of later epochs, whenever they are read.
//!
//! A record is there if the log start that is asked for after the answer is not above it.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard},
};

use crate::{findings::Findings, seeded_rng::SeededRng};

/// How many records count as the newest of a partition.
const NEWEST: u64 = 40;

/// A record as it was read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SeenRecord {
    pub(crate) timestamp: i64,
    pub(crate) leader_epoch: i32,
}

#[derive(Default)]
pub(crate) struct Queries {
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    records: BTreeMap<(i32, i64), SeenRecord>,
    times: Vec<TimeAnswer>,
    epochs: Vec<EpochAnswer>,
}

/// Where a partition stands at a time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TimeAnswer {
    pub(crate) partition: i32,
    pub(crate) timestamp: i64,
    /// The offset after the last record that was read when it was asked for.
    pub(crate) known_end: i64,
    pub(crate) found: Option<i64>,
    /// The log start afterwards.
    pub(crate) start: i64,
}

/// Where a leader epoch of a partition ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EpochAnswer {
    pub(crate) partition: i32,
    pub(crate) asked: i32,
    /// As in [`TimeAnswer`].
    pub(crate) known_end: i64,
    /// The largest epoch up to the one asked for, and its end.
    pub(crate) epoch: i32,
    pub(crate) end: i64,
    /// The log start afterwards.
    pub(crate) start: i64,
}

impl Queries {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().expect("no panic with what was seen")
    }

    pub(crate) fn read(&self, partition: i32, offset: i64, record: SeenRecord) {
        self.seen().records.insert((partition, offset), record);
    }

    /// One of the records that were read of a partition, often one of the newest, and the offset
    /// after the last one.
    pub(crate) fn pick(&self, partition: i32, rng: &SeededRng) -> Option<(SeenRecord, i64)> {
        let seen = self.seen();
        let of_partition = || seen.records.range((partition, 0)..(partition + 1, 0)).rev();
        let ((_, last), _) = of_partition().next()?;
        let count = of_partition().count() as u64;
        let among = if rng.chance(500) { count.min(NEWEST) } else { count };
        let (_, record) = of_partition().nth(rng.below(among) as usize)?;
        Some((*record, last + 1))
    }

    /// How many answers by time and by epoch there were.
    pub(crate) fn answers(&self) -> (usize, usize) {
        let seen = self.seen();
        (seen.times.len(), seen.epochs.len())
    }

    pub(crate) fn note_time(&self, answer: TimeAnswer) {
        self.seen().times.push(answer);
    }

    pub(crate) fn note_epoch(&self, answer: EpochAnswer) {
        self.seen().epochs.push(answer);
    }

    /// Holds the answers against all that was read, before and after them.
    pub(crate) fn check(&self, findings: &Findings) {
        let seen = self.seen();
        for answer in &seen.times {
            for (offset, record) in seen.there(answer.partition, answer.start) {
                let later = record.timestamp >= answer.timestamp;
                let wrong = match answer.found {
                    None => later && offset < answer.known_end,
                    Some(found) => later && offset < found || !later && offset == found,
                };
                if wrong {
                    let text = format!("{answer:?}, and {offset} is of {}", record.timestamp);
                    findings.add("time-query", text);
                    break;
                }
            }
        }
        for answer in &seen.epochs {
            for (offset, record) in seen.there(answer.partition, answer.start) {
                let (epoch, known) = (record.leader_epoch, offset < answer.known_end);
                let wrong = match answer.epoch {
                    // It is above all epochs.
                    -1 => known && epoch >= answer.asked,
                    largest => {
                        known && largest < epoch && epoch <= answer.asked
                            || known && epoch <= largest && offset >= answer.end
                            || epoch > answer.asked && offset < answer.end
                    }
                };
                if wrong {
                    let text = format!("{answer:?}, and {offset} is of epoch {epoch}");
                    findings.add("epoch-query", text);
                    break;
                }
            }
        }
    }
}

impl Seen {
    /// The records of a partition from `start` on.
    fn there(&self, partition: i32, start: i64) -> impl Iterator<Item = (i64, &SeenRecord)> {
        let records = self.records.range((partition, start)..(partition + 1, 0));
        records.map(|((_, offset), record)| (*offset, record))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen() -> Queries {
        let queries = Queries::default();
        for (offset, timestamp, leader_epoch) in [(0, 10, 0), (1, 30, 0), (2, 20, 2), (3, 40, 3)] {
            queries.read(7, offset, SeenRecord { timestamp, leader_epoch });
        }
        queries
    }

    fn time_answer(timestamp: i64, found: Option<i64>, start: i64) -> TimeAnswer {
        TimeAnswer { partition: 7, timestamp, known_end: 4, found, start }
    }

    fn epoch_answer(asked: i32, epoch: i32, end: i64, start: i64) -> EpochAnswer {
        EpochAnswer { partition: 7, asked, known_end: 4, epoch, end, start }
    }

    fn found(queries: &Queries) -> usize {
        let findings = Findings::default();
        queries.check(&findings);
        findings.all().len()
    }

    #[test]
    fn right_answers_are_right() {
        let queries = seen();
        for (timestamp, found) in [(5, Some(0)), (20, Some(1)), (31, Some(3)), (41, None)] {
            queries.note_time(time_answer(timestamp, found, 0));
        }
        for (asked, epoch, end) in [(0, 0, 2), (1, 0, 2), (2, 2, 3), (3, 3, 4), (4, -1, -1)] {
            queries.note_epoch(epoch_answer(asked, epoch, end, 0));
        }
        assert_eq!(found(&queries), 0);
    }

    #[test]
    fn wrong_answers_are_found() {
        for (timestamp, answer) in [(20, Some(2)), (20, None), (31, Some(2)), (41, Some(3))] {
            let queries = seen();
            queries.note_time(time_answer(timestamp, answer, 0));
            assert_eq!(found(&queries), 1, "{timestamp} {answer:?}");
        }
        for (asked, epoch, end) in [(0, 0, 1), (1, 0, 3), (2, 0, 2), (2, 2, 4), (3, -1, -1)] {
            let queries = seen();
            queries.note_epoch(epoch_answer(asked, epoch, end, 0));
            assert_eq!(found(&queries), 1, "{asked} {epoch} {end}");
        }
    }

    #[test]
    fn records_that_are_gone_are_not_asked_for() {
        let queries = seen();
        queries.note_time(time_answer(20, Some(2), 2));
        queries.note_epoch(epoch_answer(1, 0, 0, 2));
        assert_eq!(found(&queries), 0);
        queries.note_time(time_answer(20, Some(3), 2));
        assert_eq!(found(&queries), 1);
    }
}
