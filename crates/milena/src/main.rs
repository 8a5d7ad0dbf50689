//! The one binary: the server and its command line.
//!
//! ```text
//! cli/             the command line, one file per group of commands
//! advertise        where clients find brokers, as it is set
//! settings         flags, environment, file and defaults, in that order
//! data_dir         the data directory: its lock, its format, its files
//! serve            a whole Milena in one process, from start to stop
//! executors        the process's threads
//! brokers          starts and stops brokers as tasks of this process
//! api_client       signed calls to the MSK API
//! telemetry        logs
//! ```

mod advertise;
mod api_client;
mod brokers;
mod cli;
mod data_dir;
mod descriptors;
mod executors;
mod memory;
mod serve;
mod settings;
mod telemetry;

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::main()
}
