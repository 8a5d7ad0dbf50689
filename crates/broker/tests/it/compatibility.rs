//! `docs/compatibility.md` is what the code makes of it, and what it calls honoured is.

use std::{fs, path::Path};

use milena_broker::configs::{Catalogue, Definition, Effect, Proof};
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
    for part in ["broker/src", "broker/tests", "storage/src", "coordinator/src", "coordinator/tests"] {
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
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut honoured = 0;
    for version in KafkaVersion::all() {
        let catalogue = Catalogue::new(version);
        // A broker's name for a topic's setting is read as the topic's.
        let topics: Vec<_> = catalogue.topics().filter_map(|topic| Some(topic.server?.name)).collect();
        let brokers = catalogue.brokers().filter(|definition| !topics.contains(&definition.name));
        for definition in catalogue.topics().chain(brokers) {
            let Some(Proof { reader, test }) = proof(definition) else { continue };
            let name = definition.name;
            let text = fs::read_to_string(src.join(reader)).unwrap_or_default();
            // Settings of one family may be read by the end of their names.
            let is_read = text.contains(&format!("\"{name}\""))
                || name
                    .strip_prefix("offsets.topic.")
                    .is_some_and(|end| text.contains(&format!("\"{end}\"")));
            assert!(is_read, "{name} is said to be read by src/{reader}");
            assert!(tests.contains(&format!("fn {test}(")), "{name} is said to be tested by {test}");
            honoured += 1;
        }
    }
    assert!(honoured > 200, "{honoured}");
}
