//! The real binary: its output, errors and files; its cluster commands; stops, kills and restarts.

mod commands;
mod deploy;
mod start_screen;

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Output, Stdio},
    sync::mpsc::{Receiver, channel},
    time::Duration,
};

use milena_runtime::Runtime;
use rustix::process::{Pid, Signal, kill_process};

/// How long anything may take on a busy machine.
const WAIT_MAX: Duration = Duration::from_secs(30);

/// A milena that serves; killed when dropped.
struct ServerProcess {
    child: Child,
    lines: Receiver<String>,
    runtime: Runtime,
}

fn milena() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_milena"));
    for (name, _) in
        std::env::vars().filter(|(name, _)| name.starts_with("MILENA_") || name.starts_with("AWS_"))
    {
        command.env_remove(name);
    }
    command.stdin(Stdio::null());
    command
}

/// Runs a command to its end.
fn run(data_dir: &Path, arguments: &[&str]) -> Output {
    milena().arg("--data-dir").arg(data_dir).args(arguments).output().unwrap()
}

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    assert!(!output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

impl ServerProcess {
    /// Starts on a free port and in a loopback network of its own: `network` is its third byte.
    fn start(data_dir: &Path, network: u8, arguments: &[&str]) -> Self {
        let second = std::process::id() % 100 + 100;
        let network = format!("127.{second}.{network}.0/24");
        let own = ["--listen", "127.0.0.1:0", "--broker-network", &network];
        Self::start_with(data_dir, &[&own, arguments].concat())
    }

    /// Starts with these arguments only.
    fn start_with(data_dir: &Path, arguments: &[&str]) -> Self {
        Self::of(milena().args(["serve", "--data-dir"]).arg(data_dir).args(arguments))
    }

    fn of(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let (sender, lines) = channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let runtime = Runtime::system();
        let read =
            move || stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line));
        runtime.spawn_thread("read-output", read).unwrap();
        Self { child, lines, runtime }
    }

    /// The next line that begins so, without its beginning.
    fn line(&self, beginning: &str) -> String {
        loop {
            let line = self
                .lines
                .recv_timeout(WAIT_MAX)
                .unwrap_or_else(|_| panic!("no line '{beginning}…'"));
            if let Some(rest) = line.strip_prefix(beginning) {
                return rest.trim().to_owned();
            }
        }
    }

    /// Waits for the last line of the start.
    fn wait_until_ready(self) -> Self {
        self.line("Stop with Ctrl-C");
        self
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Stops it in good order. Returns the time that took.
    fn stop(mut self, signal: Signal) -> Duration {
        let begun = self.runtime.monotonic();
        self.signal(signal);
        while self.lines.recv_timeout(WAIT_MAX).is_ok() {}
        assert!(self.child.wait().unwrap().success());
        self.runtime.monotonic() - begun
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn bootstrap_of(described: &str) -> String {
    let line = described.lines().find_map(|line| line.strip_prefix("Bootstrap"));
    line.unwrap_or_else(|| panic!("no bootstrap in {described}")).trim().to_owned()
}

fn assert_listens(bootstrap: &str) {
    let endpoints: Vec<SocketAddr> =
        bootstrap.split(',').map(|endpoint| endpoint.parse().unwrap()).collect();
    assert_eq!(endpoints.len(), 3, "{bootstrap}");
    for endpoint in endpoints {
        TcpStream::connect_timeout(&endpoint, WAIT_MAX).unwrap();
    }
}

#[test]
fn a_first_start_says_how_to_reach_everything_and_a_second_finds_it_again() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let first = ServerProcess::start(&data, 1, &[]);
    let url = first.line("MSK API");
    assert_eq!(first.line("aws CLI"), format!("export AWS_ENDPOINT_URL_KAFKA={url}"));
    let demo = first.line("Cluster  demo");
    assert_listens(&demo);
    let first = first.wait_until_ready();

    let taken = stderr(&run(&data, &["serve", "--listen", "127.0.0.1:0"]));
    assert!(taken.contains("in use by process") && taken.contains("--data-dir"), "{taken}");

    let listed = stdout(&run(&data, &["cluster", "list"]));
    assert!(listed.starts_with("NAME") && listed.contains("demo  ACTIVE"), "{listed}");
    assert_eq!(bootstrap_of(&stdout(&run(&data, &["cluster", "describe", "demo"]))), demo);
    assert!(first.stop(Signal::TERM) < Duration::from_secs(2));
    assert!(TcpListener::bind(demo.split(',').next().unwrap()).is_ok(), "the brokers are gone");

    let second = ServerProcess::start(&data, 2, &[]);
    let url = second.line("MSK API");
    assert_eq!(
        second.line("Cluster  demo"),
        demo,
        "addresses stay, whatever network is given later"
    );
    let second = second.wait_until_ready();
    assert!(second.stop(Signal::INT) < Duration::from_secs(2));
    // Named, since without a running milena the default address is asked, where another may listen.
    let gone = stderr(&run(&data, &["cluster", "list", "--endpoint", &url]));
    assert!(gone.contains("cannot connect") && gone.contains("start milena"), "{gone}");
}

#[test]
fn clusters_are_created_described_and_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let serving = ServerProcess::start(dir.path(), 3, &["--no-demo"]).wait_until_ready();
    assert_eq!(
        stdout(&run(dir.path(), &["cluster", "list"])).trim(),
        "NAME  STATE  KAFKA  BROKERS  ARN"
    );
    let created = stdout(&run(
        dir.path(),
        &["cluster", "create", "orders", "--kafka-version", "4.1.x.kraft", "--tag", "team=data"],
    ));
    // In a pipe, progress is plain lines.
    assert!(created.contains("orders: ACTIVE\n"), "{created}");
    assert_listens(&bootstrap_of(&created));
    let json = stdout(&run(dir.path(), &["cluster", "describe", "orders", "--json"]));
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["state"], &json["tags"]["team"]), (&"ACTIVE".into(), &"data".into()));

    let again = stderr(&run(dir.path(), &["cluster", "create", "orders"]));
    assert!(again.contains("exists already"), "{again}");
    let wrong = stderr(&run(dir.path(), &["cluster", "create", "x", "--brokers", "4"]));
    assert!(
        wrong.contains("numberOfBrokerNodes") && wrong.contains("multiple of the 3"),
        "{wrong}"
    );
    let unknown = stderr(&run(dir.path(), &["cluster", "describe", "order"]));
    assert!(unknown.contains("milena cluster list"), "{unknown}");

    let arn = json["clusterArn"].as_str().unwrap();
    assert_eq!(
        stdout(&run(dir.path(), &["cluster", "delete", arn])),
        format!("{arn}: DELETING\n{arn}: deleted\n")
    );
    assert_eq!(
        std::fs::read_dir(dir.path().join("clusters")).unwrap().count(),
        0,
        "no file of it is left"
    );
    serving.stop(Signal::TERM);
}

