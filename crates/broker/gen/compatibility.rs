//! Makes `docs/compatibility.md` of what the code says of itself: the versions of every API, the
//! catalogue of configurations. What stands between the markers of the table of clients is kept:
//! others make it.

use std::fmt::Write;

use milena_broker::{ApiDefinition, served};
use milena_kafka_config::{Catalogue, Definition, Effect, Update};
use milena_protocol::{ApiKey, KafkaVersion};

pub const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/compatibility.md");

const CLIENTS_BEGIN: &str = "<!-- clients: begin -->";
const CLIENTS_END: &str = "<!-- clients: end -->";

/// The release whose names the tables list; names of older and newer ones have tables of their own.
const RELEASE: &str = "4.1";

const INTRODUCTION: &str = "\
# Compatibility

What a Kafka client finds here: which versions of which API, and what every configuration of Apache Kafka does.
This page is made of the code by `cargo run -p milena-broker --example compatibility`, and a test fails when it is stale.

A cluster has a Kafka version, from 2.8 on, and looks like that release: it offers the APIs and versions that the release
has, as far as they are implemented, and its names of configurations with their defaults.

";

const DIFFERENCES: &str = "\
## Where answers differ from Apache Kafka's on purpose

 - A value that a broker configuration does not allow is INVALID_CONFIG, as it is for topics; Kafka says INVALID_REQUEST.
   Messages are Milena's own: they name the configuration, the value and what is allowed.
 - `listeners` and `listener.security.protocol.map` are read-only: the service gives addresses out.
 - Threads (`num.io.threads` and its like) may be set to any number at run time, not only from half to twice the present one.
 - `min.insync.replicas` may always be set for brokers; it refuses nothing.
 - A name of an authorizer that is set (`super.users`, `allow.everyone.if.no.acl.found`) is shown with its value.
 - Internal names, which Kafka hides (`internal.segment.bytes`, `group.share.enable` …), are unknown: for a topic that is
   INVALID_CONFIG, for a broker they are kept like a plugin's.
 - DescribeConfigs tells documentation in Milena's words.
 - Groups (`GROUP`), client metrics and loggers (`BROKER_LOGGER`) have no configuration.

As Kafka does, brokers take names they do not know, and show that they are set but not to what: a plugin may need them.
Secrets (type password) are never shown either.

";

/// The whole page; the table of clients is taken from `committed`.
pub fn page(committed: &str) -> String {
    let mut page = INTRODUCTION.to_owned();
    page.push_str(&clients(committed));
    apis(&mut page);
    page.push_str(DIFFERENCES);
    let releases: Vec<_> =
        KafkaVersion::all().map(|version| (version, Catalogue::new(version))).collect();
    let catalogue = Catalogue::new(RELEASE.parse().expect("a version"));
    let brokers = catalogue.brokers().filter(|definition| !definition.hidden);
    let effects: Vec<_> = catalogue.topics().chain(brokers).collect();
    summary(&mut page, &catalogue, &effects);
    page.push_str("## Topic configurations\n\nAll can be changed at any time.\n\n");
    configs(&mut page, catalogue.topics().collect(), &releases, Catalogue::topic);
    page.push_str("## Broker configurations\n\n");
    page.push_str("Changes: *start*, only when a broker starts; *broker*, for one running broker; *all*, for one or for all.\nNames in italics are told of only when they are set.\n\n");
    configs(&mut page, catalogue.brokers().collect(), &releases, Catalogue::broker);
    page.push_str("## Configurations of other releases\n\nNames that Kafka ");
    let _ = writeln!(page, "{RELEASE} has no longer or not yet. Topics':\n");
    configs(
        &mut page,
        others(&releases, &catalogue, Catalogue::topics, Catalogue::topic),
        &releases,
        Catalogue::topic,
    );
    page.push_str("Brokers':\n\n");
    configs(
        &mut page,
        others(&releases, &catalogue, Catalogue::brokers, Catalogue::broker),
        &releases,
        Catalogue::broker,
    );
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

fn summary(page: &mut String, catalogue: &Catalogue, all: &[&Definition]) {
    let count =
        |is: fn(&Effect) -> bool| all.iter().filter(|definition| is(&definition.effect)).count();
    let _ = writeln!(
        page,
        "## Configurations\n\nKafka {RELEASE} describes {} of topics and {} of brokers. Of these {} are honoured, {} in part, {} not yet, and {} are\n\
         accepted, kept and shown without a meaning here; the last column says why.\n",
        catalogue.topics().count(),
        catalogue.brokers().filter(|definition| !definition.hidden).count(),
        count(|effect| matches!(effect, Effect::Honoured { .. })),
        count(|effect| matches!(effect, Effect::Partly { .. })),
        count(|effect| matches!(effect, Effect::NotYet(_))),
        count(|effect| matches!(effect, Effect::Meaningless(_))),
    );
}

type Releases = [(KafkaVersion, Catalogue)];

fn others<'a, I: Iterator<Item = &'a Definition> + 'a>(
    releases: &'a Releases,
    catalogue: &Catalogue,
    all: fn(&'a Catalogue) -> I,
    find: for<'c> fn(&'c Catalogue, &str) -> Option<&'c Definition>,
) -> Vec<&'a Definition> {
    let mut others: Vec<&Definition> =
        releases.iter().flat_map(|(_, release)| all(release)).collect();
    others.retain(|definition| find(catalogue, definition.name).is_none());
    others.sort_by_key(|definition| definition.name);
    others.dedup_by_key(|definition| definition.name);
    others
}

