//! Kafka's APIs: a folder for each family, a file for each API.
//!
//! A file has `API`, its [`ApiDefinition`], and `handle`, which is given the request's context, its
//! family's parts of the broker, and the decoded request. It returns the response, or a
//! [`handled::Handled`] if the response comes later or never. Fields that the request's version
//! lacks have the schema's default, those that the response's version lacks are dropped;
//! `context.api_version` is for behaviour that differs by version.
//!
//! To add an API:
//!
//! 1. Name its messages in `crates/protocol/schema/compiled.txt`, and run
//!    `cargo run -p milena-protocol --example generate`.
//! 2. Write its file, with `API` and `handle`, in its family's folder, and name it in the family's
//!    `mod.rs`: `mod` and in `family!`. A new family is a folder with `apis.rs` (the parts of the
//!    broker that its handlers use) and such a `mod.rs`; here it gets its `mod`, a line in
//!    `families!` and its value in `ApiSet::new`.
//! 3. Parts of the broker that the family lacks become fields of its `apis.rs`, set in
//!    `ApiSet::new`; from outside of this folder, a field of [`ApiParts`] too.
//! 4. `handle` checks `context.allows` for every resource of the request, with the operation that
//!    Kafka requires, before it reads or changes anything of the resource. A denied one has the
//!    code of its kind (TOPIC_, GROUP_ or CLUSTER_AUTHORIZATION_FAILED), and the response does not
//!    show whether it exists.
//! 5. Remove it from `absent` in `gen/compatibility.rs`, and run `cargo xtask docs`.
//! 6. Tests: pure parts beside the file, requests to a broker in `tests/it`, in the file of the
//!    family. They cover each version whose behaviour differs, each error that the file's
//!    documentation names, a denied client, and one bad entry among good ones. These run over all
//!    APIs by themselves: the versions of every release (below), noise as request bodies
//!    (`tests/it/noise.rs`) and the compatibility page (`tests/it/compatibility.rs`).

pub(crate) mod bounds;
pub(crate) mod cluster;
pub(crate) mod configs;
pub(crate) mod definition;
pub(crate) mod fetch;
pub(crate) mod groups;
pub(crate) mod handled;
pub(crate) mod offered;
pub(crate) mod partition_entries;
pub(crate) mod produce;
pub(crate) mod topics;
pub(crate) mod transactions;

use std::{path::PathBuf, sync::Arc};

use milena_metadata::ClusterMetadata;
use milena_protocol::{Decoder, KafkaVersion};
use milena_runtime::Runtime;
use milena_storage::Storage;
use milena_types::BrokerId;
use tokio_util::sync::CancellationToken;

use self::{
    cluster::apis::ClusterApis,
    configs::apis::ConfigApis,
    definition::ApiDefinition,
    fetch::{apis::FetchApis, session::SessionCache},
    groups::apis::GroupApis,
    handled::Handled,
    offered::OfferedApis,
    produce::apis::ProduceApi,
    topics::apis::TopicApis,
    transactions::apis::TransactionApis,
};
use crate::{
    context::RequestContext,
    coordinators::{groups::Groups, producer_ids::ProducerIds},
    kafka_config::BrokerKafkaConfig,
    leadership::{partitions::LedPartitions, resolve::LeaderResolver},
    memory::count::ByteCount,
    topics::Topics,
};

macro_rules! families {
    ($($family:ident: $apis:ty),* $(,)?) => {
        /// The APIs that this broker has a handler for.
        pub fn served() -> impl Iterator<Item = &'static ApiDefinition> {
            [$($family::APIS),*].into_iter().flatten()
        }

        /// The handlers of all APIs, with the parts that each family works on.
        pub(crate) struct ApiSet {
            offered: Arc<OfferedApis>,
            $($family: $apis,)*
        }

        impl ApiSet {
            /// Handles a request up to its reply, or up to where the next one may begin.
            pub(crate) async fn handle(&self, context: &RequestContext, body: Decoder) -> Handled {
                $(if $family::APIS.iter().any(|api| api.key == context.api_key) {
                    return $family::handle(context, &self.$family, body).await;
                })*
                Handled::close("an api without a handler")
            }
        }
    };
}

// The busiest first.
families! {
    produce: Arc<ProduceApi>,
    fetch: FetchApis,
    groups: GroupApis,
    cluster: ClusterApis,
    transactions: TransactionApis,
    topics: TopicApis,
    configs: ConfigApis,
}

/// The parts of the broker that the families work on.
pub(crate) struct ApiParts {
    pub(crate) kafka_version: KafkaVersion,
    pub(crate) broker: BrokerId,
    pub(crate) data_dir: PathBuf,
    /// `fetch.max.bytes` of the broker.
    pub(crate) fetch_bytes_max: usize,
    pub(crate) fetch_sessions_max: usize,
    pub(crate) session_memory: ByteCount,
    pub(crate) metadata: ClusterMetadata,
    pub(crate) storage: Arc<Storage>,
    pub(crate) kafka_config: BrokerKafkaConfig,
    pub(crate) partitions: Arc<LedPartitions>,
    pub(crate) leaders: LeaderResolver,
    pub(crate) topics: Topics,
    pub(crate) groups: Arc<Groups>,
    pub(crate) runtime: Runtime,
    /// Cancelled when requests should wait no longer.
    pub(crate) stopping: CancellationToken,
}

impl ApiSet {
    pub(crate) fn new(parts: ApiParts) -> Self {
        let ApiParts {
            metadata, storage, kafka_config, leaders, topics, runtime, stopping, ..
        } = parts;
        let images = leaders.images().clone();
        let offered = Arc::new(OfferedApis::new(parts.kafka_version, served()));
        Self {
            produce: Arc::new(ProduceApi {
                leaders: leaders.clone(),
                storage: storage.clone(),
                runtime: runtime.clone(),
            }),
            fetch: FetchApis {
                leaders: leaders.clone(),
                sessions: SessionCache::new(parts.fetch_sessions_max, parts.session_memory),
                response_bytes_max: parts.fetch_bytes_max,
                runtime: runtime.clone(),
                stopping: stopping.clone(),
            },
            groups: GroupApis {
                groups: parts.groups,
                images: images.clone(),
                topics: topics.clone(),
                storage,
                runtime,
            },
            transactions: TransactionApis { producer_ids: ProducerIds::new(metadata.clone()) },
            configs: ConfigApis {
                broker: parts.broker,
                metadata: metadata.clone(),
                images: images.clone(),
                kafka_config,
            },
            cluster: ClusterApis {
                offered: offered.clone(),
                images: images.clone(),
                metadata,
                topics: topics.clone(),
                broker: parts.broker,
                partitions: parts.partitions,
                data_dir: parts.data_dir,
                stopping,
            },
            topics: TopicApis { topics, images, leaders },
            offered,
        }
    }

    pub(crate) fn offered(&self) -> &OfferedApis {
        &self.offered
    }
}

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
