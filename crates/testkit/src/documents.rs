//! Parts of the documents that are made from code: between two comments that name the part.
//!
//! A test of the crate that knows the facts calls [`check_part`]; `cargo xtask docs` runs those
//! tests with `MILENA_WRITE_DOCS` set, and then they write the part instead. It finds them by their
//! names, which begin with `document_`; no other test's name has that in it.

use std::{env, fs, path::Path};

/// Compares the part `name` of a document (a path from the workspace's root) with `text`.
///
/// # Panics
///
/// If the document has no such part, or if it says something else.
pub fn check_part(document: &str, name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(document);
    let page = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let (begin, end) = (format!("<!-- generated: {name} -->\n"), "<!-- generated end -->");
    let parts = page.split_once(&begin).and_then(|(before, rest)| {
        let (part, after) = rest.split_once(end)?;
        Some((before, part, after))
    });
    let (before, part, after) =
        parts.unwrap_or_else(|| panic!("{document} has no part {name}: {begin}…{end}"));
    if env::var_os("MILENA_WRITE_DOCS").is_some() {
        fs::write(&path, format!("{before}{begin}{text}{end}{after}"))
            .expect("a writable document");
    } else {
        assert_eq!(part, text, "{document} is out of date: run cargo xtask docs");
    }
}
