//! Logs: structured, to standard error, and quiet unless `MILENA_LOG` asks for more.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

/// Warnings and errors only.
const DEFAULT_FILTER: &str = "warn";

const FILTER: &str = "MILENA_LOG";
const FORMAT: &str = "MILENA_LOG_FORMAT";

/// Environment variable, default and meaning.
#[cfg(test)]
pub(crate) const VARIABLES: [(&str, &str, &str); 2] = [
    (FILTER, "`warn`", "What is logged; a filter such as `info` or `milena_broker=debug`"),
    (FORMAT, "text", "`json` writes an object a line"),
];

/// Starts logging.
pub(crate) fn start() {
    let filter = std::env::var(FILTER).unwrap_or_else(|_| DEFAULT_FILTER.to_owned());
    let (filter, mistake) = match EnvFilter::try_new(&filter) {
        Ok(filter) => (filter, None),
        Err(error) => (EnvFilter::new(DEFAULT_FILTER), Some(error)),
    };
    // It would complain on standard error of what it cannot write there, and panic where that does
    // not work either: on a full disk.
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .log_internal_errors(false);
    if std::env::var(FORMAT).is_ok_and(|format| format == "json") {
        builder.json().init();
    } else {
        builder.with_ansi(io::stderr().is_terminal()).init();
    }
    if let Some(error) = mistake {
        tracing::warn!(%error, "MILENA_LOG is not understood and is passed over; use a filter such as info");
    }
}