#[test]
fn clusters_half_created_and_half_deleted_are_finished_after_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let serving = ServerProcess::start(dir.path(), 4, &["--no-demo"]).wait_until_ready();
    stdout(&run(dir.path(), &["cluster", "create", "old"]));
    stdout(&run(dir.path(), &["cluster", "create", "new", "--no-wait"]));
    stdout(&run(dir.path(), &["cluster", "delete", "old", "--no-wait"]));
    serving.kill();
    let serving = ServerProcess::start(dir.path(), 4, &["--no-demo"]);
    assert_listens(&serving.line("Cluster  new"));
    let serving = serving.wait_until_ready();
    let deadline = serving.runtime.monotonic() + WAIT_MAX;
    while stdout(&run(dir.path(), &["cluster", "list"])).contains("old") {
        assert!(serving.runtime.monotonic() < deadline, "the cluster 'old' stays");
    }
    serving.stop(Signal::TERM);
}

/// The table of files in docs/operations/running.md, which is made from the code's list.
fn documented_files() -> Vec<&'static str> {
    let page = include_str!("../../../../docs/operations/running.md");
    let (_, table) = page.split_once("<!-- generated: data directory -->\n").unwrap();
    let (table, _) = table.split_once("<!-- generated end -->").unwrap();
    let rows = table.lines().filter_map(|row| row.strip_prefix("| `")?.split_once('`'));
    rows.map(|(path, _)| path).collect()
}

