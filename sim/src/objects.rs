//! The object store of a run: slow, at times refusing, at times failing although it did what was
//! asked.

use std::{fmt, io, sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_util::{StreamExt, stream::BoxStream};
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, path::Path,
};

use crate::{monitor::Monitor, seeded_rng::SeededRng, store_link::LinkConditions, trace::Trace};

/// A broker's access to the objects, which all brokers share.
#[derive(Clone)]
pub(crate) struct SimObjects {
    pub(crate) inner: Arc<dyn ObjectStore>,
    pub(crate) conditions: LinkConditions,
    pub(crate) rng: SeededRng,
    pub(crate) monitor: Monitor,
    pub(crate) trace: Trace,
    pub(crate) node: String,
}

impl SimObjects {
    async fn pause(&self) {
        let most = self.conditions.latency_us.load(std::sync::atomic::Ordering::Relaxed).max(500);
        let pause = if self.rng.chance(20) {
            self.rng.millis(50..500)
        } else {
            self.rng.micros(200..most * 2)
        };
        tokio::time::sleep(pause).await;
    }

    fn fails(&self) -> bool {
        let permille = self.conditions.fail_permille.load(std::sync::atomic::Ordering::Relaxed);
        self.conditions.away.load(std::sync::atomic::Ordering::Relaxed) || self.rng.chance(permille)
    }

    /// Runs a request that changes something, or what becomes of it.
    async fn change<T>(&self, what: String, request: impl Future<Output = Result<T>>) -> Result<T> {
        self.pause().await;
        if self.fails() {
            self.trace.line(&self.node, format_args!("objects: {what} refused"));
            tokio::time::sleep(Duration::from_millis(20)).await;
            return Err(failed(io::ErrorKind::ConnectionRefused));
        }
        let done = request.await;
        self.trace.line(
            &self.node,
            format_args!("objects: {what} {}", if done.is_ok() { "done" } else { "failed" }),
        );
        self.pause().await;
        if self.fails() {
            return Err(failed(io::ErrorKind::TimedOut));
        }
        done
    }
}

/// Tells an object's bytes from others.
pub(crate) fn checksum<'a>(bytes: impl Iterator<Item = &'a u8>) -> u32 {
    bytes.fold(0_u32, |sum, byte| sum.rotate_left(5) ^ u32::from(*byte) ^ 0x9e37)
}

fn failed(kind: io::ErrorKind) -> Error {
    Error::Generic { store: "simulated", source: io::Error::from(kind).into() }
}

impl fmt::Debug for SimObjects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SimObjects")
    }
}

impl fmt::Display for SimObjects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SimObjects")
    }
}

#[async_trait]
impl ObjectStore for SimObjects {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        let checksum = checksum(payload.iter().flatten());
        self.change(format!("put {location}"), async {
            self.monitor.object_written(location.as_ref(), checksum);
            self.inner.put_opts(location, payload, options).await
        })
        .await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.pause().await;
        if self.fails() {
            return Err(failed(io::ErrorKind::ConnectionRefused));
        }
        self.inner.get_opts(location, options).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let this = self.clone();
        let delete = move |location: Result<Path>| {
            let this = this.clone();
            async move {
                let location = location?;
                this.change(format!("delete {location}"), async {
                    this.monitor.object_removed(location.as_ref());
                    let one = futures_util::stream::iter([Ok(location.clone())]).boxed();
                    this.inner.delete_stream(one).next().await.unwrap_or(Ok(location.clone()))
                })
                .await
            }
        };
        locations.then(delete).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}
