//! The output of commands: progress on a terminal, plain lines in a pipe.

use std::{
    fmt::Display,
    io::{self, IsTerminal, Write},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};

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
    let _ = writeln!(io::stderr(), "error: {error:#}");
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
