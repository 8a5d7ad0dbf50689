//! The commands of a running milena, each as its user runs it.

use serde_json::Value;

use super::*;

fn json(output: &Output) -> Value {
    serde_json::from_str(&stdout(output)).unwrap()
}

/// A milena with `demo` only, and a topic of two partitions with the records 0 to 9.
fn with_letters(data: &Path, network: u8) -> ServerProcess {
    let serving = ServerProcess::start(data, network, &[]).wait_until_ready();
    stdout(&run(data, &["topic", "create", "letters", "--partitions", "2"]));
    let lines: String = (0..10).map(|number| format!("{number}\n")).collect();
    let produced = run_with(data, &["produce", "letters", "--partition", "0"], &lines);
    assert!(produced.status.success());
    let said = String::from_utf8_lossy(&produced.stderr);
    assert!(said.ends_with("10 records (10 B) written to letters\n"), "{said}");
    serving
}

#[test]
fn the_release_is_printed_and_shells_complete() {
    let dir = tempfile::tempdir().unwrap();
    let version = format!("milena {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(stdout(&run(dir.path(), &["version"])), version);
    for (shell, beginning) in
        [("bash", "_milena()"), ("zsh", "#compdef milena"), ("fish", "complete -c milena")]
    {
        let script = stdout(&run(dir.path(), &["completion", shell]));
        assert!(script.contains(beginning), "{script}");
        for word in ["reset-offsets", "delete-records", "advertise"] {
            assert!(script.contains(word), "{shell} does not know {word}");
        }
    }
    // A shell reads it.
    let script = stdout(&run(dir.path(), &["completion", "bash"]));
    let checked =
        Command::new("bash").args(["-c", &format!("{script}\ncomplete -p milena")]).output();
    if let Ok(checked) = checked {
        assert!(String::from_utf8_lossy(&checked.stdout).contains("_milena"), "{checked:?}");
    }
}

#[test]
fn an_endpoint_says_its_port() {
    let dir = tempfile::tempdir().unwrap();
    for endpoint in ["localhost:8085", "http://localhost", "https://localhost:1", "http://:1", ""] {
        let wrong = stderr(&run(dir.path(), &["cluster", "list", "--endpoint", endpoint]));
        assert!(wrong.contains("http://HOST:PORT"), "{endpoint}: {wrong}");
    }
    for endpoint in ["http://127.0.0.1:1", "http://127.0.0.1:1/", "http://[::1]:1"] {
        let nobody = stderr(&run(dir.path(), &["cluster", "list", "--endpoint", endpoint]));
        assert!(nobody.contains("cannot connect"), "{endpoint}: {nobody}");
    }
}

#[test]
fn the_status_tells_whether_all_is_ready() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    let serving = ServerProcess::start(data, 21, &[]);
    let url = serving.line("MSK API");
    let serving = serving.wait_until_ready();
    let status = stdout(&run(data, &["status"]));
    assert!(status.contains("ready") && status.contains("demo, 3 brokers, ACTIVE"), "{status}");
    let whole = json(&run(data, &["status", "--output", "json"]));
    assert_eq!(
        (&whole["ready"], &whole["clusters"][0]["clusterName"]),
        (&true.into(), &"demo".into())
    );
    // One that was killed on request is as it should be.
    stdout(&run(data, &["broker", "kill", "2"]));
    assert_eq!(json(&run(data, &["status", "-o", "json"]))["ready"], true);
    serving.stop(Signal::TERM);
    let gone = stderr(&run(data, &["status", "--endpoint", &url]));
    assert!(gone.contains("start milena"), "{gone}");
}

#[test]
fn the_only_cluster_or_demo_is_meant_where_none_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    let serving = ServerProcess::start(data, 22, &["--no-demo"]).wait_until_ready();
    let none = stderr(&run(data, &["broker", "list"]));
    assert!(none.contains("milena cluster create"), "{none}");
    stdout(&run(data, &["cluster", "create", "orders"]));
    let described = stdout(&run(data, &["cluster", "describe"]));
    assert!(described.contains("orders"), "{described}");
    // As in MSK, no topic comes into being by being named; the README's way does it.
    let unknown = stderr(&run_with(data, &["produce", "letters"], "Dear Franz\n"));
    assert!(unknown.contains("milena topic create letters"), "{unknown}");
    stdout(&run(data, &["topic", "create", "letters"]));
    assert!(run_with(data, &["produce", "letters"], "Dear Franz\n").status.success());
    assert_eq!(stdout(&run(data, &["consume", "letters", "--count", "1"])), "Dear Franz\n");
    let killed = stdout(&run(data, &["broker", "kill", "3"]));
    assert!(killed.starts_with("orders: broker 3 is DOWN"), "{killed}");
    stdout(&run(data, &["broker", "restart", "orders", "3"]));

    stdout(&run(data, &["cluster", "create", "other"]));
    let which = stderr(&run(data, &["cluster", "describe"]));
    assert!(which.contains("orders, other"), "{which}");
    let output = milena()
        .env("MILENA_CLUSTER", "other")
        .arg("--data-dir")
        .arg(data)
        .args(["cluster", "describe"])
        .output();
    assert!(stdout(&output.unwrap()).contains("other"));
    // Nothing is deleted that was not named.
    assert!(stderr(&run(data, &["cluster", "delete"])).contains("<CLUSTER>"));
    serving.stop(Signal::TERM);
}

