//! The conformance suite of [`LogBackend`], which each implementation runs.
//!
//! An implementation provides a [`LogHarness`] and calls [`run`]; one whose harness can inject
//! faults also calls [`run_with_faults`]. A check that does not hold panics with what was expected.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use async_trait::async_trait;
use milena_types::{BrokerEpoch, ChunkSeq};
use tokio::sync::watch;

use crate::{
    disk::buffer::WriteBuffer,
    log::backend::{ChunkSource, LogBackend, LogError},
};

const DEADLINE: Duration = Duration::from_secs(20);

/// A fault to inject.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fault {
    /// The next write fails half way.
    Write,
    /// The next writes fail, more than are tried at once.
    Writes,
    /// The next sync fails.
    Sync,
    /// The next syncs fail, more than are tried at once.
    Syncs,
    /// There is no space, until healed.
    Space,
}

/// Starts logs for the suite and ends them.
#[async_trait]
pub(crate) trait LogHarness: Send + Sync {
    /// Starts a log of the next broker epoch over what the one before left. Without faults it
    /// succeeds.
    async fn start(&self, source: Arc<dyn ChunkSource>) -> Result<Arc<dyn LogBackend>, LogError>;
    /// Ends the running log's life without telling it: whatever is not durable may be lost.
    async fn crash(&self, seed: u64);
    fn inject(&self, fault: Fault);
    fn heal(&self);
}

/// A source whose chunks are given from outside, and which checks how it is called.
#[derive(Debug, Default)]
pub(crate) struct ScriptedSource {
    state: Mutex<SourceState>,
    changed: watch::Sender<()>,
}

/// The calls that a [`ScriptedSource`] received.
#[derive(Debug, Default)]
pub(crate) struct SourceState {
    open: VecDeque<Vec<u8>>,
    /// The chunks built, by number.
    pub(crate) built: Vec<Vec<u8>>,
    /// How many were committed.
    pub(crate) committed: u64,
    /// How many open chunks were refused.
    pub(crate) refused: u64,
    /// The chunks that were reported as stalled.
    pub(crate) stalled: Vec<ChunkSeq>,
    /// The tail, if sealed.
    pub(crate) sealed: Option<ChunkSeq>,
}

impl ScriptedSource {
    /// A source with nothing open.
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Adds an open chunk; each is built alone. Returns how many were opened and not refused: when
    /// as many are committed, this one is.
    pub(crate) fn open(&self, chunk: impl Into<Vec<u8>>) -> u64 {
        let mut state = self.state();
        state.open.push_back(chunk.into());
        (state.built.len() + state.open.len()) as u64
    }

    /// The calls so far.
    pub(crate) fn state(&self) -> MutexGuard<'_, SourceState> {
        self.state.lock().expect("no holder of the source panics")
    }

    /// Waits until `condition` holds.
    pub(crate) async fn wait(&self, what: &str, condition: impl Fn(&SourceState) -> bool) {
        let mut changed = self.changed.subscribe();
        let wait = async {
            while !condition(&self.state()) {
                changed.changed().await.expect("the sender is in this source");
            }
        };
        if tokio::time::timeout(DEADLINE, wait).await.is_err() {
            panic!("{what} did not happen: {:?}", self.state());
        }
    }

    fn update(&self, update: impl FnOnce(&mut SourceState)) {
        update(&mut self.state());
        self.changed.send_replace(());
    }
}

impl ChunkSource for ScriptedSource {
    fn open_bytes(&self) -> usize {
        self.state().open.iter().map(|chunk| chunk.len() + 1).sum()
    }

    fn next_bytes_max(&self) -> Option<usize> {
        self.state().open.front().map(Vec::len)
    }

    fn build(&self, seq: ChunkSeq, out: &mut WriteBuffer) -> bool {
        let mut state = self.state();
        let Some(chunk) = state.open.pop_front() else { return false };
        assert_eq!(state.sealed, None, "nothing is built after the seal");
        assert_eq!(seq.0, state.built.len() as u64, "chunk numbers are dense and given out once");
        out.extend(&chunk);
        state.built.push(chunk);
        drop(state);
        self.changed.send_replace(());
        true
    }

    fn committed(&self, seq: ChunkSeq) {
        self.update(|state| {
            assert_eq!(state.sealed, None, "nothing is committed after the seal");
            assert_eq!(seq.0, state.committed, "chunks are committed in order, each once");
            state.committed += 1;
            assert!(
                state.committed <= state.built.len() as u64,
                "only what was built is committed"
            );
        });
    }

    fn fail_open(&self) {
        self.update(|state| state.refused += std::mem::take(&mut state.open).len() as u64);
    }

