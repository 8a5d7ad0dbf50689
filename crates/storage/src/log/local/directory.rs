//! A write-ahead directory: its lock, its files, and which chunks are in them.
//!
//! ```text
//! LOCK                    held while the directory is open
//! FORMAT                  "milena write-ahead log, format 1"
//! epoch-{number}          that broker epoch began here; see `epoch_markers`
//! {file id, 16 hex}.wal   frames; see `frame`
//! ```
//!
//! A file is first *spare* (allocated and empty), then *current* (being appended to), then *full*
//! or abandoned (only read), and, once every chunk in it is released, *free*: to be renamed and
//! reused. Files that were there when the directory was opened are never appended to.
//!
//! Files with frames become free in the order of their ids only: until it is reused a free file
//! still shows its frames to the next start, which would miss the ones between them and later
//! files.

use std::{
    collections::{BTreeMap, VecDeque},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use bytes::Bytes;
use milena_types::{BrokerEpoch, ChunkSeq};

use crate::{
    disk::{
        buffer::WriteBuffer,
        file_system::{
            BLOCK_BYTES, Disk, DiskFile, DiskLock, is_disk_full, read_exact_at, write_all_at,
        },
    },
    log::{
        backend::{HeldEpoch, LogError},
        local::{
            file_scan, frame,
            frame::{ChunkLocation, FileId, FrameHeader},
        },
    },
};

/// Frames from this length on are read as whole blocks, in memory of some more blocks.
const WHOLE_BLOCKS_FROM: usize = 64 << 10;

/// The tuning of a local write-ahead log.
#[derive(Clone, Debug)]
pub struct LogConfig {
    /// The directory, created if absent. Nothing else may be in it.
    pub dir: PathBuf,
    /// The length of a file. At least one chunk's frame must fit.
    pub file_bytes: u64,
    /// The length of the first file, where that is less: each new one has twice the length of the one
    /// before, so that a log that is little used takes little space.
    pub first_file_bytes: u64,
    /// The longest chunk that the source builds, unless a single append is longer: then the chunk
    /// is as long as that, and so is its file.
    pub chunk_bytes_max: usize,
    /// The files without chunks that are kept for reuse; more are removed.
    pub free_files_max: usize,
    /// The pause before a chunk that could not be written is tried again.
    pub retry_delay: Duration,
}

impl LogConfig {
    /// The defaults: files of 1 to 64 MiB, up to 4 kept for reuse, chunks up to 16 MiB.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            file_bytes: 64 << 20,
            first_file_bytes: 1 << 20,
            chunk_bytes_max: 16 << 20,
            free_files_max: 4,
            retry_delay: Duration::from_millis(100),
        }
    }

    /// The lengths of files, shortest first.
    fn file_lengths(&self) -> impl Iterator<Item = u64> {
        let first = self.first_file_bytes.min(self.file_bytes);
        let longer =
            |bytes: &u64| (*bytes < self.file_bytes).then(|| (bytes * 2).min(self.file_bytes));
        std::iter::successors(Some(first), longer)
    }

    /// The shortest length of a file that is at least this.
    fn file_length(&self, bytes: u64) -> u64 {
        self.file_lengths().find(|length| *length >= bytes).unwrap_or(self.file_bytes)
    }
}

/// An open write-ahead directory: what older broker epochs left there, readable in place. A
/// recoverer opens that of another broker. `LocalLog::start` starts a new epoch in it.
#[derive(Debug)]
pub(crate) struct LogDirectory {
    config: LogConfig,
    pub(super) disk: Arc<dyn Disk>,
    state: Mutex<DirectoryState>,
    #[expect(dead_code, reason = "held until dropped")]
    lock: Box<dyn DiskLock>,
}

#[derive(Debug, Default)]
struct DirectoryState {
    epochs: BTreeMap<BrokerEpoch, EpochIndex>,
    files: BTreeMap<FileId, OpenFile>,
    next_file: u64,
    /// The length of the next new file.
    next_file_bytes: u64,
}

#[derive(Debug, Default)]
struct EpochIndex {
    first: ChunkSeq,
    places: VecDeque<ChunkLocation>,
}

#[derive(Debug)]
struct OpenFile {
    file: Arc<dyn DiskFile>,
    bytes: u64,
    chunks: usize,
    /// Being appended to or about to be: not free although it may have no chunk.
    in_use: bool,
    /// Has, or had, frames that a start would find.
    has_frames: bool,
    /// May be reused when it is free: its length is one that files have, and no write or sync ever
    /// failed.
    reusable: bool,
}

