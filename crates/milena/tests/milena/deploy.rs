//! What `deploy/` has fits the binary and the system that it is for.

use super::*;

const DOCKERFILE: &str = include_str!("../../../../deploy/Dockerfile");
const IGNORED: &str = include_str!("../../../../deploy/Dockerfile.dockerignore");
const UNIT: &str = include_str!("../../../../deploy/milena.service");
const PAGE: &str = include_str!("../../../../docs/operations/running.md");

/// The names of variables in a text.
fn variables(text: &str) -> BTreeSet<&str> {
    let is_name = |c: char| c.is_ascii_uppercase() || c == '_';
    let words = text.split(|c: char| !is_name(c));
    words.filter(|word| word.starts_with("MILENA_") && !word.ends_with('_')).collect()
}

#[test]
fn deployments_set_what_there_is_to_set() {
    let known = variables(PAGE);
    for text in [DOCKERFILE, UNIT] {
        let used = variables(text);
        assert!(!used.is_empty() && used.is_subset(&known), "{:?}", used.difference(&known));
    }
}

#[test]
fn the_image_is_built_from_every_member_of_the_workspace() {
    let workspace: toml::Table = include_str!("../../../../Cargo.toml").parse().unwrap();
    for member in workspace["workspace"]["members"].as_array().unwrap() {
        let folder = member.as_str().unwrap().trim_end_matches("/*");
        assert!(IGNORED.lines().any(|line| line == format!("!{folder}")), "{folder} is left out");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn systemd_understands_the_unit() {
    let dir = tempfile::tempdir().unwrap();
    let unit = dir.path().join("milena.service");
    // It asks for the program too.
    let text = UNIT.replace("/usr/local/bin/milena", env!("CARGO_BIN_EXE_milena"));
    std::fs::write(&unit, text).unwrap();
    let Ok(verified) = Command::new("systemd-analyze").arg("verify").arg(&unit).output() else {
        println!("left out: there is no systemd-analyze");
        return;
    };
    let said = String::from_utf8_lossy(&verified.stderr);
    assert!(verified.status.success() && !said.contains("milena.service"), "{said}");
}
