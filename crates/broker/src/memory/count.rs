//! Memory that is refused when it is used up, instead of waited for.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct ByteCount(Arc<Count>);

#[derive(Debug)]
struct Count {
    used: AtomicUsize,
    max: usize,
}

/// Bytes that are counted until this is dropped.
#[derive(Debug)]
pub(crate) struct Counted {
    count: ByteCount,
    bytes: usize,
}

impl ByteCount {
    pub(crate) fn new(max: usize) -> Self {
        Self(Arc::new(Count { used: AtomicUsize::new(0), max }))
    }

    /// Nothing yet.
    pub(crate) fn empty(&self) -> Counted {
        Counted { count: self.clone(), bytes: 0 }
    }

    #[cfg(test)]
    pub(crate) fn used(&self) -> usize {
        self.0.used.load(Ordering::Relaxed)
    }
}

impl Counted {
    /// Counts `bytes` instead of what was counted, unless that is more and exceeds the limit.
    pub(crate) fn try_set(&mut self, bytes: usize) -> bool {
        let Count { used, max } = &*self.count.0;
        let more = bytes.saturating_sub(self.bytes);
        let fits = |used: usize| Some(used + more).filter(|sum| sum <= max);
        if more > 0 && used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).is_err() {
            return false;
        }
        used.fetch_sub(self.bytes.saturating_sub(bytes), Ordering::Relaxed);
        self.bytes = bytes;
        true
    }

    /// The same for what is never refused.
    pub(crate) fn set(&mut self, bytes: usize) {
        let used = &self.count.0.used;
        // By the difference: others may look meanwhile.
        used.fetch_add(bytes.saturating_sub(self.bytes), Ordering::Relaxed);
        used.fetch_sub(self.bytes.saturating_sub(bytes), Ordering::Relaxed);
        self.bytes = bytes;
    }

    /// Whether the limit is reached.
    pub(crate) fn is_full(&self) -> bool {
        let Count { used, max } = &*self.count.0;
        used.load(Ordering::Relaxed) >= *max
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.count.0.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beyond_the_limit_more_is_refused_and_what_is_there_stays() {
        let count = ByteCount::new(100);
        let (mut one, mut two) = (count.empty(), count.empty());
        assert!(one.try_set(60) && !two.try_set(50) && two.try_set(40));
        assert!(one.is_full() && one.try_set(10) && two.try_set(90) && !one.try_set(11));
        one.set(500);
        assert!(two.try_set(80), "less is never refused");
        assert_eq!(count.used(), 580);
        drop((one, two));
        assert_eq!(count.used(), 0);
    }

    #[test]
    fn what_stays_the_same_is_never_seen_twice() {
        let count = ByteCount::new(100);
        let (mut one, two) = (count.empty(), count.empty());
        one.set(60);
        std::thread::scope(|scope| {
            let setting = scope.spawn(move || (0..200_000).for_each(|n| one.set(60 + n % 2)));
            while !setting.is_finished() {
                assert!(!two.is_full());
            }
        });
    }
}