/// A file to append to.
#[derive(Clone, Debug)]
pub(super) struct AppendFile {
    pub(super) id: FileId,
    pub(super) file: Arc<dyn DiskFile>,
    /// Its length.
    pub(super) bytes: u64,
    pub(super) position: u64,
}

impl LogDirectory {
    /// Locks the directory, checks its format, and finds where each chunk is. Blocks while it reads
    /// the headers of all frames. A chunk itself is read and checked by [`LogDirectory::read`].
    ///
    /// A frame at the very end of the log that is not whole was never acknowledged and is cut off.
    /// The chunks found may include some that were released before, and at most one that was
    /// written but never acknowledged.
    ///
    /// # Errors
    /// [`LogError::InUse`], [`LogError::NewerFormat`], [`LogError::Damaged`], [`LogError::Io`].
    pub(crate) fn open(config: LogConfig, disk: Arc<dyn Disk>) -> Result<Arc<Self>, LogError> {
        assert!(
            config.file_bytes.is_multiple_of(BLOCK_BYTES as u64)
                && config.first_file_bytes.is_multiple_of(BLOCK_BYTES as u64)
                && config.first_file_bytes > 0
                && config.file_bytes >= frame::frame_bytes(config.chunk_bytes_max),
            "a write-ahead file is whole blocks and holds the longest chunk"
        );
        let io = |action| LogError::io(&config.dir, action);
        disk.create_dir_all(&config.dir).map_err(io("make the directory"))?;
        let lock = disk.try_lock(&config.dir.join("LOCK")).map_err(io("lock the directory"))?;
        let lock = lock.ok_or_else(|| LogError::InUse { dir: config.dir.clone() })?;
        let names = disk.list(&config.dir).map_err(io("list the directory"))?;
        check_format(&config.dir, &*disk, &names)?;
        let mut ids: Vec<FileId> =
            names.iter().filter_map(|name| FileId::of_file_name(name)).collect();
        ids.sort_unstable();

        let mut state = DirectoryState {
            next_file: ids.last().map_or(0, |id| id.0 + 1),
            next_file_bytes: config.file_length(0),
            ..DirectoryState::default()
        };
        let mut scan = file_scan::DirectoryScan::default();
        for id in ids {
            let path = config.dir.join(id.file_name());
            let file = disk.open(&path).map_err(|source| LogError::Io {
                path: path.clone(),
                action: "open it",
                source,
            })?;
            let found = scan.file(id, &file, &path)?;
            let (has_frames, bytes) = (found.has_frames, found.file_bytes);
            let reusable = config.file_lengths().any(|length| length == bytes);
            let open = OpenFile { file, bytes, chunks: 0, in_use: false, has_frames, reusable };
            state.files.insert(id, open);
        }
        for (epoch, seq, place) in scan.finish()? {
            state.insert(epoch, seq, place);
        }
        Ok(Arc::new(Self { config, disk, state: Mutex::new(state), lock }))
    }

    /// The tuning it was opened with.
    pub(crate) fn config(&self) -> &LogConfig {
        &self.config
    }

    /// The chunks it holds, oldest epoch first.
    pub(crate) fn held(&self) -> Vec<HeldEpoch> {
        let state = self.state();
        let held = state
            .epochs
            .iter()
            .map(|(&epoch, index)| HeldEpoch { epoch, chunks: index.first..index.end() });
        held.collect()
    }

    /// The bytes of a chunk. Blocks while it reads them.
    ///
    /// # Errors
    /// [`LogError::NoSuchChunk`], [`LogError::Damaged`], [`LogError::Io`].
    pub(crate) fn read(&self, epoch: BrokerEpoch, seq: ChunkSeq) -> Result<Bytes, LogError> {
        let find = || {
            let state = self.state();
            let place = *state.epochs.get(&epoch)?.place(seq)?;
            Some((place, state.files[&place.file].file.clone()))
        };
        let no_such_chunk = || LogError::NoSuchChunk { epoch, seq };
        let (place, file) = find().ok_or_else(no_such_chunk)?;
        match self.read_place(epoch, seq, place, &*file) {
            // While it was read it may have been released and its file reused.
            Err(_) if find().is_none_or(|(now, _)| now != place) => Err(no_such_chunk()),
            result => result,
        }
    }

