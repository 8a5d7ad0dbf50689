//! Collecting whole batches for a read.

use std::ops::Range;

use bytes::Bytes;
use milena_types::Offset;

use crate::segment::batch_spans::batch_spans;

/// Collects whole batches from adjacent ranges of a log, as slices of them.
#[derive(Debug)]
pub(crate) struct BatchCollector {
    from: Offset,
    end: Offset,
    max_bytes: usize,
    at_least_one: bool,
    pub(crate) parts: Vec<Bytes>,
    pub(crate) bytes: usize,
    /// Where what was taken ends; before it has taken something, where it begins.
    pub(crate) next: Offset,
    /// Whether `max_bytes` ended it, so that there is more.
    pub(crate) is_cut: bool,
}

impl BatchCollector {
    /// Collects from the batch that holds `from` (or follows it) up to `end`: at most `max_bytes`,
    /// but one batch at least when `at_least_one`.
    pub(crate) fn new(from: Offset, end: Offset, max_bytes: usize, at_least_one: bool) -> Self {
        let (parts, bytes, next) = (Vec::new(), 0, from);
        Self { from, end, max_bytes, at_least_one, parts, bytes, next, is_cut: false }
    }

    /// Takes from a range that has exactly the offsets from `base` to before `end`. Returns
    /// whether more is wanted.
    pub(crate) fn take_run(&mut self, base: Offset, end: Offset, batches: &Bytes) -> bool {
        let whole = self.from <= base && end <= self.end && batches.len() <= self.remaining();
        if !whole {
            return self.take(batches);
        }
        self.push(batches.clone(), end);
        self.is_cut = self.remaining() == 0 && end < self.end;
        self.remaining() > 0 && end < self.end
    }

    /// Takes from the next range. Returns whether more is wanted.
    pub(crate) fn take(&mut self, batches: &Bytes) -> bool {
        let remaining = self.remaining();
        let mut range: Option<Range<usize>> = None;
        let mut next = self.next;
        let mut more = true;
        for span in batch_spans(batches) {
            if span.header.last_offset() < self.from {
                continue;
            }
            let start = range.as_ref().map_or(span.start, |range| range.start);
            let first = self.at_least_one && self.bytes == 0 && range.is_none();
            let is_beyond = span.header.base_offset >= self.end;
            if is_beyond || (span.end() - start > remaining && !first) {
                self.is_cut = !is_beyond;
                more = false;
                break;
            }
            range = Some(start..span.end());
            next = span.header.last_offset().plus(1);
        }
        if let Some(range) = range {
            self.push(batches.slice(range), next);
        }
        self.is_cut |= more && self.remaining() == 0;
        more && self.remaining() > 0
    }

    fn push(&mut self, part: Bytes, next: Offset) {
        self.bytes += part.len();
        self.next = next;
        self.parts.push(part);
    }

    pub(crate) fn remaining(&self) -> usize {
        self.max_bytes.saturating_sub(self.bytes)
    }
}