#[test]
fn a_cluster_is_upgraded_and_never_goes_back() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    let serving = with_letters(data, 28);
    let upgraded = stdout(&run(data, &["cluster", "upgrade", "4.0.x.kraft"]));
    assert_eq!(upgraded, "demo: UPDATING\ndemo: Kafka 4.0.x.kraft\n");
    assert!(stdout(&run(data, &["cluster", "list"])).contains("4.0.x.kraft"));
    let left = stdout(&run(data, &["consume", "letters", "--until-end"]));
    assert_eq!(left.lines().count(), 10);
    let back = stderr(&run(data, &["cluster", "upgrade", "demo", "3.9.x.kraft"]));
    assert!(back.contains("choose one of 4.1.x.kraft"), "{back}");
    let unknown = stderr(&run(data, &["cluster", "upgrade", "5"]));
    assert!(unknown.contains("'5' is not offered"), "{unknown}");
    serving.stop(Signal::TERM);
}

#[test]
fn lists_come_as_tables_lines_and_json() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    let serving = with_letters(data, 23);
    for (arguments, plain, member) in [
        (&["topic", "list"][..], "letters\t2\t3\n", "topics"),
        (&["cluster", "list"], "demo\tACTIVE\t", "clusterInfoList"),
        (&["broker", "list"], "1\tSERVING\t", "brokers"),
        (&["group", "list"], "", "groups"),
        (&["config", "list"], "", "configurations"),
    ] {
        let with = |format: &str| run(data, &[arguments, &["--output", format]].concat());
        let lines = stdout(&with("plain"));
        assert!(lines.starts_with(plain) && lines.is_empty() == plain.is_empty(), "{lines}");
        assert!(json(&with("json"))[member].is_array(), "{arguments:?}");
        assert_eq!(stdout(&with("table")), stdout(&run(data, arguments)));
    }
    serving.stop(Signal::TERM);
}

#[test]
fn groups_are_listed_described_reset_and_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    let serving = with_letters(data, 24);
    let unknown = stderr(&run(data, &["group", "describe", "audit"]));
    assert!(unknown.contains("there is no group audit"), "{unknown}");
    stdout(&run(data, &["consume", "letters", "--group", "audit", "--count", "4"]));
    assert!(stdout(&run(data, &["group", "list"])).contains("audit"));
    let row = |wanted: &str| {
        let described = stdout(&run(data, &["group", "describe", "audit", "-o", "plain"]));
        assert!(described.lines().any(|line| line.starts_with(wanted)), "{wanted} in {described}");
    };
    row("letters\t0\t4\t10\t6\t");

    let reset =
        |arguments: &[&str]| run(data, &[&["group", "reset-offsets", "audit"], arguments].concat());
    stdout(&reset(&["--to", "beginning", "--dry-run"]));
    row("letters\t0\t4\t10\t6\t");
    let set = json(&reset(&["--topic", "letters", "--partition", "0", "--to", "7", "--json"]));
    assert_eq!(
        (&set["partitions"][0]["before"], &set["partitions"][0]["after"]),
        (&4.into(), &7.into())
    );
    row("letters\t0\t7\t10\t3\t");
    let rest = stdout(&run(data, &["consume", "letters", "--group", "audit", "--until-end"]));
    assert_eq!(rest, "7\n8\n9\n");
    // Beyond the end there is nothing to read on from; an hour ago there was nothing.
    stdout(&reset(&["--topic", "letters", "--to", "1000"]));
    row("letters\t0\t10\t10\t0\t");
    stdout(&reset(&["--to", "1h"]));
    row("letters\t0\t0\t10\t10\t");

    assert_eq!(stdout(&run(data, &["group", "delete", "audit"])), "audit: deleted\n");
    assert!(!stdout(&run(data, &["group", "list"])).contains("audit"));
    let gone = stderr(&run(data, &["group", "delete", "audit"]));
    assert!(gone.contains("there is no group audit"), "{gone}");
    serving.stop(Signal::TERM);
}

