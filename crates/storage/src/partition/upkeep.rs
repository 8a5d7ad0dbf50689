//! What is done to a partition from time to time: deleting records, retention, letting go of
//! producers.

use std::sync::Arc;

use milena_types::{Offset, Timestamp};

use crate::{
    catalog::pages::PageError,
    chunk::ticket::CommitError,
    flush::flusher::FlushError,
    ledger::LedgerError,
    objects::store::ObjectError,
    partition::partition_log::{Bounds, Partition},
    recovery::opening,
    storage::OpenPartitionError,
};

/// Why a partition could not be changed. Nothing was; what is in memory is as it was.
#[derive(Debug, thiserror::Error)]
pub enum UpkeepError {
    /// The offset is above the high watermark or below zero (OFFSET_OUT_OF_RANGE).
    #[error("offset {asked} is above the high watermark {}: delete up to that at most", .bounds.high_watermark)]
    OutOfRange {
        /// The offset asked for.
        asked: Offset,
        /// Where the log is.
        bounds: Bounds,
    },
    /// The partition was closed here (NOT_LEADER_OR_FOLLOWER).
    #[error("the partition is not led here any more: find its new leader")]
    Closed,
    /// The metadata store, or a newer leader.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A page or snapshot cannot be read or written.
    #[error(transparent)]
    Page(#[from] PageError),
    /// The object store.
    #[error(transparent)]
    Object(#[from] ObjectError),
    /// A flush that was needed first.
    #[error(transparent)]
    Flush(#[from] FlushError),
    /// The flush of all that were handed over together.
    #[error(transparent)]
    Handoff(Arc<FlushError>),
    /// What is stored could not be read again.
    #[error("the manifest could not be read again: {0}")]
    Reload(Box<OpenPartitionError>),
}

impl Partition {
    /// Waits until nothing is pending: everything accepted was committed or has failed.
    /// Cancel-safe.
    pub(crate) async fn settled(&self) {
        loop {
            let last = self.lock().tickets.back().map(|(_, ticket)| ticket.clone());
            let Some(last) = last else { return };
            // The outcome does not matter here; a failed chunk's tickets are taken out when it is
            // reverted.
            if last.settled().await.is_err() && self.shared.is_sealed() {
                return;
            }
            tokio::task::yield_now().await;
        }
    }

    /// Whether the batch that was given `offset` is in the log; waits until that is known. An
    /// append that failed with [`CommitError::Storage`] may still be committed when the disk
    /// comes back; who must know asks here. Only for who alone appends to the partition and
    /// does not while this waits. Cancel-safe.
    ///
    /// [`CommitError::Storage`]: crate::CommitError::Storage
    pub async fn is_committed(&self, offset: Offset) -> bool {
        loop {
            let ticket = {
                let state = self.lock();
                if offset < state.high_watermark {
                    return true;
                }
                state.ticket_of(offset).cloned()
            };
            match ticket {
                None => return false,
                Some(ticket) if ticket.settled().await == Err(CommitError::Closed) => return false,
                Some(_) => tokio::task::yield_now().await,
            }
        }
    }

    /// Moves the log start up to `before` (DeleteRecords); None: to the high watermark. Answers the
    /// log start, which never goes back. What lies below is let go of where whole segments do.
    ///
    /// # Errors
    /// [`UpkeepError::OutOfRange`], and what keeps the change from being decided.
    pub async fn delete_records(&self, before: Option<Offset>) -> Result<Offset, UpkeepError> {
        let bounds = self.bounds();
        let before = before.unwrap_or(bounds.high_watermark);
        if before > bounds.high_watermark || before < Offset::ZERO {
            return Err(UpkeepError::OutOfRange { asked: before, bounds });
        }
        if before > bounds.log_start {
            self.change(false, Some(before)).await?;
        }
        Ok(self.bounds().log_start)
    }

    /// Moves the log start past segments that `retention.ms` and `retention.bytes` do not keep.
    pub(crate) async fn enforce_retention(&self, now: Timestamp) -> Result<(), UpkeepError> {
        let options = self.options();
        if options.retention_ms.is_none() && options.retention_bytes.is_none() {
            return Ok(());
        }
        let (manifest, bounds, mut size) = {
            let state = self.lock();
            (state.manifest.clone(), state.bounds(), state.size_bytes())
        };
        let expired_before = options.retention_ms.map(|ms| Timestamp(now.0.saturating_sub(ms)));
        let mut start = None;
        'segments: for group in 0..=manifest.record.pages.len() {
            let segments = match manifest.record.pages.get(group) {
                Some(page) => self.shared.pages.read(page).await?,
                None => manifest.newer().cloned().collect(),
            };
            for segment in segments {
                let too_old = expired_before.is_some_and(|before| segment.age_from() < before);
                let too_much = options
                    .retention_bytes
                    .is_some_and(|limit| size.saturating_sub(segment.bytes) >= limit);
                if !too_old && !too_much {
                    break 'segments;
                }
                size = size.saturating_sub(segment.bytes);
                start = Some(segment.end);
            }
        }
        match start {
            Some(start) if start > bounds.log_start => {
                match self.change(false, Some(start)).await {
                    // Its next leader does it.
                    Err(UpkeepError::Closed) => Ok(()),
                    outcome => outcome,
                }
            }
            _ => Ok(()),
        }
    }

    /// Forgets silent producers.
    pub(crate) fn expire_producers(&self) {
        let before = opening::expiration(&self.shared);
        self.lock().producers.expire(before);
    }
}
