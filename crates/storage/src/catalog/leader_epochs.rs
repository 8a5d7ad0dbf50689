//! The leader epochs of a partition and where each began (KIP-101).
//!
//! Invariant: both epochs and start offsets rise strictly.

use milena_types::{LeaderEpoch, Offset};
use serde::{Deserialize, Serialize};

/// The leader epochs of a partition and their start offsets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct EpochHistory {
    starts: Vec<(LeaderEpoch, Offset)>,
}

impl EpochHistory {
    /// Adds a leader epoch that begins at `start`, unless it is known. Epochs that began at or
    /// after `start` wrote nothing and are removed.
    pub(crate) fn begin(&mut self, epoch: LeaderEpoch, start: Offset) {
        if self.latest().is_some_and(|latest| latest >= epoch) {
            return;
        }
        while self.starts.last().is_some_and(|(_, last)| *last >= start) {
            self.starts.pop();
        }
        self.starts.push((epoch, start));
    }

    pub(crate) fn latest(&self) -> Option<LeaderEpoch> {
        self.starts.last().map(|(epoch, _)| *epoch)
    }

    /// The largest epoch that is not above `asked`, and where it ended: where the next one starts,
    /// or `end` for the newest. `None` if `asked` is above all epochs or unknown. If it is below
    /// all epochs, `asked` and the start of the first (OffsetForLeaderEpoch, KIP-101 and KIP-279).
    pub(crate) fn end_of(&self, asked: LeaderEpoch, end: Offset) -> Option<(LeaderEpoch, Offset)> {
        let latest = self.latest()?;
        if asked < LeaderEpoch(0) || asked > latest {
            return None;
        }
        if asked == latest {
            return Some((latest, end));
        }
        let above = self.starts.partition_point(|(epoch, _)| *epoch <= asked);
        let (_, next_start) = self.starts[above];
        let epoch = if above == 0 { asked } else { self.starts[above - 1].0 };
        Some((epoch, next_start))
    }

    /// The epoch in which the record at `offset` was written.
    pub(crate) fn at(&self, offset: Offset) -> Option<LeaderEpoch> {
        let after = self.starts.partition_point(|(_, start)| *start <= offset);
        Some(self.starts[after.checked_sub(1)?].0)
    }

    /// Removes the epochs before `start`, the log's new start. The epoch it lies in begins there.
    pub(crate) fn trim(&mut self, start: Offset) {
        let after = self.starts.partition_point(|(_, begun)| *begun <= start);
        if after > 0 {
            self.starts.drain(..after - 1);
            self.starts[0].1 = start;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(starts: &[(i32, i64)]) -> EpochHistory {
        let mut history = EpochHistory::default();
        for (epoch, start) in starts {
            history.begin(LeaderEpoch(*epoch), Offset(*start));
        }
        history
    }

    fn end_of(history: &EpochHistory, asked: i32) -> Option<(i32, i64)> {
        history.end_of(LeaderEpoch(asked), Offset(100)).map(|(epoch, end)| (epoch.0, end.0))
    }

    #[test]
    fn the_end_of_an_epoch_is_where_the_next_one_starts() {
        let history = history(&[(1, 0), (3, 20), (7, 50)]);
        assert_eq!(end_of(&history, 1), Some((1, 20)));
        assert_eq!(end_of(&history, 2), Some((1, 20)));
        assert_eq!(end_of(&history, 3), Some((3, 50)));
        assert_eq!(end_of(&history, 6), Some((3, 50)));
        assert_eq!(end_of(&history, 7), Some((7, 100)));
        assert_eq!(end_of(&history, 8), None);
        assert_eq!(end_of(&history, 0), Some((0, 0)));
        assert_eq!(end_of(&history, -1), None);
    }

    #[test]
    fn an_epoch_that_wrote_nothing_is_forgotten_when_the_next_begins() {
        assert_eq!(history(&[(1, 0), (2, 10), (3, 10)]), history(&[(1, 0), (3, 10)]));
    }

    #[test]
    fn trimming_keeps_the_epoch_the_log_starts_in() {
        let mut trimmed = history(&[(1, 0), (3, 20), (7, 50)]);
        trimmed.trim(Offset(30));
        assert_eq!(trimmed, history(&[(3, 30), (7, 50)]));
        trimmed.trim(Offset(50));
        assert_eq!(trimmed, history(&[(7, 50)]));
        assert_eq!(trimmed.at(Offset(49)), None);
        assert_eq!(trimmed.at(Offset(60)), Some(LeaderEpoch(7)));
    }
}
