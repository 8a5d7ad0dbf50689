//! [`SteppedStore`]: an embedded store without a thread, over any file, for the simulation.

use std::sync::Mutex;

use milena_runtime::Runtime;

use super::{
    EmbeddedOptions, EmbeddedStore, OpenError,
    file::{OpenFile, Opener},
    writer::Writer,
};

/// An embedded store whose writer serves what is queued when [`SteppedStore::step`] is called, and
/// at no other time.
pub struct SteppedStore {
    store: EmbeddedStore,
    writer: Mutex<Writer>,
}

impl SteppedStore {
    /// Opens the file that `open` opens; `options` say the rest.
    pub fn open(
        options: EmbeddedOptions,
        open: Box<OpenFile>,
        runtime: &Runtime,
    ) -> Result<Self, OpenError> {
        let opener = Opener::new(options).with_file(open);
        let (store, writer) = EmbeddedStore::assemble(opener, runtime)?;
        Ok(Self { store, writer: Mutex::new(writer) })
    }

    /// Where requests are made. What changes something waits for the next step.
    pub fn store(&self) -> &EmbeddedStore {
        &self.store
    }

    /// Serves, in one commit, what is queued.
    pub fn step(&self) {
        self.writer.lock().expect("no panic while stepping").step();
    }

    /// Whether a sync of the file has failed, so that another process has to open it anew.
    pub fn is_broken(&self) -> bool {
        self.writer.lock().expect("no panic while stepping").is_file_unsynced()
    }

    /// Lets go of the file. Nothing is served any more.
    pub fn close(&self) {
        self.store.state.close();
    }
}