    fn read_place(
        &self,
        epoch: BrokerEpoch,
        seq: ChunkSeq,
        place: ChunkLocation,
        file: &dyn DiskFile,
    ) -> Result<Bytes, LogError> {
        let path = || self.path(place.file);
        let bytes = read_frame(place, file).map_err(|source| LogError::Io {
            path: path(),
            action: "read a chunk",
            source,
        })?;
        let header = bytes.first_chunk().and_then(|header| FrameHeader::decode(header, place.file));
        let as_written = header.is_some_and(|header| {
            (header.epoch, header.seq) == (epoch, seq)
                && (header.chunk_bytes, header.chunk_checksum)
                    == (place.chunk_bytes, place.chunk_checksum)
        });
        let chunk = bytes.slice(frame::HEADER_BYTES..);
        if !as_written || crc32c::crc32c(&chunk) != place.chunk_checksum {
            let what = format!("chunk {seq} of broker epoch {epoch} is not what was written");
            return Err(LogError::Damaged { path: path(), position: place.position, what });
        }
        Ok(chunk)
    }

    /// Frees the chunks of `epoch` below `end`. Changes no file: those that became free are reused
    /// or removed by the log when it next runs.
    pub(crate) fn release(&self, epoch: BrokerEpoch, end: ChunkSeq) {
        let mut state = self.state();
        let Some(index) = state.epochs.get_mut(&epoch) else { return };
        let mut released = Vec::new();
        while index.first < end
            && let Some(place) = index.places.pop_front()
        {
            index.first = index.first.next();
            released.push(place);
        }
        if index.places.is_empty() {
            state.epochs.remove(&epoch);
        }
        for place in released {
            state.forget(place.file);
        }
    }

