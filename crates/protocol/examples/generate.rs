//! Writes the generated part of this crate anew: `cargo run -p milena-protocol --example generate`.

#![allow(unreachable_pub, clippy::print_stdout)]

#[path = "../gen/mod.rs"]
mod codegen;

fn main() -> std::io::Result<()> {
    codegen::write(std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")))?;
    println!("src/messages/, src/api_key/table.rs and src/versions/table.rs are written");
    Ok(())
}
