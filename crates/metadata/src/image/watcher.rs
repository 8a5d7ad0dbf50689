//! [`ImageWatcher`]: reads everything once, then follows one watch; reads again when the watch has
//! missed something.

use std::{sync::Arc, time::Duration};

use milena_runtime::Runtime;
use milena_store::{MetadataStore, Pages, StoreError, Watch, WatchError};
use milena_types::Revision;
use tokio::sync::watch;

use crate::cluster::{ClusterMetadata, MetadataError, MetadataKey};

use super::{MetadataImage, builder::ImageBuilder};

/// The watcher has stopped: its scope was shut down or the store closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the metadata image is no longer kept; the broker is stopping")]
pub struct ImageClosed;

/// The newest image of a cluster. Clones share it.
#[derive(Clone)]
pub struct ImageWatcher {
    images: watch::Receiver<Arc<MetadataImage>>,
}

const RETRY: Duration = Duration::from_millis(200);

impl ImageWatcher {
    /// Reads the cluster's records and keeps an image of them up to date until `runtime` stops.
    pub async fn start(
        metadata: &ClusterMetadata,
        runtime: &Runtime,
    ) -> Result<Self, MetadataError> {
        let follower = ImageUpdater { metadata: metadata.clone(), runtime: runtime.clone() };
        let (builder, watch) = follower.load().await?;
        let (sender, images) = watch::channel(builder.image());
        let stopping = runtime.stopping().clone();
        runtime.spawn(async move {
            tokio::select! {
                () = stopping.cancelled() => {}
                () = follower.run(builder, watch, sender) => {}
            }
        });
        Ok(Self { images })
    }

    pub fn current(&self) -> Arc<MetadataImage> {
        self.images.borrow().clone()
    }

    /// For tasks that act on changes.
    pub fn subscribe(&self) -> watch::Receiver<Arc<MetadataImage>> {
        self.images.clone()
    }

    /// The first image at `revision` or later. Cancel-safe.
    pub async fn wait_for(&self, revision: Revision) -> Result<Arc<MetadataImage>, ImageClosed> {
        self.wait_until(|image| image.revision() >= revision).await
    }

    /// The first image that fulfils `condition`, the current one included. Cancel-safe.
    pub async fn wait_until(
        &self,
        mut condition: impl FnMut(&MetadataImage) -> bool,
    ) -> Result<Arc<MetadataImage>, ImageClosed> {
        let mut images = self.images.clone();
        let image = images.wait_for(|image| condition(image)).await.map_err(|_| ImageClosed)?;
        Ok(image.clone())
    }
}

struct ImageUpdater {
    metadata: ClusterMetadata,
    runtime: Runtime,
}

impl ImageUpdater {
    fn store(&self) -> &dyn MetadataStore {
        self.metadata.store().as_ref()
    }

    /// Reads everything, and again if so much changed meanwhile that the watch cannot follow.
    async fn load(&self) -> Result<(ImageBuilder, Box<dyn Watch>), MetadataError> {
        loop {
            if let Some(loaded) = self.try_load().await? {
                return Ok(loaded);
            }
            self.runtime.sleep(RETRY).await;
        }
    }

    /// Reads everything. The pages are of different moments; following the watch from the first
    /// page's revision up to the last one's makes them one state, because replaying a change
    /// that a page shows already does no harm.
    async fn try_load(&self) -> Result<Option<(ImageBuilder, Box<dyn Watch>)>, MetadataError> {
        let prefix = self.metadata.below(MetadataKey::IMAGE);
        let mut builder = ImageBuilder::new(self.metadata.prefix().clone());
        let (mut first, mut last) = (None, Revision::default());
        let mut pages = Pages::new(self.store(), &prefix);
        while let Some(page) = pages.next().await? {
            first.get_or_insert(page.revision);
            last = page.revision;
            for entry in &page.entries {
                builder.put(entry)?;
            }
        }
        let first = first.unwrap_or(last);
        let mut watch = self.store().watch(&prefix, first).await?;
        builder.set_revision(first);
        let mut reached = first;
        while reached < last {
            let batch = match watch.next().await {
                Err(WatchError::Compacted { .. }) => return Ok(None),
                batch => batch.map_err(|e| MetadataError::Store(unavailable(&e)))?,
            };
            reached = batch.revision;
            builder.apply(&batch);
        }
        Ok(Some((builder, watch)))
    }

    async fn run(
        self,
        mut builder: ImageBuilder,
        mut watch: Box<dyn Watch>,
        images: watch::Sender<Arc<MetadataImage>>,
    ) {
        loop {
            match watch.next().await {
                Ok(batch) => builder.apply(&batch),
                Err(WatchError::Closed) => return,
                Err(error) => {
                    tracing::info!(%error, "reading the metadata image again");
                    (builder, watch) = self.load_again().await;
                }
            }
            images.send_replace(builder.image());
        }
    }

    async fn load_again(&self) -> (ImageBuilder, Box<dyn Watch>) {
        loop {
            match self.load().await {
                Ok(loaded) => return loaded,
                Err(error) => {
                    tracing::warn!(%error, "the metadata image cannot be read; trying again");
                }
            }
            self.runtime.sleep(RETRY).await;
        }
    }
}

fn unavailable(error: &WatchError) -> StoreError {
    StoreError::Unavailable { reason: error.to_string() }
}
