//! What the start prints of addresses, and where brokers then are.

use super::*;

/// A port that nobody listens on, with some free ones behind it most likely.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn a_directory_that_is_not_the_default_is_named_for_other_terminals() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("some data");
    let serving = ServerProcess::start(&data, 11, &["--no-demo"]);
    let shown = serving.line("milena   export MILENA_DATA_DIR=");
    let path = data.canonicalize().unwrap();
    assert!(shown.starts_with(&format!("'{}'", path.display())), "{shown}");
    let serving = serving.wait_until_ready();
    // As another terminal would do it.
    let output = milena().env("MILENA_DATA_DIR", &path).args(["cluster", "list"]).output().unwrap();
    assert!(stdout(&output).starts_with("NAME"));
    serving.stop(Signal::TERM);
}

#[test]
fn brokers_move_when_it_is_said_otherwise_where_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    let serving = ServerProcess::start(data, 12, &[]);
    assert_listens(&serving.line("Cluster  demo"));
    let serving = serving.wait_until_ready();
    stdout(&run(data, &["topic", "create", "letters"]));
    assert!(run_with(data, &["produce", "letters"], "Dear Franz\n").status.success());
    serving.stop(Signal::TERM);

    let port = free_port();
    let advertised = format!("localhost:{port}");
    let listen = ["--listen", "127.0.0.1:0"];
    let serving =
        ServerProcess::start_with(data, &[&listen[..], &["--advertise", &advertised]].concat());
    serving.line("The brokers of demo have moved");
    let demo = serving.line("Cluster  demo");
    assert!(demo.split(',').all(|endpoint| endpoint.starts_with("localhost:")), "{demo}");
    let serving = serving.wait_until_ready();
    let read = stdout(&run(data, &["consume", "letters", "--until-end", "--bootstrap", &demo]));
    assert_eq!(read.trim(), "Dear Franz");
    serving.stop(Signal::TERM);

    // What is not said stays as it is.
    let serving = ServerProcess::start_with(data, &listen);
    assert_eq!(serving.line("Cluster  demo"), demo);
    serving.wait_until_ready().stop(Signal::TERM);
    if TcpListener::bind("[::1]:0").is_ok() {
        let advertised = format!("[::1]:{}", free_port());
        let serving =
            ServerProcess::start_with(data, &[&listen[..], &["--advertise", &advertised]].concat());
        let demo = serving.line("Cluster  demo");
        assert!(demo.split(',').all(|endpoint| endpoint.starts_with("[::1]:")), "{demo}");
        assert_listens(&demo);
        serving.wait_until_ready().stop(Signal::TERM);
    }
}

#[test]
fn addresses_that_cannot_be_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    for text in ["foo:9092:1", "http://foo", "0.0.0.0", "[::1", "foo:0"] {
        let refused = stderr(&run(dir.path(), &["serve", "--advertise", text]));
        assert!(refused.contains("kafka.example:9092"), "{text}: {refused}");
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "nothing was started");
}

#[test]
fn brokers_that_do_not_fit_where_they_are_to_move_are_the_reason() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    ServerProcess::start(data, 17, &[]).wait_until_ready().stop(Signal::TERM);
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--advertise", "localhost:65534"];
    let refused = stderr(&run(data, &arguments));
    assert!(refused.contains("the brokers of cluster 'demo' cannot move: no port from 65534 on"));
    assert!(!refused.contains("cannot listen"), "{refused}");
}

#[test]
fn an_address_of_the_api_that_is_taken_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let refused = stderr(&run(dir.path(), &["serve", "--listen", &address, "--no-demo"]));
    assert!(refused.contains(&format!("cannot listen on {address}")), "{refused}");
    assert!(refused.contains("--listen"), "{refused}");
}

#[test]
fn a_start_needs_no_file_that_only_commands_use() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    ServerProcess::start(data, 18, &["--no-demo"]).wait_until_ready().stop(Signal::TERM);
    // It cannot be written, as on a full disk, and an older one names another address.
    std::fs::create_dir(data.join("endpoint.new")).unwrap();
    std::fs::write(data.join("endpoint"), "http://127.0.0.1:1\nus-east-1\n").unwrap();
    let serving = ServerProcess::start(data, 18, &["--no-demo"]);
    let url = serving.line("MSK API");
    let serving = serving.wait_until_ready();
    let listed = run(data, &["cluster", "list", "--output", "plain", "--endpoint", &url]);
    assert_eq!(stdout(&listed), "");
    assert!(!data.join("endpoint").exists());
    serving.stop(Signal::TERM);
}

#[test]
fn an_api_for_all_with_brokers_for_this_machine_gives_a_hint() {
    let dir = tempfile::tempdir().unwrap();
    let second = std::process::id() % 100 + 100;
    let network = format!("127.{second}.14.0/24");
    let arguments = ["--listen", "0.0.0.0:0", "--broker-network", &network, "--no-demo"];
    let serving = ServerProcess::start_with(dir.path(), &arguments);
    serving.line("The API is reachable from other machines, the brokers are not");
    serving.wait_until_ready().stop(Signal::TERM);
}

#[test]
fn a_boolean_is_one_and_goes_before_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let file = dir.path().join("milena.toml");
    std::fs::write(&file, "no-demo = true\n").unwrap();
    let maybe = milena().env("MILENA_NO_DEMO", "maybe").arg("--data-dir").arg(&data).output();
    let maybe = stderr(&maybe.unwrap());
    assert!(maybe.contains("'maybe'") && maybe.contains("--no-demo"), "{maybe}");

    let second = std::process::id() % 100 + 100;
    let network = format!("127.{second}.15.0/24");
    let mut command = milena();
    command.env("MILENA_NO_DEMO", "0").env("MILENA_CONFIG", &file);
    command.args(["serve", "--listen", "127.0.0.1:0", "--broker-network", &network, "--data-dir"]);
    let serving = ServerProcess::of(command.arg(&data));
    serving.line("Cluster  demo");
    serving.wait_until_ready().stop(Signal::TERM);
}

#[test]
#[cfg(unix)]
fn what_cannot_be_read_says_so_once() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    ServerProcess::start(dir.path(), 16, &["--no-demo"]).wait_until_ready().stop(Signal::TERM);
    let key = dir.path().join("key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o000)).unwrap();
    if std::fs::read(&key).is_ok() {
        // Root reads everything; a directory in place of the file no one can read.
        std::fs::remove_file(&key).unwrap();
        std::fs::create_dir(&key).unwrap();
    }
    let refused = stderr(&run(dir.path(), &["serve", "--listen", "127.0.0.1:0"]));
    assert_eq!(refused.matches("(os error").count(), 1, "{refused}");
}
