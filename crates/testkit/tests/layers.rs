//! Imports point down only: what each crate may depend on inside the workspace
//! (docs/architecture.md), and which crates stay free of an async runtime.

use std::{collections::BTreeMap, process::Command};

use serde_json::Value;

/// A crate and the crates of the workspace that it may use.
const LAYERS: &[(&str, &[&str])] = &[
    ("types", &[]),
    ("runtime", &[]),
    ("records", &["types"]),
    ("protocol", &["types", "records"]),
    ("kafka-config", &["records", "protocol"]),
    ("coordinator", &["types", "records", "protocol"]),
    ("storage", &["types", "records", "runtime"]),
    ("metadata", &["types", "runtime"]),
    ("security", &["types", "runtime"]),
    ("client", &["types", "records", "protocol", "runtime"]),
    (
        "broker",
        &[
            "types",
            "records",
            "protocol",
            "kafka-config",
            "coordinator",
            "runtime",
            "storage",
            "metadata",
            "security",
        ],
    ),
    ("service", &["types", "protocol", "runtime", "client", "metadata", "security"]),
    ("testkit", &[]),
    ("load", &["types", "records", "protocol", "runtime", "client"]),
];

/// Crates of pure state and formats: no tokio, no clock, no I/O.
const PURE: &[&str] = &["types", "records", "protocol", "kafka-config", "coordinator"];

/// The packages of the workspace, each with the names of what it uses when it is built (not when it
/// is tested).
fn packages() -> BTreeMap<String, Vec<String>> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let done = Command::new(cargo)
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let metadata: Value = serde_json::from_slice(&done.stdout).unwrap();
    let name = |package: &Value| {
        package["name"].as_str().unwrap().trim_start_matches("milena-").to_owned()
    };
    let uses = |package: &Value| {
        let all = package["dependencies"].as_array().unwrap().iter();
        all.filter(|d| d["kind"].is_null()).map(name).collect::<Vec<_>>()
    };
    metadata["packages"].as_array().unwrap().iter().map(|p| (name(p), uses(p))).collect()
}

#[test]
fn imports_point_down_only() {
    let packages = packages();
    for (name, uses) in &packages {
        if name == "milena" {
            continue; // The binary is above everything.
        }
        let layer = LAYERS.iter().find(|(n, _)| n == name);
        let (_, allowed) =
            layer.unwrap_or_else(|| panic!("{name} has no place in LAYERS: give it one"));
        for used in uses.iter().filter(|used| packages.contains_key(*used)) {
            assert!(allowed.contains(&used.as_str()), "{name} must not use {used}");
        }
    }
}

#[test]
fn pure_crates_have_no_runtime() {
    let packages = packages();
    for name in PURE {
        for used in &packages[*name] {
            let forbidden = ["tokio", "tokio-util", "runtime", "async-trait", "rustix", "mio"];
            assert!(!forbidden.contains(&used.as_str()), "{name} must not use {used}");
        }
    }
}
