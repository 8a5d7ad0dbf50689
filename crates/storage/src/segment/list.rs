//! The list of a segment of level 2: its sections, and an entry for the records of each partition.
//! In an object of the catalog an entry is a page or a snapshot.

use std::ops::Range;

use milena_types::{Offset, PartitionIndex, Timestamp, TopicId, TopicPartition};
use smallvec::SmallVec;

use crate::{
    encryption::{KeyId, Salt, TAG_BYTES},
    format_level::FormatLevel,
    objects::object_id::ObjectId,
    segment::{
        cursor::{Cursor, FooterError, put_signed, put_unsigned},
        field_codec::{decode_epochs, encode_epochs},
        footer::EpochStart,
        format::{HEADER_BYTES, LIST_BYTES_MAX, LIST_ENTRIES_MAX, TRAILER_BYTES},
    },
};

/// The leader epochs of an entry, at most.
pub(crate) const LIST_EPOCHS_MAX: usize = 64;

/// The length of the entries of a list without sections, at most.
pub(crate) const LIST_PLAINTEXT_MAX: usize = LIST_BYTES_MAX as usize - TAG_BYTES - 8;

/// The sections of a segment, at most, and the length of a name.
const SECTIONS_MAX: usize = 1024;
const NAME_BYTES_MAX: usize = 255;

/// Details that start within the same range of this length are read together; longer ones alone.
const DETAILS_SPAN_BYTES: u64 = 64 << 10;

/// An entry's first byte: its kind, and whether its topic is that of the entry before, which is then
/// left out.
const KIND: u8 = 3;
const SAME_TOPIC: u8 = 4;

const SECTION_BYTES_MIN: usize = 5 + 16;
const ENTRY_BYTES_MIN: usize = 8;

/// What a segment of level 2 consists of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct List {
    /// The sections behind the first, which is the object itself, by position.
    pub(crate) sections: Vec<Section>,
    /// Ascending by partition, kind and first offset.
    pub(crate) entries: Vec<ListEntry>,
    /// Where the last section ends.
    pub(crate) frames_end: u64,
}

/// Frames that are sealed under a name of their own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Section {
    /// Where in the object it begins; positions of its frames are stored relative to it.
    pub(crate) position: u64,
    /// The name its frames are sealed under.
    pub(crate) name: ObjectId,
    pub(crate) key: KeyId,
    pub(crate) salt: Salt,
    /// The level its frames are sealed under.
    pub(crate) level: FormatLevel,
}

/// An entry of a list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct ListEntry {
    pub(crate) partition: TopicPartition,
    pub(crate) kind: EntryKind,
    /// Of the records; of those that a page is about; from and to the offset of a snapshot.
    pub(crate) offsets: Range<Offset>,
    /// The length of the records' batches, in bytes.
    pub(crate) bytes: u64,
    /// The largest timestamp of the records.
    pub(crate) max_timestamp: Timestamp,
    /// The newest leader epochs of the records, ascending. The first starts where `offsets` does,
    /// unless there are [`LIST_EPOCHS_MAX`].
    pub(crate) epochs: SmallVec<[EpochStart; 1]>,
    /// The sealed details in the object. Those of a page or a snapshot are the page, the snapshot.
    pub(crate) details: Range<u64>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum EntryKind {
    /// Records of a partition, which has at most one such entry in an object.
    Records,
    /// A page of a manifest.
    Page,
    /// A snapshot of producers.
    Snapshot,
}

impl List {
    /// The index of the entry that has a partition's records.
    pub(crate) fn records_of(&self, partition: TopicPartition) -> Option<usize> {
        let records =
            |entry: &ListEntry| (entry.partition, entry.kind).cmp(&(partition, EntryKind::Records));
        self.entries.binary_search_by(records).ok()
    }

    /// The entries whose details are read with those of the one at `index`.
    pub(crate) fn read_together(&self, index: usize) -> Range<usize> {
        let origin = self.entries[0].details.start;
        let span = |ListEntry { details, .. }: &ListEntry| {
            let long = details.end - details.start > DETAILS_SPAN_BYTES;
            (!long).then_some((details.start - origin) / DETAILS_SPAN_BYTES)
        };
        let Some(wanted) = span(&self.entries[index]) else { return index..index + 1 };
        let with = |entry: &&ListEntry| span(entry) == Some(wanted);
        let before = self.entries[..index].iter().rev().take_while(with).count();
        let after = self.entries[index + 1..].iter().take_while(with).count();
        index - before..index + after + 1
    }

    /// The sealed bytes of the details of adjacent entries.
    pub(crate) fn details_range(&self, entries: &Range<usize>) -> Range<u64> {
        match &self.entries[entries.clone()] {
            [] => 0..0,
            [first, ..] => first.details.start..self.entries[entries.end - 1].details.end,
        }
    }

