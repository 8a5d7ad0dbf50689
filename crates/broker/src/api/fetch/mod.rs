//! Records and offsets for consumers.

mod convert;
mod epochs;
#[expect(clippy::module_inception, reason = "the API Fetch, in the family of the same name")]
pub(crate) mod fetch;
pub(crate) mod list_offsets;
pub(crate) mod offset_for_leader_epoch;
mod read;
mod respond;
pub(crate) mod session;
