//! Logs: structured, to standard error, and quiet unless `MILENA_LOG` asks for more.

use std::io::{self, IsTerminal};

use tracing_subscriber::{
    Layer,
    filter::{LevelFilter, Targets},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

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
    let (filter, mistake) = match filter.parse::<Targets>() {
        Ok(filter) => (filter, None),
        Err(error) => (Targets::new().with_default(LevelFilter::WARN), Some(error)),
    };
    // It would complain on standard error of what it cannot write there, and panic where that does
    // not work either: on a full disk.
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr).log_internal_errors(false);
    let lines = if std::env::var(FORMAT).is_ok_and(|format| format == "json") {
        lines.json().boxed()
    } else {
        lines.with_ansi(io::stderr().is_terminal()).boxed()
    };
    tracing_subscriber::registry().with(lines.with_filter(filter)).init();
    if let Some(error) = mistake {
        tracing::warn!(
            %error,
            "MILENA_LOG is not understood and is passed over; use a filter such as info"
        );
    }
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn filters_name_levels_and_targets() {
        let filter: Targets = "info,milena_storage=debug".parse().expect("a filter");
        assert!(filter.would_enable("milena_broker", &Level::INFO));
        assert!(!filter.would_enable("milena_broker", &Level::DEBUG));
        assert!(filter.would_enable("milena_storage::flush", &Level::DEBUG));
        assert!(DEFAULT_FILTER.parse::<Targets>().is_ok());
        assert!("milena=loud".parse::<Targets>().is_err());
    }
}
