//! Bounds that several APIs share.

/// How large a batch may become when it is decompressed: to check its records, or to convert them.
pub(crate) const DECOMPRESSED_BYTES_MAX: usize = 256 * 1024 * 1024;
