//! Loops over what a request names, which may be millions of entries.

/// How many entries are looked at before others on the same thread have their turn.
pub(crate) const SLICE_ENTRIES: usize = 256;

/// Counts the entries of a loop.
#[derive(Debug, Default)]
pub(crate) struct EntryTurns(usize);

impl EntryTurns {
    /// Once an entry.
    pub(crate) async fn next(&mut self) {
        self.after(1).await;
    }

    /// Once for so many entries.
    pub(crate) async fn after(&mut self, entries: usize) {
        self.0 += entries;
        if self.0 >= SLICE_ENTRIES {
            self.0 = 0;
            tokio::task::yield_now().await;
        }
    }
}
