//! The names of objects: `{incarnation}/{kind}/{broker}/{broker epoch}/{number}`.

use std::sync::atomic::{AtomicU64, Ordering};

use milena_types::ChunkSeq;

use crate::{catalog::records::LogId, objects::object_id::ObjectId};

/// The kinds of objects that are uploaded.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ObjectKind {
    Segment,
    ManifestPage,
    ProducerSnapshot,
}

/// Names the objects of one broker epoch. Broker epochs are never assigned twice, so no name is
/// either.
pub(crate) struct ObjectNames {
    incarnation: String,
    log: LogId,
    next: AtomicU64,
}

impl ObjectNames {
    pub(crate) fn new(incarnation: &str, log: LogId) -> Self {
        Self { incarnation: incarnation.to_owned(), log, next: AtomicU64::new(0) }
    }

    /// A name that no object of the cluster has had.
    pub(crate) fn next(&self, kind: ObjectKind) -> ObjectId {
        let kind = match kind {
            ObjectKind::Segment => "segments",
            ObjectKind::ManifestPage => "manifests",
            ObjectKind::ProducerSnapshot => "producers",
        };
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (incarnation, LogId { broker, epoch }) = (&self.incarnation, self.log);
        ObjectId::new(format!("{incarnation}/{kind}/{broker}/{epoch}/{number}"))
    }

    /// The name a chunk is encrypted under, of any broker's log.
    pub(crate) fn chunk(&self, log: LogId, seq: ChunkSeq) -> ObjectId {
        let (incarnation, LogId { broker, epoch }) = (&self.incarnation, log);
        ObjectId::new(format!("{incarnation}/wal/{broker}/0/{epoch}/{seq}"))
    }
}
