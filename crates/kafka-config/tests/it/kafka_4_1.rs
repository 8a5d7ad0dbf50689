//! The catalogue of 4.1 is what Apache Kafka 4.1.2 described.

use milena_kafka_config::{Configs, KafkaConfig};

/// One line of what Apache Kafka 4.1 described.
struct Line<'a> {
    name: &'a str,
    kind: String,
    default: Option<&'a str>,
    read_only: bool,
    synonym: Option<&'a str>,
}

fn lines<'a>(scope: &str, text: &'a str) -> Vec<Line<'a>> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let fields = lines.map(|line| line.split('\t').collect::<Vec<_>>());
    let read = |fields: Vec<&'a str>| Line {
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
    let server = KafkaConfig::new("4.1".parse().expect("a version"), &Configs::new())
        .expect("no properties");
    let described = server.at_start().describe_topic(&Configs::new());
    let topics = lines("topic", text);
    assert_eq!(topics.len(), described.len());
    for (line, described) in topics.iter().zip(&described) {
        let definition = described.definition;
        assert_eq!(line.name, described.name);
        assert_eq!(line.kind, format!("{:?}", definition.kind).to_lowercase(), "{}", line.name);
        assert_eq!(line.default, described.value.as_deref(), "{}", line.name);
        assert!(!line.read_only && !described.read_only);
        let synonym = described.synonyms.first().map(|synonym| synonym.name.as_str());
        assert_eq!(line.synonym, synonym, "{}", line.name);
    }
    let described = server.at_start().describe_broker();
    let brokers = lines("broker", text);
    let names: Vec<_> = described.iter().map(|described| described.name).collect();
    assert_eq!(brokers.iter().map(|line| line.name).collect::<Vec<_>>(), names);
    for (line, described) in brokers.iter().zip(&described) {
        assert_eq!(
            line.kind,
            format!("{:?}", described.definition.kind).to_lowercase(),
            "{}",
            line.name
        );
        // Kafka does not start without these, and Milena sets them.
        if line.default != Some("<required>") {
            assert_eq!(line.default, described.definition.default, "{}", line.name);
        }
        let read_only = line.read_only || READ_ONLY_HERE.contains(&line.name);
        assert_eq!(read_only, described.read_only, "{}", line.name);
    }
}
