//! Why a partition could not be changed.

use milena_types::Offset;

use crate::{
    catalog::storage_catalog::CatalogError,
    catalog::{manifests::ManifestError, pages::PageError},
    objects::store::ObjectError,
    partition::bounds::Bounds,
};

/// Why a partition could not be changed. Nothing was, but that its log start may have moved a part of
/// the way.
#[derive(Debug, thiserror::Error)]
pub enum MaintenanceError {
    /// The offset is above the high watermark or below zero (OFFSET_OUT_OF_RANGE).
    #[error(
        "offset {asked} is above the high watermark {}: delete up to that at most",
        .bounds.high_watermark
    )]
    #[expect(missing_docs, reason = "the message names them")]
    OutOfRange { asked: Offset, bounds: Bounds },
    /// The partition was closed here (NOT_LEADER_OR_FOLLOWER).
    #[error("the partition is not led here any more: find its new leader")]
    Closed,
    /// The manifest could not be read or changed.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    #[error(transparent)]
    Object(#[from] ObjectError),
}

impl From<CatalogError> for MaintenanceError {
    fn from(error: CatalogError) -> Self {
        Self::Manifest(error.into())
    }
}

impl From<PageError> for MaintenanceError {
    fn from(error: PageError) -> Self {
        Self::Manifest(error.into())
    }
}