#[test]
fn topics_are_altered_and_records_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    let serving = with_letters(data, 25);
    let altered = stdout(&run(
        data,
        &[
            "topic",
            "alter",
            "letters",
            "-p",
            "3",
            "-c",
            "retention.ms=1234567",
            "-c",
            "max.message.bytes=5000",
        ],
    ));
    assert_eq!(altered, "letters: configured\nletters: 3 partitions\n");
    let described = stdout(&run(data, &["topic", "describe", "letters"]));
    assert!(described.contains("retention.ms=1234567\n"), "{described}");
    stdout(&run(data, &["topic", "alter", "letters", "--delete-config", "retention.ms"]));
    let described = stdout(&run(data, &["topic", "describe", "letters"]));
    assert!(!described.contains("retention.ms") && described.contains("max.message.bytes=5000"));
    assert!(
        stdout(&run(data, &["topic", "describe", "letters", "--all"])).contains("retention.ms=")
    );
    let fewer = stderr(&run(data, &["topic", "alter", "letters", "-p", "2"]));
    assert!(fewer.contains("INVALID_PARTITIONS") && !fewer.contains("smaller"), "{fewer}");
    assert!(stderr(&run(data, &["topic", "alter", "letters"])).contains("--partitions"));

    let delete = |arguments: &[&str]| {
        run(data, &[&["topic", "delete-records", "letters"], arguments].concat())
    };
    let ambiguous = stderr(&delete(&["--before", "4"]));
    assert!(ambiguous.contains("--partition"), "{ambiguous}");
    let beyond = stderr(&delete(&["--before", "99", "--partition", "0"]));
    assert!(beyond.contains("ends at 10") && beyond.contains("--before"), "{beyond}");
    let deleted = stdout(&delete(&["--before", "4", "--partition", "0"]));
    assert_eq!(deleted, "letters: partition 0 begins at 4\n");
    let left = stdout(&run(data, &["consume", "letters", "--until-end"]));
    assert_eq!(left, "4\n5\n6\n7\n8\n9\n");
    // Everything is newer than an hour.
    let deleted = stdout(&delete(&["--before", "1h"]));
    assert!(deleted.contains("partition 0 begins at 4"), "{deleted}");
    let deleted = stdout(&delete(&["--before", "end"]));
    assert!(deleted.contains("partition 0 begins at 10"), "{deleted}");
    serving.stop(Signal::TERM);
}

#[test]
fn configurations_are_made_applied_and_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    let serving = ServerProcess::start(data, 26, &[]).wait_until_ready();
    let files = tempfile::tempdir().unwrap();
    let properties = files.path().join("server.properties");
    std::fs::write(&properties, "num.io.threads=9\n").unwrap();
    let properties = properties.to_str().unwrap();
    let created = stdout(&run(data, &["config", "create", "fast", "--file", properties]));
    assert!(created.starts_with("fast: revision 1\narn:aws:kafka:"), "{created}");
    let updated =
        run_with(data, &["config", "update", "fast", "--file", "-"], "num.io.threads=11\n");
    assert_eq!(stdout(&updated), "fast: revision 2\n");
    assert_eq!(stdout(&run(data, &["config", "describe", "fast"])), "num.io.threads=11\n");
    let first = stdout(&run(data, &["config", "describe", "fast", "--revision", "1"]));
    assert_eq!(first, "num.io.threads=9\n");
    assert!(stdout(&run(data, &["config", "list"])).contains("fast  2         any"));

    let applied = stdout(&run(data, &["config", "apply", "fast", "--revision", "1"]));
    assert!(applied.ends_with("demo: fast, revision 1\n"), "{applied}");
    let configs = json(&run(data, &["broker", "config", "1", "--json"]));
    assert_eq!(configs["configs"]["num.io.threads"], "9");
    let used = stderr(&run(data, &["config", "delete", "fast"]));
    assert!(used.contains("demo"), "{used}");
    let wrong = run_with(data, &["config", "create", "bad", "--file", "-"], "broker.id=5");
    assert!(stderr(&wrong).contains("broker.id"));
    assert_eq!(
        stdout(&run_with(data, &["config", "create", "idle", "--file", "-"], "")).lines().count(),
        2
    );
    assert_eq!(stdout(&run(data, &["config", "delete", "idle"])), "idle: deleted\n");
    serving.stop(Signal::TERM);
}

#[test]
fn bytes_that_are_no_text_come_out_as_base64() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    let serving = with_letters(data, 27);
    let mut command = milena();
    command.arg("--data-dir").arg(data).args(["produce", "letters", "--partition", "1"]);
    command.stdin(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(&[0xff, 0xfe, b'\n']).unwrap();
    assert!(child.wait().unwrap().success());
    let arguments = ["consume", "letters", "--partition", "1", "--count", "1", "--json"];
    let record = json(&run(data, &arguments));
    assert_eq!(record["value"], serde_json::json!({"base64": "//4="}));
    serving.stop(Signal::TERM);
}