    fn state(&self) -> MutexGuard<'_, DirectoryState> {
        self.state.lock().expect("no panic while the directory's state is changed")
    }

    pub(super) fn path(&self, file: FileId) -> PathBuf {
        self.config.dir.join(file.file_name())
    }

    /// The last chunk of the newest epoch. It is unknown whether it reached the disk.
    pub(super) fn last_chunk(&self) -> Option<(BrokerEpoch, ChunkSeq, ChunkLocation)> {
        let state = self.state();
        let (&epoch, index) = state.epochs.last_key_value()?;
        let place = index.places.back()?;
        Some((epoch, ChunkSeq(index.end().0 - 1), *place))
    }

    /// The checksum of the previous chunk, as named in the frame of this one.
    pub(super) fn previous_checksum(&self, place: ChunkLocation) -> Result<u32, LogError> {
        let path = || self.path(place.file);
        let mut header = [0; frame::HEADER_BYTES];
        let file = self.state().files[&place.file].file.clone();
        read_exact_at(&*file, &mut header, place.position).map_err(|source| LogError::Io {
            path: path(),
            action: "read a chunk",
            source,
        })?;
        let header = FrameHeader::decode(&header, place.file).ok_or_else(|| {
            let what = "the last frame's header is not what was read before".to_owned();
            LogError::Damaged { path: path(), position: place.position, what }
        })?;
        Ok(header.previous_checksum)
    }

    /// The file of a chunk, to write the chunk again where it is.
    pub(super) fn file(&self, place: ChunkLocation) -> AppendFile {
        let file = self.state().files[&place.file].file.clone();
        let bytes = place.position + frame::frame_bytes(place.chunk_bytes as usize);
        AppendFile { id: place.file, file, bytes, position: place.position }
    }

    /// Sets the location of a durable chunk, in place of an earlier one.
    pub(super) fn note_chunk(&self, epoch: BrokerEpoch, seq: ChunkSeq, place: ChunkLocation) {
        self.state().insert(epoch, seq, place);
    }

    /// A file of at least `bytes` that is allocated and whose name is durable: a free one if there is
    /// one, else a new one. One that is longer than files are is removed when it is free.
    pub(super) fn take_file(&self, bytes: u64) -> Result<AppendFile, LogError> {
        let usual = bytes <= self.config.file_bytes;
        let (id, length, reused) = {
            let mut state = self.state();
            let id = FileId(state.next_file);
            state.next_file += 1;
            let length = match usual {
                true => self.config.file_length(bytes.max(state.next_file_bytes)),
                false => bytes.next_multiple_of(BLOCK_BYTES as u64),
            };
            let fits = |file: &OpenFile| usual && state.is_kept(file) && file.bytes >= bytes;
            let reused = state.free().next().filter(|(_, file)| fits(file)).map(|(id, _)| id);
            let reused = reused.and_then(|old| Some((old, state.files.remove(&old)?)));
            (id, reused.as_ref().map_or(length, |(_, file)| file.bytes), reused)
        };
        let path = self.path(id);
        let is_new = reused.is_none();
        let made = match reused {
            Some((old, open)) => match self.disk.rename(&self.path(old), &path) {
                Ok(()) => Ok(open.file),
                Err(error) => {
                    self.keep_unusable(old, open);
                    Err(error)
                }
            },
            None => self.disk.create(&path, length),
        };
        let opened = self.opened(id, made, length, usual)?;
        if usual && is_new {
            self.state().next_file_bytes = self.config.file_length(length + 1);
        }
        Ok(opened)
    }

    /// A new file of this length, whose name is durable: for a frame that must be written where
    /// there is no space for a whole file.
    pub(super) fn take_small_file(&self, bytes: u64) -> Result<AppendFile, LogError> {
        let id = {
            let mut state = self.state();
            state.next_file += 1;
            FileId(state.next_file - 1)
        };
        self.opened(id, self.disk.create(&self.path(id), bytes), bytes, false)
    }

    fn opened(
        &self,
        id: FileId,
        made: io::Result<Arc<dyn DiskFile>>,
        bytes: u64,
        reusable: bool,
    ) -> Result<AppendFile, LogError> {
        let path = self.path(id);
        let made = made.and_then(|file| self.disk.sync_dir(&self.config.dir).map(|()| file));
        if made.is_err() {
            // A file of this name would be incomplete; most often there is none.
            let _ = self.disk.remove(&path);
        }
        match made {
            Ok(file) => {
                let open = OpenFile {
                    file: file.clone(),
                    bytes,
                    chunks: 0,
                    in_use: true,
                    has_frames: false,
                    reusable,
                };
                self.state().files.insert(id, open);
                Ok(AppendFile { id, file, bytes, position: 0 })
            }
            Err(source) if is_disk_full(source.kind()) => {
                Err(LogError::Full { dir: self.config.dir.clone(), source })
            }
            Err(source) => Err(LogError::Io { path, action: "make a write-ahead file", source }),
        }
    }

    /// Ends appending to a file. `sound`: no write or sync of it failed.
    pub(super) fn retire_file(&self, id: FileId, sound: bool) {
        let mut state = self.state();
        let file = state.files.get_mut(&id).expect("a file being appended to is open");
        file.in_use = false;
        file.reusable &= sound;
    }

    /// Keeps a file that could be neither removed nor renamed: later ones must not be freed before
    /// it.
    fn keep_unusable(&self, id: FileId, file: OpenFile) {
        self.state().files.insert(id, OpenFile { reusable: false, ..file });
    }

    /// Removes free files beyond those kept for reuse. A failed removal is repeated later.
    pub(super) fn remove_surplus(&self) {
        self.remove_free_beyond(self.config.free_files_max);
    }

    /// Removes all free files: the next start reads all files, or others need the space.
    pub(super) fn remove_free(&self) {
        self.remove_free_beyond(0);
    }

    fn remove_free_beyond(&self, kept: usize) {
        loop {
            let (id, file) = {
                let mut state = self.state();
                let Some((id, first)) = state.free().next() else { return };
                if state.is_kept(first) && state.free().count() <= kept {
                    return;
                }
                let Some(file) = state.files.remove(&id) else { return };
                (id, file)
            };
            match self.disk.remove(&self.path(id)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    tracing::warn!(
                        path = %self.path(id).display(), %error,
                        "cannot remove a write-ahead file"
                    );
                    self.keep_unusable(id, file);
                    return;
                }
                _ => {}
            }
        }
    }
}

/// The bytes of a chunk and its header.
fn read_frame(place: ChunkLocation, file: &dyn DiskFile) -> io::Result<Bytes> {
    let bytes = frame::HEADER_BYTES + place.chunk_bytes as usize;
    if bytes < WHOLE_BLOCKS_FROM {
        let mut read = vec![0; bytes];
        read_exact_at(file, &mut read, place.position)?;
        return Ok(Bytes::from(read));
    }
    let mut buffer = WriteBuffer::default();
    let frame = buffer.grow(frame::frame_bytes(place.chunk_bytes as usize) as usize);
    read_exact_at(file, frame, place.position)?;
    buffer.truncate(bytes);
    Ok(buffer.into_bytes())
}

