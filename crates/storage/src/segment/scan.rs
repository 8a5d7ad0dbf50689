//! Walks over adjacent stored batches by their headers. The bytes were checked when they were
//! produced, or authenticated when they were decrypted; still nothing here panics on others: a walk
//! ends where they make no sense.

use std::ops::Range;

use bytes::Bytes;
use milena_records::{BatchHeader, HEADER_LEN};
use milena_types::Offset;

/// A batch within adjacent batches.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// Where it starts.
    pub(crate) start: usize,
    /// Its header.
    pub(crate) header: BatchHeader,
}

impl Place {
    pub(crate) fn end(&self) -> usize {
        self.start + self.header.size()
    }
}

/// The batches in `bytes`, up to the first that is cut or makes no sense.
pub(crate) fn batches(bytes: &[u8]) -> impl Iterator<Item = Place> + '_ {
    let mut start = 0;
    std::iter::from_fn(move || {
        let header = BatchHeader::parse(bytes.get(start..)?).ok()?;
        let place = Place { start, header };
        (header.size() >= HEADER_LEN && place.end() <= bytes.len()).then(|| start = place.end())?;
        Some(place)
    })
}

/// Collects whole batches out of adjacent stretches of a log, as slices of them.
#[derive(Debug)]
pub(crate) struct Collector {
    from: Offset,
    end: Offset,
    max_bytes: usize,
    at_least_one: bool,
    pub(crate) parts: Vec<Bytes>,
    pub(crate) bytes: usize,
}

impl Collector {
    /// Collects from the batch that holds `from` (or follows it) up to `end`: at most `max_bytes`,
    /// but one batch at least when `at_least_one`.
    pub(crate) fn new(from: Offset, end: Offset, max_bytes: usize, at_least_one: bool) -> Self {
        Self { from, end, max_bytes, at_least_one, parts: Vec::new(), bytes: 0 }
    }

    /// Takes from a stretch that has exactly the offsets from `base` to before `end`; whether more
    /// is wanted.
    pub(crate) fn take_run(&mut self, base: Offset, end: Offset, stretch: &Bytes) -> bool {
        let whole = self.from <= base && end <= self.end && stretch.len() <= self.room();
        if !whole {
            return self.take(stretch);
        }
        self.push(stretch.clone());
        self.room() > 0 && end < self.end
    }

    /// Takes from the next stretch; whether more is wanted.
    pub(crate) fn take(&mut self, stretch: &Bytes) -> bool {
        let room = self.room();
        let mut range: Option<Range<usize>> = None;
        let mut more = true;
        for place in batches(stretch) {
            if place.header.last_offset() < self.from {
                continue;
            }
            let start = range.as_ref().map_or(place.start, |range| range.start);
            let first = self.at_least_one && self.bytes == 0 && range.is_none();
            if place.header.base_offset >= self.end || (place.end() - start > room && !first) {
                more = false;
                break;
            }
            range = Some(start..place.end());
        }
        if let Some(range) = range {
            self.push(stretch.slice(range));
        }
        more && self.room() > 0
    }

    fn push(&mut self, part: Bytes) {
        self.bytes += part.len();
        self.parts.push(part);
    }

    fn room(&self) -> usize {
        self.max_bytes.saturating_sub(self.bytes)
    }
}
