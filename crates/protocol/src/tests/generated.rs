//! The generated code is current.

use std::path::Path;

use super::codegen;

#[test]
fn generated_code_is_current() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = codegen::generate();
    for (path, text) in &files {
        let found = std::fs::read_to_string(src.join(path)).unwrap_or_default();
        assert!(
            found == *text,
            "src/{path} is stale; run `cargo run -p milena-protocol --example generate` and commit \
             the result"
        );
    }
    for entry in std::fs::read_dir(src.join("messages")).expect("the messages are there") {
        let name = format!("messages/{}", entry.expect("readable").file_name().to_string_lossy());
        assert!(files.contains_key(&name), "src/{name} belongs to no schema; run the generator");
    }
}
