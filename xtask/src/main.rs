//! Development tasks: `cargo xtask --help` lists them.

#![allow(clippy::print_stdout, clippy::print_stderr)]

mod check;
mod command;
mod docs;
mod suite;

use std::{
    io,
    process::{Command, ExitCode},
};

use clap::{Parser, Subcommand};
use command::{Failure, cargo, root, succeed};
use suite::Part;

/// Development tasks of Milena
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Task {
    /// Check format, lints, documentation and licences
    Check,
    /// Generate code, documents and parts of documents
    Docs,
    /// Run tests, ending with `N passed, N failed, N skipped`
    Test {
        /// More rounds, every client against every Kafka version, the long form of the faults, and
        /// 60 s of fuzzing a target
        #[arg(long)]
        all: bool,
        /// Only these parts [default: all but fuzz]
        #[arg(value_enum)]
        parts: Vec<Part>,
    },
    /// Print figures of the code's structure: lines of files and functions, public items, columns
    Measure {
        /// Only these crates [default: all]
        crates: Vec<String>,
    },
    #[command(flatten)]
    Script(Script),
}

/// The tasks that are scripts of their own.
#[derive(Subcommand)]
enum Script {
    /// Measure against peers (bench/run)
    #[command(disable_help_flag = true)]
    Bench(Arguments),
    /// Run the simulation (sim/run)
    #[command(disable_help_flag = true)]
    Sim(Arguments),
    /// Run the fuzz targets (fuzz/run)
    #[command(disable_help_flag = true)]
    Fuzz(Arguments),
}

#[derive(clap::Args)]
struct Arguments {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

fn main() -> ExitCode {
    let outcome = match Task::parse() {
        Task::Check => check::run(),
        Task::Docs => docs::run(),
        Task::Test { all, parts } => suite::run(all, &parts),
        Task::Measure { crates } => {
            let mut run = cargo();
            run.args(["run", "--quiet", "--package", "milena-testkit", "--example", "measure"]);
            succeed(run.arg("--").args(crates))
        }
        Task::Script(script) => {
            let (path, Arguments { arguments }) = match script {
                Script::Bench(arguments) => ("bench/run", arguments),
                Script::Sim(arguments) => ("sim/run", arguments),
                Script::Fuzz(arguments) => ("fuzz/run", arguments),
            };
            succeed(Command::new(root().join(path)).args(arguments))
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Reported) => ExitCode::FAILURE,
        Err(Failure::Io(error)) => {
            eprintln!("cargo xtask: {error}");
            ExitCode::FAILURE
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
