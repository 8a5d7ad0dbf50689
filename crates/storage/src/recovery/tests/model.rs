//! Three brokers that die, take over, come back and hand over in any order, against a list of
//! records a partition.

use std::{collections::BTreeMap, sync::Arc};

use milena_types::{BrokerEpoch, BrokerId, Offset};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};

use super::times;
use crate::{Partition, Storage, disk::MemoryDisk, testing::*};

const BROKERS: i32 = 3;
const PARTITIONS: i32 = 3;

#[derive(Clone, Debug)]
enum Step {
    Append {
        partition: i32,
        records: usize,
    },
    /// The last batch once more.
    Repeat {
        partition: i32,
    },
    Flush {
        broker: i32,
    },
    /// The broker dies, and another takes over.
    Kill {
        broker: i32,
    },
    /// One that died comes back.
    Restart {
        broker: i32,
    },
    /// Its partitions go to another.
    HandOver {
        broker: i32,
    },
    /// The process dies, or the machine; all brokers come back, the first one last.
    KillAll {
        power: Option<u64>,
    },
    /// Nothing can be flushed for so many steps.
    HoldFlushes {
        steps: usize,
    },
    /// Nothing of this broker's log can be flushed for so many steps.
    HoldLog {
        broker: i32,
        steps: usize,
    },
    Read {
        partition: i32,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let (broker, partition) = (1..=BROKERS, 0..PARTITIONS);
    prop_oneof![
        8 => (partition.clone(), 1..5_usize)
            .prop_map(|(partition, records)| Step::Append { partition, records }),
        2 => partition.clone().prop_map(|partition| Step::Repeat { partition }),
        2 => broker.clone().prop_map(|broker| Step::Flush { broker }),
        3 => broker.clone().prop_map(|broker| Step::Kill { broker }),
        3 => broker.clone().prop_map(|broker| Step::Restart { broker }),
        2 => broker.clone().prop_map(|broker| Step::HandOver { broker }),
        1 => proptest::option::of(any::<u64>()).prop_map(|power| Step::KillAll { power }),
        2 => (1..6_usize).prop_map(|steps| Step::HoldFlushes { steps }),
        2 => (broker, 1..20_usize).prop_map(|(broker, steps)| Step::HoldLog { broker, steps }),
        3 => partition.prop_map(|partition| Step::Read { partition }),
    ]
}

#[derive(Default)]
struct Model {
    leader: i32,
    epoch: i32,
    times: Vec<i64>,
    sequence: i32,
    last: Option<(i32, Vec<i64>, i64)>,
}

struct World {
    cluster: Broker,
    disk: MemoryDisk,
    running: BTreeMap<i32, Storage>,
    partitions: Vec<Model>,
    /// For so many steps more nothing is flushed, or nothing of one broker's log.
    held_steps: usize,
    held_log: Option<i32>,
}

impl World {
    async fn new() -> Self {
        let disk = MemoryDisk::default();
        let cluster = Broker::on(&disk);
        let running = BTreeMap::new();
        let (partitions, held_steps, held_log) = (Vec::new(), 0, None);
        let mut world = Self { cluster, disk, running, partitions, held_steps, held_log };
        for broker in 1..=BROKERS {
            world.start(broker).await;
        }
        for partition in 0..PARTITIONS {
            let model = Model { leader: 1 + partition % BROKERS, epoch: 1, ..Model::default() };
            open_partition(&world.running[&model.leader], partition, model.epoch).await;
            world.partitions.push(model);
        }
        world
    }

    async fn start(&mut self, broker: i32) {
        let mut config = self.cluster.config_of(broker);
        if broker != 1 {
            // What segments have is read from them.
            config.memory.tail_bytes = 0;
        }
        let storage = self.cluster.open_with(config).await;
        self.running.insert(broker, storage);
    }

    fn led(&self, partition: i32) -> Arc<Partition> {
        let leader = self.partitions[partition as usize].leader;
        self.running[&leader].partition(id(partition)).expect("it is open where it is led")
    }

    /// Gives what `from` led to the others.
    async fn give_away(&mut self, from: i32) {
        let others: Vec<i32> =
            self.running.keys().copied().filter(|broker| *broker != from).collect();
        for partition in 0..PARTITIONS {
            let model = &mut self.partitions[partition as usize];
            if model.leader == from {
                model.leader = others[(partition + model.epoch) as usize % others.len()];
                model.epoch += 1;
                open_partition(&self.running[&model.leader], partition, model.epoch).await;
            }
        }
    }

