//! Kafka's APIs: a folder for each family, a file for each API.
//!
//! A file has `API`, its [`ApiDefinition`], and `handle`, which is given the request's context,
//! what its family works on, and the decoded request. It returns the response, or a
//! [`handled::Handled`] if it answers later or not at all. Fields that the request's version lacks
//! have the schema's default, those that the response's version lacks are dropped;
//! `context.api_version` says which version it is where behaviour differs.
//!
//! To add an API, write its file and name it in its family's `mod.rs`.

pub(crate) mod bounds;
pub(crate) mod cluster;
pub(crate) mod configs;
pub(crate) mod definition;
pub(crate) mod fetch;
pub(crate) mod groups;
pub(crate) mod handled;
pub(crate) mod offered;
pub(crate) mod produce;
pub(crate) mod topics;
pub(crate) mod transactions;

use std::sync::Arc;

use milena_protocol::Decoder;

use self::{definition::ApiDefinition, handled::Handled};
use crate::{context::RequestContext, shared::BrokerShared};

macro_rules! families {
    ($($family:ident),*) => {
        /// The APIs that this broker has a handler for.
        pub fn served() -> impl Iterator<Item = &'static ApiDefinition> {
            [$($family::APIS),*].into_iter().flatten()
        }

        /// Handles a request up to its reply, or up to where the next one may begin.
        pub(crate) async fn handle(
            context: &RequestContext,
            broker: &Arc<BrokerShared>,
            body: Decoder,
        ) -> Handled {
            $(if $family::APIS.iter().any(|api| api.key == context.api_key) {
                return $family::handle(context, broker, body).await;
            })*
            Handled::close("an api without a handler")
        }
    };
}

// The busiest first.
families!(produce, fetch, groups, cluster, transactions, topics, configs);

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use milena_protocol::KafkaVersion;

    use super::*;

    #[test]
    fn each_api_is_defined_once_with_ascending_notes() {
        let mut keys = HashSet::new();
        for api in served() {
            let name = api.key.name();
            assert!(keys.insert(api.key), "{name} is defined twice");
            assert!(api.notes.is_sorted_by_key(|(version, _)| *version), "{name}");
            assert!(api.notes.iter().all(|(version, _)| api.versions.contains(version)), "{name}");
        }
    }

    #[test]
    fn every_version_that_a_release_offers_is_handled() {
        for release in KafkaVersion::all() {
            for api in served() {
                let Some(offered) = release.api_range(api.key) else { continue };
                let handled = &api.versions;
                assert!(
                    handled.contains(offered.start()) && handled.contains(offered.end()),
                    "{} of {release}: {offered:?} is offered, {handled:?} is handled",
                    api.key.name()
                );
            }
        }
    }
}
