//! Pages of manifests and snapshots of producer state: small immutable objects.
//!
//! Layout: magic `MLNABLB1`, the id of the data key u32, a salt of 16 bytes, then the payload
//! sealed as frame 0 of the object. The object's name is authenticated.

use std::sync::Arc;

use bytes::Bytes;
use milena_runtime::Runtime;

use crate::{
    cache::{
        block::{Cacheable, Place},
        object_cache::ObjectCache,
        object_reads::{Miss, ObjectReads, Wanted, until_there},
    },
    catalog::records::{PageRef, SegmentRef},
    encryption::{EncryptionError, KeyId, KeyRing, Salt, TAG_BYTES},
    format_level::FormatLevel,
    objects::{
        object_id::ObjectId,
        store::{ObjectError, Objects},
    },
};

const MAGIC: [u8; 8] = *b"MLNABLB1";
const HEADER_BYTES: usize = 8 + 4 + 16;

/// The largest page or snapshot.
const OBJECT_BYTES_MAX: u64 = 64 << 20;

/// Why a page or a snapshot cannot be read or written.
#[derive(Clone, Debug, thiserror::Error)]
pub enum PageError {
    /// The object store failed.
    #[error(transparent)]
    Object(#[from] ObjectError),
    /// The object is not what was written.
    #[error("object {object} is damaged ({reason}): restore it from a copy")]
    Damaged { object: ObjectId, reason: String },
    /// The object cannot be decrypted.
    #[error("object {object}: {source}")]
    Encryption { object: ObjectId, source: EncryptionError },
}

impl PageError {
    /// The object is gone: the read has to be planned again.
    pub(crate) fn is_gone(&self) -> bool {
        matches!(self, Self::Object(ObjectError::NotFound { .. }))
    }

    /// The object is gone or damaged: repeating the read does not help.
    pub(crate) fn is_lost(&self) -> bool {
        let damaged = matches!(self, Self::Damaged { .. } | Self::Encryption { .. });
        damaged || self.is_gone()
    }
}

/// What a listed segment takes of memory while a page is read, about.
const LISTED_BYTES: u64 = 1024;

impl Cacheable for Arc<[SegmentRef]> {
    type Error = PageError;

    fn memory_bytes(&self) -> usize {
        self.iter().map(|segment| size_of::<SegmentRef>() + segment.object.len()).sum()
    }
}

/// Reads and writes the pages and snapshots of one cluster. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Pages {
    objects: Objects,
    keys: KeyRing,
    cache: ObjectCache,
    runtime: Runtime,
}

impl Pages {
    pub(crate) fn new(
        objects: Objects,
        keys: KeyRing,
        cache: ObjectCache,
        runtime: Runtime,
    ) -> Self {
        Self { objects, keys, cache, runtime }
    }

    /// The segments a page lists, in offset order. Cancel-safe.
    pub(crate) async fn read(&self, page: &PageRef) -> Result<Arc<[SegmentRef]>, PageError> {
        until_there(|reads| self.look_up(page, reads)).await
    }

    /// As [`Pages::read`], if it is cached; else begins to read it.
    pub(crate) fn look_up(
        &self,
        page: &PageRef,
        reads: &mut ObjectReads,
    ) -> Result<Arc<[SegmentRef]>, Miss<PageError>> {
        let object = ObjectId::new(page.object.as_str());
        let load = || {
            let (pages, object) = (self.clone(), object.clone());
            async move {
                let payload = pages.open(&object).await?;
                serde_json::from_slice(&payload)
                    .map_err(|error| PageError::Damaged { object, reason: error.to_string() })
            }
        };
        let load_bytes = u64::from(page.segments) * LISTED_BYTES;
        reads.look_up(&self.cache, Wanted { object: &object, place: Place::Page, load_bytes, load })
    }

    pub(crate) async fn write(
        &self,
        object: &ObjectId,
        segments: &[SegmentRef],
    ) -> Result<(), PageError> {
        let payload = serde_json::to_vec(segments).expect("records of plain fields serialise");
        self.seal(object, &payload).await
    }

    /// Encrypts a payload and stores it.
    pub(crate) async fn seal(&self, object: &ObjectId, payload: &[u8]) -> Result<(), PageError> {
        let salt = Salt::random(&self.runtime);
        let key = self.keys.current();
        let mut bytes = vec![0; HEADER_BYTES + payload.len() + TAG_BYTES];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&key.id().0.to_be_bytes());
        bytes[12..HEADER_BYTES].copy_from_slice(&salt.0);
        let cipher = key.object_cipher(object, salt, FormatLevel::ONE);
        cipher.seal_into(0, payload, &mut bytes[HEADER_BYTES..]);
        Ok(self.objects.put(object, bytes.into()).await?)
    }

    /// Reads and decrypts a payload.
    pub(crate) async fn open(&self, object: &ObjectId) -> Result<Bytes, PageError> {
        let (bytes, object_bytes) = self.objects.tail(object, OBJECT_BYTES_MAX).await?;
        let damaged =
            |reason: &str| PageError::Damaged { object: object.clone(), reason: reason.to_owned() };
        let whole = object_bytes == bytes.len() as u64;
        if !whole || bytes.len() < HEADER_BYTES + TAG_BYTES || bytes[..8] != MAGIC {
            return Err(damaged("it does not begin as a page or snapshot does"));
        }
        let key =
            KeyId(u32::from_be_bytes(*bytes[8..].first_chunk().expect("longer than the header")));
        let salt = Salt(*bytes[12..].first_chunk().expect("longer than the header"));
        let encryption = |source| PageError::Encryption { object: object.clone(), source };
        let cipher =
            self.keys.find(key).map_err(encryption)?.object_cipher(object, salt, FormatLevel::ONE);
        let sealed = &bytes[HEADER_BYTES..];
        let mut payload = vec![0; sealed.len() - TAG_BYTES];
        cipher.open_into(0, sealed, &mut payload).map_err(encryption)?;
        Ok(payload.into())
    }
}
