//! Kafka's APIs, a file each. A file's doc says which versions it answers and how it behaves.
//!
//! A handler is `pub(crate) async fn handle(context: &RequestContext, broker: &BrokerShared,
//! request: XRequest) -> XResponse` and gets one line in [`crate::dispatch`]'s table. It works on
//! every version that any Kafka release offers: fields that a version lacks have the schema's
//! default, and are dropped from the response. `context.api_version` says which version it is where
//! behaviour differs.

pub(crate) mod cluster;
pub(crate) mod configs;
pub(crate) mod fetch;
pub(crate) mod groups;
pub(crate) mod produce;
pub(crate) mod topics;
pub(crate) mod transactions;
