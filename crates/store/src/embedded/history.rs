//! Past changes for watches: one queue for all of them, bounded in bytes. A watch holds no more
//! than its place in it, so a slow one costs nothing and is told when it has fallen out.

use std::{collections::VecDeque, sync::Arc};

use async_trait::async_trait;
use milena_types::Revision;
use tokio::sync::watch;

use crate::store::{Event, EventBatch, Watch, WatchError};

use super::Shared;

#[derive(Debug)]
pub(super) struct History {
    batches: VecDeque<EventBatch>,
    /// Changes up to this revision are not here.
    forgotten: Revision,
    bytes: usize,
    bytes_max: usize,
}

impl History {
    pub(super) fn new(forgotten: Revision, bytes_max: usize) -> Self {
        Self { batches: VecDeque::new(), forgotten, bytes: 0, bytes_max }
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

    /// Forgets everything: changes up to `revision` happened unseen.
    pub(super) fn restart(&mut self, revision: Revision) {
        self.batches.clear();
        self.bytes = 0;
        self.forgotten = revision;
    }

    /// The first changes below `prefix` behind `after`.
    fn next(&self, prefix: &str, after: Revision) -> Result<Option<EventBatch>, WatchError> {
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

/// What a batch takes in memory, roughly.
fn cost(batch: &EventBatch) -> usize {
    let event = |event: &Event| match event {
        Event::Put(entry) => entry.key.len() + entry.versioned.value.len() + 128,
        Event::Delete { key } => key.len() + 128,
    };
    64 + batch.events.iter().map(event).sum::<usize>()
}

pub(super) struct HistoryWatch {
    shared: Arc<Shared>,
    published: watch::Receiver<Revision>,
    prefix: String,
    after: Revision,
}

impl HistoryWatch {
    pub(super) fn new(shared: Arc<Shared>, prefix: &str, after: Revision) -> Self {
        let published = shared.published.subscribe();
        Self { shared, published, prefix: prefix.to_owned(), after }
    }

    fn poll(&mut self) -> Result<Option<EventBatch>, WatchError> {
        let published = *self.published.borrow_and_update();
        let history = self.shared.history();
        if let Some(batch) = history.next(&self.prefix, self.after)? {
            self.after = batch.revision;
            return Ok(Some(batch));
        }
        if published > self.after {
            self.after = published;
            return Ok(Some(EventBatch { revision: published, events: Vec::new() }));
        }
        Ok(None)
    }
}

#[async_trait]
impl Watch for HistoryWatch {
    async fn next(&mut self) -> Result<EventBatch, WatchError> {
        loop {
            if let Some(batch) = self.poll()? {
                return Ok(batch);
            }
            if self.shared.is_closed() {
                return Err(WatchError::Closed);
            }
            self.published.changed().await.map_err(|_| WatchError::Closed)?;
        }
    }
}
