//! Objects as files below a directory, the large ones written and read without the page cache.
//!
//! A segment is written once and, most often, read once, in large pieces, into a cache of our own:
//! the page cache would copy every byte once more and evict other pages. Small objects, and file
//! systems without direct I/O, use the ordinary store ([`LocalFileSystem`]), with the same files.
//!
//! Invariant: a file has its name only when all of it is durable.

use std::{
    fmt,
    fs::{File, OpenOptions},
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, stream::BoxStream};
use object_store::{
    Attributes, CopyOptions, Error, GetOptions, GetRange, GetResult, GetResultPayload, ListResult,
    MultipartUpload, ObjectMeta, ObjectStore, PutMode, PutMultipartOptions, PutOptions, PutPayload,
    PutResult, Result, local::LocalFileSystem, path::Path as ObjectPath,
};

use crate::{
    disk::{
        buffer::{SpareBuffers, WriteBuffer},
        file_system::BLOCK_BYTES,
        local::{LocalDisk, open_direct},
    },
    objects::durable_file::write_durably,
};

/// Smaller objects and ranges go through the page cache.
const DIRECT_BYTES_MIN: u64 = 64 << 10;

/// How much is copied at once if a payload does not start on a block boundary in memory.
const BOUNCE_BYTES: usize = 1 << 20;

/// How much is written at once at first. Then as much as the disk takes in [`PIECE_MAX`]:
/// concurrent syncs, above all those of the write-ahead log, wait behind a piece.
const PIECE_BYTES: usize = 4 << 20;
const PIECE_BYTES_MIN: usize = 256 << 10;
const PIECE_BYTES_MAX: usize = 32 << 20;
/// A piece that takes longer is too large.
const PIECE_MAX: Duration = Duration::from_millis(50);

/// How many buffers of earlier reads are kept for reuse. Mapping and zeroing new memory costs as
/// much as decrypting what is read into it.
const SPARE_BUFFERS_MAX: usize = 8;
/// A larger buffer is not kept.
const SPARE_BYTES_MAX: usize = 2 << 20;

/// A directory as an object store.
pub(super) struct DirectoryStore {
    ordinary: LocalFileSystem,
    /// Numbers the files that are being written.
    next: Arc<AtomicU64>,
    spare: SpareBuffers,
}

impl DirectoryStore {
    /// Opens the directory. Blocks while it removes the unfinished files of killed processes.
    pub(super) fn new(dir: &Path) -> Result<Self> {
        let ordinary = LocalFileSystem::new_with_prefix(dir)?.with_fsync(true);
        if let Err(error) = remove_abandoned(dir) {
            tracing::warn!(
                dir = %dir.display(), %error,
                "files that were never finished could not be removed"
            );
        }
        Ok(Self {
            ordinary,
            next: Arc::default(),
            spare: SpareBuffers::new(SPARE_BUFFERS_MAX, SPARE_BYTES_MAX),
        })
    }
}

impl fmt::Debug for DirectoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DirectoryStore({})", self.ordinary)
    }
}

impl fmt::Display for DirectoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

