//! Collecting whole batches for a read.

use std::ops::Range;

use bytes::Bytes;
use milena_types::Offset;

use crate::segment::batch_spans::batch_spans;

/// Collects whole batches from adjacent stretches of a log, as slices of them.
#[derive(Debug)]
pub(crate) struct BatchCollector {
    from: Offset,
    end: Offset,
    max_bytes: usize,
    at_least_one: bool,
    pub(crate) parts: Vec<Bytes>,
    pub(crate) bytes: usize,
}

impl BatchCollector {
    /// Collects from the batch that holds `from` (or follows it) up to `end`: at most `max_bytes`,
    /// but one batch at least when `at_least_one`.
    pub(crate) fn new(from: Offset, end: Offset, max_bytes: usize, at_least_one: bool) -> Self {
        Self { from, end, max_bytes, at_least_one, parts: Vec::new(), bytes: 0 }
    }

    /// Takes from a stretch that has exactly the offsets from `base` to before `end`. Returns
    /// whether more is wanted.
    pub(crate) fn take_run(&mut self, base: Offset, end: Offset, stretch: &Bytes) -> bool {
        let whole = self.from <= base && end <= self.end && stretch.len() <= self.room();
        if !whole {
            return self.take(stretch);
        }
        self.push(stretch.clone());
        self.room() > 0 && end < self.end
    }

    /// Takes from the next stretch. Returns whether more is wanted.
    pub(crate) fn take(&mut self, stretch: &Bytes) -> bool {
        let room = self.room();
        let mut range: Option<Range<usize>> = None;
        let mut more = true;
        for span in batch_spans(stretch) {
            if span.header.last_offset() < self.from {
                continue;
            }
            let start = range.as_ref().map_or(span.start, |range| range.start);
            let first = self.at_least_one && self.bytes == 0 && range.is_none();
            if span.header.base_offset >= self.end || (span.end() - start > room && !first) {
                more = false;
                break;
            }
            range = Some(start..span.end());
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