/// Whether a row of the table names the path.
fn is_named(row: &str, path: &str) -> bool {
    let is_part = |(name, part): (&str, &str)| {
        let value = ["ID", "BROKER", "EPOCH", "NUMBER", "INCARNATION"]
            .into_iter()
            .find_map(|value| name.split_once(value));
        value.map_or(name == part, |(before, after)| {
            part.strip_prefix(before).is_some_and(|rest| rest.ends_with(after))
        })
    };
    row.split('/').count() == path.split('/').count()
        && row.split('/').zip(path.split('/')).all(is_part)
}

/// All files and directories below `folder`, from `root`.
fn paths_below(root: &Path, folder: &Path, paths: &mut BTreeSet<(bool, String)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let is_file = path.is_file();
        paths.insert((is_file, path.strip_prefix(root).unwrap().to_str().unwrap().to_owned()));
        if !is_file {
            paths_below(root, &path, paths);
        }
    }
}

#[test]
fn the_data_directory_has_the_documented_files_and_no_others() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    let serving = ServerProcess::start(data, 7, &[]).wait_until_ready();
    stdout(&run(data, &["topic", "create", "letters"]));
    let produced = run_with(data, &["produce", "letters"], "Dear Franz");
    assert!(produced.status.success());
    let mut paths = BTreeSet::new();
    paths_below(data, data, &mut paths);
    serving.stop(Signal::TERM);
    paths_below(data, data, &mut paths);

    let rows = documented_files();
    let unknown: Vec<_> = paths
        .iter()
        .filter(|(is_file, path)| *is_file && !rows.iter().any(|row| is_named(row, path)))
        .collect();
    assert!(unknown.is_empty(), "files that the table does not name: {unknown:?}");
    // Objects come with a flush, and most of them later; the mark with a failing disk.
    let comes_later = |row: &str| row.contains("/objects/") || row == "metadata.unsynced";
    for row in rows.iter().filter(|row| !comes_later(row)) {
        assert!(paths.iter().any(|(_, path)| is_named(row, path)), "{row} names no file");
    }
}

#[test]
fn what_is_made_in_a_directory_that_others_may_enter_is_the_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::set_permissions(&data, PermissionsExt::from_mode(0o777)).unwrap();
    let serving = ServerProcess::start(&data, 8, &[]).wait_until_ready();
    stdout(&run(&data, &["topic", "create", "letters"]));
    assert!(run_with(&data, &["produce", "letters"], "Dear Milena").status.success());
    serving.stop(Signal::TERM);
    let mut paths = BTreeSet::new();
    paths_below(&data, &data, &mut paths);
    for (is_file, path) in &paths {
        let mode = std::fs::metadata(data.join(path)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, if *is_file { 0o600 } else { 0o700 }, "{path}: {mode:o}");
    }
}

#[test]
fn requests_need_a_signature_unless_it_is_said_otherwise() {
    let dir = tempfile::tempdir().unwrap();
    let serving = ServerProcess::start(dir.path(), 5, &["--no-demo"]);
    let url = serving.line("MSK API");
    let serving = serving.wait_until_ready();
    let stranger = tempfile::tempdir().unwrap();
    let refused = stderr(&run(stranger.path(), &["cluster", "list", "--endpoint", &url]));
    assert!(refused.contains("no credentials file") && refused.contains("--data-dir"), "{refused}");
    serving.stop(Signal::TERM);

    let serving = ServerProcess::start(dir.path(), 5, &["--no-demo", "--no-auth"]);
    let url = serving.line("MSK API");
    let serving = serving.wait_until_ready();
    stdout(&run(stranger.path(), &["cluster", "list", "--endpoint", &url]));
    serving.stop(Signal::TERM);
    let open = stderr(&run(dir.path(), &["serve", "--no-auth", "--listen", "0.0.0.0:0"]));
    assert!(open.contains("loopback"), "{open}");
}

