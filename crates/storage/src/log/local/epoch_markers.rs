//! Markers that identify a write-ahead directory as the one a broker epoch began in.
//!
//! An empty directory may be new, or stand where the right one is not mounted, was emptied or
//! removed; one with files may be an old copy, or another broker's. So a broker epoch leaves a file
//! with its number in the directory, durably and before the metadata store hears of the epoch.
//! Broker epochs are never assigned twice in a cluster, so a directory without that file is another
//! one.

use std::{collections::BTreeSet, io, path::Path};

use milena_types::BrokerEpoch;

use crate::{
    disk::file_system::{Disk, is_disk_full},
    log::{
        backend::LogError,
        local::{directory::LogDirectory, frame::FileId},
    },
};

const PREFIX: &str = "epoch-";

fn name_of(epoch: BrokerEpoch) -> String {
    format!("{PREFIX}{}", epoch.0)
}

fn of_name(name: &str) -> Option<BrokerEpoch> {
    let epoch = name.strip_prefix(PREFIX)?.parse().ok().map(BrokerEpoch)?;
    (name_of(epoch) == name).then_some(epoch)
}

/// The markers in a directory. Read before the directory is opened, which would create it.
#[derive(Debug, Default)]
pub(crate) struct EpochMarkers {
    log: bool,
    epochs: BTreeSet<BrokerEpoch>,
}

impl EpochMarkers {
    /// Reads the markers; none if the directory does not exist. Blocks.
    ///
    /// # Errors
    /// [`LogError::Io`].
    pub(crate) fn read(dir: &Path, disk: &dyn Disk) -> Result<Self, LogError> {
        let names = match disk.list(dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            listed => listed.map_err(LogError::io(dir, "list the directory"))?,
        };
        let log = names.iter().any(|name| name == "FORMAT" || FileId::of_file_name(name).is_some());
        Ok(Self { log, epochs: names.iter().filter_map(|name| of_name(name)).collect() })
    }

    /// Whether there is, or was, a log in it.
    pub(crate) fn has_log(&self) -> bool {
        self.log
    }

    /// Whether the epoch began in it.
    pub(crate) fn has_epoch(&self, epoch: BrokerEpoch) -> bool {
        self.epochs.contains(&epoch)
    }
}

impl LogDirectory {
    /// Writes the marker of an epoch that is about to begin here. Blocks until it is durable.
    ///
    /// # Errors
    /// [`LogError::Full`], [`LogError::Io`].
    pub(crate) fn write_epoch_marker(&self, epoch: BrokerEpoch) -> Result<(), LogError> {
        let dir = &self.config().dir;
        let path = dir.join(name_of(epoch));
        // Empty: the name is the marker, and an empty file takes no space.
        let made = match self.disk.create(&path, 0) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            made => made.map(drop),
        };
        match made.and_then(|()| self.disk.sync_dir(dir)) {
            Err(source) if is_disk_full(source.kind()) => {
                Err(LogError::Full { dir: dir.clone(), source })
            }
            outcome => outcome.map_err(LogError::io(&path, "make the marker of a broker epoch")),
        }
    }

    /// Removes the markers of all epochs but these. Blocks. What cannot be removed is left to the
    /// next start.
    pub(crate) fn keep_epoch_markers(&self, epochs: &BTreeSet<BrokerEpoch>) {
        let dir = &self.config().dir;
        let outcome = EpochMarkers::read(dir, &*self.disk).and_then(|markers| {
            markers.epochs.difference(epochs).try_for_each(|epoch| self.remove_epoch_marker(*epoch))
        });
        if let Err(error) = outcome {
            tracing::warn!(%error, "the markers of broker epochs that are over are left in place");
        }
    }

    /// Removes the marker of an epoch. Blocks.
    pub(crate) fn remove_epoch_marker(&self, epoch: BrokerEpoch) -> Result<(), LogError> {
        let path = self.config().dir.join(name_of(epoch));
        self.disk.remove(&path).map_err(LogError::io(&path, "remove it"))
    }
}