#[async_trait]
impl ObjectStore for DirectoryStore {
    async fn put_opts(
        &self,
        location: &ObjectPath,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        let ordinary = (payload.content_length() as u64) < DIRECT_BYTES_MIN
            || options.mode != PutMode::Overwrite;
        if !ordinary {
            let path = self.ordinary.path_to_filesystem(location)?;
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let parts = payload.clone();
            let written = blocking(move || write_direct(&path, number, &parts)).await;
            match written {
                Ok(()) => {
                    return Ok(PutResult {
                        e_tag: None,
                        version: None,
                        extensions: Default::default(),
                    });
                }
                Err(error) if is_unsupported(&error) => {}
                Err(error) => return Err(generic(error)),
            }
        }
        self.ordinary.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &ObjectPath,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.ordinary.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &ObjectPath, options: GetOptions) -> Result<GetResult> {
        if let Some(GetRange::Bounded(range)) = &options.range
            && range.end.saturating_sub(range.start) >= DIRECT_BYTES_MIN
            && is_unconditional(&options)
        {
            let (path, wanted) = (self.ordinary.path_to_filesystem(location)?, range.clone());
            let spare = self.spare.clone();
            // If this fails, the ordinary store reports the error.
            if let Ok((bytes, size, modified)) =
                blocking(move || read_direct(&path, wanted, &spare)).await
            {
                let range = range.start..range.start + bytes.len() as u64;
                let meta = ObjectMeta {
                    location: location.clone(),
                    last_modified: modified.into(),
                    size,
                    e_tag: None,
                    version: None,
                };
                let payload =
                    GetResultPayload::Stream(futures_util::stream::iter([Ok(bytes)]).boxed());
                let (attributes, extensions) = (Attributes::default(), Default::default());
                return Ok(GetResult { payload, meta, range, attributes, extensions });
            }
        }
        self.ordinary.get_opts(location, options).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<ObjectPath>>,
    ) -> BoxStream<'static, Result<ObjectPath>> {
        self.ordinary.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&ObjectPath>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.ordinary.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&ObjectPath>) -> Result<ListResult> {
        self.ordinary.list_with_delimiter(prefix).await
    }

    async fn copy_opts(
        &self,
        from: &ObjectPath,
        to: &ObjectPath,
        options: CopyOptions,
    ) -> Result<()> {
        self.ordinary.copy_opts(from, to, options).await
    }
}

fn is_unconditional(options: &GetOptions) -> bool {
    options.if_match.is_none()
        && options.if_none_match.is_none()
        && options.if_modified_since.is_none()
        && options.if_unmodified_since.is_none()
        && options.version.is_none()
        && !options.head
}

/// Runs file operations where they may block, as the ordinary store does.
#[allow(
    clippy::disallowed_methods,
    reason = "the stores beside this one do the same; nothing outlives the call"
)]
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(io::Error::other(error)))
}

fn generic(source: io::Error) -> Error {
    Error::Generic { store: "directory", source: source.into() }
}

/// Whether the file system has no direct I/O.
fn is_unsupported(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported)
}

fn write_direct(path: &Path, number: u64, payload: &PutPayload) -> io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!("#{number}{}", mark_of_this_process()));
    let temporary = PathBuf::from(name);
    write_durably(&LocalDisk, path, &temporary, || write_file(&temporary, payload))
}

fn write_file(path: &Path, payload: &PutPayload) -> io::Result<()> {
    let file = open_direct(OpenOptions::new().write(true).create(true).truncate(true), path)?;
    let total = payload.content_length() as u64;
    #[cfg(target_os = "linux")]
    match rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, total) {
        Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) | Ok(()) => {}
        Err(error) => return Err(error.into()),
    }
    let mut position = 0;
    let mut bounce = WriteBuffer::default();
    let mut piece = PIECE_BYTES;
    for part in payload.iter() {
        position = write_part(&file, part, position, &mut bounce, &mut piece)?;
    }
    bounce.pad_to(BLOCK_BYTES);
    file.write_all_at(bounce.as_slice(), position)?;
    file.set_len(total)?;
    file.sync_all()
}

/// Writes whole blocks of what is left over in `bounce` and of `part`; what remains is left over in
/// `bounce`. Returns the position after what was written.
fn write_part(
    file: &File,
    mut part: &[u8],
    mut position: u64,
    bounce: &mut WriteBuffer,
    piece: &mut usize,
) -> io::Result<u64> {
    if bounce.is_empty() && part.as_ptr().align_offset(BLOCK_BYTES) == 0 {
        let (whole, rest) = part.split_at(part.len() - part.len() % BLOCK_BYTES);
        position = write_in_pieces(file, whole, position, piece)?;
        part = rest;
    }
    while !part.is_empty() {
        let (now, later) = part.split_at(part.len().min(BOUNCE_BYTES - bounce.len()));
        bounce.extend(now);
        part = later;
        if bounce.len() == BOUNCE_BYTES {
            file.write_all_at(bounce.as_slice(), position)?;
            position += BOUNCE_BYTES as u64;
            bounce.clear();
        }
    }
    Ok(position)
}

