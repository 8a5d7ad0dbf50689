//! Generates `docs/compatibility.md`: `cargo run -p milena-broker --example compatibility`.

#![allow(unreachable_pub, clippy::print_stdout)]

#[path = "../gen/compatibility.rs"]
mod compatibility;

fn main() -> std::io::Result<()> {
    let page = compatibility::page(&compatibility::committed());
    std::fs::write(compatibility::PATH, page)?;
    println!("docs/compatibility.md is written");
    Ok(())
}
