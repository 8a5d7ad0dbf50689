//! Three brokers that die, take over, come back and hand over in any order, against a list of
//! records a partition.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use milena_types::{BrokerEpoch, BrokerId, LeaderEpoch, Offset, TopicPartition};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};

use super::times;
use crate::{
    LeaderTerm, Lives, Partition, PartitionOptions, Storage, disk::MemoryDisk, testing::*,
};

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
    /// The broker epoch that leads it, and those before whose records may be in no manifest.
    life: Option<BrokerLife>,
    unfolded: Vec<BrokerLife>,
    times: Vec<i64>,
    sequence: i32,
    last: Option<(i32, Vec<i64>, i64)>,
}

type BrokerLife = (BrokerId, BrokerEpoch);

impl Model {
    /// What a change of the leader does to the partition's record.
    fn end_life(&mut self, lives: &Lives, folded: bool) {
        self.epoch += 1;
        self.unfolded.extend(self.life.take());
        self.unfolded.sort_unstable();
        self.unfolded.dedup();
        let is_done = |life: &BrokerLife| {
            let retired = lives.retired.get(&life.0).is_some_and(|newest| life.1 <= *newest);
            retired && !lives.unfolded.contains(life)
        };
        self.unfolded.retain(|life| !folded && !is_done(life));
    }
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
            world.partitions.push(model);
            world.open(partition).await;
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

    /// Opens a partition where it is led now.
    async fn open(&mut self, partition: i32) {
        let model = &mut self.partitions[partition as usize];
        let storage = &self.running[&model.leader];
        model.life = Some((storage.core.id.broker, storage.core.id.epoch));
        let (epoch, unfolded) = (LeaderEpoch(model.epoch), Some(model.unfolded.clone()));
        let opened = storage.open_partition(
            id(partition),
            LeaderTerm { epoch, unfolded },
            PartitionOptions::default(),
        );
        opened.await.expect("the partition opens");
    }

    async fn lives(&self) -> Lives {
        let storage = self.running.values().next().expect("one runs");
        storage.lives().await.expect("readable")
    }

    fn led(&self, partition: i32) -> Arc<Partition> {
        let leader = self.partitions[partition as usize].leader;
        self.running[&leader].partition(id(partition)).expect("it is open where it is led")
    }

    /// Gives what `from` led to the others. `folded`: what is all in manifests.
    async fn give_away(&mut self, from: i32, folded: &BTreeSet<TopicPartition>) {
        let lives = self.lives().await;
        let others: Vec<i32> =
            self.running.keys().copied().filter(|broker| *broker != from).collect();
        for partition in 0..PARTITIONS {
            let model = &mut self.partitions[partition as usize];
            if model.leader == from {
                model.leader = others[(partition + model.epoch) as usize % others.len()];
                model.end_life(&lives, folded.contains(&id(partition)));
                self.open(partition).await;
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
                self.give_away(broker, &BTreeSet::new()).await;
            }
            Step::Restart { broker } if !self.running.contains_key(&broker) => {
                self.start(broker).await;
            }
            Step::HandOver { broker } if self.running.len() > 1 => {
                let Some(storage) = self.running.get(&broker).filter(|_| !is_held(broker)) else {
                    return;
                };
                let ids: Vec<_> =
                    storage.partitions().iter().map(|partition| partition.id()).collect();
                // What is in a log of another life, and not in segments, need not be flushed here.
                let in_other_logs = |partition: &Arc<Partition>| {
                    partition.lock().tail.iter().any(|run| run.sealed.is_some())
                };
                let open = storage.partitions();
                let waiting = open.iter().filter(|partition| in_other_logs(partition));
                let waits: BTreeSet<_> = waiting.map(|partition| partition.id()).collect();
                storage.prepare_close(&ids).await.expect("a flush");
                let mut folded = BTreeSet::new();
                for (id, outcome) in storage.close_partitions(&ids).await {
                    if outcome.expect("handed over").folded {
                        folded.insert(id);
                    }
                }
                let is_whole = |id: &TopicPartition| folded.contains(id) || waits.contains(id);
                assert!(ids.iter().all(is_whole), "nothing else is left");
                self.give_away(broker, &folded).await;
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
            let lives = self.lives().await;
            self.partitions[partition as usize].end_life(&lives, false);
            self.open(partition).await;
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
