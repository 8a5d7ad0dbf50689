//! `check-history FILE…`: holds the histories of one run against what a Kafka cluster promises.
//! Prints the totals and every violation; ends with 1 when there is one.

#![allow(clippy::print_stdout)] // Its output is its purpose.
use std::{fs, process::ExitCode};

use milena_testkit::history::{Event, Totals, check};

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let mut histories: Vec<Vec<Event>> = Vec::new();
    for path in std::env::args().skip(1) {
        let text = fs::read_to_string(&path).map_err(|e| format!("cannot read {path}: {e}"))?;
        let mut history = Vec::new();
        let mut lines = text.split_inclusive('\n').enumerate().peekable();
        while let Some((number, line)) = lines.next() {
            // A client that was killed may leave half a last line.
            if lines.peek().is_none() && !line.ends_with('\n') {
                break;
            }
            history.push(
                serde_json::from_str(line).map_err(|e| format!("{path}:{}: {e}", number + 1))?,
            );
        }
        histories.push(history);
    }
    let (totals, violations) = check(&histories);
    let Totals { sent, acked, present, commits } = totals;
    println!("{sent} sent, {acked} acknowledged, {present} present, {commits} offset commits");
    for violation in violations.iter().take(50) {
        println!("VIOLATION {violation}");
    }
    println!("{} violations", violations.len());
    Ok(if violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
