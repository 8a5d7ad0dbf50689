//! The memory of requests above [`UNCOUNTED_BYTES`], from their arrival until they were handled.
//!
//! What has arrived is counted, never what a client says will come. When there is no room left:
//!
//! - of those that wait, the one that has been arriving for longest completes from a reserve, so that
//!   one always completes, also while requests that never end hold the rest;
//! - one that arrives more slowly than [`SLOW_BYTES_PER_SECOND`], now and not on average, or that has
//!   been arriving for [`ARRIVAL_MAX`], is closed, the latest first.
//!
//! While there is room nobody is closed for being slow, and a request that is whole when its memory
//! was counted, as nearly all are, takes no lock: only one that waits has a number.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use milena_runtime::Runtime;
use tokio::sync::Notify;

/// Of each request: their number is bounded by that of the connections.
pub(crate) const UNCOUNTED_BYTES: usize = 8 * 1024;
/// What a request gets at least at a time.
const STEP_MIN: usize = 64 * 1024;
/// What a request gets at most at a time: as much as it has sent, up to this.
const STEP_MAX: usize = 1 << 20;
/// Who sends less is closed when others want memory.
const SLOW_BYTES_PER_SECOND: u64 = 64 * 1024;
/// For how long a client may send nothing before its request counts as slow.
const GRACE: Duration = Duration::from_secs(1);
/// A request that arrives for longer is closed when others want memory, however fast it is: clients
/// give requests up after 30 s.
const ARRIVAL_MAX: Duration = Duration::from_secs(30);
/// How often who waits looks for who is slow.
const LOOK: Duration = Duration::from_millis(250);

/// Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct RequestMemory {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    free: AtomicUsize,
    /// How many wait for memory.
    waiting: AtomicUsize,
    state: Mutex<State>,
    /// Memory was given back, and some wait for it.
    freed: Notify,
    /// A request is to be closed.
    closing: Notify,
}

#[derive(Debug)]
struct State {
    /// Whose the reserve is, until it was handled. It is as large as a request may be.
    reserved_for: Option<u64>,
    /// Numbers of requests rise in the order in which they began to wait: for the rest of them, or
    /// for memory.
    next: u64,
    arriving: HashMap<u64, Arrival>,
    /// The one that is to be closed.
    closing: Option<u64>,
}

/// Times are monotonic.
#[derive(Clone, Copy, Debug)]
struct Arrival {
    since: Duration,
    received: usize,
    /// When it counts as slow, unless more arrives. A wait for memory puts it off: that is not its
    /// client's fault.
    slow_at: Duration,
    waits_since: Option<Duration>,
}

impl Arrival {
    fn begun(now: Duration) -> Self {
        Self { since: now, received: UNCOUNTED_BYTES, slow_at: now + GRACE, waits_since: None }
    }

    /// So much of the request is there. What came fast earlier is no credit for later.
    fn note_received(&mut self, received: usize, now: Duration) {
        let more = received.saturating_sub(self.received) as u64;
        let earned = Duration::from_millis(more.saturating_mul(1000) / SLOW_BYTES_PER_SECOND);
        let from = self.slow_at.max(now.saturating_sub(GRACE));
        self.slow_at = (from + earned).min(now + GRACE);
        self.received = received;
    }

    fn wait_ended(&mut self, now: Duration) {
        if let Some(since) = self.waits_since.take() {
            self.slow_at += now.saturating_sub(since);
        }
    }

    /// For how long it has been too slow, if it is.
    fn late_by(&self, now: Duration) -> Option<Duration> {
        let slow_at = if self.waits_since.is_some() { Duration::MAX } else { self.slow_at };
        // One for which nothing is counted keeps nobody waiting.
        let holds_memory = self.received > UNCOUNTED_BYTES;
        let over_at = if holds_memory { self.since + ARRIVAL_MAX } else { Duration::MAX };
        now.checked_sub(slow_at.min(over_at)).filter(|late| !late.is_zero())
    }
}

/// The request is the slowest of those that others wait for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooSlow;

/// The memory of a request that arrives or has arrived.
#[derive(Debug)]
pub(crate) struct RequestPermit {
    memory: RequestMemory,
    /// None: it has not waited.
    number: Option<u64>,
    bytes: usize,
    from_reserve: bool,
}

impl RequestMemory {
    /// `bytes` for all, and beside them the reserve for one.
    pub(crate) fn new(bytes: usize) -> Self {
        let state = State { reserved_for: None, next: 0, arriving: HashMap::new(), closing: None };
        Self {
            shared: Arc::new(Shared {
                free: AtomicUsize::new(bytes),
                waiting: AtomicUsize::new(0),
                state: Mutex::new(state),
                freed: Notify::new(),
                closing: Notify::new(),
            }),
        }
    }