    /// Where a section's frames are.
    pub(super) fn section_range(&self, section: u16) -> Option<Range<u64>> {
        let section = usize::from(section);
        let start = match section.checked_sub(1) {
            None => HEADER_BYTES as u64,
            Some(index) => self.sections.get(index)?.position,
        };
        let end = self.sections.get(section).map_or(self.frames_end, |next| next.position);
        Some(start..end)
    }

    /// The memory it takes, about.
    pub(crate) fn memory_bytes(&self) -> usize {
        let names = self.sections.iter().map(|section| section.name.as_str().len());
        let epochs = self.entries.iter().map(|entry| entry.epochs.len());
        size_of::<Section>() * self.sections.len()
            + names.sum::<usize>()
            + size_of::<ListEntry>() * self.entries.len()
            + size_of::<EpochStart>() * epochs.sum::<usize>()
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(64 * self.entries.len() + 16);
        put_unsigned(&mut out, self.sections.len() as u64);
        let (mut position, mut name) = (0, "");
        for section in &self.sections {
            section.encode(position, name, &mut out);
            (position, name) = (section.position, section.name.as_str());
        }
        put_unsigned(&mut out, self.entries.len() as u64);
        let mut topic = None;
        for entry in &self.entries {
            entry.encode(topic, &mut out);
            topic = Some(entry.partition.topic);
        }
        out
    }

    /// Reads a list's plaintext. `sealed` is where the first sealed list is, behind the frames and a
    /// trailer and before the details; `details_max` is where these end at the latest. Allocates in
    /// proportion to `bytes` only.
    ///
    /// # Errors
    /// The first rule of the format that is broken.
    pub(crate) fn decode(
        bytes: &[u8],
        sealed: &Range<u64>,
        details_max: u64,
    ) -> Result<Self, FooterError> {
        let frames_end = sealed.start.saturating_sub(TRAILER_BYTES as u64);
        let mut cursor = Cursor::new(bytes);
        let count = cursor.count(SECTION_BYTES_MIN)?;
        if count > SECTIONS_MAX {
            return Err(cursor.error("there are too many sections"));
        }
        let mut sections: Vec<Section> = Vec::with_capacity(count);
        for _ in 0..count {
            let section = Section::decode(&mut cursor, sections.last())?;
            if section.position >= frames_end {
                return Err(cursor.error("a section begins behind the frames"));
            }
            sections.push(section);
        }
        let count = cursor.count(ENTRY_BYTES_MIN)?;
        if count > LIST_ENTRIES_MAX {
            return Err(cursor.error("there are too many entries"));
        }
        let mut entries: Vec<ListEntry> = Vec::with_capacity(count);
        let mut details_end = sealed.end;
        for _ in 0..count {
            let last = entries.last();
            let entry = ListEntry::decode(&mut cursor, last, details_end)?;
            if last.is_some_and(|last| !last.is_before(&entry)) {
                return Err(cursor.error("entries are not in ascending order"));
            }
            if entry.details.end > details_max {
                return Err(cursor.error("details are behind the second list"));
            }
            details_end = entry.details.end;
            entries.push(entry);
        }
        if !cursor.is_empty() {
            return Err(cursor.error("bytes follow the last entry"));
        }
        Ok(Self { sections, entries, frames_end })
    }
}

impl Section {
    fn encode(&self, position: u64, name: &str, out: &mut Vec<u8>) {
        put_unsigned(out, self.position - position);
        let (own, before) = (self.name.as_str().as_bytes(), name.as_bytes());
        assert!(own.len() <= NAME_BYTES_MAX, "names of objects are short");
        let shared = own.iter().zip(before).take_while(|(own, before)| own == before).count();
        put_unsigned(out, shared as u64);
        put_unsigned(out, (own.len() - shared) as u64);
        out.extend_from_slice(&own[shared..]);
        put_unsigned(out, u64::from(self.key.0));
        out.extend_from_slice(&self.salt.0);
        put_unsigned(out, u64::from(self.level.0));
    }

    fn decode(cursor: &mut Cursor<'_>, before: Option<&Self>) -> Result<Self, FooterError> {
        let last = before.map_or(0, |before| before.position);
        let position = cursor.unsigned()?.checked_add(last);
        let position = position.filter(|&position| before.is_none() || position > last);
        let position =
            position.ok_or_else(|| cursor.error("sections are not in ascending order"))?;
        let (shared, rest) = (cursor.unsigned()?, cursor.unsigned()?);
        let name = before.map_or(&[][..], |before| before.name.as_str().as_bytes());
        let shared = usize::try_from(shared).ok().and_then(|shared| name.get(..shared));
        let (Some(shared), true) = (shared, rest <= NAME_BYTES_MAX as u64) else {
            return Err(cursor.error("a section's name is too long"));
        };
        let name = [shared, cursor.bytes(rest as usize)?].concat();
        let name = String::from_utf8(name).ok().filter(|name| name.len() <= NAME_BYTES_MAX);
        let name = name.ok_or_else(|| cursor.error("a section's name is no name"))?;
        let key = KeyId(cursor.unsigned_32()?);
        let salt = Salt(cursor.array()?);
        let level = cursor.unsigned()?;
        let level = u16::try_from(level)
            .ok()
            .map(FormatLevel)
            .filter(|level| (FormatLevel::ONE..=FormatLevel::NEWEST).contains(level));
        let level = level.ok_or_else(|| cursor.error("a section has an unknown format level"))?;
        Ok(Self { position, name: ObjectId::new(name), key, salt, level })
    }
}