fn configs(
    page: &mut String,
    definitions: Vec<&Definition>,
    releases: &Releases,
    find: for<'c> fn(&'c Catalogue, &str) -> Option<&'c Definition>,
) {
    let of_topics = definitions.iter().any(|definition| definition.server_default.is_some());
    let third = if of_topics { "Broker's name" } else { "Changes" };
    let _ =
        writeln!(page, "| Name | Type | Default | Allowed | {third} | Kafka | What it is | Here |");
    page.push_str("|---|---|---|---|---|---|---|---|\n");
    for definition in definitions {
        let third = match definition.update {
            _ if of_topics => definition
                .server_default
                .map_or_else(String::new, |server| format!("`{}`", server.name)),
            Update::ReadOnly => "start".to_owned(),
            Update::PerBroker => "broker".to_owned(),
            Update::PerListener => "broker, by listener".to_owned(),
            Update::ClusterWide => "all".to_owned(),
        };
        let known: Vec<_> = releases.iter().map(|(v, c)| (*v, find(c, definition.name))).collect();
        let _ = writeln!(
            page,
            "| {} | {} | {} | {} | {third} | {} | {} | {} |",
            name(definition),
            format!("{:?}", definition.kind).to_lowercase(),
            defaults(&known),
            definition.rule.allowed().replace('|', "\\|"),
            span(&known),
            definition.doc,
            here(&definition.effect),
        );
    }
    page.push('\n');
}

fn name(definition: &Definition) -> String {
    let name = definition.name;
    if definition.hidden { format!("*`{name}`*") } else { format!("`{name}`") }
}

/// The default, and the older ones of releases before it.
fn defaults(known: &[(KafkaVersion, Option<&Definition>)]) -> String {
    let mut runs: Vec<(KafkaVersion, String)> = Vec::new();
    for (version, definition) in known.iter().filter_map(|(v, d)| Some((*v, (*d)?))) {
        let text = match definition.default {
            None => "null".to_owned(),
            Some("") => "empty".to_owned(),
            Some(default) => format!("`{default}`"),
        };
        if runs.last().is_none_or(|(_, last)| *last != text) {
            runs.push((version, text));
        }
    }
    let mut texts = Vec::new();
    for (index, (_, text)) in runs.iter().enumerate().rev() {
        let before =
            runs.get(index + 1).map_or_else(String::new, |(next, _)| format!(" before {next}"));
        texts.push(format!("{text}{before}"));
    }
    texts.join("; ")
}

/// Which releases have it: nothing for all.
fn span(known: &[(KafkaVersion, Option<&Definition>)]) -> String {
    let have: Vec<_> =
        known.iter().filter(|(_, definition)| definition.is_some()).map(|(v, _)| *v).collect();
    let (Some(first), Some(last)) = (have.first(), have.last()) else { return String::new() };
    let (oldest, newest) = (known[0].0, known[known.len() - 1].0);
    match (*first == oldest, *last == newest) {
        (true, true) => String::new(),
        (false, true) => format!("from {first}"),
        (true, false) => format!("to {last}"),
        (false, false) => format!("{first} to {last}"),
    }
}

fn here(effect: &Effect) -> String {
    match effect {
        Effect::Honoured { .. } => "honoured".to_owned(),
        Effect::Partly { missing, .. } => format!("honoured in part: {missing}"),
        Effect::NotYet(what) => format!("not yet: {what}"),
        Effect::Meaningless(why) => format!("meaningless: {why}"),
    }
}
