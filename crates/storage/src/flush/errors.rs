//! Why chunks could not be flushed.

use crate::{
    catalog::manifests::ManifestError, catalog::storage_catalog::CatalogError,
    objects::store::ObjectError,
};

/// Why committed chunks could not be put into segments. They are still in the write-ahead log.
#[derive(Debug, thiserror::Error)]
pub enum FlushError {
    /// The object store failed or is full.
    #[error(transparent)]
    Object(#[from] ObjectError),
    /// The metadata store failed, or another broker flushes this epoch.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The references of a partition that was deleted meanwhile could not be released.
    #[error(transparent)]
    Deleted(#[from] Box<ManifestError>),
    /// The process is stopping.
    #[error("storage is shutting down")]
    Stopping,
}

impl FlushError {
    /// Whether there is no space for its objects, or for the records of them.
    pub(crate) fn is_out_of_space(&self) -> bool {
        matches!(
            self,
            Self::Object(ObjectError::Full { .. }) | Self::Catalog(CatalogError::NoSpace(_))
        )
    }
}

#[cfg(test)]
mod tests {
    use milena_store::StoreError;

    use super::*;

    #[test]
    fn the_metadata_store_may_be_what_has_no_space() {
        let reason = || "full".to_owned();
        let of = |error: StoreError| FlushError::from(CatalogError::from(error));
        assert!(of(StoreError::NoSpace { reason: reason() }).is_out_of_space());
        assert!(!of(StoreError::Unavailable { reason: reason() }).is_out_of_space());
    }
}
