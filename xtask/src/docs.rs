//! The generated documents. Tests fail where one is out of date; with `MILENA_WRITE_DOCS` they
//! write it instead.

use std::process::Command;

use crate::command::{Failure, cargo, is_installed, root, succeed};

pub(crate) fn run() -> Result<(), Failure> {
    succeed(
        cargo()
            .args(["run", "--quiet", "--package", "milena-broker"])
            .args(["--example", "compatibility"]),
    )?;
    let mut tests = cargo();
    tests.args(["test", "--quiet", "--package", "milena", "--package", "milena-service"]);
    // Every test of a document has the word in its name.
    succeed(tests.arg("document").env("MILENA_WRITE_DOCS", "1"))?;
    if is_installed("python3") {
        succeed(Command::new(root().join("sim/faults")).arg("--list"))?;
    } else {
        println!("left out: sim/FAULTS.md, which needs Python");
    }
    Ok(())
}
