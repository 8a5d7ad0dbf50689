//! Lines of the log that outsiders can cause as often as they like.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

const EVERY: Duration = Duration::from_secs(1);

/// Lets one line a second pass, and says how many did not.
#[derive(Debug, Default)]
pub struct LogLimit {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    last: Option<Duration>,
    suppressed: u64,
}

impl LogLimit {
    /// Whether to log at `now` (monotonic): then how many lines were left out before.
    pub fn pass(&self, now: Duration) -> Option<u64> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.last.is_some_and(|last| now.saturating_sub(last) < EVERY) {
            state.suppressed += 1;
            return None;
        }
        state.last = Some(now);
        Some(std::mem::take(&mut state.suppressed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_a_second_passes_with_the_number_of_those_before() {
        let limit = LogLimit::default();
        let at = |ms| limit.pass(Duration::from_millis(ms));
        assert_eq!(
            [at(0), at(1), at(999), at(1000), at(2000)],
            [Some(0), None, None, Some(2), Some(0)]
        );
    }
}