    fn fail_built(&self, seq: ChunkSeq) {
        self.update(|state| {
            let built = state.built.len() as u64;
            assert!(seq.0 < built && built <= seq.0 + 2, "at most one chunk is built ahead");
            assert!(state.stalled.last() < Some(&seq), "a stall is reported once for each chunk");
            state.stalled.push(seq);
        });
    }

    fn sealed(&self, end: ChunkSeq) {
        self.update(|state| {
            assert_eq!(state.sealed.replace(end), None, "an epoch is sealed once");
            assert_eq!(end.0, state.committed, "the tail is what was committed");
        });
    }
}

async fn start(harness: &dyn LogHarness) -> (Arc<ScriptedSource>, Arc<dyn LogBackend>) {
    let source = ScriptedSource::new();
    let log = harness.start(source.clone()).await.expect("a log starts when nothing goes wrong");
    (source, log)
}

async fn commit(source: &ScriptedSource, log: &dyn LogBackend, chunk: &[u8]) {
    let end = source.open(chunk);
    log.notify();
    source.wait("the commit", |state| state.committed >= end).await;
}

async fn expect_chunk(log: &dyn LogBackend, epoch: BrokerEpoch, seq: u64, chunk: &[u8]) {
    let read = log.read(epoch, ChunkSeq(seq)).await;
    assert_eq!(read.unwrap_or_else(|error| panic!("chunk {seq} of {epoch}: {error}")), chunk);
}

/// Runs the suite without faults. `make` returns a harness over an empty directory each time.
pub(crate) async fn run<H: LogHarness>(make: impl Fn() -> H) {
    chunks_are_committed_in_order_and_read_back(&make()).await;
    a_notification_with_nothing_open_uses_no_number(&make()).await;
    sealing_ends_the_epoch(&make()).await;
    committed_chunks_survive_a_crash(&make()).await;
    releasing_frees_only_what_is_below_the_end(&make()).await;
    every_open_chunk_is_taken_whoever_notifies(&make()).await;
}

async fn chunks_are_committed_in_order_and_read_back(harness: &dyn LogHarness) {
    let (source, log) = start(harness).await;
    let chunks = [vec![], vec![1], vec![2; 5000], vec![3; 4096 - 64], vec![4; 4096 - 63]];
    for chunk in &chunks {
        source.open(chunk.clone());
    }
    log.notify();
    source.wait("the commits", |state| state.committed == chunks.len() as u64).await;
    assert_eq!(log.committed_end(), ChunkSeq(chunks.len() as u64));
    for (seq, chunk) in chunks.iter().enumerate() {
        expect_chunk(&*log, log.epoch(), seq as u64, chunk).await;
    }
    let past = log.read(log.epoch(), log.committed_end()).await;
    assert!(
        matches!(past, Err(LogError::NoSuchChunk { .. })),
        "nothing is read past the end: {past:?}"
    );
}

async fn a_notification_with_nothing_open_uses_no_number(harness: &dyn LogHarness) {
    let (source, log) = start(harness).await;
    log.notify();
    commit(&source, &*log, b"first").await;
    log.notify();
    commit(&source, &*log, b"second").await;
    assert_eq!(log.committed_end(), ChunkSeq(2));
}

async fn sealing_ends_the_epoch(harness: &dyn LogHarness) {
    let (source, log) = start(harness).await;
    commit(&source, &*log, b"kept").await;
    let (first, second) = tokio::join!(log.seal(), log.seal());
    assert_eq!((first, second), (ChunkSeq(1), ChunkSeq(1)));
    source.open(b"too late");
    log.notify();
    assert_eq!(log.seal().await, ChunkSeq(1));
    assert_eq!(source.state().sealed, Some(ChunkSeq(1)));
    assert_eq!((source.state().built.len(), log.committed_end()), (1, ChunkSeq(1)));
    expect_chunk(&*log, log.epoch(), 0, b"kept").await;
}

async fn committed_chunks_survive_a_crash(harness: &dyn LogHarness) {
    let mut expected: BTreeMap<BrokerEpoch, Vec<Vec<u8>>> = BTreeMap::new();
    for life in 0..4_u8 {
        let (source, log) = start(harness).await;
        assert!(
            expected.last_key_value().is_none_or(|(&last, _)| last < log.epoch()),
            "epochs rise"
        );
        for (&epoch, chunks) in &expected {
            for (seq, chunk) in chunks.iter().enumerate() {
                expect_chunk(&*log, epoch, seq as u64, chunk).await;
            }
        }
        let held: Vec<BrokerEpoch> = log.held().iter().map(|held| held.epoch).collect();
        assert_eq!(
            held,
            expected.keys().copied().collect::<Vec<_>>(),
            "the oldest epoch comes first"
        );
        let chunks: Vec<Vec<u8>> =
            (1..=life).map(|i| vec![i + 16 * life; 3000 * usize::from(i)]).collect();
        for chunk in &chunks {
            commit(&source, &*log, chunk).await;
        }
        if !chunks.is_empty() {
            expected.insert(log.epoch(), chunks);
        }
        harness.crash(u64::from(life)).await;
        drop(log);
    }
}

