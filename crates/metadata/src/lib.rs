//! milena-metadata
