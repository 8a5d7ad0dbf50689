//! Writes the generated part of this crate anew: `cargo run -p milena-protocol --example generate`.

#![allow(unreachable_pub, clippy::print_stdout)]

#[path = "../gen/mod.rs"]
mod codegen;

fn main() -> std::io::Result<()> {
    codegen::write(std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")))?;
    println!("src/messages/ and src/api_key/table.rs are written");
    Ok(())
}