    /// A request goes on arriving after the bytes that are not counted.
    pub(crate) fn begin(&self) -> RequestPermit {
        RequestPermit { memory: self.clone(), number: None, bytes: 0, from_reserve: false }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    fn try_take(&self, bytes: usize) -> bool {
        let left = |free: usize| free.checked_sub(bytes);
        self.free.fetch_update(Ordering::SeqCst, Ordering::Relaxed, left).is_ok()
    }

    fn give_back(&self, bytes: usize) {
        self.free.fetch_add(bytes, Ordering::SeqCst);
        // In one order with what who waits does: it is counted first, and then looks at what is free.
        if self.waiting.load(Ordering::SeqCst) > 0 {
            self.freed.notify_waiters();
        }
    }
}

/// One that waits for memory.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(waiting: &'a AtomicUsize) -> Self {
        waiting.fetch_add(1, Ordering::SeqCst);
        Self(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl State {
    /// The number of a request that arrives; it may have got one earlier.
    fn enlist(&mut self, number: &mut Option<u64>, now: Duration) -> u64 {
        *number.get_or_insert_with(|| {
            let number = self.next;
            self.next += 1;
            self.arriving.insert(number, Arrival::begun(now));
            number
        })
    }

    /// Takes memory, if there is some for this request.
    fn take(&mut self, permit: &mut RequestPermit, bytes: usize, now: Duration) -> bool {
        let number = self.enlist(&mut permit.number, now);
        let taken = if permit.from_reserve {
            true
        } else if permit.memory.shared.try_take(bytes) {
            permit.bytes += bytes;
            true
        } else if self.reserved_for.is_none() && !self.an_older_one_waits(number) {
            permit.from_reserve = true;
            self.reserved_for = Some(number);
            true
        } else {
            false
        };
        if let Some(arrival) = self.arriving.get_mut(&number) {
            if taken {
                arrival.wait_ended(now);
            } else {
                arrival.waits_since.get_or_insert(now);
            }
        }
        taken
    }

    /// The reserve is not for one that arrives: it may never ask for more.
    fn an_older_one_waits(&self, number: u64) -> bool {
        let waits =
            |(other, arrival): (&u64, &Arrival)| *other < number && arrival.waits_since.is_some();
        self.arriving.iter().any(waits)
    }

    /// The one that has been too slow for longest.
    fn slowest(&self, now: Duration) -> Option<u64> {
        let late = self.arriving.iter().filter_map(|(number, arrival)| {
            Some((arrival.late_by(now)?, std::cmp::Reverse(*number)))
        });
        late.max().map(|(_, number)| number.0)
    }
}

impl RequestPermit {
    /// How many bytes it is for, those that are not counted included.
    pub(crate) fn bytes(&self) -> usize {
        if self.from_reserve { usize::MAX } else { UNCOUNTED_BYTES + self.bytes }
    }

    /// Waits for memory for more of the request, of which `received` bytes are there and `missing`
    /// are not. Cancel-safe.
    pub(crate) async fn grow(
        &mut self,
        received: usize,
        missing: usize,
        runtime: &Runtime,
    ) -> Result<(), TooSlow> {
        let bytes = missing.min(received.clamp(STEP_MIN, STEP_MAX));
        if self.number.is_none() && self.memory.shared.try_take(bytes) {
            self.bytes += bytes;
            return Ok(());
        }
        Box::pin(self.wait_for(bytes, runtime)).await
    }

    async fn wait_for(&mut self, bytes: usize, runtime: &Runtime) -> Result<(), TooSlow> {
        let memory = self.memory.clone();
        let _waiting = Waiting::new(&memory.shared.waiting);
        loop {
            let mut freed = std::pin::pin!(memory.shared.freed.notified());
            // Before the look, so that nothing that is freed after it is missed.
            freed.as_mut().enable();
            {
                let now = runtime.monotonic();
                let mut state = memory.lock();
                if self.number.is_some() && state.closing == self.number {
                    return Err(TooSlow);
                }
                if state.take(self, bytes, now) {
                    return Ok(());
                }
                if state.closing.is_none() {
                    state.closing = state.slowest(now);
                    if state.closing.is_some() {
                        memory.shared.closing.notify_waiters();
                    }
                }
            }
            tokio::select! {
                biased;
                () = freed => {}
                () = runtime.sleep(LOOK) => {}
            }
        }
    }

    /// The rest of the request is waited for: called before it is.
    pub(crate) fn await_rest(&mut self, runtime: &Runtime) {
        if self.number.is_none() {
            let now = runtime.monotonic();
            self.memory.lock().enlist(&mut self.number, now);
        }
    }

    /// So much of the request has arrived, and the rest has not.
    pub(crate) fn note_received(&mut self, received: usize, now: Duration) {
        let mut state = self.memory.lock();
        let number = state.enlist(&mut self.number, now);
        if let Some(arrival) = state.arriving.get_mut(&number) {
            arrival.note_received(received, now);
        }
    }

    /// Returns when the request is to be closed. Cancel-safe.
    pub(crate) async fn too_slow(&self) {
        loop {
            let mut closing = std::pin::pin!(self.memory.shared.closing.notified());
            closing.as_mut().enable();
            if self.number.is_some() && self.memory.lock().closing == self.number {
                return;
            }
            closing.await;
        }
    }

    /// All of the request is there.
    pub(crate) fn arrived(&self) {
        if let Some(number) = self.number {
            self.memory.lock().leave(number);
        }
    }
}

impl State {
    fn leave(&mut self, number: u64) {
        self.arriving.remove(&number);
        if self.closing == Some(number) {
            self.closing = None;
        }
    }
}

impl Drop for RequestPermit {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            let mut state = self.memory.lock();
            state.leave(number);
            if state.reserved_for == Some(number) {
                state.reserved_for = None;
            }
        }
        self.memory.shared.give_back(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use futures_util::FutureExt as _;
    use milena_runtime::{Clock, Random};

    use super::*;

    /// Milliseconds.
    #[derive(Clone, Default)]
    struct TestClock(Arc<AtomicU64>);

    impl Clock for TestClock {
        fn wall_ms(&self) -> i64 {
            0
        }

        fn monotonic(&self) -> Duration {
            Duration::from_millis(self.0.load(Ordering::Relaxed))
        }
    }

    impl Random for TestClock {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(0);
        }
    }

    fn runtime() -> (Runtime, TestClock) {
        let clock = TestClock::default();
        (Runtime::new(Arc::new(clock.clone()), Arc::new(clock.clone())), clock)
    }

    /// A request whose rest is waited for.
    fn waited_for(memory: &RequestMemory, runtime: &Runtime) -> RequestPermit {
        let mut permit = memory.begin();
        permit.await_rest(runtime);
        permit
    }

    #[tokio::test]
    async fn the_oldest_that_waits_completes_from_the_reserve_and_the_next_after_it() {
        let (runtime, _clock) = runtime();
        let memory = RequestMemory::new(256 << 10);
        let mut permits: Vec<RequestPermit> =
            (0..4).map(|_| waited_for(&memory, &runtime)).collect();
        let all = permits[0].grow(256 << 10, 256 << 10, &runtime).now_or_never();
        assert_eq!(all, Some(Ok(())), "there is room");
        // The oldest of all has what it asked for, and may never ask again.
        let oldest = permits[1].grow(8192, 1 << 20, &runtime).now_or_never();
        assert_eq!(oldest, Some(Ok(())));
        assert!(permits[1].bytes() >= 1 << 20, "as much as it is long");
        permits[1].arrived();
        // Handled, it is the next one's turn: of those that wait, not the newest.
        assert!(permits[2].grow(8192, 1 << 20, &runtime).now_or_never().is_none());
        assert!(permits[3].grow(8192, 1 << 20, &runtime).now_or_never().is_none());
        permits.remove(1);
        assert!(permits[2].grow(8192, 1 << 20, &runtime).now_or_never().is_none());
        assert_eq!(permits[1].grow(8192, 1 << 20, &runtime).now_or_never(), Some(Ok(())));
    }

    /// Requests of three clients that have all memory, and a fourth's that has the reserve.
    fn without_room(memory: &RequestMemory, runtime: &Runtime) -> [RequestPermit; 4] {
        let mut permits = std::array::from_fn(|_| waited_for(memory, runtime));
        for permit in &mut permits {
            permit.grow(8192, 1 << 20, runtime).now_or_never().expect("room").unwrap();
        }
        permits
    }

    #[tokio::test]
    async fn the_slowest_is_closed_when_others_want_memory_and_not_before() {
        let (runtime, clock) = runtime();
        let memory = RequestMemory::new(192 << 10);
        let [mut oldest, mut slow, mut fast, reserved] = without_room(&memory, &runtime);
        reserved.arrived();
        clock.0.fetch_add(10_000, Ordering::Relaxed);
        oldest.note_received(700 << 10, runtime.monotonic());
        fast.note_received(2 << 20, runtime.monotonic());
        slow.note_received(9000, runtime.monotonic());
        assert!(slow.too_slow().now_or_never().is_none(), "nobody wants more");
        let mut next = memory.begin();
        {
            let mut growing = std::pin::pin!(next.grow(8192, 65_536, &runtime));
            assert!(futures_util::poll!(growing.as_mut()).is_pending());
            assert!(oldest.too_slow().now_or_never().is_none());
            assert!(fast.too_slow().now_or_never().is_none());
            slow.too_slow().await;
            assert_eq!(slow.grow(9000, 1000, &runtime).await, Err(TooSlow));
            drop(slow);
            growing.await.expect("there is room now");
        }
        // Who waits for memory is not slow.
        let mut last = memory.begin();
        assert!(last.grow(8192, 65_536, &runtime).now_or_never().is_none());
        clock.0.fetch_add(60_000, Ordering::Relaxed);
        assert!(last.grow(8192, 65_536, &runtime).now_or_never().is_none());
        assert!(last.too_slow().now_or_never().is_none());
    }

    #[tokio::test]
    async fn what_came_fast_earlier_is_no_credit_for_one_that_stops() {
        let (runtime, clock) = runtime();
        let memory = RequestMemory::new(192 << 10);
        let [mut stopped, mut first, mut second, reserved] = without_room(&memory, &runtime);
        reserved.arrived();
        stopped.note_received(99 << 20, runtime.monotonic());
        for tenth in 1..=20_usize {
            clock.0.fetch_add(100, Ordering::Relaxed);
            for permit in [&mut first, &mut second] {
                permit.note_received(UNCOUNTED_BYTES + (tenth << 14), runtime.monotonic());
            }
        }
        let mut next = memory.begin();
        assert!(next.grow(8192, 65_536, &runtime).now_or_never().is_none());
        stopped.too_slow().now_or_never().expect("it has sent nothing for two seconds");
    }

    #[tokio::test]
    async fn nobody_arrives_for_long_while_others_want_memory() {
        let (runtime, clock) = runtime();
        let memory = RequestMemory::new(192 << 10);
        let [mut first, mut second, mut third, reserved] = without_room(&memory, &runtime);
        reserved.arrived();
        let mut next = memory.begin();
        for second_of_arrival in 1..=31_usize {
            assert!(next.grow(8192, 65_536, &runtime).now_or_never().is_none());
            assert!(first.too_slow().now_or_never().is_none(), "{second_of_arrival} s");
            clock.0.fetch_add(1000, Ordering::Relaxed);
            for permit in [&mut first, &mut second, &mut third] {
                // Fast enough, for hours.
                permit.note_received((second_of_arrival + 1) * 80 * 1024, runtime.monotonic());
            }
        }
        assert!(next.grow(8192, 65_536, &runtime).now_or_never().is_none());
        first.too_slow().now_or_never().expect("the oldest");
    }

    #[test]
    fn everything_is_given_back() {
        let (runtime, _clock) = runtime();
        let memory = RequestMemory::new(64 << 10);
        for waits in [false, true, false] {
            let mut permit = memory.begin();
            permit.grow(8192, 60_000, &runtime).now_or_never().expect("room").unwrap();
            assert_eq!(permit.bytes(), 60_000 + UNCOUNTED_BYTES);
            if waits {
                permit.await_rest(&runtime);
            }
        }
        let state = memory.lock();
        assert_eq!((state.arriving.len(), state.reserved_for), (0, None));
        assert_eq!(state.next, 1, "only one that waits has a number");
        assert_eq!(memory.shared.free.load(Ordering::Relaxed), 64 << 10);
        assert_eq!(memory.shared.waiting.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn who_waits_gets_what_a_request_that_never_waited_gives_back() {
        let (runtime, _clock) = runtime();
        let memory = RequestMemory::new(64 << 10);
        let mut whole = memory.begin();
        whole.grow(8192, 100_000, &runtime).now_or_never().expect("room").unwrap();
        let mut reserved = memory.begin();
        reserved.grow(8192, 100_000, &runtime).now_or_never().expect("the reserve").unwrap();
        let mut next = memory.begin();
        let mut growing = std::pin::pin!(next.grow(8192, 65_536, &runtime));
        assert!(futures_util::poll!(growing.as_mut()).is_pending());
        drop(whole);
        growing.now_or_never().expect("there is room, and it is told at once").unwrap();
    }
}
