//! Access to the API, and the keys that protect stored data.
//!
//! Owns: AWS Signature Version 4 on both sides ([`sigv4`]), the access keys ([`credentials`]), the
//! local key that wraps the clusters' data keys ([`local_key`]), and AWS's forms of a timestamp
//! ([`timestamp`]). Takes the time and randomness from its callers. Knows nothing of clusters,
//! requests or storage, and writes no secret into an error or a log.

pub mod credentials;
pub mod local_key;
mod private_file;
pub mod sigv4;
pub mod timestamp;
