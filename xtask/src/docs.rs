//! `cargo xtask docs`: generates the protocol's messages and tables, and documents. Tests fail
//! where something is out of date; with `MILENA_WRITE_DOCS` those of the parts of documents write
//! it instead.

use std::process::Command;

use crate::command::{Failure, cargo, is_installed, root, succeed};

pub(crate) fn run() -> Result<(), Failure> {
    // Messages come first: the rest is compiled with them.
    for (package, example) in [("milena-protocol", "generate"), ("milena-broker", "compatibility")]
    {
        let mut run = cargo();
        run.args(["run", "--quiet", "--package", package, "--example", example]);
        succeed(&mut run)?;
    }
    let mut tests = cargo();
    tests.args(["test", "--quiet", "--package", "milena", "--package", "milena-service"]);
    // The names of those tests: see `milena_testkit::documents`. One after the other, since several
    // write the same file.
    tests.args(["document_", "--", "--test-threads=1"]).env("MILENA_WRITE_DOCS", "1");
    succeed(&mut tests)?;
    if is_installed("python3") {
        succeed(Command::new(root().join("sim/faults")).arg("--list"))?;
    } else {
        println!("left out: sim/FAULTS.md, which needs Python");
    }
    Ok(())
}
