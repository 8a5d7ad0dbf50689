//! The failures of a run.

use std::{
    fmt,
    sync::{Arc, Mutex},
};

use crate::trace::Trace;

/// Everything found wrong so far. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Findings {
    found: Arc<Mutex<Vec<String>>>,
    trace: Trace,
}

/// More than these are not kept: the first ones tell.
const KEPT_MAX: usize = 20;

impl Findings {
    pub(crate) fn new(trace: Trace) -> Self {
        Self { found: Arc::default(), trace }
    }

    /// Adds one: the name of what did not hold, and what shows it.
    pub(crate) fn add(&self, invariant: &str, what: impl fmt::Display) {
        let line = format!("{invariant}: {what}");
        self.trace.line("FOUND", format_args!("{line}"));
        let mut found = self.found.lock().expect("no panic while adding");
        if found.len() < KEPT_MAX && !found.contains(&line) {
            found.push(line);
        }
    }

    pub(crate) fn all(&self) -> Vec<String> {
        self.found.lock().expect("no panic while reading").clone()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.all().is_empty()
    }
}
