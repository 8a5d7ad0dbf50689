//! [`HistoryWatch`]: a watch of an embedded store.

use std::sync::Arc;

use async_trait::async_trait;
use milena_runtime::Runtime;
use milena_types::Revision;
use tokio::sync::watch;

use crate::{
    store::{EventBatch, Watch, WatchError},
    watch_position::{WatchPosition, WatchStep},
};

use super::state::StoreState;

pub(super) struct HistoryWatch {
    state: Arc<StoreState>,
    published: watch::Receiver<Revision>,
    prefix: String,
    position: WatchPosition,
    runtime: Runtime,
}

impl HistoryWatch {
    pub(super) fn new(
        state: Arc<StoreState>,
        prefix: &str,
        position: WatchPosition,
        runtime: Runtime,
    ) -> Self {
        let published = state.published.subscribe();
        Self { state, published, prefix: prefix.to_owned(), position, runtime }
    }

    fn poll(&mut self) -> Result<WatchStep, WatchError> {
        let published = *self.published.borrow_and_update();
        let next = self.state.history().next(&self.prefix, self.position.searched())?;
        Ok(match next {
            Some(batch) => self.position.change(batch),
            None => self.position.no_change(published, self.runtime.monotonic()),
        })
    }
}

#[async_trait]
impl Watch for HistoryWatch {
    async fn next(&mut self) -> Result<EventBatch, WatchError> {
        loop {
            let progress = match self.poll()? {
                WatchStep::Show(batch) => return Ok(batch),
                WatchStep::Wait(progress) => progress,
            };
            if self.state.is_closed() {
                return Err(WatchError::Closed);
            }
            let changed = self.published.changed();
            let changed = match progress {
                None => changed.await,
                Some(wait) => tokio::select! {
                    changed = changed => changed,
                    () = self.runtime.sleep(wait) => Ok(()),
                },
            };
            changed.map_err(|_| WatchError::Closed)?;
        }
    }
}
