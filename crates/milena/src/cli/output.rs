//! The output of commands: progress on a terminal, plain lines in a pipe.

use std::{
    fmt::Display,
    io::{self, IsTerminal, Write},
    time::Duration,
};

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

/// How a list is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Columns under a heading
    #[default]
    Table,
    /// A line for each, with tabs between and no heading
    Plain,
    /// JSON; what comes from the MSK API as the API gives it
    Json,
}

/// For commands that write lists.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(crate) struct OutputArgs {
    /// How the list is written
    #[arg(long, short, value_enum, default_value_t, value_name = "FORMAT")]
    output: Format,
    /// The same as --output json
    #[arg(long, conflicts_with = "output")]
    json: bool,
}

impl OutputArgs {
    pub(crate) fn is_table(self) -> bool {
        self.format() == Format::Table
    }

    fn format(self) -> Format {
        if self.json { Format::Json } else { self.output }
    }

    /// Writes a list. `json` is the whole of it, which may say more than the columns do.
    pub(crate) fn list<const N: usize>(
        self,
        heading: [&str; N],
        rows: Vec<[String; N]>,
        json: &Value,
    ) -> anyhow::Result<()> {
        match self.format() {
            Format::Json => line(serde_json::to_string_pretty(json)?),
            Format::Plain => rows.iter().try_for_each(|row| line(row.join("\t"))),
            Format::Table => {
                let mut all = vec![heading.map(str::to_owned)];
                all.extend(rows);
                table(&all)
            }
        }
    }
}

/// Writes a line to standard output. A reader that went away, such as `head`, is no error.
pub(crate) fn line(text: impl Display) -> anyhow::Result<()> {
    match writeln!(io::stdout(), "{text}") {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        outcome => Ok(outcome?),
    }
}

/// Writes why a command failed to standard error, on one line.
pub(crate) fn error(error: &anyhow::Error) {
    // A failure of this cannot be reported.
    let _ = writeln!(io::stderr(), "error: {}", reasons(error));
}

/// The error and its causes. Some errors end with the text of their cause already.
fn reasons(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

/// Writes rows in columns as wide as they need, without spaces at the ends of lines.
pub(crate) fn table<const N: usize>(rows: &[[String; N]]) -> anyhow::Result<()> {
    let width =
        |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    for row in rows {
        let cells: Vec<String> =
            row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        line(cells.join("  ").trim_end())?;
    }
    Ok(())
}

/// A spinner on a terminal; in a pipe, one line for each change.
pub(crate) struct Progress {
    spinner: Option<ProgressBar>,
    last: String,
}

impl Progress {
    pub(crate) fn new() -> Self {
        let spinner = io::stderr().is_terminal().then(|| {
            let spinner = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
                spinner.set_style(style);
            }
            spinner.enable_steady_tick(Duration::from_millis(100));
            spinner
        });
        Self { spinner, last: String::new() }
    }

    /// Shows where things are.
    pub(crate) fn show(&mut self, text: String) -> anyhow::Result<()> {
        if text == self.last {
            return Ok(());
        }
        match &self.spinner {
            Some(spinner) => spinner.set_message(text.clone()),
            None => line(&text)?,
        }
        self.last = text;
        Ok(())
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(spinner) = &self.spinner {
            spinner.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_named_once() {
        #[derive(Debug, thiserror::Error)]
        #[error("cannot read the key: {source}")]
        struct Unreadable {
            source: io::Error,
        }
        let error = Unreadable { source: io::Error::from_raw_os_error(13) };
        let error = anyhow::Error::from(error).context("cannot start");
        let text = reasons(&error);
        assert_eq!(text.matches("(os error 13)").count(), 1, "{text}");
        assert!(text.starts_with("cannot start: cannot read the key: "), "{text}");
    }
}
