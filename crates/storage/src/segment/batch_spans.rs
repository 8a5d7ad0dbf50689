//! Walks adjacent stored batches by their headers. The bytes were checked when they were produced,
//! or authenticated when they were decrypted; still nothing here panics on others: a walk ends at
//! the first batch that is cut or malformed.

use milena_records::{BatchHeader, HEADER_LEN};

/// A batch within adjacent batches.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BatchSpan {
    pub(crate) start: usize,
    pub(crate) header: BatchHeader,
}

impl BatchSpan {
    pub(crate) fn end(&self) -> usize {
        self.start + self.header.size()
    }
}

/// The batches in `bytes`, up to the first that is cut or malformed.
pub(crate) fn batch_spans(bytes: &[u8]) -> impl Iterator<Item = BatchSpan> + '_ {
    let mut start = 0;
    std::iter::from_fn(move || {
        let header = BatchHeader::parse(bytes.get(start..)?).ok()?;
        let span = BatchSpan { start, header };
        (header.size() >= HEADER_LEN && span.end() <= bytes.len()).then(|| start = span.end())?;
        Some(span)
    })
}
