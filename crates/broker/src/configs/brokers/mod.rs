//! The configurations of brokers, apart from those that are only a topic's default: those follow from the topics'.

mod connections;
mod coordinators;
mod identity;
mod logs;
mod replication;
mod security;

use super::definition::Definition;

/// Every one.
pub(super) fn all() -> impl Iterator<Item = &'static Definition> {
    [
        connections::CONNECTIONS,
        coordinators::COORDINATORS,
        identity::IDENTITY,
        logs::LOGS,
        replication::REPLICATION,
        security::SECURITY,
    ]
    .into_iter()
    .flatten()
}
