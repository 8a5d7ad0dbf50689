//! The part of `docs/compatibility.md` about configurations, from the catalogue.

use std::fmt::Write;

use milena_kafka_config::{Catalogue, Definition, Effect, Update};
use milena_protocol::KafkaVersion;

/// The release whose names the tables list; names of older and newer ones have tables of their own.
const RELEASE: &str = "4.1";

const DIFFERENCES: &str = "\
## Intentional differences from Apache Kafka's responses

 - A value that a broker configuration does not allow is INVALID_CONFIG, as it is for topics; Kafka
   returns INVALID_REQUEST. Messages are Milena's own: they name the configuration, the value and
   the allowed values.
 - `listeners` and `listener.security.protocol.map` are read-only: the service allocates addresses.
 - Threads (`num.io.threads` and its like) may be set to any number at run time, not only from half
   to twice the present one.
 - `min.insync.replicas` may always be set for brokers; it refuses nothing.
 - A name of an authorizer that is set (`super.users`, `allow.everyone.if.no.acl.found`) is shown
   with its value.
 - Internal names, which Kafka hides (`internal.segment.bytes`, `group.share.enable` …), are
   unknown: for a topic that is INVALID_CONFIG, for a broker they are kept like a plugin's.
 - The documentation in DescribeConfigs is Milena's own.
 - Groups (`GROUP`), client metrics and loggers (`BROKER_LOGGER`) have no configuration.

Like Kafka, brokers accept names outside the catalogue, since a plugin may need them, and describe
them without their values. Secrets (type password) are described without their values too.

";

pub fn write(page: &mut String) {
    page.push_str(DIFFERENCES);
    let releases: Vec<_> =
        KafkaVersion::all().map(|version| (version, Catalogue::new(version))).collect();
    let catalogue = Catalogue::new(RELEASE.parse().expect("a version"));
    let brokers = catalogue.brokers().filter(|definition| !definition.hidden);
    let effects: Vec<_> = catalogue.topics().chain(brokers).collect();
    summary(page, &catalogue, &effects);
    page.push_str("## Topic configurations\n\nAll can be changed at any time.\n\n");
    configs(page, catalogue.topics().collect(), &releases, Catalogue::topic);
    page.push_str("## Broker configurations\n\n");
    page.push_str(
        "Changes: *start*, only when a broker starts; *broker*, for one running broker; *all*, for \
         one or for\nall. Names in italics are described only when they are set.\n\n",
    );
    configs(page, catalogue.brokers().collect(), &releases, Catalogue::broker);
    page.push_str("## Configurations of other releases\n\nNames that Kafka ");
    let _ = writeln!(page, "{RELEASE} has no longer or not yet. Topics':\n");
    configs(
        page,
        configs_of_other_releases(&releases, &catalogue, Catalogue::topics, Catalogue::topic),
        &releases,
        Catalogue::topic,
    );
    page.push_str("Brokers':\n\n");
    configs(
        page,
        configs_of_other_releases(&releases, &catalogue, Catalogue::brokers, Catalogue::broker),
        &releases,
        Catalogue::broker,
    );
}

fn summary(page: &mut String, catalogue: &Catalogue, all: &[&Definition]) {
    let count =
        |is: fn(&Effect) -> bool| all.iter().filter(|definition| is(&definition.effect)).count();
    let _ = writeln!(
        page,
        "## Configurations\n\n\
         Kafka {RELEASE} describes {} of topics and {} of brokers. Of these {} are honoured, {} in \
         part, {} not\nyet, and {} are accepted, kept and shown without a meaning here; the last \
         column says why.\n",
        catalogue.topics().count(),
        catalogue.brokers().filter(|definition| !definition.hidden).count(),
        count(|effect| matches!(effect, Effect::Honoured { .. })),
        count(|effect| matches!(effect, Effect::Partly { .. })),
        count(|effect| matches!(effect, Effect::NotYet(_))),
        count(|effect| matches!(effect, Effect::Meaningless(_))),
    );
}

type Releases = [(KafkaVersion, Catalogue)];

fn configs_of_other_releases<'a, I: Iterator<Item = &'a Definition> + 'a>(
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
            effect_text(&definition.effect),
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

/// The range of releases that have it; empty for all.
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

fn effect_text(effect: &Effect) -> String {
    match effect {
        Effect::Honoured { .. } => "honoured".to_owned(),
        Effect::Partly { missing, .. } => format!("honoured in part: {missing}"),
        Effect::NotYet(what) => format!("not yet: {what}"),
        Effect::Meaningless(why) => format!("meaningless: {why}"),
    }
}
