//! All tests of the project, part after part. What needs Python, Java, Maven, Go, Node or kcat is
//! skipped, by name, where they are missing.

use std::{
    io,
    process::{Command, ExitStatus},
    time::Instant,
};

use clap::ValueEnum;

use crate::command::{Failure, cargo, is_installed, read_lines, root, target_dir};

/// A part of the tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// The Rust tests of the workspace
    Rust,
    /// The simulation, and deliberate faults that it must find
    Sim,
    /// Real clients of six languages
    Clients,
    /// What is produced by hand, side by side with Apache Kafka
    Differential,
    /// kill -9 while clients produce
    Kill9,
    /// Brokers killed and restarted
    Failover,
    /// Damaged files, full disks, broken wires
    Faults,
    /// Clients that mean harm
    Hostile,
    /// 60 s of fuzzing a target
    Fuzz,
}

impl Part {
    const DEFAULT: [Self; 7] = [
        Self::Rust,
        Self::Sim,
        Self::Clients,
        Self::Differential,
        Self::Kill9,
        Self::Failover,
        Self::Faults,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::Sim => "sim",
            Self::Clients => "clients",
            Self::Differential => "differential",
            Self::Kill9 => "kill9",
            Self::Failover => "failover",
            Self::Faults => "faults",
            Self::Hostile => "hostile",
            Self::Fuzz => "fuzz",
        }
    }
}

/// Runs `parts`, by default all but fuzzing.
pub(crate) fn run(all: bool, parts: &[Part]) -> Result<(), Failure> {
    let mut chosen = if parts.is_empty() { Part::DEFAULT.to_vec() } else { parts.to_vec() };
    // The Rust tests replay earlier findings of the fuzzer, and what attacks measures waits on a
    // machine that is to do nothing else: neither is run by default.
    if parts.is_empty() && all {
        chosen.extend([Part::Hostile, Part::Fuzz]);
    }
    #[expect(clippy::disallowed_methods, reason = "nothing here is simulated")]
    let started = Instant::now();
    let mut suite = Suite { all, totals: Totals::default() };
    let mut release = None;
    for part in Part::value_variants().iter().copied().filter(|part| chosen.contains(part)) {
        match part {
            Part::Rust => suite.rust()?,
            Part::Sim => suite.simulation()?,
            Part::Fuzz => suite.script("fuzz", "fuzz/run", &["--seconds", "60"])?,
            // The others run against the release build of `milena`.
            _ if *release.get_or_insert_with(|| suite.build_release().unwrap_or(false)) => {
                suite.with_milena(part)?;
            }
            _ => {}
        }
    }
    println!("took {} s", started.elapsed().as_secs());
    let Totals { passed, failed, skipped } = suite.totals;
    println!("{passed} passed, {failed} failed, {skipped} skipped");
    if failed == 0 { Ok(()) } else { Err(Failure::Reported) }
}

#[derive(Default)]
struct Totals {
    passed: u64,
    failed: u64,
    skipped: u64,
}

struct Suite {
    all: bool,
    totals: Totals,
}

impl Suite {
    fn rust(&mut self) -> io::Result<()> {
        println!("== rust");
        let shown = |line: &str| is_reported(line).then(|| line.to_owned());
        let mut tests = cargo();
        let (lines, status) =
            read_lines(tests.args(["test", "--workspace", "--no-fail-fast"]), shown)?;
        let totals = cargo_totals(&lines);
        if !status.success() && totals.failed == 0 {
            for line in &lines[lines.len().saturating_sub(60)..] {
                println!("{line}");
            }
            self.totals.failed += 1;
        }
        self.add(&totals);
        Ok(())
    }

    fn simulation(&mut self) -> io::Result<()> {
        println!("== sim-store");
        let mut tests = cargo();
        tests.args(["test", "--manifest-path", "sim/Cargo.toml"]);
        tests.env("CARGO_TARGET_DIR", target_dir());
        let shown = |line: &str| {
            let is_shown = line.starts_with("test ") || line.starts_with("error");
            (is_shown || line.contains("panicked")).then(|| line.to_owned())
        };
        let (lines, status) = read_lines(&mut tests, shown)?;
        let mut totals = cargo_totals(&lines);
        if totals.failed == 0 && (!status.success() || totals.passed == 0) {
            totals.failed = 1;
        }
        self.add(&totals);
        let seeds = if self.all { "300" } else { "10" };
        self.script("sim", "sim/run", &["--test", seeds])?;
        let faults: &[&str] = if self.all { &[] } else { &["--quick"] };
        self.script("sim-faults", "sim/faults", faults)
    }

    /// Builds the binary that the remaining parts run against.
    fn build_release(&mut self) -> io::Result<bool> {
        println!("== build");
        let (lines, status) =
            read_lines(cargo().args(["build", "--release", "--workspace", "--bins"]), |_| None)?;
        for line in &lines[lines.len().saturating_sub(3)..] {
            println!("{line}");
        }
        if !status.success() {
            println!("FAIL the release build");
            self.totals.failed += 1;
        }
        Ok(status.success())
    }

