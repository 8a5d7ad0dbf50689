//! [`ImageWatcher`]: reads everything once, then follows one watch; reads again when the watch has
//! missed something.
//!
//! An image is published, which wakes all who act on changes, only when a record has changed. That
//! other keys of the store have is known to those alone who wait for a revision.

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
    /// The revision of the newest image.
    reached: watch::Receiver<Revision>,
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
        let (publisher, watcher) = ImagePublisher::new(builder.image());
        let stopping = runtime.stopping().clone();
        runtime.spawn(async move {
            tokio::select! {
                () = stopping.cancelled() => {}
                () = follower.run(builder, watch, publisher) => {}
            }
        });
        Ok(watcher)
    }

    pub fn current(&self) -> Arc<MetadataImage> {
        self.images.borrow().clone()
    }

    /// Looks at the newest image, for a moment: the next one waits meanwhile.
    pub fn look<T>(&self, at: impl FnOnce(&MetadataImage) -> T) -> T {
        at(&self.images.borrow())
    }

    /// For tasks that act on changes.
    pub fn subscribe(&self) -> watch::Receiver<Arc<MetadataImage>> {
        self.images.clone()
    }

    /// An image at `revision` or later. Cancel-safe.
    pub async fn wait_for(&self, revision: Revision) -> Result<Arc<MetadataImage>, ImageClosed> {
        let mut reached = self.reached.clone();
        reached.wait_for(|reached| *reached >= revision).await.map_err(|_| ImageClosed)?;
        Ok(self.current())
    }

    /// The first image whose records fulfil `condition`, the current one included. Cancel-safe.
    pub async fn wait_until(
        &self,
        mut condition: impl FnMut(&MetadataImage) -> bool,
    ) -> Result<Arc<MetadataImage>, ImageClosed> {
        let mut images = self.images.clone();
        let image = images.wait_for(|image| condition(image)).await.map_err(|_| ImageClosed)?;
        Ok(image.clone())
    }
}

/// The other side of an [`ImageWatcher`].
struct ImagePublisher {
    images: watch::Sender<Arc<MetadataImage>>,
    reached: watch::Sender<Revision>,
}

impl ImagePublisher {
    fn new(image: Arc<MetadataImage>) -> (Self, ImageWatcher) {
        let (reached, reached_receiver) = watch::channel(image.revision());
        let (images, receiver) = watch::channel(image);
        (Self { images, reached }, ImageWatcher { images: receiver, reached: reached_receiver })
    }

    fn publish(&self, image: Arc<MetadataImage>) {
        let revision = image.revision();
        self.images.send_replace(image);
        self.reached.send_replace(revision);
    }

    /// The image differs from the last one in its revision only.
    fn move_on(&self, image: Arc<MetadataImage>) {
        let revision = image.revision();
        self.images.send_if_modified(|current| {
            *current = image;
            false
        });
        self.reached.send_replace(revision);
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
                batch => batch.map_err(|e| unavailable(&e))?,
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
        publisher: ImagePublisher,
    ) {
        loop {
            match watch.next().await {
                Ok(batch) if batch.events.is_empty() => {
                    builder.set_revision(batch.revision);
                    publisher.move_on(builder.image());
                    continue;
                }
                Ok(batch) => builder.apply(&batch),
                Err(WatchError::Closed) => return,
                Err(error) => {
                    tracing::info!(%error, "reading the metadata image again");
                    (builder, watch) = self.load_again().await;
                }
            }
            publisher.publish(builder.image());
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
