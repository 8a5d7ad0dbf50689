//! Measures how fast chunks are built and committed, on one core each.
//!
//! As a test it does a little of it. `MILENA_SPEED_DIR=DIRECTORY cargo test --release -p
//! milena-storage --lib speed -- --nocapture` builds 512 chunks of 4 MiB out of batches of 16 KiB,
//! commits them to a local write-ahead log in that directory, every chunk synced, and prints
//! gigabytes of batches a second.

use std::{
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    time::Duration,
};

use milena_runtime::Runtime;
use milena_types::{
    BrokerEpoch, ChunkSeq, LeaderEpoch, Offset, PartitionIndex, ProducerEpoch, ProducerId,
    Sequence, Timestamp, TopicId, TopicPartition,
};

use crate::{
    disk::{buffer::WriteBuffer, local::LocalDisk},
    encryption::{DataKey, KeyId, Salt},
    format_level::FormatLevel,
    log::{
        backend::{ChunkSource, LogBackend},
        local::{
            directory::{LogConfig, LogDirectory},
            local_log::LocalLog,
        },
    },
    objects::object_id::ObjectId,
    segment::{
        format::{BatchSummary, ProducerBatch},
        writer::{FinishedSegment, SegmentOptions, SegmentWriter},
    },
};

const BATCH_BYTES: usize = 16 << 10;
const CHUNK_BYTES: usize = 4 << 20;
const COMMIT_MAX: Duration = Duration::from_secs(60);

struct Bench {
    runtime: Runtime,
    key: DataKey,
    /// Many, so that they are not in the processor's caches, as if they came from the network.
    batches: Vec<Vec<u8>>,
    partitions: usize,
    left: AtomicU64,
    committed: Mutex<Option<mpsc::Sender<ChunkSeq>>>,
}

impl Bench {
    fn build(&self, seq: ChunkSeq, out: &mut WriteBuffer) -> FinishedSegment {
        let mut salt = Salt([0; 16]);
        self.runtime.fill_random(&mut salt.0);
        let options = SegmentOptions {
            level: FormatLevel::ONE,
            keep_plaintext: Some(CHUNK_BYTES),
            ..SegmentOptions::default()
        };
        let mut writer = SegmentWriter::new(
            out,
            &ObjectId::new(format!("bench/{seq}")),
            &self.key,
            salt,
            options,
        );
        let batches = CHUNK_BYTES / BATCH_BYTES;
        for i in 0..batches {
            let number = PartitionIndex((i * self.partitions / batches) as i32);
            let partition = TopicPartition { topic: TopicId::ZERO, partition: number };
            let batch = &self.batches[(seq.0 as usize * batches + i) % self.batches.len()];
            writer.append(partition, &summary(i as i64), None, batch);
        }
        writer.finish()
    }
}

fn summary(offset: i64) -> BatchSummary {
    BatchSummary {
        base_offset: Offset(offset),
        last_offset: Offset(offset),
        leader_epoch: LeaderEpoch(1),
        max_timestamp: Timestamp(offset),
        producer: Some(ProducerBatch {
            id: ProducerId(1),
            epoch: ProducerEpoch(0),
            base_sequence: Sequence(offset as i32),
            last_sequence: Sequence(offset as i32),
            transactional: false,
            marker: None,
        }),
    }
}

impl ChunkSource for Bench {
    fn open_bytes(&self) -> usize {
        (self.left.load(Ordering::Relaxed) as usize).saturating_mul(CHUNK_BYTES)
    }

    fn next_bytes_max(&self) -> Option<usize> {
        Some(CHUNK_BYTES + CHUNK_BYTES / 16)
    }

    fn build(&self, seq: ChunkSeq, out: &mut WriteBuffer) -> bool {
        let one_less = |left: u64| left.checked_sub(1);
        if self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_err() {
            return false;
        }
        Bench::build(self, seq, out);
        true
    }

    fn committed(&self, seq: ChunkSeq) {
        let committed = self.committed.lock().expect("no holder panics");
        committed.as_ref().map(|sender| sender.send(seq));
    }

    fn fail_open(&self) {
        println!("the open chunks failed");
    }

    fn fail_built(&self, seq: ChunkSeq) {
        println!("chunk {seq} stalled");
    }

    fn sealed(&self, _: ChunkSeq) {}
}

#[test]
fn chunks_of_any_number_of_partitions_are_built_and_committed() {
    let runtime = Runtime::system();
    let directory = std::env::var("MILENA_SPEED_DIR");
    let temporary = tempfile::tempdir().expect("a directory");
    let chunks = if directory.is_ok() { 512 } else { 4 };
    let directory = directory.map_or(temporary.path().to_owned(), Into::into);
    for partitions in [1, 16, 256] {
        let bench = Arc::new(Bench {
            runtime: runtime.clone(),
            key: DataKey::new(KeyId(1), [7; 32]),
            batches: (0..4096).map(|i| vec![i as u8; BATCH_BYTES]).collect(),
            partitions,
            left: AtomicU64::new(chunks),
            committed: Mutex::default(),
        });
        let mut out = WriteBuffer::default();
        let gigabytes = (chunks as usize * CHUNK_BYTES) as f64 / 1e9;
        let start = runtime.monotonic();
        for seq in 0..chunks {
            out.clear();
            bench.build(ChunkSeq(seq), &mut out);
        }
        let built = gigabytes / (runtime.monotonic() - start).as_secs_f64();
        let start = runtime.monotonic();
        commit(&bench, &directory, chunks);
        let committed = gigabytes / (runtime.monotonic() - start).as_secs_f64();
        println!(
            "{partitions:>4} partitions: built {built:.2} GB/s, committed {committed:.2} GB/s"
        );
    }
}

fn commit(bench: &Arc<Bench>, directory: &Path, chunks: u64) {
    let config = LogConfig::new(directory.join(format!("{}-partitions", bench.partitions)));
    let directory =
        LogDirectory::open(config, Arc::new(LocalDisk)).expect("the directory can be used");
    let epoch = BrokerEpoch(directory.held().last().map_or(1, |held| held.epoch.0 + 1));
    let source: Arc<dyn ChunkSource> = bench.clone();
    let log =
        LocalLog::start(directory.clone(), epoch, source, &bench.runtime).expect("the log starts");
    for old in directory.held() {
        directory.release(old.epoch, old.chunks.end);
    }
    let (sender, committed) = mpsc::channel();
    *bench.committed.lock().expect("no holder panics") = Some(sender);
    log.notify();
    for number in 0..chunks {
        let seq = committed.recv_timeout(COMMIT_MAX).expect("the log commits every chunk");
        assert!(seq.0 >= number, "in order");
        directory.release(epoch, ChunkSeq(seq.0.saturating_sub(16)));
    }
}
