//! Inside a crate files import one way: a file knows what lies below it, never what uses it.
//!
//! ```sh
//! cargo test -p milena-testkit --test imports -- --nocapture
//! MILENA_ROOT=/another/checkout cargo test …       # that one's numbers, without any assertion
//! ```
//!
//! An import is a path in code that is not for tests, followed through re-exports to the file that
//! defines what it names. A file that only declares modules and re-exports imports nothing.
//! Methods are not seen: `impl` blocks of one type in several files count by the types they name.
//!
//! It prints for each crate the files, the imports, the groups of files that import each other with
//! the imports that close the circle, and the imports that go up; `rules.rs` says what is allowed.

#![allow(clippy::print_stdout)] // What it prints is what it is for.

mod graph;
mod modules;
mod rules;

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::{Path, PathBuf},
};

use graph::Edges;
use modules::Crate;
use rules::{RULES, Rules};

/// The import graph's findings in one crate.
struct Report {
    /// Groups of files that import each other, largest first.
    circles: Vec<BTreeSet<String>>,
    /// Imports from a lower to a higher module, each as a line.
    upward: Vec<String>,
    /// Names in the order that are no modules.
    unknown: Vec<String>,
}

/// The sources of the workspace's crates by name.
fn sources(root: &Path) -> BTreeMap<String, PathBuf> {
    let crates = fs::read_dir(root.join("crates")).unwrap().map(|entry| entry.unwrap().path());
    let others = ["bench/load", "xtask", "sim"].map(|place| root.join(place));
    crates
        .chain(others)
        .filter(|path| path.join("src").exists())
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), path.join("src")))
        .collect()
}

fn report(name: &str, krate: &Crate, order: Option<&[&str]>) -> Report {
    let path = |file: usize| krate.files[file].path.as_str();
    let shown = |(from, to): (usize, usize)| {
        let names: Vec<_> = krate.edges[&(from, to)].iter().map(String::as_str).collect();
        format!("{} → {} ({})", path(from), path(to), names.join(", "))
    };
    let weights: Edges = krate.edges.iter().map(|(edge, names)| (*edge, names.len())).collect();
    let circles = graph::circles(krate.files.len(), &weights);
    println!("\n{name}: {} files, {} imports", krate.files.len(), krate.edges.len());
    for group in &circles {
        let files: Vec<_> = group.iter().map(|file| path(*file)).collect();
        println!("  {} files import each other: {}", group.len(), files.join(" "));
        let order = graph::order(group, &weights);
        let place = |file: usize| order.iter().position(|other| *other == file);
        for edge @ (from, to) in krate.edges.keys().copied() {
            if place(from).is_some_and(|from| place(to).is_some_and(|to| from < to)) {
                println!("    closes it: {}", shown(edge));
            }
        }
    }
    let tops: Vec<&str> = {
        let used = krate.edges.keys().flat_map(|(a, b)| [*a, *b]);
        let tops: BTreeSet<_> = used.map(|file| krate.files[file].top.as_str()).collect();
        tops.into_iter().collect()
    };
    let top = |file: usize| tops.iter().position(|top| *top == krate.files[file].top).unwrap();
    let mut between = Edges::new();
    for (from, to) in krate.edges.keys().filter(|(from, to)| top(*from) != top(*to)) {
        *between.entry((top(*from), top(*to))).or_default() += 1;
    }
    let best = graph::order(&(0..tops.len()).collect::<Vec<_>>(), &between);
    let best: Vec<&str> = best.into_iter().map(|top| tops[top]).collect();
    let has_order = order.is_some();
    let order = order.unwrap_or(&best);
    let level = |file: usize| order.iter().position(|top| *top == krate.files[file].top);
    let mut upward = Vec::new();
    for edge @ (from, to) in krate.edges.keys().copied() {
        match (level(from), level(to)) {
            (Some(from), Some(to)) if from >= to => {}
            _ => upward.push(shown(edge)),
        }
    }
    for line in &upward {
        println!("  goes up: {line}");
    }
    if !upward.is_empty() || !has_order {
        println!("  an order, lowest first, with few that go up: {best:?}");
    }
    let circles = circles.iter().map(|group| group.iter().map(|f| path(*f).to_owned()).collect());
    let is_module = |top: &&&str| krate.files.iter().any(|file| file.top == **top);
    let unknown = order.iter().filter(|top| !is_module(top)).map(|top| (*top).to_owned());
    Report { circles: circles.collect(), upward, unknown: unknown.collect() }
}

/// The findings of `report` that the rules do not allow.
fn violations(rules: &Rules, report: &Report) -> Vec<String> {
    let name = rules.name;
    let mut found = Vec::new();
    let largest = report.circles.first().map_or(0, BTreeSet::len);
    if largest > rules.circle_files_max {
        let max = rules.circle_files_max;
        found.push(format!("{name}: {largest} files import each other, at most {max} may"));
    }
    // While larger ones are allowed for a time, there is no list to hold them against.
    if rules.circle_files_max <= rules::CIRCLE_FILES_MAX {
        for circle in &report.circles {
            let allowed = rules.circles.iter().any(|(files, _)| {
                circle.len() == files.len() && files.iter().all(|file| circle.contains(*file))
            });
            if !allowed {
                found.push(format!("{name}: these import each other, unlisted: {circle:?}"));
            }
        }
        if report.circles.len() < rules.circles.len() {
            found.push(format!("{name}: a listed circle is gone: take it off the list"));
        }
    }
    if report.upward.len() > rules.upward_max {
        let (now, max) = (report.upward.len(), rules.upward_max);
        found.push(format!("{name}: {now} imports go up in {:?}, at most {max} may", rules.order));
    }
    if !report.unknown.is_empty() {
        found.push(format!("{name}: no modules of these names: {:?}", report.unknown));
    }
    if largest < rules.circle_files_max && rules.circle_files_max > rules::CIRCLE_FILES_MAX
        || report.upward.len() < rules.upward_max
    {
        println!("  {name}: rules.rs can be stricter now");
    }
    found
}

#[test]
fn files_import_one_way() {
    let foreign = env::var_os("MILENA_ROOT").map(PathBuf::from);
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut found = Vec::new();
    for (name, src) in sources(foreign.as_deref().unwrap_or(&own)) {
        let Some(krate) = Crate::read(&src) else { continue };
        let rules = RULES.iter().find(|rules| rules.name == name);
        let order = rules.filter(|_| foreign.is_none()).map(|rules| rules.order);
        let report = report(&name, &krate, order);
        match rules {
            Some(rules) => found.extend(violations(rules, &report)),
            None => found.push(format!("{name} has no rules: give it some in rules.rs")),
        }
    }
    assert!(foreign.is_some() || found.is_empty(), "\n{}", found.join("\n"));
}