#[test]
fn data_of_a_newer_release_or_without_its_key_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    ServerProcess::start(dir.path(), 6, &["--no-demo"]).wait_until_ready().stop(Signal::TERM);
    let key = std::fs::read(dir.path().join("key")).unwrap();
    std::fs::remove_file(dir.path().join("key")).unwrap();
    let refused = stderr(&run(dir.path(), &["serve", "--listen", "127.0.0.1:0"]));
    assert!(refused.contains("key") && refused.contains("backup"), "{refused}");
    std::fs::write(dir.path().join("key"), key).unwrap();
    std::fs::write(dir.path().join("FORMAT"), "milena data directory, format 99\n").unwrap();
    let refused = stderr(&run(dir.path(), &["serve", "--listen", "127.0.0.1:0"]));
    assert!(refused.contains("newer release"), "{refused}");
}

/// Runs a command to its end with `input` as its standard input.
fn run_with(data_dir: &Path, arguments: &[&str], input: &str) -> Output {
    let mut command = milena();
    command.arg("--data-dir").arg(data_dir).args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn records_come_out_as_they_went_in_also_after_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    let serving = ServerProcess::start(data, 30, &[]).wait_until_ready();
    let none = stderr(&run(data, &["consume", "orders"]));
    assert!(none.contains("milena topic create orders"), "{none}");
    let created = stdout(&run(
        data,
        &["topic", "create", "orders", "--partitions", "3", "-c", "retention.ms=-1"],
    ));
    assert_eq!(created.trim(), "orders: created with 3 partitions");
    let again = stderr(&run(data, &["topic", "create", "orders"]));
    assert!(again.contains("milena topic describe orders"), "{again}");

    let lines: Vec<String> = (0..500).map(|i| format!("customer-{}:{i} books", i % 7)).collect();
    let arguments = [
        "produce",
        "orders",
        "--key-separator",
        ":",
        "--compression",
        "lz4",
        "--header",
        "from=test",
    ];
    let produced = run_with(data, &arguments, &lines.join("\n"));
    assert!(produced.status.success() && produced.stdout.is_empty());
    assert!(String::from_utf8_lossy(&produced.stderr).starts_with("500 records"));
    serving.kill();

    let serving = ServerProcess::start(data, 30, &[]).wait_until_ready();
    let read = stdout(&run(data, &["consume", "orders", "--keys", "--until-end"]));
    let mut read: Vec<String> = read.lines().map(|line| line.replacen('\t', ":", 1)).collect();
    let by_customer =
        |c: &str| read.iter().filter(|r| r.starts_with(c)).cloned().collect::<Vec<_>>();
    let sent: Vec<String> = lines.iter().filter(|r| r.starts_with("customer-3")).cloned().collect();
    assert_eq!(by_customer("customer-3"), sent, "a key's records keep their order");
    let mut sent = lines;
    sent.sort();
    read.sort();
    assert_eq!(read, sent);

    let first = stdout(&run(data, &["consume", "orders", "--group", "audit", "--count", "200"]));
    let rest = stdout(&run(data, &["consume", "orders", "--group", "audit", "--until-end"]));
    assert_eq!(
        (first.lines().count(), rest.lines().count()),
        (200, 300),
        "a group goes on where it stopped"
    );
    let json = stdout(&run(data, &["consume", "orders", "--json", "--count", "1"]));
    assert!(json.contains(r#""headers":[["from","test"]]"#), "{json}");

    let described = stdout(&run(data, &["topic", "describe", "orders"]));
    assert!(
        described.contains("retention.ms=-1") && described.contains("PARTITION  LEADER"),
        "{described}"
    );
    assert_eq!(stdout(&run(data, &["topic", "delete", "orders"])).trim(), "orders: deleted");
    assert_eq!(stdout(&run(data, &["topic", "list"])).trim(), "NAME  PARTITIONS  REPLICAS");
    serving.stop(Signal::TERM);
}
