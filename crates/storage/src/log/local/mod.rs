//! The write-ahead log in a directory of local files.

pub(crate) mod directory;
pub(crate) mod epoch_markers;
mod file_scan;
pub(crate) mod frame;
pub(crate) mod frame_writer;
pub(crate) mod local_log;
pub(crate) mod sealed_chunks;
#[cfg(test)]
mod speed;
#[cfg(test)]
mod tests;
mod wakeup;
