//! [`HistoryWatch`]: a watch of an embedded store.

use std::sync::Arc;

use async_trait::async_trait;
use milena_types::Revision;
use tokio::sync::watch;

use crate::store::{EventBatch, Watch, WatchError};

use super::state::StoreState;

pub(super) struct HistoryWatch {
    state: Arc<StoreState>,
    published: watch::Receiver<Revision>,
    prefix: String,
    after: Revision,
}

impl HistoryWatch {
    pub(super) fn new(state: Arc<StoreState>, prefix: &str, after: Revision) -> Self {
        let published = state.published.subscribe();
        Self { state, published, prefix: prefix.to_owned(), after }
    }

    fn poll(&mut self) -> Result<Option<EventBatch>, WatchError> {
        let published = *self.published.borrow_and_update();
        let history = self.state.history();
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
            if self.state.is_closed() {
                return Err(WatchError::Closed);
            }
            self.published.changed().await.map_err(|_| WatchError::Closed)?;
        }
    }
}
