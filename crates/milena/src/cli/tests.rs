use std::time::Duration;

use clap::CommandFactory;
use milena_client::{ConsumedRecord, StartAt};
use milena_types::{Offset, Timestamp};

use super::{
    Cli, consume::as_json, produce::split_line, start_position::StartPosition,
    topic::name_and_value,
};

#[test]
fn places_are_read_as_they_are_written() {
    assert_eq!(StartPosition::parse("beginning"), Ok(StartPosition::At(StartAt::Beginning)));
    assert_eq!(StartPosition::parse("end"), Ok(StartPosition::At(StartAt::End)));
    assert_eq!(StartPosition::parse("42"), Ok(StartPosition::At(StartAt::Offset(Offset(42)))));
    assert_eq!(StartPosition::parse("10m"), Ok(StartPosition::Ago(Duration::from_secs(600))));
    assert_eq!(StartPosition::parse("2d"), Ok(StartPosition::Ago(Duration::from_secs(172_800))));
    for wrong in ["", "-1", "m", "10 minutes", "99999999999999999999d", "ü"] {
        assert!(StartPosition::parse(wrong).is_err(), "{wrong}");
    }
    let ago = StartPosition::parse("1h").expect("a span").start(3_600_500);
    assert_eq!(ago, StartAt::Time(Timestamp(500)));
    assert_eq!(StartPosition::parse("1h").expect("a span").start(0), StartAt::Time(Timestamp(0)));
}

#[test]
fn lines_are_cut_at_the_first_separator() {
    let split =
        |line: &str, separator| split_line(line.as_bytes(), separator).expect("it can be cut");
    assert_eq!(split("a:b:c\n", None), (None, "a:b:c".into()));
    assert_eq!(split("a:b:c\r\n", Some(":")), (Some("a".into()), "b:c".into()));
    assert_eq!(split("k => v", Some(" => ")), (Some("k".into()), "v".into()));
    assert_eq!(split("", None), (None, "".into()));
    let error = split_line(b"no key here", Some(":")).expect_err("no separator");
    assert!(error.to_string().contains("--key-separator"), "{error}");
}

#[test]
fn configurations_are_name_and_value() {
    assert_eq!(name_and_value("a=b=c"), Ok(("a".to_owned(), "b=c".to_owned())));
    assert!(name_and_value("a").is_err() && name_and_value("=a").is_err());
}

#[test]
fn a_record_as_json_has_all_its_parts() {
    let record = ConsumedRecord {
        topic: "t".into(),
        partition: 2,
        offset: Offset(7),
        timestamp: Timestamp(9),
        key: None,
        value: Some("v".into()),
        headers: vec![("h".into(), Some("x".into())), ("n".into(), None)],
    };
    let text = as_json(&record).to_string();
    let parts = [
        r#""topic":"t""#,
        r#""partition":2"#,
        r#""offset":7"#,
        r#""timestamp":9"#,
        r#""key":null"#,
    ];
    for part in parts.into_iter().chain([r#""value":"v""#, r#""headers":[["h","x"],["n",null]]"#]) {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn bytes_that_are_no_text_are_base64_in_json() {
    let record = ConsumedRecord {
        topic: "t".into(),
        partition: 0,
        offset: Offset(0),
        timestamp: Timestamp(0),
        key: Some(vec![0xff, 0x00].into()),
        value: Some("ü".into()),
        headers: vec![("h".into(), Some(vec![0xfe].into()))],
    };
    let json = as_json(&record);
    assert_eq!(json["key"], serde_json::json!({"base64": "/wA="}));
    assert_eq!(json["value"], "ü");
    assert_eq!(json["headers"], serde_json::json!([["h", {"base64": "/g=="}]]));
}

#[test]
fn the_command_line_is_consistent_and_every_command_has_an_example() {
    let mut command = Cli::command();
    command.build();
    command.clone().debug_assert();
    fn check(command: &mut clap::Command) {
        let help = command.render_long_help().to_string();
        let name = command.get_name().to_owned();
        assert!(name == "help" || help.contains("Example"), "{name} has no example:\n{help}");
        command.get_subcommands_mut().filter(|sub| sub.get_name() != "help").for_each(check);
    }
    check(&mut command);
}

#[test]
fn flags_of_serve_before_another_command_are_refused() {
    let parse = |arguments: &[&str]| super::parse(&Cli::command().get_matches_from(arguments));
    for good in [
        &["milena", "--no-demo"][..],
        &["milena", "--data-dir", "x", "serve", "--no-demo"],
        &["milena", "cluster", "list", "--data-dir", "x"],
    ] {
        assert!(parse(good).is_ok(), "{good:?}");
    }
    let error = parse(&["milena", "--no-demo", "serve"]).err().expect("it is refused").to_string();
    assert!(error.contains("milena serve --no-demo"), "{error}");
}

#[test]
fn flags_of_a_command_are_read_wherever_they_stand_behind_it() {
    let parse = |line: &str| {
        let matches = Cli::command()
            .try_get_matches_from(line.split(' '))
            .expect("the command line is well-formed");
        super::parse(&matches).map(|_| ()).map_err(|error| error.to_string())
    };
    for line in [
        "milena --no-demo",
        "milena topic list",
        "milena topic list --cluster other --region eu-west-1 --endpoint http://h:1 --data-dir d",
        "milena --data-dir d topic --bootstrap h:1 create t",
        "milena cluster list --region eu-west-1",
        "milena produce t --bootstrap h:1",
        "milena consume t --cluster c -e",
    ] {
        assert_eq!(parse(line), Ok(()), "{line}");
    }
    let error = parse("milena --no-demo topic list").expect_err("passed over");
    assert!(error.contains("milena serve --no-demo"), "{error}");
}