async fn releasing_frees_only_what_is_below_the_end(harness: &dyn LogHarness) {
    let (source, log) = start(harness).await;
    for i in 0..6_u8 {
        commit(&source, &*log, &[i; 2000]).await;
    }
    let epoch = log.epoch();
    log.release(epoch, ChunkSeq(4)).await;
    log.release(epoch, ChunkSeq(2)).await;
    assert_eq!(log.held()[0].chunks, ChunkSeq(4)..ChunkSeq(6));
    assert!(matches!(log.read(epoch, ChunkSeq(3)).await, Err(LogError::NoSuchChunk { .. })));
    expect_chunk(&*log, epoch, 4, &[4; 2000]).await;
    log.release(epoch, ChunkSeq(6)).await;
    assert!(log.held().iter().all(|held| held.chunks.is_empty()));
    commit(&source, &*log, b"after").await;
    expect_chunk(&*log, epoch, 6, b"after").await;
}

async fn every_open_chunk_is_taken_whoever_notifies(harness: &dyn LogHarness) {
    let (source, log) = start(harness).await;
    let notify_all = (0..4_u8).map(|notifier| {
        let (source, log) = (source.clone(), log.clone());
        async move {
            for i in 0..25_u8 {
                source.open(vec![notifier, i]);
                log.notify();
                tokio::task::yield_now().await;
            }
        }
    });
    futures_util::future::join_all(notify_all).await;
    source.wait("every commit", |state| state.committed == 100).await;
}

/// Commits chunks while writes and syncs fail, space runs out and the power goes, again and again,
/// and checks each time that every committed chunk is there with the bytes it was built with, and
/// at most one more.
pub(crate) async fn run_with_faults(harness: &dyn LogHarness, seed: u64, lives: u32) {
    let mut random = Lcg(seed);
    // By epoch: how many chunks are committed, and all that were built.
    let mut history: BTreeMap<BrokerEpoch, (u64, Vec<Vec<u8>>)> = BTreeMap::new();
    for _ in 0..lives {
        let (source, log) = start(harness).await;
        expect_history(&*log, &mut history).await;
        if random.below(3) == 0 {
            for held in log.held() {
                log.release(held.epoch, held.chunks.end).await;
            }
            history.clear();
        }
        for i in 0..random.below(30) {
            match random.below(12) {
                0 => harness.inject(Fault::Write),
                1 => harness.inject(Fault::Writes),
                2 => harness.inject(Fault::Sync),
                3 => harness.inject(Fault::Syncs),
                4 => harness.inject(Fault::Space),
                5 | 6 => harness.heal(),
                _ => {}
            }
            source.open(vec![i as u8; random.below(9000) as usize]);
            log.notify();
            if random.below(2) == 0 {
                tokio::task::yield_now().await;
            }
        }
        if random.below(2) == 0 {
            harness.heal();
            log.notify();
            source
                .wait("recovery", |state| {
                    state.open.is_empty() && state.committed == state.built.len() as u64
                })
                .await;
        }
        harness.crash(random.next()).await;
        let end = log.seal().await;
        let state = source.state();
        assert_eq!((end.0, state.sealed), (state.committed, Some(end)));
        if !state.built.is_empty() {
            history.insert(log.epoch(), (state.committed, state.built.clone()));
        }
    }
}

async fn expect_history(
    log: &dyn LogBackend,
    history: &mut BTreeMap<BrokerEpoch, (u64, Vec<Vec<u8>>)>,
) {
    let held: BTreeMap<BrokerEpoch, std::ops::Range<ChunkSeq>> =
        log.held().into_iter().map(|held| (held.epoch, held.chunks)).collect();
    for (epoch, (committed, built)) in history {
        let chunks = held.get(epoch).cloned().unwrap_or(ChunkSeq(0)..ChunkSeq(0));
        assert!(
            *committed == 0 || chunks.start == ChunkSeq(0),
            "chunks of {epoch} begin at {}",
            chunks.start
        );
        assert!(
            chunks.end.0 >= *committed,
            "{committed} chunks of {epoch} were committed, {chunks:?} are there"
        );
        assert!(
            chunks.end.0 <= *committed + 1,
            "at most one more than {committed} may be there: {chunks:?}"
        );
        for seq in 0..chunks.end.0 {
            expect_chunk(log, *epoch, seq, &built[seq as usize]).await;
        }
        // Once seen, it stays.
        *committed = chunks.end.0;
        built.truncate(chunks.end.0 as usize);
    }
}

/// Numbers that look random and come again with the same seed.
struct Lcg(u64);

impl Lcg {
    fn next(&mut self) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 32
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}