impl DirectoryState {
    fn insert(&mut self, epoch: BrokerEpoch, seq: ChunkSeq, place: ChunkLocation) {
        let file = self.files.get_mut(&place.file).expect("a chunk's file is open");
        (file.chunks, file.has_frames) = (file.chunks + 1, true);
        let index = self
            .epochs
            .entry(epoch)
            .or_insert_with(|| EpochIndex { first: seq, places: VecDeque::new() });
        let moved_from = match index.place(seq).copied() {
            Some(before) => {
                let i = (seq.0 - index.first.0) as usize;
                index.places[i] = place;
                Some(before.file)
            }
            None => {
                assert_eq!(index.end(), seq, "chunks are noted in order");
                index.places.push_back(place);
                None
            }
        };
        if let Some(file) = moved_from {
            self.forget(file);
        }
    }

    /// Whether a free file is kept for reuse: also one that is a little shorter than new ones, so that
    /// files grow only where they do not become free in time.
    fn is_kept(&self, file: &OpenFile) -> bool {
        file.reusable && file.bytes * 4 >= self.next_file_bytes
    }

    /// Removes one chunk from a file's count.
    fn forget(&mut self, id: FileId) {
        self.files.get_mut(&id).expect("a chunk's file is open").chunks -= 1;
    }

    /// The free files, in the order they are reused or removed in.
    fn free(&self) -> impl Iterator<Item = (FileId, &OpenFile)> {
        let unused = self.files.iter().filter(|(_, file)| !file.in_use);
        let never_had = unused.clone().filter(|(_, file)| !file.has_frames);
        let no_longer_has =
            unused.filter(|(_, file)| file.has_frames).take_while(|(_, file)| file.chunks == 0);
        never_had.chain(no_longer_has).map(|(&id, file)| (id, file))
    }
}

impl EpochIndex {
    fn end(&self) -> ChunkSeq {
        ChunkSeq(self.first.0 + self.places.len() as u64)
    }

    fn place(&self, seq: ChunkSeq) -> Option<&ChunkLocation> {
        self.places.get(usize::try_from(seq.0.checked_sub(self.first.0)?).ok()?)
    }
}

const FORMAT_PREFIX: &str = "milena write-ahead log, format ";

/// Refuses a directory of a newer format; writes the format of a new one.
fn check_format(dir: &Path, disk: &dyn Disk, names: &[String]) -> Result<(), LogError> {
    let path = dir.join("FORMAT");
    let io = |action| LogError::io(&path, action);
    if !names.iter().any(|name| name == "FORMAT") {
        let text = format!("{FORMAT_PREFIX}{}\n", frame::FORMAT_LEVEL);
        let new = dir.join("FORMAT.new");
        if names.iter().any(|name| name == "FORMAT.new") {
            disk.remove(&new).map_err(io("remove a half-written one"))?;
        }
        let file = disk.create(&new, text.len() as u64).map_err(io("make it"))?;
        write_all_at(&*file, text.as_bytes(), 0)
            .and_then(|()| file.sync())
            .map_err(io("write it"))?;
        disk.rename(&new, &path).and_then(|()| disk.sync_dir(dir)).map_err(io("make it"))?;
        return Ok(());
    }
    let file = disk.open(&path).map_err(io("open it"))?;
    let mut text = vec![0; file.bytes().map_err(io("read it"))?.min(256) as usize];
    read_exact_at(&*file, &mut text, 0).map_err(io("read it"))?;
    let text = String::from_utf8_lossy(&text);
    let found =
        text.trim_end().strip_prefix(FORMAT_PREFIX).and_then(|level| level.parse::<u32>().ok());
    match found {
        Some(1) => Ok(()),
        Some(found) if found > u32::from(frame::FORMAT_LEVEL) => Err(LogError::NewerFormat {
            dir: dir.to_owned(),
            found,
            newest: u32::from(frame::FORMAT_LEVEL),
        }),
        _ => {
            let what = "it does not name a format of a write-ahead log".to_owned();
            Err(LogError::Damaged { path, position: 0, what })
        }
    }
}
