//! A partition against the simplest thing that could be one: a list of records.

use std::sync::Arc;

use milena_types::{Offset, Timestamp};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};

use crate::{Isolation, Partition, Storage, disk::MemoryDisk, testing::*};

#[derive(Clone, Debug)]
enum Step {
    /// So many records from one of three idempotent producers, or from none.
    Append {
        producer: Option<i64>,
        records: usize,
        time: i64,
    },
    /// The last batch of a producer once more.
    Repeat {
        producer: i64,
    },
    /// Nothing can be written while these are appended.
    RefusedAppend {
        records: usize,
    },
    Flush,
    Kill {
        power: Option<u64>,
    },
    DeleteRecords {
        share: u8,
    },
    Retain {
        bytes: u64,
    },
    Sweep,
    Read {
        share: u8,
        max_bytes: usize,
    },
    Search {
        time: i64,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let producer = prop_oneof![Just(None), (0..3_i64).prop_map(Some)];
    prop_oneof![
        8 => (producer, 1..20_usize, 0..100_i64)
            .prop_map(|(producer, records, time)| Step::Append { producer, records, time }),
        2 => (0..3_i64).prop_map(|producer| Step::Repeat { producer }),
        1 => (1..5_usize).prop_map(|records| Step::RefusedAppend { records }),
        3 => Just(Step::Flush),
        1 => proptest::option::of(any::<u64>()).prop_map(|power| Step::Kill { power }),
        1 => any::<u8>().prop_map(|share| Step::DeleteRecords { share }),
        1 => (0..2000_u64).prop_map(|bytes| Step::Retain { bytes }),
        1 => Just(Step::Sweep),
        3 => (any::<u8>(), 1..3000_usize)
            .prop_map(|(share, max_bytes)| Step::Read { share, max_bytes }),
        2 => (0..130_i64).prop_map(|time| Step::Search { time }),
    ]
}

struct World {
    broker: Broker,
    disk: MemoryDisk,
    running: Option<(Storage, Arc<Partition>)>,
    /// The time of each record by offset, also of deleted ones.
    times: Vec<i64>,
    log_start: i64,
    sequences: [i32; 3],
    last: [Option<(i32, Vec<i64>, i64)>; 3],
}

impl World {
    async fn new() -> Self {
        let disk = MemoryDisk::default();
        let mut world = Self {
            broker: Broker::on(&disk),
            disk,
            running: None,
            times: Vec::new(),
            log_start: 0,
            sequences: [0; 3],
            last: [const { None }; 3],
        };
        world.start().await;
        world
    }

    async fn start(&mut self) {
        let storage = self.broker.open().await;
        let epoch = self.broker.epoch as i32;
        let partition = open_partition(&storage, 0, epoch).await;
        self.running = Some((storage, partition));
    }

    fn running(&self) -> (&Storage, &Arc<Partition>) {
        let (storage, partition) = self.running.as_ref().expect("it runs between steps");
        (storage, partition)
    }

    /// The offset that is `share` 255ths of the way from the log start to the end.
    fn share(&self, share: u8) -> i64 {
        self.log_start + (self.times.len() as i64 - self.log_start) * i64::from(share) / 255
    }

    async fn take(&mut self, step: Step) {
        match step {
            Step::Append { producer, records, time } => self.append(producer, records, time).await,
            Step::Repeat { producer } => self.repeat(producer as usize).await,
            Step::RefusedAppend { records } => self.append_in_vain(records).await,
            Step::Flush => self.running().0.flush().await.expect("a flush"),
            Step::Kill { power } => {
                self.running = None;
                match power {
                    Some(seed) => self.disk.crash(seed),
                    None => self.disk.kill(),
                }
                self.start().await;
            }
            Step::DeleteRecords { share } => {
                let before = self.share(share);
                self.running().1.delete_records(Some(Offset(before))).await.expect("in range");
                self.log_start = before;
            }
            Step::Retain { bytes } => self.retain(bytes).await,
            Step::Sweep => drop(self.running().0.sweeper.remove_garbage().await.expect("a sweep")),
            Step::Read { share, max_bytes } => {
                let from = self.share(share);
                let found = read_all(self.running().1, from, max_bytes).await;
                let expected: Vec<_> =
                    (from..).zip(self.times[from as usize..].iter().copied()).collect();
                assert_eq!(found, expected);
            }
            Step::Search { time } => self.search(time).await,
        }
        let bounds = self.running().1.bounds();
        assert_eq!(bounds.high_watermark, Offset(self.times.len() as i64));
        assert_eq!(bounds.log_start, Offset(self.log_start));
    }

