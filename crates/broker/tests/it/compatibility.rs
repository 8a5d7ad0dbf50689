//! `docs/compatibility.md` is what the code makes of it, and what it calls honoured is.

use std::{fs, path::Path};

use milena_kafka_config::{Catalogue, Configs, Definition, Effect, Proof, ServerConfigs};
use milena_protocol::KafkaVersion;

#[path = "../../gen/compatibility.rs"]
mod page;

#[test]
fn the_page_of_compatibility_is_current() {
    let committed = page::committed();
    assert!(
        committed == page::page(&committed),
        "docs/compatibility.md is stale; run `cargo run -p milena-broker --example compatibility` and commit the result"
    );
}

/// The text of all tests of the workspace that a configuration may point to, and their names.
fn tests() -> String {
    fn read(dir: &Path, text: &mut String) {
        for entry in fs::read_dir(dir).expect("a directory of sources") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                read(&path, text);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                text.push_str(&fs::read_to_string(&path).expect("a source file"));
            }
        }
    }
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the directory of crates");
    let mut text = String::new();
    for part in [
        "kafka-config/src",
        "broker/src",
        "broker/tests",
        "storage/src",
        "coordinator/src",
        "coordinator/tests",
    ] {
        if crates.join(part).is_dir() {
            read(&crates.join(part), &mut text);
        }
    }
    text
}

fn proof(definition: &Definition) -> Option<Proof> {
    match definition.effect {
        Effect::Honoured(proof) | Effect::Partly(proof, _) => Some(proof),
        Effect::NotYet(reason) | Effect::Meaningless(reason) => {
            assert!(!reason.is_empty(), "{}: say why it changes nothing", definition.name);
            None
        }
    }
}

#[test]
fn what_is_said_to_be_honoured_is_read_and_has_a_test() {
    let tests = tests();
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the directory of crates");
    let mut honoured = 0;
    for version in KafkaVersion::all() {
        let catalogue = Catalogue::new(version);
        // A broker's name for a topic's setting is read as the topic's.
        let topics: Vec<_> =
            catalogue.topics().filter_map(|topic| Some(topic.server?.name)).collect();
        let brokers = catalogue.brokers().filter(|definition| !topics.contains(&definition.name));
        for definition in catalogue.topics().chain(brokers) {
            let Some(Proof { reader, test }) = proof(definition) else { continue };
            let name = definition.name;
            let text = fs::read_to_string(crates.join(reader)).unwrap_or_default();
            // Settings of one family may be read by the end of their names.
            let is_read = text.contains(&format!("\"{name}\""))
                || name
                    .strip_prefix("offsets.topic.")
                    .is_some_and(|end| text.contains(&format!("\"{end}\"")));
            assert!(is_read, "{name} is said to be read by crates/{reader}");
            assert!(
                tests.contains(&format!("fn {test}(")),
                "{name} is said to be tested by {test}"
            );
            honoured += 1;
        }
    }
    assert!(honoured > 200, "{honoured}");
}

/// One line of what Apache Kafka 4.1 told.
struct Told<'a> {
    name: &'a str,
    kind: String,
    default: Option<&'a str>,
    read_only: bool,
    synonym: Option<&'a str>,
}

fn told<'a>(scope: &str, text: &'a str) -> Vec<Told<'a>> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let fields = lines.map(|line| line.split('\t').collect::<Vec<_>>());
    let read = |fields: Vec<&'a str>| Told {
        name: fields[1],
        kind: fields[2].to_lowercase(),
        default: (fields[3] != "null").then_some(fields[3]),
        read_only: fields[4] == "ro",
        synonym: fields.get(5).copied(),
    };
    fields.filter(|fields| fields[0] == scope).map(read).collect()
}

#[test]
fn configurations_are_those_that_kafka_4_1_describes() {
    /// Given out by the service.
    const READ_ONLY_HERE: [&str; 2] = ["listeners", "listener.security.protocol.map"];
    let text = include_str!("kafka-4.1-configs.tsv");
    let server = ServerConfigs::new("4.1".parse().expect("a version"), &Configs::new())
        .expect("no properties");
    let described = server.alone().describe_topic(&Configs::new());
    let topics = told("topic", text);
    assert_eq!(topics.len(), described.len());
    for (told, described) in topics.iter().zip(&described) {
        let definition = described.definition;
        assert_eq!(told.name, described.name);
        assert_eq!(told.kind, format!("{:?}", definition.kind).to_lowercase(), "{}", told.name);
        assert_eq!(told.default, described.value.as_deref(), "{}", told.name);
        assert!(!told.read_only && !described.read_only);
        let synonym = described.synonyms.first().map(|synonym| synonym.name.as_str());
        assert_eq!(told.synonym, synonym, "{}", told.name);
    }
    let described = server.alone().describe_broker();
    let brokers = told("broker", text);
    let names: Vec<_> = described.iter().map(|described| described.name).collect();
    assert_eq!(brokers.iter().map(|told| told.name).collect::<Vec<_>>(), names);
    for (told, described) in brokers.iter().zip(&described) {
        assert_eq!(
            told.kind,
            format!("{:?}", described.definition.kind).to_lowercase(),
            "{}",
            told.name
        );
        // Kafka does not start without these, and Milena sets them.
        if told.default != Some("<required>") {
            assert_eq!(told.default, described.definition.default, "{}", told.name);
        }
        let read_only = told.read_only || READ_ONLY_HERE.contains(&told.name);
        assert_eq!(read_only, described.read_only, "{}", told.name);
    }
}
