//! A store that fails as stores do, over any other. For tests and simulation.

use std::{
    collections::VecDeque,
    fmt, io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use futures_util::{StreamExt, stream::BoxStream};
use tokio::sync::watch;

use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, path::Path,
};

/// The fault of one request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StoreFault {
    /// It fails and did nothing (as 503 and a refused connection do).
    NotApplied,
    /// It fails although it was done (as a time-out may).
    Applied,
    /// There is no space for it.
    NoSpace,
}

/// A store whose next requests fail, or whose reads do not end. Counts the reads.
pub struct FaultyStore {
    inner: Arc<dyn ObjectStore>,
    faults: Mutex<VecDeque<StoreFault>>,
    holds_reads: watch::Sender<bool>,
    reads: AtomicU64,
    reading: AtomicU64,
    reading_max: AtomicU64,
}

/// A read under way.
struct Reading<'a>(&'a FaultyStore);

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        self.0.reading.fetch_sub(1, Ordering::Relaxed);
    }
}

impl FaultyStore {
    /// A store over another, without faults for now.
    pub fn new(inner: Arc<dyn ObjectStore>) -> Arc<Self> {
        Arc::new(Self {
            inner,
            faults: Mutex::default(),
            holds_reads: watch::Sender::new(false),
            reads: AtomicU64::new(0),
            reading: AtomicU64::new(0),
            reading_max: AtomicU64::new(0),
        })
    }

    /// While it holds them, reads do not end.
    pub fn hold_reads(&self, holds: bool) {
        self.holds_reads.send_replace(holds);
    }

    /// How many reads have begun, and how many of them were under way at a time, since this was asked
    /// last.
    pub fn take_reads(&self) -> (u64, u64) {
        let reading = self.reading.load(Ordering::Relaxed);
        let reading_max = self.reading_max.swap(reading, Ordering::Relaxed);
        (self.reads.swap(0, Ordering::Relaxed), reading_max)
    }

    fn begin_read(&self) -> Reading<'_> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        let reading = self.reading.fetch_add(1, Ordering::Relaxed) + 1;
        self.reading_max.fetch_max(reading, Ordering::Relaxed);
        Reading(self)
    }

    /// Makes the next puts, gets and deletes fail, one by each of these.
    pub fn fail(&self, faults: impl IntoIterator<Item = StoreFault>) {
        self.faults.lock().expect("no holder of the faults panics").extend(faults);
    }

    /// Runs one request, with the next fault if there is one.
    async fn run<T>(&self, request: impl Future<Output = Result<T>>) -> Result<T> {
        let fault = self.faults.lock().expect("no holder of the faults panics").pop_front();
        let kind = match fault {
            None => return request.await,
            Some(StoreFault::NotApplied) => io::ErrorKind::ConnectionRefused,
            Some(StoreFault::NoSpace) => io::ErrorKind::StorageFull,
            Some(StoreFault::Applied) => {
                request.await?;
                io::ErrorKind::TimedOut
            }
        };
        Err(Error::Generic { store: "faulty", source: io::Error::from(kind).into() })
    }
}

impl fmt::Debug for FaultyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FaultyStore({})", self.inner)
    }
}

impl fmt::Display for FaultyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

#[async_trait]
impl ObjectStore for FaultyStore {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        self.run(self.inner.put_opts(location, payload, options)).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let _reading = self.begin_read();
        let _ = self.holds_reads.subscribe().wait_for(|holds| !holds).await;
        self.run(self.inner.get_opts(location, options)).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let mut next = self.faults.lock().expect("no holder of the faults panics");
        match next.pop_front() {
            None => self.inner.delete_stream(locations),
            Some(_) => {
                let failed = || {
                    Err(Error::Generic {
                        store: "faulty",
                        source: io::Error::other("refused").into(),
                    })
                };
                locations.map(move |_| failed()).boxed()
            }
        }
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