    async fn append(&mut self, producer: Option<i64>, records: usize, time: i64) {
        let times: Vec<_> = (0..records as i64).map(|i| time + i).collect();
        let base = self.times.len() as i64;
        let batch = match producer {
            None => batch(&times),
            Some(id) => {
                let sequence = self.sequences[id as usize];
                self.sequences[id as usize] += records as i32;
                self.last[id as usize] = Some((sequence, times.clone(), base));
                sequenced(id, sequence, &times)
            }
        };
        let appended = append(self.running().1, batch).await;
        assert_eq!((appended.base_offset, appended.duplicate), (Offset(base), false));
        self.times.extend(times);
    }

    async fn repeat(&mut self, producer: usize) {
        let Some((sequence, times, base)) = self.last[producer].clone() else { return };
        let appended = append(self.running().1, sequenced(producer as i64, sequence, &times)).await;
        assert_eq!((appended.base_offset, appended.duplicate), (Offset(base), true));
    }

    async fn append_in_vain(&mut self, records: usize) {
        let (_, partition) = self.running();
        self.disk.hold_syncs(true);
        let first = partition.append(&[batch(&vec![1; records])], &CLIENT).expect("accepted");
        self.disk.wait_for_held_sync();
        let behind = partition.append(&[batch(&vec![2; records])], &CLIENT).expect("accepted");
        assert_eq!((first.now(), behind.now()), (None, None));
        self.disk.hold_syncs(false);
        for (accepted, time) in [(first, 1), (behind, 2)] {
            accepted.await.expect("committed after all");
            self.times.extend(std::iter::repeat_n(time, records));
        }
    }

    async fn retain(&mut self, bytes: u64) {
        let (storage, partition) = self.running();
        let options = crate::PartitionOptions {
            retention_ms: None,
            retention_bytes: Some(bytes),
            ..partition.options()
        };
        partition.set_options(options);
        storage.sweeper.enforce_retention().await.expect("retention");
        partition.set_options(crate::PartitionOptions { retention_bytes: None, ..options });
        let start = partition.bounds().log_start.0;
        assert!(start >= self.log_start, "the log start never goes back");
        self.log_start = start;
    }

    async fn search(&self, time: i64) {
        let (_, partition) = self.running();
        let found = partition.offset_for_timestamp(Timestamp(time), Isolation::Uncommitted).await;
        let found = found.expect("a search").map(|found| (found.offset.0, found.timestamp.0));
        let from = self.log_start as usize;
        let expected = (from..self.times.len()).find(|&i| self.times[i] >= time);
        assert_eq!(found, expected.map(|i| (i as i64, self.times[i])));
    }
}

#[test]
fn a_partition_is_a_list_of_records_through_crashes_flushes_and_deletions() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let mut runner = TestRunner::new(Config {
        cases: 24,
        max_shrink_iters: 300,
        failure_persistence: None,
        ..Config::default()
    });
    let steps = proptest::collection::vec(step(), 1..60);
    let outcome = runner.run(&steps, |steps| {
        runtime.block_on(async {
            let mut world = World::new().await;
            for step in steps {
                world.take(step).await;
            }
            check_references(&world.broker).await;
        });
        Ok(())
    });
    outcome.expect("the partition does what the list does");
}
