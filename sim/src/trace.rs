//! The trace of a run, line by line, with the simulated time: log lines of the code under test,
//! requests to the store and the disk, events of clients. Two runs of a seed write the same bytes.

use std::{
    fmt, io,
    sync::{Arc, Mutex},
};

use tracing_subscriber::fmt::MakeWriter;

use crate::environment::elapsed;

/// The trace of a run. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trace {
    bytes: Arc<Mutex<Vec<u8>>>,
}

impl Trace {
    /// Adds a line.
    pub(crate) fn line(&self, node: &str, what: fmt::Arguments<'_>) {
        let now = elapsed();
        let line = format!("{:>5}.{:06} {node:<9} {what}\n", now.as_secs(), now.subsec_micros());
        self.bytes.lock().expect("no panic while tracing").extend_from_slice(line.as_bytes());
    }

    /// Takes all lines so far.
    pub(crate) fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.bytes.lock().expect("no panic while tracing"))
    }

    /// Receives the log lines of all crates.
    pub(crate) fn subscribe(&self, filter: &str) {
        let filter = tracing_subscriber::EnvFilter::new(filter);
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(self.clone())
            .without_time()
            .with_ansi(false)
            .finish();
        tracing::subscriber::set_global_default(subscriber).expect("the only subscriber");
    }
}

impl<'a> MakeWriter<'a> for Trace {
    type Writer = Lines;

    fn make_writer(&'a self) -> Lines {
        Lines(self.clone())
    }
}

/// One log line on its way into the trace.
pub(crate) struct Lines(Trace);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        self.0.line("log", format_args!("{}", text.trim()));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