/// Writes whole blocks, in pieces.
fn write_in_pieces(
    file: &File,
    mut whole: &[u8],
    mut position: u64,
    piece: &mut usize,
) -> io::Result<u64> {
    #[allow(
        clippy::disallowed_methods,
        reason = "nothing but the size of writes depends on the time"
    )]
    let now = std::time::Instant::now;
    while !whole.is_empty() {
        let (next, rest) = whole.split_at(whole.len().min(*piece));
        let begun = now();
        file.write_all_at(next, position)?;
        *piece = next_piece(*piece, begun.elapsed());
        position += next.len() as u64;
        whole = rest;
    }
    Ok(position)
}

/// The size of the next piece after one took `took`.
fn next_piece(piece: usize, took: Duration) -> usize {
    let piece = match took {
        took if took > PIECE_MAX => piece / 2,
        took if took < PIECE_MAX / 4 => piece * 2,
        _ => piece,
    };
    piece.clamp(PIECE_BYTES_MIN, PIECE_BYTES_MAX)
}

/// The bytes of a range (fewer at the end of the file), the file's length, and when it was written.
fn read_direct(
    path: &Path,
    range: std::ops::Range<u64>,
    spare: &SpareBuffers,
) -> io::Result<(Bytes, u64, std::time::SystemTime)> {
    let block = BLOCK_BYTES as u64;
    let file = open_direct(OpenOptions::new().read(true), path)?;
    let meta = file.metadata()?;
    let start = range.start / block * block;
    let end = range.end.min(meta.len());
    if start >= end || range.start >= end {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let mut buffer = spare.take();
    let length = usize::try_from(end - start).map_err(|_| io::ErrorKind::InvalidInput)?;
    let into = buffer.grow(length.next_multiple_of(BLOCK_BYTES));
    let mut read = 0;
    while read < length {
        match file.read_at(&mut into[read..], start + read as u64) {
            // After a short read the rest does not start on a block: left to the ordinary store.
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(bytes) => read += bytes,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        if read < length && !read.is_multiple_of(BLOCK_BYTES) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    let skip = usize::try_from(range.start - start).expect("less than a block");
    Ok((spare.lend(buffer).slice(skip..length), meta.len(), meta.modified()?))
}

/// The suffix of this process's unfinished files. Process ids alone are not unique: in containers
/// they are always the same.
fn mark_of_this_process() -> &'static str {
    static MARK: OnceLock<String> = OnceLock::new();
    #[allow(
        clippy::disallowed_methods,
        reason = "tells two processes apart; nothing depends on the time"
    )]
    let make = || {
        let since =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        format!(".{}.{}", std::process::id(), since.as_nanos())
    };
    MARK.get_or_init(make)
}

/// Removes the unfinished files of processes that have ended. This process's may be being written
/// by another broker in it, and so may those of the ordinary store, which end with a number alone.
fn remove_abandoned(dir: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let (name, path) = (entry.file_name(), entry.path());
        let name = name.to_string_lossy();
        let marked = name.rsplit_once('#').is_some_and(|(_, mark)| mark.split('.').count() == 3);
        if entry.file_type()?.is_dir() {
            remove_abandoned(&path)?;
        } else if marked && !name.ends_with(mark_of_this_process()) {
            std::fs::remove_file(path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_disk_gets_small_writes_and_a_fast_one_large_ones() {
        let after = |bytes_per_ms: usize| {
            (0..20).fold(PIECE_BYTES, |piece, _| {
                next_piece(piece, Duration::from_millis((piece / bytes_per_ms) as u64))
            })
        };
        assert_eq!(after(1), PIECE_BYTES_MIN);
        assert!((256 << 10..=1 << 20).contains(&after(20_000)), "at 20 MB/s: {}", after(20_000));
        assert!(
            (8 << 20..=PIECE_BYTES_MAX).contains(&after(1_000_000)),
            "at 1 GB/s: {}",
            after(1_000_000)
        );
    }
}
