//! Who may call, and the keys that protect what is stored.
//!
//! Owns: AWS Signature Version 4 on both sides ([`sigv4`]), the access keys of this installation
//! ([`credentials`]), the local key that wraps the clusters' data keys ([`local_key`]), and the two
//! ways AWS writes a moment ([`timestamp`]). Takes the time and randomness from its callers. Knows
//! nothing of clusters, requests or storage, and never writes a secret into an error or a log.

pub mod credentials;
pub mod local_key;
pub mod timestamp;
mod private_file;
pub mod sigv4;
