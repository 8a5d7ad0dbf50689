//! The generator of `src/messages/`, `src/api_key/table.rs` and `src/versions/table.rs`: from
//! Kafka's schemas and API versions (as JSON) to Rust.
//!
//! Run by `cargo run -p milena-protocol --example generate`; the test `generated_code_is_current`
//! runs it in memory.

mod emit;
pub mod schema;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    path::Path,
};

use schema::{Kind, Schema};

/// The schemas, as checked in.
pub const SCHEMAS: &str = include_str!("../schema/kafka-messages.json");

/// The messages compiled by default, as checked in.
const COMPILED: &str = include_str!("../schema/compiled.txt");

/// The API versions of each release, as checked in.
const API_VERSIONS: &str = include_str!("../schema/api-versions.json");

/// The first line of every generated file.
const NOTE: &str = "// Generated from schema/kafka-messages.json by \
                    `cargo run -p milena-protocol --example generate`.";

/// The attribute of items that are not compiled by default.
const ALL: &str = "#[cfg(any(test, feature = \"all-messages\"))]";

/// The macro of the rows of `REQUESTS`, `RESPONSES` and `STORED`.
const INFO: &str = "\
macro_rules! info {
    ($module:ident::$name:ident, $key:expr $(,)?) => {
        MessageInfo::of::<$module::$name>(stringify!($name), $key)
    };
}
";

/// All generated files: path below the crate's `src/`, and text.
pub fn generate() -> BTreeMap<String, String> {
    let schemas = schema::parse(SCHEMAS);
    let mut files = BTreeMap::new();
    for schema in &schemas {
        let text = format!("{NOTE}\n\n{}", emit::wrap(&emit::message(schema)));
        files.insert(format!("messages/{}.rs", schema.module()), text);
    }
    files.insert("messages/mod.rs".to_owned(), message_list(&schemas));
    files.insert("api_key/table.rs".to_owned(), api_table(&schemas));
    files.insert("versions/table.rs".to_owned(), release_table());
    files
}

/// Writes the files below `src`, and removes messages that no schema describes any more.
pub fn write(src: &Path) -> std::io::Result<()> {
    let files = generate();
    for folder in ["messages", "api_key", "versions"] {
        std::fs::create_dir_all(src.join(folder))?;
    }
    for entry in std::fs::read_dir(src.join("messages"))? {
        let entry = entry?;
        if !files.contains_key(&format!("messages/{}", entry.file_name().to_string_lossy())) {
            std::fs::remove_file(entry.path())?;
        }
    }
    for (path, text) in files {
        std::fs::write(src.join(path), text)?;
    }
    Ok(())
}

fn message_list(schemas: &[Schema]) -> String {
    let mut out = format!(
        "{NOTE}\n\n\
         //! The requests, responses and stored records of Kafka 2.8 to 4.3, a module each.\n\
         //!\n\
         //! Field names and defaults are the schemas'; a field's doc gives its wire type and the\n\
         //! versions that have it. Messages that `schema/compiled.txt` does not name need the\n\
         //! feature `all-messages`, as do the lists of all messages (for tests and fuzzing).\n\n\
         #![allow(clippy::field_reassign_with_default)]\n\
         #![allow(clippy::manual_range_contains, clippy::single_match)]\n\n"
    );
    let compiled: BTreeSet<&str> = COMPILED.lines().filter(|l| !l.starts_with('#')).collect();
    for name in &compiled {
        assert!(schemas.iter().any(|s| s.api_name() == *name), "compiled.txt: no schema of {name}");
    }
    for schema in schemas {
        if !compiled.contains(schema.api_name()) {
            writeln!(out, "{ALL}").unwrap();
        }
        writeln!(out, "pub mod {};", schema.module()).unwrap();
    }
    write!(out, "\n{ALL}\nuse crate::MessageInfo;\n\n{ALL}\n{INFO}").unwrap();
    let groups = [
        ("REQUESTS", "All requests.", Kind::Request),
        ("RESPONSES", "All responses.", Kind::Response),
        ("STORED", "All stored records, headers and blobs.", Kind::Stored),
    ];
    for (list, doc, kind) in groups {
        write!(out, "\n/// {doc}\n{ALL}\npub const {list}: &[MessageInfo] = &[\n").unwrap();
        for schema in schemas.iter().filter(|s| s.kind == kind) {
            let (name, module) = (&schema.name, schema.module());
            let key = schema.api_key.map_or("None".to_owned(), |k| format!("Some({k})"));
            let line = format!("    info!({module}::{name}, {key}),\n");
            out.push_str(&emit::wrap(&line));
        }
        out.push_str("];\n");
    }
    out
}

/// The releases of Kafka with the APIs that each offers.
fn release_table() -> String {
    let releases: BTreeMap<String, BTreeMap<String, (i16, i16)>> =
        serde_json::from_str(API_VERSIONS).expect("the API versions are JSON");
    let mut rows: Vec<(u8, u8, String)> = Vec::new();
    for (release, apis) in releases {
        let (major, minor) = release.split_once('.').expect("major.minor");
        let mut row = String::new();
        for (api, (low, high)) in apis {
            writeln!(row, "        (ApiKey::{api}, {low}, {high}),").unwrap();
        }
        rows.push((major.parse().expect("a number"), minor.parse().expect("a number"), row));
    }
    rows.sort();
    let mut out = format!("{NOTE}\n\n&[\n");
    for (major, minor, row) in rows {
        writeln!(out, "    Release {{ major: {major}, minor: {minor}, apis: &[\n{row}    ] }},")
            .unwrap();
    }
    out.push_str("]\n");
    out
}

fn api_table(schemas: &[Schema]) -> String {
    let mut apis: Vec<&Schema> = schemas.iter().filter(|s| s.kind == Kind::Request).collect();
    apis.sort_by_key(|s| s.api_key);
    let mut out = format!("{NOTE}\n\napis! {{\n");
    for schema in apis {
        let name = schema.api_name();
        let key = schema.api_key.expect("a request has a key");
        let (low, high) = schema.valid.bounds();
        let flexible = schema.flexible.map_or(i16::MAX, |f| f.low);
        writeln!(out, "    {name} = {key}: {low}..={high}, {flexible};").unwrap();
    }
    out.push_str("}\n");
    out
}
