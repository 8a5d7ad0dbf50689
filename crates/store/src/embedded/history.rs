//! Past changes for watches: one queue for all of them, bounded in bytes. A watch holds no more
//! than its revision, so a slow one costs nothing; it fails once the queue begins after that.

use std::collections::VecDeque;

use milena_types::Revision;

use crate::store::{Event, EventBatch, WatchError};

#[derive(Debug)]
pub(super) struct History {
    batches: VecDeque<EventBatch>,
    /// Changes up to this revision are no longer here.
    forgotten: Revision,
    bytes: usize,
    bytes_max: usize,
}

impl History {
    pub(super) fn new(forgotten: Revision, bytes_max: usize) -> Self {
        Self { batches: VecDeque::new(), forgotten, bytes: 0, bytes_max }
    }

    /// The revision of the newest change.
    pub(super) fn revision(&self) -> Revision {
        self.batches.back().map_or(self.forgotten, |batch| batch.revision)
    }

    pub(super) fn push(&mut self, batch: EventBatch) {
        self.bytes += cost(&batch);
        self.batches.push_back(batch);
        while self.bytes > self.bytes_max {
            let Some(oldest) = self.batches.pop_front() else { break };
            self.bytes -= cost(&oldest);
            self.forgotten = oldest.revision;
        }
    }

    /// Forgets everything, and changes up to `revision` that it never had.
    pub(super) fn restart(&mut self, revision: Revision) {
        self.batches.clear();
        self.bytes = 0;
        self.forgotten = revision;
    }

    /// The first changes below `prefix` behind `after`.
    pub(super) fn next(
        &self,
        prefix: &str,
        after: Revision,
    ) -> Result<Option<EventBatch>, WatchError> {
        if after < self.forgotten {
            return Err(WatchError::Compacted { after });
        }
        let start = self.batches.partition_point(|batch| batch.revision <= after);
        for batch in self.batches.range(start..) {
            let events: Vec<Event> = batch
                .events
                .iter()
                .filter(|event| event.key().starts_with(prefix))
                .cloned()
                .collect();
            if !events.is_empty() {
                return Ok(Some(EventBatch { revision: batch.revision, events }));
            }
        }
        Ok(None)
    }
}

/// A batch's memory in bytes, roughly.
fn cost(batch: &EventBatch) -> usize {
    let event = |event: &Event| match event {
        Event::Put(entry) => entry.key.len() + entry.versioned.value.len() + 128,
        Event::Delete { key } => key.len() + 128,
    };
    64 + batch.events.iter().map(event).sum::<usize>()
}
