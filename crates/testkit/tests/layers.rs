//! The table of crates in `docs/architecture.md` and what cargo knows are the same: each crate, the
//! crates it uses, and that the pure ones have no runtime. What documents name of the
//! code, files and items, is there.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::Command,
};

use serde_json::Value;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/architecture.md");
/// Dependencies that bring a runtime, a clock or I/O into a crate.
const IMPURE: [&str; 6] = ["tokio", "tokio-util", "milena-runtime", "async-trait", "rustix", "mio"];

/// Crates, each with those that it uses when it is built (not when it is tested).
type Dependencies = BTreeMap<String, BTreeSet<String>>;

/// The table, and the names of the crates that it calls pure.
fn documented() -> (Dependencies, BTreeSet<String>) {
    let page = fs::read_to_string(PAGE).unwrap();
    let (_, section) = page.split_once("\n## Crates\n").expect("a section Crates");
    let section = section.split("\n## ").next().unwrap();
    let names = |cell: &str| -> BTreeSet<String> {
        cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    };
    let (mut table, mut pure) = (BTreeMap::new(), BTreeSet::new());
    for row in section.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<_> = row.trim_matches('|').split('|').collect();
        let [name, _, uses, is_pure] = cells[..] else { panic!("four cells a row: {row}") };
        let name = names(name).pop_first().unwrap();
        if is_pure.trim() == "yes" {
            pure.insert(name.clone());
        }
        table.insert(name, names(uses));
    }
    (table, pure)
}

/// Every package of the workspace, with packages from outside among what it uses.
fn dependencies() -> Dependencies {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let done = Command::new(cargo)
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let metadata: Value = serde_json::from_slice(&done.stdout).unwrap();
    let name = |package: &Value| package["name"].as_str().unwrap().to_owned();
    let uses = |package: &Value| {
        let all = package["dependencies"].as_array().unwrap().iter();
        all.filter(|dependency| dependency["kind"].is_null()).map(name).collect()
    };
    metadata["packages"].as_array().unwrap().iter().map(|p| (name(p), uses(p))).collect()
}

fn short(package: &str) -> &str {
    package.trim_start_matches("milena-")
}

#[test]
fn the_table_of_crates_is_what_cargo_builds() {
    let packages = dependencies();
    let actual: Dependencies = packages
        .iter()
        .map(|(name, uses)| {
            let uses = uses.iter().filter(|used| packages.contains_key(*used));
            (short(name).to_owned(), uses.map(|used| short(used).to_owned()).collect())
        })
        .collect();
    let (documented, _) = documented();
    for (name, uses) in &actual {
        assert_eq!(documented.get(name), Some(uses), "`{name}`: left {PAGE}, right Cargo.toml");
    }
    let gone: Vec<_> = documented.keys().filter(|name| !actual.contains_key(*name)).collect();
    assert!(gone.is_empty(), "{PAGE} has crates that are not there: {gone:?}");
}

#[test]
fn a_crate_uses_what_stands_above_it_in_the_table() {
    let page = fs::read_to_string(PAGE).unwrap();
    let place = |name: &str| page.find(&format!("\n| `{name}` |"));
    for (name, uses) in documented().0 {
        for used in uses {
            assert!(place(&used) < place(&name), "`{used}` stands below `{name}`");
        }
    }
}

#[test]
fn pure_crates_have_no_runtime() {
    let (packages, (_, pure)) = (dependencies(), documented());
    assert!(!pure.is_empty());
    for name in &pure {
        for used in &packages[&format!("milena-{name}")] {
            assert!(!IMPURE.contains(&used.as_str()), "{name} must not use {used}");
            let is_ours = packages.contains_key(used);
            assert!(
                !is_ours || pure.contains(short(used)),
                "{name} uses {used}, which is not pure"
            );
        }
    }
}

/// All source files below a folder.
fn source_files(folder: &Path, found: &mut BTreeSet<String>) {
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() && path.file_name().is_none_or(|name| name != "target") {
            source_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.insert(path.to_str().unwrap().to_owned());
        }
    }
}

#[test]
fn names_of_the_code_in_documents_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files = BTreeSet::new();
    for folder in ["crates", "sim", "fuzz", "bench", "xtask"] {
        source_files(&root.join(folder), &mut files);
    }
    let code: Vec<_> = files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    let names: BTreeSet<&str> = code.iter().flat_map(|text| text.split(|c| !is_name(c))).collect();
    let mut gone = Vec::new();
    for document in ["README.md", "CONTRIBUTING.md", "docs/architecture.md", "sim/README.md"] {
        let page = fs::read_to_string(root.join(document)).unwrap();
        for span in page.split('`').skip(1).step_by(2) {
            let is_there = if span.ends_with(".rs") {
                files.iter().any(|file| file.ends_with(&format!("/{span}")))
            } else if span.contains("::") && span.chars().all(|c| is_name(c) || c == ':') {
                span.split("::").all(|name| names.contains(name))
            } else {
                true
            };
            if !is_there {
                gone.push(format!("{document}: {span}"));
            }
        }
    }
    assert!(gone.is_empty(), "{}", gone.join("\n"));
}