impl ListEntry {
    /// The entry of a partition's records, whose details have no place yet.
    pub(crate) fn records(
        partition: TopicPartition,
        offsets: Range<Offset>,
        bytes: u64,
        max_timestamp: Timestamp,
        epochs: &[EpochStart],
    ) -> Self {
        let epochs = epochs[epochs.len().saturating_sub(LIST_EPOCHS_MAX)..].into();
        let (kind, details) = (EntryKind::Records, 0..0);
        Self { partition, kind, offsets, bytes, max_timestamp, epochs, details }
    }

    /// The length of the entry in a list, at most.
    pub(crate) fn encoded_bytes_max(&self) -> usize {
        let details = Range { start: 0, end: u64::from(u32::MAX) };
        let mut out = Vec::with_capacity(64);
        Self { details, ..self.clone() }.encode(None, &mut out);
        out.len()
    }

    fn is_before(&self, next: &Self) -> bool {
        match (self.partition, self.kind).cmp(&(next.partition, next.kind)) {
            std::cmp::Ordering::Equal => {
                self.kind != EntryKind::Records && self.offsets.start < next.offsets.start
            }
            order => order.is_lt(),
        }
    }

    fn encode(&self, topic: Option<TopicId>, out: &mut Vec<u8>) {
        let kind = match self.kind {
            EntryKind::Records => 0,
            EntryKind::Page => 1,
            EntryKind::Snapshot => 2,
        };
        if topic == Some(self.partition.topic) {
            out.push(kind | SAME_TOPIC);
        } else {
            out.push(kind);
            out.extend_from_slice(self.partition.topic.0.as_bytes());
        }
        let first = self.offsets.start;
        put_signed(out, i64::from(self.partition.partition.0));
        put_signed(out, first.0);
        put_unsigned(out, (self.offsets.end.0 - first.0) as u64);
        put_unsigned(out, self.bytes);
        put_signed(out, self.max_timestamp.0);
        encode_epochs(&self.epochs, first, out);
        put_unsigned(out, self.details.end - self.details.start);
    }

    fn decode(
        cursor: &mut Cursor<'_>,
        before: Option<&Self>,
        details_start: u64,
    ) -> Result<Self, FooterError> {
        let [first] = cursor.array()?;
        let kind = match first & KIND {
            0 => EntryKind::Records,
            1 => EntryKind::Page,
            2 => EntryKind::Snapshot,
            _ => return Err(cursor.error("an entry is of an unknown kind")),
        };
        let topic = match (first & !KIND, before) {
            (0, _) => TopicId(uuid::Uuid::from_bytes(cursor.array()?)),
            (SAME_TOPIC, Some(before)) => before.partition.topic,
            _ => return Err(cursor.error("an entry has unknown flags")),
        };
        let partition = TopicPartition { topic, partition: PartitionIndex(cursor.signed_32()?) };
        let start = cursor.signed()?;
        let offsets = Offset(start)..Offset(cursor.step_from(start)?);
        if start < 0 || offsets.is_empty() != (kind == EntryKind::Snapshot) {
            return Err(cursor.error("an offset range is empty or below zero"));
        }
        let bytes = cursor.unsigned()?;
        let max_timestamp = Timestamp(cursor.signed()?);
        let epochs = decode_epochs(cursor, &offsets)?;
        let from_first = epochs.first().is_some_and(|first| first.start == offsets.start);
        let fits = match kind {
            EntryKind::Records => from_first || epochs.len() == LIST_EPOCHS_MAX,
            EntryKind::Page | EntryKind::Snapshot => epochs.is_empty(),
        };
        if !fits || epochs.len() > LIST_EPOCHS_MAX {
            return Err(cursor.error("an entry has no leader epoch, or too many"));
        }
        let details_bytes = u64::from(cursor.unsigned_32()?);
        let end = details_start.checked_add(details_bytes);
        let end = end.filter(|_| details_bytes >= TAG_BYTES as u64);
        let end = end.ok_or_else(|| cursor.error("details have an impossible length"))?;
        let details = details_start..end;
        Ok(Self { partition, kind, offsets, bytes, max_timestamp, epochs, details })
    }
}
