//! Broker configurations, without the defaults of topic configurations: those follow from the
//! topics' rows.

mod connections;
mod controller;
mod coordinators;
mod identity;
mod logs;
mod replication;
mod requests;
mod sasl;
mod security;
mod share_groups;
mod tiers;

use crate::definition::Definition;

pub(super) fn all() -> impl Iterator<Item = &'static Definition> {
    [
        connections::CONNECTIONS,
        controller::CONTROLLER,
        coordinators::COORDINATORS,
        identity::IDENTITY,
        logs::LOGS,
        replication::REPLICATION,
        requests::REQUESTS,
        sasl::SASL_SETTINGS,
        security::SECURITY,
        share_groups::SHARE_GROUPS,
        tiers::TIERS_OF_STORAGE,
    ]
    .into_iter()
    .flatten()
}
