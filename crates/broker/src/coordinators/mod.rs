//! What Kafka calls coordinators: groups, and the ids of idempotent producers.

pub(crate) mod groups;
pub(crate) mod producer_ids;
