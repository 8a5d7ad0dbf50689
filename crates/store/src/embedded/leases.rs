//! Live leases and their deadlines. These are in memory only: a store that was restarted gives
//! every lease its whole time again, since it does not know for how long it was down. Nor does it
//! know why its writer did not run for a while (the process was stopped, or its machine was): then
//! who renews leases was perhaps not able to either, and all leases are extended by that time.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use crate::store::{LeaseId, StoreError};

/// The longest that the writer does not run for without leases being extended. It looks at them ten
/// times as often.
const WRITER_GAP_MAX: Duration = Duration::from_secs(1);

/// A gap counts for this part of a lease's time at most. It counts for something, since the writer may
/// also wait for a slow disk each time while those who renew leases run: a lease that nobody renews
/// has to end.
const GAPS_PER_TTL: u32 = 10;

#[derive(Debug)]
pub(super) struct Leases {
    live: HashMap<LeaseId, Lease>,
    /// When the writer was last known to run.
    writer_ran: Duration,
}

#[derive(Clone, Copy, Debug)]
struct Lease {
    ttl: Duration,
    deadline: Duration,
    /// The writer is about to end it: its deadline has passed.
    ending: bool,
}

impl Lease {
    fn new(ttl: Duration, now: Duration) -> Self {
        Self { ttl, deadline: now + ttl, ending: false }
    }

    fn is_live(&self, now: Duration) -> bool {
        !self.ending && self.deadline > now
    }
}

impl Leases {
    pub(super) fn restart(granted: Vec<(LeaseId, Duration)>, now: Duration) -> Self {
        let live = granted.into_iter().map(|(id, ttl)| (id, Lease::new(ttl, now)));
        Self { live: live.collect(), writer_ran: now }
    }

    pub(super) fn grant(&mut self, id: LeaseId, ttl: Duration, now: Duration) {
        self.live.insert(id, Lease::new(ttl, now));
    }

    /// The writer runs.
    pub(super) fn writer_runs(&mut self, now: Duration) {
        self.extend_by_gap(now);
        self.writer_ran = now;
    }

    fn extend_by_gap(&mut self, now: Duration) {
        let gap = now.saturating_sub(self.writer_ran);
        if gap > WRITER_GAP_MAX {
            for lease in self.live.values_mut() {
                lease.deadline += gap.saturating_sub(lease.ttl / GAPS_PER_TTL);
            }
            self.writer_ran = now;
        }
    }

    /// Fails after the deadline, even if the writer has not ended the lease yet.
    pub(super) fn keep_alive(&mut self, id: LeaseId, now: Duration) -> Result<(), StoreError> {
        self.extend_by_gap(now);
        match self.live.get_mut(&id) {
            Some(lease) if lease.is_live(now) => {
                lease.deadline = now + lease.ttl;
                Ok(())
            }
            _ => Err(StoreError::LeaseNotFound(id)),
        }
    }

    /// Those that keys can be put with.
    pub(super) fn live(&self, now: Duration) -> HashSet<LeaseId> {
        let live = self.live.iter().filter(|(_, lease)| lease.is_live(now));
        live.map(|(id, _)| *id).collect()
    }

    pub(super) fn remove(&mut self, id: LeaseId) {
        self.live.remove(&id);
    }

    /// Those whose deadline has passed. Nothing gives them more time from now on.
    pub(super) fn expire(&mut self, now: Duration) -> Vec<LeaseId> {
        let mut expired = Vec::new();
        for (id, lease) in &mut self.live {
            if !lease.is_live(now) {
                lease.ending = true;
                expired.push(*id);
            }
        }
        expired
    }

    pub(super) fn next_deadline(&self) -> Option<Duration> {
        self.live.values().map(|lease| lease.deadline).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const LEASE: LeaseId = LeaseId(1);

    fn leases() -> Leases {
        Leases::restart(vec![(LEASE, 10 * SECOND)], Duration::ZERO)
    }

    #[test]
    fn a_writer_that_did_not_run_extends_all_leases_by_that_time() {
        let mut leases = leases();
        leases.writer_runs(SECOND);
        leases.writer_runs(61 * SECOND);
        assert!(leases.expire(61 * SECOND).is_empty());
        assert_eq!(leases.next_deadline(), Some(69 * SECOND), "it counts for a second");
        // Each second of the gap counts once, whoever notices it first.
        leases.keep_alive(LEASE, 121 * SECOND).expect("extended by a minute");
        leases.writer_runs(121 * SECOND);
        assert_eq!(leases.next_deadline(), Some(131 * SECOND));
    }

    #[test]
    fn a_lease_that_nobody_renews_ends_also_where_the_writer_is_always_late() {
        let mut leases = leases();
        let late = 1..=20;
        let ended = late.map(|n| 30 * n * SECOND).find(|now| {
            leases.writer_runs(*now);
            !leases.expire(*now).is_empty()
        });
        assert_eq!(ended, Some(300 * SECOND));
    }

    #[test]
    fn a_writer_that_runs_lets_leases_end() {
        let mut leases = leases();
        (1..=10).for_each(|second| leases.writer_runs(second * SECOND));
        assert_eq!(leases.expire(10 * SECOND), [LEASE]);
        let late = 70 * SECOND;
        assert_eq!(leases.keep_alive(LEASE, late), Err(StoreError::LeaseNotFound(LEASE)), "ending");
        assert!(leases.live(late).is_empty());
        assert_eq!(leases.expire(late), [LEASE], "as long as it was not removed");
        leases.remove(LEASE);
        assert!(leases.expire(late).is_empty());
    }
}
