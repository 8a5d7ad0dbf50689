//! What every [`crate::MetadataStore`] must pass.
