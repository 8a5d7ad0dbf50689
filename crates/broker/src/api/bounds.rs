//! Bounds that several APIs share.

/// How long a response may be, without the records in it.
pub(crate) const RESPONSE_BYTES_MAX: usize = 100 << 20;

/// A response about more entries than this has error codes without texts.
pub(crate) const ERROR_TEXTS_MAX: usize = 1000;

/// The length of a response while it is built: at least what was added so far.
#[derive(Debug, Default)]
pub(crate) struct ResponseBytes(usize);

impl ResponseBytes {
    pub(crate) fn add(&mut self, bytes: usize) {
        self.0 = self.0.saturating_add(bytes);
    }

    /// Whether the response is too long already.
    pub(crate) fn is_too_large(&self) -> bool {
        self.0 > RESPONSE_BYTES_MAX
    }
}
