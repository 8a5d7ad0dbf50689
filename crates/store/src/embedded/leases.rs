//! Live leases and their deadlines. These are in memory only: a store that was restarted gives
//! every lease its whole time again, since it does not know for how long it was down.

use std::{collections::HashMap, time::Duration};

use crate::store::{LeaseId, StoreError};

#[derive(Debug, Default)]
pub(super) struct Leases {
    live: HashMap<LeaseId, Lease>,
}

#[derive(Clone, Copy, Debug)]
struct Lease {
    ttl: Duration,
    deadline: Duration,
}

impl Leases {
    pub(super) fn restart(granted: Vec<(LeaseId, Duration)>, now: Duration) -> Self {
        let live = granted.into_iter().map(|(id, ttl)| (id, Lease { ttl, deadline: now + ttl }));
        Self { live: live.collect() }
    }

    pub(super) fn grant(&mut self, id: LeaseId, ttl: Duration, now: Duration) {
        self.live.insert(id, Lease { ttl, deadline: now + ttl });
    }

    /// Fails after the deadline, even if the writer has not ended the lease yet.
    pub(super) fn keep_alive(&mut self, id: LeaseId, now: Duration) -> Result<(), StoreError> {
        match self.live.get_mut(&id) {
            Some(lease) if lease.deadline > now => {
                lease.deadline = now + lease.ttl;
                Ok(())
            }
            _ => Err(StoreError::LeaseNotFound(id)),
        }
    }

    pub(super) fn is_live(&self, id: LeaseId, now: Duration) -> bool {
        self.live.get(&id).is_some_and(|lease| lease.deadline > now)
    }

    pub(super) fn remove(&mut self, id: LeaseId) {
        self.live.remove(&id);
    }

    pub(super) fn expired(&self, now: Duration) -> Vec<LeaseId> {
        self.live.iter().filter(|(_, lease)| lease.deadline <= now).map(|(id, _)| *id).collect()
    }

    pub(super) fn next_deadline(&self) -> Option<Duration> {
        self.live.values().map(|lease| lease.deadline).min()
    }
}