    async fn take(&mut self, step: Step) {
        self.held_steps = self.held_steps.saturating_sub(1);
        if self.held_steps == 0 {
            self.cluster.metadata.refuse_putting(None);
            self.held_log = None;
        }
        let is_held = |broker| self.held_steps > 0 && self.held_log.is_none_or(|log| log == broker);
        match step {
            Step::Append { partition, records } => self.append(partition, records).await,
            Step::Repeat { partition } => self.repeat(partition).await,
            Step::Flush { broker } => {
                if let Some(storage) = self.running.get(&broker).filter(|_| !is_held(broker)) {
                    storage.flusher.flush_own().await.expect("a flush");
                    let all = storage.flush().await;
                    assert!(all.is_ok() || self.held_log.is_some(), "{all:?}");
                }
            }
            Step::Kill { broker }
                if self.running.len() > 1 && self.running.contains_key(&broker) =>
            {
                let dead = self.running.remove(&broker).expect("it runs");
                dead.crash().await;
                let epoch: BrokerEpoch = dead.core.id.epoch;
                let recoverer = self.running.values().next().expect("another runs");
                recoverer.seal_broker(BrokerId(broker), epoch).await.expect("it is gone");
                self.give_away(broker).await;
            }
            Step::Restart { broker } if !self.running.contains_key(&broker) => {
                self.start(broker).await;
            }
            Step::HandOver { broker } if self.running.len() > 1 => {
                let Some(storage) = self.running.get(&broker).filter(|_| !is_held(broker)) else {
                    return;
                };
                storage.prepare_close().await.expect("a flush");
                let ids: Vec<_> =
                    storage.partitions().iter().map(|partition| partition.id()).collect();
                for (_, outcome) in storage.close_partitions(&ids).await {
                    outcome.expect("handed over");
                }
                self.give_away(broker).await;
            }
            Step::KillAll { power } => self.kill_all(power).await,
            Step::HoldFlushes { steps } if self.held_steps == 0 => {
                self.held_steps = steps;
                self.cluster.metadata.refuse_putting(Some("uploads/"));
            }
            Step::HoldLog { broker, steps } if self.held_steps == 0 => {
                (self.held_steps, self.held_log) = (steps, Some(broker));
                self.cluster.metadata.refuse_putting(Some(&format!("flushes/{broker}/")));
            }
            Step::Read { partition } => self.read(partition).await,
            _ => {}
        }
    }

    async fn append(&mut self, partition: i32, records: usize) {
        let led = self.led(partition);
        let model = &mut self.partitions[partition as usize];
        let times: Vec<i64> = (0..records).map(|i| (model.times.len() + i) as i64 * 10).collect();
        let appended = append(&led, sequenced(7, model.sequence, &times)).await;
        assert_eq!(appended.base_offset, Offset(model.times.len() as i64));
        model.last = Some((model.sequence, times.clone(), appended.base_offset.0));
        model.sequence += records as i32;
        model.times.extend(times);
    }

    async fn repeat(&self, partition: i32) {
        let Some((sequence, times, base)) = &self.partitions[partition as usize].last else {
            return;
        };
        let again = append(&self.led(partition), sequenced(7, *sequence, times)).await;
        assert_eq!((again.base_offset, again.duplicate), (Offset(*base), true));
    }

    async fn read(&self, partition: i32) {
        let found = read_all(&self.led(partition), 0, 700).await;
        assert_eq!(times(&found), self.partitions[partition as usize].times);
    }

    async fn kill_all(&mut self, power: Option<u64>) {
        self.running.clear();
        match power {
            Some(seed) => self.disk.crash(seed),
            None => self.disk.kill(),
        }
        self.cluster.next_process();
        for broker in (1..=BROKERS).rev() {
            self.start(broker).await;
        }
        for partition in 0..PARTITIONS {
            let model = &mut self.partitions[partition as usize];
            model.epoch += 1;
            open_partition(&self.running[&model.leader], partition, model.epoch).await;
        }
    }

    async fn finish(mut self) {
        self.held_steps = 0;
        for broker in 1..=BROKERS {
            self.take(Step::Restart { broker }).await;
        }
        for storage in self.running.values() {
            storage.flush().await.expect("a flush");
        }
        super::all_retired(&self.cluster, BROKERS as usize).await;
        self.kill_all(None).await;
        for partition in 0..PARTITIONS {
            self.read(partition).await;
        }
    }
}

#[test]
fn partitions_are_lists_of_records_whoever_dies() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let config = Config { cases: 40, failure_persistence: None, ..Config::default() };
    let steps = proptest::collection::vec(step(), 1..60);
    let outcome = TestRunner::new(config).run(&steps, |steps| {
        runtime.block_on(async {
            let mut world = World::new().await;
            for step in steps {
                world.take(step).await;
            }
            world.finish().await;
        });
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}
