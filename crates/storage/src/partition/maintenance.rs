//! Operations on a partition other than produce and fetch: deleting records, retention, expiring
//! producers.

use std::sync::Arc;

use milena_types::{Offset, Timestamp};

use crate::partition::{errors::MaintenanceError, partition::Partition};

impl Partition {
    /// Moves the log start up to `before` (DeleteRecords); `None`: to the high watermark. Returns
    /// the log start, which never goes back. Segments wholly below it are released.
    ///
    /// Cancel-safe: what has begun goes on without the caller, one deletion of a partition at a time.
    ///
    /// # Errors
    /// [`MaintenanceError::OutOfRange`], and what keeps the change from being decided.
    pub async fn delete_records(
        self: &Arc<Self>,
        before: Option<Offset>,
    ) -> Result<Offset, MaintenanceError> {
        let bounds = self.bounds();
        let before = before.unwrap_or(bounds.high_watermark);
        if before > bounds.high_watermark || before < Offset::ZERO {
            return Err(MaintenanceError::OutOfRange { asked: before, bounds });
        }
        if before > bounds.log_start {
            self.move_log_start(before).await?;
        }
        Ok(self.bounds().log_start)
    }

    /// Moves the log start past the segments that exceed `retention.ms` or `retention.bytes`.
    pub(crate) async fn enforce_retention(
        self: &Arc<Self>,
        now: Timestamp,
    ) -> Result<(), MaintenanceError> {
        let options = self.options();
        if options.retention_ms.is_none() && options.retention_bytes.is_none() {
            return Ok(());
        }
        let (manifest, foldable, bounds, mut size) = {
            let state = self.lock();
            (state.manifest.clone(), state.foldable(), state.bounds(), state.size_bytes())
        };
        // Records that are in chunks only are not passed over.
        let unfolded = manifest.unfolded[..foldable].iter().map(|unfolded| &unfolded.segment);
        let expired_before = options.retention_ms.map(|ms| Timestamp(now.0.saturating_sub(ms)));
        let mut start = None;
        'segments: for group in 0..=manifest.record.pages.len() {
            let segments = match manifest.record.pages.get(group) {
                Some(page) => self.manifests.pages.read(page).await?.to_vec(),
                None => manifest.record.segments.iter().chain(unfolded.clone()).cloned().collect(),
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
                match self.move_log_start(start).await {
                    // The next leader does it.
                    Err(MaintenanceError::Closed) => Ok(()),
                    outcome => outcome,
                }
            }
            _ => Ok(()),
        }
    }

    /// Removes producers that committed nothing since `before`.
    pub(crate) fn expire_producers(&self, before: Timestamp) {
        self.lock().producers.expire(before);
    }
}
