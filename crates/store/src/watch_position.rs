//! [`WatchPosition`]: how far a watch has come, and when it says so while nothing changes that it
//! shows.

use std::time::Duration;

use milena_types::Revision;

use crate::store::{EventBatch, PROGRESS_INTERVAL};

#[derive(Debug)]
pub(crate) struct WatchPosition {
    /// The revision of the last batch.
    shown: Revision,
    /// Up to here there are no more changes to show.
    searched: Revision,
    /// The store's revision when the watch began, which is shown to be reached at once.
    begun_at: Revision,
    /// When an empty batch may be shown next, on the monotonic clock.
    next_progress: Duration,
}

/// What a watch does next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum WatchStep {
    Show(EventBatch),
    /// It waits for a change, but no longer than this to show how far it has come.
    Wait(Option<Duration>),
}

impl WatchPosition {
    /// A watch from `after` on, which begins when the store is at `begun_at`.
    pub(crate) fn new(after: Revision, begun_at: Revision) -> Self {
        Self { shown: after, searched: after, begun_at, next_progress: Duration::ZERO }
    }

    /// The revision behind which to look for the next change.
    pub(crate) fn searched(&self) -> Revision {
        self.searched
    }

    /// The next change is shown.
    pub(crate) fn change(&mut self, batch: EventBatch) -> WatchStep {
        (self.shown, self.searched) = (batch.revision, batch.revision);
        WatchStep::Show(batch)
    }

    /// There is no change to show up to `published`, the newest that may be shown.
    pub(crate) fn no_change(&mut self, published: Revision, now: Duration) -> WatchStep {
        self.searched = self.searched.max(published);
        if self.searched <= self.shown {
            return WatchStep::Wait(None);
        }
        let catches_up = self.shown < self.begun_at;
        if !catches_up && now < self.next_progress {
            return WatchStep::Wait(Some(self.next_progress - now));
        }
        self.shown = self.searched;
        self.next_progress = now + PROGRESS_INTERVAL;
        WatchStep::Show(EventBatch { revision: self.shown, events: Vec::new() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UP_TO_DATE: WatchStep = WatchStep::Wait(None);

    fn progress(revision: u64) -> WatchStep {
        WatchStep::Show(EventBatch { revision: Revision(revision), events: Vec::new() })
    }

    #[test]
    fn progress_is_shown_at_once_up_to_the_beginning_and_then_once_in_a_while() {
        let mut watch = WatchPosition::new(Revision(3), Revision(6));
        let at = Duration::from_millis;
        assert_eq!(watch.no_change(Revision(3), at(0)), UP_TO_DATE);
        // What is published may lag behind what can be read.
        assert_eq!(watch.no_change(Revision(5), at(1)), progress(5));
        assert_eq!(watch.no_change(Revision(5), at(1)), UP_TO_DATE);
        assert_eq!(watch.no_change(Revision(7), at(2)), progress(7));
        assert_eq!(watch.no_change(Revision(8), at(3)), WatchStep::Wait(Some(at(999))));
        assert_eq!(watch.searched(), Revision(8), "it is not searched again");
        assert_eq!(watch.no_change(Revision(90), at(1001)), WatchStep::Wait(Some(at(1))));
        assert_eq!(watch.no_change(Revision(90), at(1002)), progress(90));
        assert_eq!(watch.no_change(Revision(91), at(9000)), progress(91), "it was idle for long");
    }

    #[test]
    fn a_change_is_progress_too() {
        let mut watch = WatchPosition::new(Revision(3), Revision(3));
        assert_eq!(watch.no_change(Revision(4), Duration::ZERO), progress(4));
        watch.change(EventBatch { revision: Revision(6), events: Vec::new() });
        let now = Duration::from_millis(10);
        assert_eq!(watch.no_change(Revision(6), now), UP_TO_DATE);
        assert!(matches!(watch.no_change(Revision(7), now), WatchStep::Wait(Some(_))));
    }
}
