//! [`Alarm`]: one timer for deadlines that come one after the other and are nearly never reached.

use std::{pin::Pin, time::Duration};

use milena_runtime::Runtime;
use tokio::time::Sleep;

/// A timer that is set for a deadline and left as it is for later ones: only when it goes off is it
/// set for the one that is waited for then. A timer for each takes locks that all threads share.
pub(crate) struct Alarm {
    runtime: Runtime,
    /// When it goes off, on the runtime's monotonic clock.
    set: Option<(Duration, Pin<Box<Sleep>>)>,
}

impl Alarm {
    pub(crate) const fn new(runtime: Runtime) -> Self {
        Self { runtime, set: None }
    }

    /// Returns at `deadline`. Cancel-safe.
    pub(crate) async fn wait_until(&mut self, deadline: Duration) {
        loop {
            match &mut self.set {
                Some((at, sleep)) if *at <= deadline => {
                    sleep.as_mut().await;
                    self.set = None;
                    if self.runtime.monotonic() >= deadline {
                        return;
                    }
                }
                set => {
                    let left = deadline.saturating_sub(self.runtime.monotonic());
                    *set = Some((deadline, Box::pin(tokio::time::sleep(left))));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[tokio::test]
    async fn it_goes_off_at_each_deadline_whichever_it_was_set_for() {
        let runtime = Runtime::system();
        let mut alarm = Alarm::new(runtime.clone());
        let begun = runtime.monotonic();
        for first in [200, 10, 40] {
            assert!(alarm.wait_until(begun + first * MS).now_or_never().is_none());
        }
        let set_for = |alarm: &Alarm| alarm.set.as_ref().map(|(at, _)| *at - begun);
        assert_eq!(set_for(&alarm), Some(10 * MS), "the earliest");
        for deadline in [30, 20, 60] {
            alarm.wait_until(begun + deadline * MS).await;
            assert!(runtime.monotonic() >= begun + deadline * MS);
        }
        assert!(set_for(&alarm).is_none());
    }
}
