//! Records and offsets for consumers.

pub(crate) mod apis;
mod convert;
mod epochs;
#[expect(clippy::module_inception, reason = "the API Fetch, in the family of the same name")]
mod fetch;
mod list_offsets;
mod offset_for_leader_epoch;
mod read;
mod respond;
pub(crate) mod session;
mod wait;

use self::apis::FetchApis;
use super::handled::family;

family!(FetchApis: fetch, list_offsets, offset_for_leader_epoch);
