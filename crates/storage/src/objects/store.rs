//! Access to the object store: whole objects in, ranges out.
//!
//! Objects are written once and never changed. A put may be repeated with the same bytes, so a put
//! whose outcome is unknown is simply put again; the store needs no conditional writes, and no
//! listing is relied upon. What a store must give is read-after-write of new objects, and
//! durability when a put has returned.
//!
//! Not here: which objects exist or may be deleted. Manifests and flush records decide that.

use std::{io, ops::Range, path::Path, sync::Arc};

use bytes::Bytes;
use object_store::{GetOptions, GetRange, ObjectStore, ObjectStoreExt, PutPayload};

use crate::{
    disk::file_system,
    objects::{directory::DirectoryStore, object_id::ObjectId},
};

/// Why an operation of the object store failed.
#[derive(Clone, Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages name the fields")]
pub enum ObjectError {
    /// There is no such object. Its reader plans again: it may have been replaced.
    #[error("object {object} is not in the store: put it back from a copy of the store")]
    NotFound { object: ObjectId },
    /// There is no space for the object.
    #[error("no space left for object {object} ({source}): free space, it is put again then")]
    Full { object: ObjectId, source: Arc<object_store::Error> },
    /// The store failed; trying again may help.
    #[error("cannot {action} object {object} ({source}): check the object store")]
    Store { object: ObjectId, action: &'static str, source: Arc<object_store::Error> },
    /// The object is shorter than what refers to it says.
    #[error("object {object} ends early at byte {position}: restore the object from a copy")]
    Truncated { object: ObjectId, position: u64 },
}

impl ObjectError {
    /// A read that the store never ended.
    pub(crate) fn timed_out(object: ObjectId) -> Self {
        Self::not_read(object, io::ErrorKind::TimedOut.into())
    }

    /// A read that cannot begin, since the broker stops.
    pub(crate) fn stopping(object: ObjectId) -> Self {
        Self::not_read(object, io::Error::other("the broker stops"))
    }

    /// A read that a bug ended.
    pub(crate) fn panicked(object: ObjectId) -> Self {
        Self::not_read(object, io::Error::other("reading it panicked"))
    }

    fn not_read(object: ObjectId, source: io::Error) -> Self {
        let source = object_store::Error::Generic { store: "objects", source: source.into() };
        Self::Store { object, action: "read", source: source.into() }
    }
}

/// The object store of a cluster. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Objects {
    store: Arc<dyn ObjectStore>,
}

impl Objects {
    /// Objects in any store.
    pub fn new(store: Arc<dyn ObjectStore>) -> Self {
        Self { store }
    }

    /// Objects as files below a directory, made if absent. A put returns when the file and its name
    /// are durable.
    ///
    /// # Errors
    /// [`object_store::Error`] if the directory cannot be made or opened.
    pub fn in_directory(dir: &Path) -> Result<Self, object_store::Error> {
        let generic = |source: io::Error| object_store::Error::Generic {
            store: "directory",
            source: source.into(),
        };
        std::fs::create_dir_all(dir).map_err(generic)?;
        Ok(Self::new(Arc::new(DirectoryStore::new(dir)?)))
    }

    /// Stores an object, durably. If cancelled, the object is stored or not, never in part.
    ///
    /// # Errors
    /// [`ObjectError::Full`], [`ObjectError::Store`]: put the same bytes again.
    pub async fn put(&self, object: &ObjectId, bytes: Bytes) -> Result<(), ObjectError> {
        match self.store.put(&object.path(), PutPayload::from_bytes(bytes)).await {
            Ok(_) => Ok(()),
            Err(source) if is_caused_by_full_disk(&source) => {
                Err(ObjectError::Full { object: object.clone(), source: source.into() })
            }
            Err(source) => Err(failed(object, "put", source)),
        }
    }

    /// The bytes of a range, which must be inside the object.
    ///
    /// # Errors
    /// [`ObjectError::NotFound`], [`ObjectError::Store`].
    pub async fn range(&self, object: &ObjectId, range: Range<u64>) -> Result<Bytes, ObjectError> {
        if range.is_empty() {
            return Ok(Bytes::new());
        }
        let bytes = self.store.get_range(&object.path(), range.clone()).await;
        let bytes = bytes.map_err(|source| failed(object, "read", source))?;
        if bytes.len() as u64 != range.end - range.start {
            let (object, position) = (object.clone(), range.start + bytes.len() as u64);
            return Err(ObjectError::Truncated { object, position });
        }
        Ok(bytes)
    }

    /// The last bytes of an object, at most `bytes_max`, and the length of the whole.
    ///
    /// # Errors
    /// [`ObjectError::NotFound`], [`ObjectError::Store`].
    pub async fn tail(
        &self,
        object: &ObjectId,
        bytes_max: u64,
    ) -> Result<(Bytes, u64), ObjectError> {
        let options =
            GetOptions { range: Some(GetRange::Suffix(bytes_max)), ..GetOptions::default() };
        let found = self.store.get_opts(&object.path(), options).await;
        let found = found.map_err(|source| failed(object, "read", source))?;
        let object_bytes = found.meta.size;
        let tail = found.bytes().await.map_err(|source| failed(object, "read", source))?;
        Ok((tail, object_bytes))
    }

    /// Deletes an object. One that is not there is deleted already.
    ///
    /// # Errors
    /// [`ObjectError::Store`]: delete it again.
    pub async fn delete(&self, object: &ObjectId) -> Result<(), ObjectError> {
        match self.store.delete(&object.path()).await {
            Err(object_store::Error::NotFound { .. }) | Ok(()) => Ok(()),
            Err(source) => Err(failed(object, "delete", source)),
        }
    }
}

fn failed(object: &ObjectId, action: &'static str, source: object_store::Error) -> ObjectError {
    let object = object.clone();
    match source {
        object_store::Error::NotFound { .. } => ObjectError::NotFound { object },
        source => ObjectError::Store { object, action, source: source.into() },
    }
}

/// Whether the file system under a store said that there is no space.
fn is_caused_by_full_disk(error: &object_store::Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        let error_of_disk = error.downcast_ref::<io::Error>();
        if error_of_disk.is_some_and(|error| file_system::is_disk_full(error.kind())) {
            return true;
        }
        cause = error.source();
    }
    false
}
