//! Reading all entries below a prefix, page by page: several pages are not one state.

use milena_types::Revision;

use crate::store::{Entry, MetadataStore, Page, StoreError};

/// Entries per page: few enough for a response of etcd.
const PAGE_ENTRIES: usize = 1000;

/// Reads the pages of a range one after the other.
pub struct Pages<'a> {
    store: &'a dyn MetadataStore,
    prefix: &'a str,
    after: Option<String>,
    ended: bool,
}

impl<'a> Pages<'a> {
    /// From the first entry below `prefix` on.
    pub fn new(store: &'a dyn MetadataStore, prefix: &'a str) -> Self {
        Self { store, prefix, after: None, ended: false }
    }

    /// The next page; none behind the last. The first may be empty. Lets other tasks run between
    /// two pages. A page that could not be read can be asked for again.
    pub async fn next(&mut self) -> Result<Option<Page>, StoreError> {
        if self.ended {
            return Ok(None);
        }
        if self.after.is_some() {
            tokio::task::yield_now().await;
        }
        let page = self.store.range(self.prefix, self.after.as_deref(), PAGE_ENTRIES).await?;
        self.after = page.entries.last().map(|entry| entry.key.clone());
        self.ended = !page.more;
        Ok(Some(page))
    }
}

/// All entries below `prefix`, and the revision of the first page: who watches from there on misses
/// no change.
pub async fn read_range(
    store: &dyn MetadataStore,
    prefix: &str,
) -> Result<(Vec<Entry>, Revision), StoreError> {
    let (mut entries, mut revision) = (Vec::new(), None);
    let mut pages = Pages::new(store, prefix);
    while let Some(page) = pages.next().await? {
        revision.get_or_insert(page.revision);
        entries.extend(page.entries);
    }
    Ok((entries, revision.unwrap_or_default()))
}
