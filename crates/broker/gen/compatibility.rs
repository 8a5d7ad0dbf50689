//! Makes `docs/compatibility.md` of what the code says of itself: the versions of every API, the
//! catalogue of configurations. What stands between the markers of the table of clients is kept:
//! others make it.

use std::fmt::Write;

use milena_broker::{ApiDefinition, served};
use milena_protocol::{ApiKey, KafkaVersion};

#[path = "configurations.rs"]
mod configurations;

pub const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/compatibility.md");

const CLIENTS_BEGIN: &str = "<!-- clients: begin -->";
const CLIENTS_END: &str = "<!-- clients: end -->";

const INTRODUCTION: &str = "\
# Compatibility

What a Kafka client finds here: which versions of which API, and what every configuration of Apache Kafka does.
This page is made of the code by `cargo run -p milena-broker --example compatibility`, and a test fails when it is stale.

A cluster has a Kafka version, from 2.8 on, and looks like that release: it offers the APIs and versions that the release
has, as far as they are implemented, and its names of configurations with their defaults.

";

/// The whole page; the table of clients is taken from `committed`.
pub fn page(committed: &str) -> String {
    let mut page = INTRODUCTION.to_owned();
    page.push_str(&clients(committed));
    apis(&mut page);
    configurations::write(&mut page);
    page.truncate(page.trim_end().len());
    page.push('\n');
    page
}

/// The page as it is in the repository.
pub fn committed() -> String {
    std::fs::read_to_string(PATH).unwrap_or_default()
}

fn clients(committed: &str) -> String {
    let kept = committed
        .split_once(CLIENTS_BEGIN)
        .and_then(|(_, rest)| rest.split_once(CLIENTS_END))
        .map_or("\n", |(kept, _)| kept);
    format!("{CLIENTS_BEGIN}{kept}{CLIENTS_END}\n\n")
}

fn apis(page: &mut String) {
    page.push_str("## APIs\n\nBy the cluster's Kafka version; a release between two columns has what the column before it has.\n");
    page.push_str("An empty cell: that release does not offer it to clients. From 4.0 on Produce is advertised from version 0, as\n");
    page.push_str("Kafka does for the sake of librdkafka, and served from 3.\n\n| API | Key |");
    let releases: Vec<_> = KafkaVersion::all().collect();
    for release in &releases {
        let _ = write!(page, " {release} |");
    }
    page.push_str(" Here |\n|---|---|");
    page.push_str(&"---|".repeat(releases.len() + 1));
    page.push('\n');
    let mut keys = ApiKey::ALL.to_vec();
    keys.sort();
    for key in keys {
        let ranges: Vec<_> = releases.iter().map(|release| release.api_range(key)).collect();
        if ranges.iter().all(Option::is_none) {
            continue;
        }
        let _ = write!(page, "| {} | {} |", key.name(), key.code());
        for range in ranges {
            let text = range.map_or_else(String::new, |range| match (range.start(), range.end()) {
                (low, high) if low == high => low.to_string(),
                (low, high) => format!("{low}–{high}"),
            });
            let _ = write!(page, " {text} |");
        }
        let _ = writeln!(
            page,
            " {} |",
            served().find(|api| api.key == key).map_or_else(|| absent(key).to_owned(), offered)
        );
    }
    page.push('\n');
    page.push_str("Not offered yet, then: transactions, the groups of KIP-848, share groups and streams groups, access control\n");
    page.push_str("lists, SASL and TLS, delegation tokens, client quotas, metrics pushed by clients. A client that asks for one of\n");
    page.push_str("them finds that the broker lacks the API, and says so.\n\n");
    api_versions(page);
}

fn offered(api: &ApiDefinition) -> String {
    match api.limits {
        "" => "offered".to_owned(),
        limits => format!("offered: {limits}"),
    }
}

/// What versions of APIs brought, from their definitions.
fn api_versions(page: &mut String) {
    page.push_str("### What versions brought\n\nOf the APIs that are offered, as far as it makes a difference here.\n\n");
    page.push_str("| API | From version | New |\n|---|---|---|\n");
    let mut apis: Vec<_> = served().collect();
    apis.sort_by_key(|api| api.key);
    for api in apis {
        for (version, note) in api.notes {
            let _ = writeln!(page, "| {} | {version} | {note} |", api.key.name());
        }
    }
    page.push('\n');
}

/// Why an API is not offered.
fn absent(key: ApiKey) -> &'static str {
    match key {
        ApiKey::AddPartitionsToTxn
        | ApiKey::AddOffsetsToTxn
        | ApiKey::EndTxn
        | ApiKey::WriteTxnMarkers
        | ApiKey::TxnOffsetCommit
        | ApiKey::DescribeTransactions
        | ApiKey::ListTransactions => "not yet: transactions",
        ApiKey::DescribeProducers => "not yet",
        ApiKey::DescribeAcls | ApiKey::CreateAcls | ApiKey::DeleteAcls => {
            "not yet: access control lists"
        }
        ApiKey::SaslHandshake
        | ApiKey::SaslAuthenticate
        | ApiKey::DescribeUserScramCredentials
        | ApiKey::AlterUserScramCredentials => "not yet: SASL",
        ApiKey::CreateDelegationToken
        | ApiKey::RenewDelegationToken
        | ApiKey::ExpireDelegationToken
        | ApiKey::DescribeDelegationToken => "not yet: delegation tokens",
        ApiKey::DescribeClientQuotas | ApiKey::AlterClientQuotas => "not yet: client quotas",
        ApiKey::ConsumerGroupHeartbeat | ApiKey::ConsumerGroupDescribe => {
            "not yet: the groups of KIP-848"
        }
        ApiKey::GetTelemetrySubscriptions | ApiKey::PushTelemetry | ApiKey::ListConfigResources => {
            "not yet: metrics pushed by clients"
        }
        ApiKey::ShareGroupHeartbeat
        | ApiKey::ShareGroupDescribe
        | ApiKey::ShareFetch
        | ApiKey::ShareAcknowledge
        | ApiKey::InitializeShareGroupState
        | ApiKey::ReadShareGroupState
        | ApiKey::WriteShareGroupState
        | ApiKey::DeleteShareGroupState
        | ApiKey::ReadShareGroupStateSummary
        | ApiKey::DescribeShareGroupOffsets
        | ApiKey::AlterShareGroupOffsets
        | ApiKey::DeleteShareGroupOffsets => "not yet: share groups",
        ApiKey::StreamsGroupHeartbeat | ApiKey::StreamsGroupDescribe => "not yet: streams groups",
        ApiKey::AlterReplicaLogDirs | ApiKey::AssignReplicasToDirs => {
            "no: a broker has one directory"
        }
        ApiKey::UpdateFeatures => "not yet: the service changes a cluster's Kafka version",
        ApiKey::DescribeQuorum
        | ApiKey::AddRaftVoter
        | ApiKey::RemoveRaftVoter
        | ApiKey::UpdateRaftVoter
        | ApiKey::Vote
        | ApiKey::BeginQuorumEpoch
        | ApiKey::EndQuorumEpoch
        | ApiKey::FetchSnapshot => "no: there is no quorum of controllers",
        ApiKey::UnregisterBroker => "no: the service adds and removes brokers",
        _ => "no: between brokers and controllers, which share the metadata store",
    }
}
