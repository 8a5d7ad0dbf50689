//! [`DiskObjects`]: objects as files on any [`Disk`], for the simulation. They are written as
//! [`Objects::in_directory`](super::Objects::in_directory) writes them, but for direct I/O.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, stream, stream::BoxStream};
use object_store::{
    Attributes, CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult,
    MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions, PutOptions, PutPayload,
    PutResult, Result, path::Path as ObjectPath,
};

use crate::{
    disk::file_system::{Disk, read_exact_at, write_all_at},
    objects::durable_file::write_durably,
};

/// Objects as files below a directory of a disk.
#[derive(Clone, Debug)]
pub struct DiskObjects {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    /// Numbers the files that are being written.
    next: Arc<AtomicU64>,
    /// Tells this process's unfinished files from those of others.
    process: u64,
}

impl DiskObjects {
    /// Objects below `dir`, as process number `process` writes them.
    pub fn new(disk: Arc<dyn Disk>, dir: impl Into<PathBuf>, process: u64) -> Self {
        Self { disk, dir: dir.into(), next: Arc::default(), process }
    }

    fn file(&self, location: &ObjectPath) -> PathBuf {
        self.dir.join(location.as_ref())
    }

    fn write(&self, path: &Path, payload: &PutPayload) -> io::Result<()> {
        let mut name = path.as_os_str().to_owned();
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        name.push(format!("#{number}.{}", self.process));
        let temporary = PathBuf::from(name);
        write_durably(&*self.disk, path, &temporary, || {
            let file = self.disk.create(&temporary, payload.content_length() as u64)?;
            let mut position = 0;
            for part in payload.iter() {
                write_all_at(&*file, part, position)?;
                position += part.len() as u64;
            }
            file.sync()
        })
    }

    /// The bytes of a whole object.
    pub fn read(&self, location: &ObjectPath) -> io::Result<Bytes> {
        let file = self.disk.open(&self.file(location))?;
        let mut bytes = vec![0; file.bytes()? as usize];
        read_exact_at(&*file, &mut bytes, 0)?;
        Ok(bytes.into())
    }
}

fn failed(location: &ObjectPath, source: io::Error) -> Error {
    match source.kind() {
        io::ErrorKind::NotFound => {
            Error::NotFound { path: location.to_string(), source: source.into() }
        }
        _ => Error::Generic { store: "disk", source: source.into() },
    }
}

impl fmt::Display for DiskObjects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DiskObjects({})", self.dir.display())
    }
}

#[async_trait]
impl ObjectStore for DiskObjects {
    async fn put_opts(
        &self,
        location: &ObjectPath,
        payload: PutPayload,
        _options: PutOptions,
    ) -> Result<PutResult> {
        self.write(&self.file(location), &payload).map_err(|error| failed(location, error))?;
        Ok(PutResult { e_tag: None, version: None, extensions: Default::default() })
    }

    async fn put_multipart_opts(
        &self,
        _location: &ObjectPath,
        _options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        Err(Error::NotImplemented { operation: "multipart".into(), implementer: "disk".into() })
    }

    async fn get_opts(&self, location: &ObjectPath, options: GetOptions) -> Result<GetResult> {
        let bytes = self.read(location).map_err(|error| failed(location, error))?;
        let size = bytes.len() as u64;
        let range = match &options.range {
            Some(range) => range
                .as_range(size)
                .map_err(|error| Error::Generic { store: "disk", source: error.into() })?,
            None => 0..size,
        };
        let bytes = bytes.slice(range.start as usize..range.end as usize);
        let meta = ObjectMeta {
            location: location.clone(),
            last_modified: Default::default(),
            size,
            e_tag: None,
            version: None,
        };
        let payload = GetResultPayload::Stream(stream::iter([Ok(bytes)]).boxed());
        let (attributes, extensions) = (Attributes::default(), Default::default());
        Ok(GetResult { payload, meta, range, attributes, extensions })
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<ObjectPath>>,
    ) -> BoxStream<'static, Result<ObjectPath>> {
        let this = self.clone();
        let delete = move |location: Result<ObjectPath>| {
            let location = location?;
            let path = this.file(&location);
            this.disk.remove(&path).map_err(|error| failed(&location, error))?;
            Ok(location)
        };
        locations.map(delete).boxed()
    }

    fn list(&self, _prefix: Option<&ObjectPath>) -> BoxStream<'static, Result<ObjectMeta>> {
        stream::empty().boxed()
    }

    async fn list_with_delimiter(&self, _prefix: Option<&ObjectPath>) -> Result<ListResult> {
        Ok(ListResult {
            common_prefixes: Vec::new(),
            objects: Vec::new(),
            extensions: Default::default(),
        })
    }

    async fn copy_opts(
        &self,
        _from: &ObjectPath,
        _to: &ObjectPath,
        _options: CopyOptions,
    ) -> Result<()> {
        Err(Error::NotImplemented { operation: "copy".into(), implementer: "disk".into() })
    }
}
