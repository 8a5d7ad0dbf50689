//! Reading the sealed chunks of another broker's directory in place, without its lock.
//!
//! Its owner may be up again meanwhile: it writes the newest chunk once more, begins a new epoch,
//! and reuses files whose chunks are released. So what is found here is never taken for the whole
//! log. A frame counts if its checksums match, and since bytes that were given a number never
//! change, it is the chunk. A missing chunk was released (its records are in segments), or moved
//! during the search: the caller reads the records again.

use std::{collections::HashMap, ops::Range, path::Path, sync::Arc};

use bytes::Bytes;
use milena_types::{BrokerEpoch, ChunkSeq};

use crate::{
    disk::file_system::{Disk, DiskFile, read_exact_at},
    log::{
        backend::LogError,
        local::frame::{ChunkLocation, FileId, FrameHeader, HEADER_BYTES},
    },
};

/// The chunks of one epoch that were found.
pub(crate) struct SealedChunks {
    epoch: BrokerEpoch,
    files: HashMap<FileId, Arc<dyn DiskFile>>,
    places: HashMap<ChunkSeq, Vec<ChunkLocation>>,
}

impl SealedChunks {
    /// Finds the chunks by the headers of their frames. Blocks while it reads those.
    ///
    /// # Errors
    /// [`LogError::Io`] if the directory cannot be listed. A file that cannot be read counts as one
    /// without chunks.
    pub(crate) fn find(
        disk: &dyn Disk,
        dir: &Path,
        epoch: BrokerEpoch,
        chunks: &Range<ChunkSeq>,
    ) -> Result<Self, LogError> {
        let names = disk.list(dir).map_err(LogError::io(dir, "list the directory"))?;
        let mut found = Self { epoch, files: HashMap::new(), places: HashMap::new() };
        for id in names.iter().filter_map(|name| FileId::of_file_name(name)) {
            // Gone or renamed since it was listed.
            let Ok(file) = disk.open(&dir.join(id.file_name())) else { continue };
            if found.scan_file(id, &*file, chunks) {
                found.files.insert(id, file);
            }
        }
        Ok(found)
    }

    fn scan_file(&mut self, id: FileId, file: &dyn DiskFile, chunks: &Range<ChunkSeq>) -> bool {
        let (mut position, mut any) = (0, false);
        loop {
            let mut header = [0; HEADER_BYTES];
            if read_exact_at(file, &mut header, position).is_err() {
                return any;
            }
            let Some(header) = FrameHeader::decode(&header, id) else { return any };
            if header.epoch == self.epoch && chunks.contains(&header.seq) {
                let place = ChunkLocation::of(&header, position);
                self.places.entry(header.seq).or_default().push(place);
                any = true;
            }
            position += header.frame_bytes();
        }
    }

    /// The bytes of a chunk; `None` if it is not there in full, or not any more. Blocks while it
    /// reads them.
    pub(crate) fn read(&self, seq: ChunkSeq) -> Option<Bytes> {
        self.places.get(&seq)?.iter().find_map(|place| self.read_place(seq, place))
    }

    fn read_place(&self, seq: ChunkSeq, place: &ChunkLocation) -> Option<Bytes> {
        let file = self.files.get(&place.file)?;
        // The header's checksum covers the length; the file bounds it all the same.
        let longest = file.bytes().ok()?.checked_sub(place.position)?;
        if (HEADER_BYTES as u64 + u64::from(place.chunk_bytes)) > longest {
            return None;
        }
        let mut bytes = vec![0; HEADER_BYTES + place.chunk_bytes as usize];
        read_exact_at(&**file, &mut bytes, place.position).ok()?;
        let header =
            bytes.first_chunk().and_then(|header| FrameHeader::decode(header, place.file))?;
        let same = (header.epoch, header.seq, header.chunk_checksum)
            == (self.epoch, seq, place.chunk_checksum);
        let whole = same && crc32c::crc32c(&bytes[HEADER_BYTES..]) == place.chunk_checksum;
        whole.then(|| Bytes::from(bytes).slice(HEADER_BYTES..))
    }
}