    /// Runs a part against the release build.
    fn with_milena(&mut self, part: Part) -> io::Result<()> {
        let release = target_dir().join("release");
        let (binary, checker) = (release.join("milena"), release.join("check-history"));
        let (binary, checker) = (binary.to_string_lossy(), checker.to_string_lossy());
        let mut arguments = vec!["--binary", &binary];
        match part {
            Part::Kill9 => {
                let rounds = if self.all { "200" } else { "50" };
                arguments.extend(["--rounds", rounds, "--checker", &checker]);
            }
            Part::Failover => {
                let rounds = if self.all { "100" } else { "12" };
                arguments.extend(["--rounds", rounds, "--checker", &checker]);
            }
            _ if self.all => arguments.push("--all"),
            _ => {}
        }
        self.script(part.name(), &format!("tests/{}/run", part.name()), &arguments)
    }

    /// Runs a script that ends with a closing line, and adds that to the totals; without one the
    /// part counts as failed.
    fn script(&mut self, name: &str, script: &str, arguments: &[&str]) -> io::Result<()> {
        // `sim/run` alone is a shell script.
        if script != "sim/run" && !is_installed("python3") {
            println!("skipped {name}: no Python on this machine");
            self.totals.skipped += 1;
            return Ok(());
        }
        println!("== {name}");
        let shown = |line: &str| {
            let indent = if closing(line).is_some() { "  " } else { "" };
            Some(format!("{indent}{line}"))
        };
        let mut command = Command::new(root().join(script));
        let (lines, status) = read_lines(command.current_dir(root()).args(arguments), shown)?;
        self.add_closing(name, &lines, status);
        Ok(())
    }

    fn add_closing(&mut self, name: &str, lines: &[String], status: ExitStatus) {
        match lines.iter().rev().find_map(|line| closing(line)) {
            Some(mut totals) => {
                if !status.success() && totals.failed == 0 {
                    totals.failed = 1;
                }
                self.add(&totals);
            }
            None => {
                println!("FAIL {name} ended with {status} and no closing line");
                self.totals.failed += 1;
            }
        }
    }

    fn add(&mut self, totals: &Totals) {
        self.totals.passed += totals.passed;
        self.totals.failed += totals.failed;
        self.totals.skipped += totals.skipped;
    }
}

/// Whether a line of cargo's output is shown: failures, ignored tests, and sums.
fn is_reported(line: &str) -> bool {
    let test = line.starts_with("test ") && (line.contains("FAILED") || line.contains("ignored"));
    let result =
        line.starts_with("test result") && !line.contains(" 0 passed; 0 failed; 0 ignored");
    let begins = ["error", "---- ", "thread "].iter().any(|start| line.starts_with(start));
    (test && !line.starts_with("test result")) || result || begins || line.contains("panicked")
}

/// The sums of the lines `test result: ok. 1 passed; 0 failed; 0 ignored; …`.
fn cargo_totals(lines: &[String]) -> Totals {
    let mut totals = Totals::default();
    for line in lines.iter().filter(|line| line.starts_with("test result")) {
        let words: Vec<_> = line.split_whitespace().collect();
        let number = |at: usize| words.get(at).and_then(|word| word.parse::<u64>().ok());
        totals.passed += number(3).unwrap_or(0);
        totals.failed += number(5).unwrap_or(0);
        totals.skipped += number(7).unwrap_or(0);
    }
    totals
}

/// The line `N passed, N failed[, N skipped]`.
fn closing(line: &str) -> Option<Totals> {
    let mut parts = line.split(", ");
    let mut number = |word: &str| parts.next()?.strip_suffix(word)?.parse().ok();
    let (passed, failed) = (number(" passed")?, number(" failed")?);
    Some(Totals { passed, failed, skipped: number(" skipped").unwrap_or(0) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_lines_and_results_are_summed() {
        let totals = closing("3 passed, 1 failed, 2 skipped").unwrap();
        assert_eq!((totals.passed, totals.failed, totals.skipped), (3, 1, 2));
        assert!(closing("3 passed, 1 failed").is_some_and(|totals| totals.skipped == 0));
        assert!(closing("took 3 s").is_none());
        let lines = ["test result: ok. 14 passed; 1 failed; 2 ignored; 0 measured".to_owned()];
        let totals = cargo_totals(&lines);
        assert_eq!((totals.passed, totals.failed, totals.skipped), (14, 1, 2));
    }

    #[test]
    fn what_failed_is_shown_and_what_passed_is_not() {
        assert!(is_reported("test a ... FAILED") && is_reported("thread 'a' panicked at b"));
        assert!(is_reported("test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured"));
        assert!(!is_reported("test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured"));
        assert!(!is_reported("test a ... ok"));
    }
}
