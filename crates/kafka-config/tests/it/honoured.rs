//! Every configuration that the catalogue calls honoured is read by the broker and has a test.

use std::{fs, path::Path};

use milena_kafka_config::{Catalogue, Definition, Effect};
use milena_protocol::KafkaVersion;

/// The text of all source files below a directory.
fn sources(dir: &Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(dir).expect("a directory of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            text.push_str(&sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&fs::read_to_string(&path).expect("a source file"));
        }
    }
    text
}

/// The test that shows what a configuration does, if it does anything.
fn test(definition: &Definition) -> Option<&'static str> {
    match definition.effect {
        Effect::Honoured { test } | Effect::Partly { test, .. } => Some(test),
        Effect::NotYet(reason) | Effect::Meaningless(reason) => {
            assert!(!reason.is_empty(), "{}: say why it changes nothing", definition.name);
            None
        }
    }
}

#[test]
fn honoured_configurations_have_an_accessor_a_reader_and_a_test() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the directory of crates");
    let accessors = ["effective.rs", "broker_values.rs", "topic_config.rs"]
        .map(|file| crates.join("kafka-config/src").join(file))
        .map(|file| fs::read_to_string(file).expect("a source file"))
        .concat();
    let readers = sources(&crates.join("broker/src"));
    let tests: String =
        ["kafka-config/src", "broker/src", "broker/tests", "storage/src", "coordinator/src"]
            .map(|part| sources(&crates.join(part)))
            .concat();
    let mut honoured = 0;
    for version in KafkaVersion::all() {
        let catalogue = Catalogue::new(version);
        // The default of a topic configuration is read through the topic's.
        let defaults: Vec<_> =
            catalogue.topics().filter_map(|topic| Some(topic.server_default?.name)).collect();
        let brokers = catalogue.brokers().filter(|broker| !defaults.contains(&broker.name));
        for definition in catalogue.topics().chain(brokers) {
            let Some(test) = test(definition) else { continue };
            let (name, accessor) = (definition.name, definition.accessor());
            assert!(accessors.contains(&format!("\"{name}\"")), "{name} is read nowhere");
            assert!(
                accessors.contains(&format!("pub {accessor}: "))
                    || accessors.contains(&format!("    {accessor}: ")),
                "{name} has no accessor {accessor}"
            );
            assert!(
                readers.contains(&format!(".{accessor}")),
                "the broker does not use {accessor}"
            );
            assert!(tests.contains(&format!("fn {test}(")), "{name} has no test {test}");
            honoured += 1;
        }
    }
    assert!(honoured > 200, "{honoured}");
}
