//! State that the nodes of a run share, and the simulated services outside of them.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::{FutureExt, StreamExt};
use milena_broker::Broker;
use milena_metadata::{ClusterMetadata, storage_prefix};
use milena_storage::{
    SealedLogs,
    disk::{Disk, MemoryDisk},
    objects::DiskObjects,
};
use milena_store::MetadataStore;
use milena_testkit::history::Event;
use milena_types::{BrokerEpoch, BrokerId, ClusterId};
use object_store::{ObjectStore, memory::InMemory};
use tokio::sync::watch;

use crate::{
    disk::{Process, ProcessDisk, StuckDirs},
    embedded::EmbeddedMedium,
    environment::{self, SimClock, elapsed},
    findings::Findings,
    groups::Groups,
    log_starts::LogStarts,
    monitor::Monitor,
    objects::checksum,
    plan::{Medium, Plan, PlanKind},
    queries::Queries,
    replicas::Replicas,
    store::WatchedStore,
    store_link::LinkConditions,
    topics::Topics,
    trace::Trace,
};

/// The phase of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Topics are being created.
    Preparing,
    /// Clients work and things break.
    Working,
    /// Nothing breaks any more; clients finish what they have begun.
    Healing,
    /// The power is cut once more, so that the final read sees only durable records.
    FinalPowerCut,
    /// Everything is read.
    FinalRead,
}

/// A command to a broker's node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NodeCommand {
    Run,
    /// Shut down; stay down for this long.
    Stop(Duration),
    /// Be killed as the service kills brokers, which it reports to the others; stay down this long.
    Kill(Duration),
}

/// One broker's node.
pub(crate) struct BrokerNode {
    pub(crate) id: i32,
    /// The life that runs now.
    pub(crate) process: Mutex<Arc<Process>>,
    pub(crate) lives: AtomicU64,
    pub(crate) store: LinkConditions,
    pub(crate) objects: LinkConditions,
    pub(crate) command: watch::Sender<NodeCommand>,
    pub(crate) serving: AtomicBool,
    /// What became of its write-ahead log.
    pub(crate) log: Mutex<LogLoss>,
    /// The partitions that may have had records in a lost log alone, by id and index.
    pub(crate) lost: Mutex<BTreeSet<(String, i32)>>,
}

/// Whether a broker's write-ahead log was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogLoss {
    /// It was not.
    None,
    /// It was, and nobody has said that this is accepted.
    Lost,
    /// It is accepted for the epochs up to this one.
    Accepted(BrokerEpoch),
}

pub(crate) struct World {
    pub(crate) seed: u64,
    pub(crate) kind: PlanKind,
    pub(crate) plan: Plan,
    pub(crate) cluster: ClusterId,
    pub(crate) trace: Trace,
    pub(crate) findings: Findings,
    pub(crate) monitor: Monitor,
    pub(crate) store: WatchedStore,
    /// Where objects are if they are not on the disk.
    memory_objects: Arc<InMemory>,
    pub(crate) disk: MemoryDisk,
    /// The logs that the brokers, of one process, share; new after the power was cut.
    pub(crate) sealed_logs: Mutex<SealedLogs>,
    pub(crate) stuck_logs: StuckLogs,
    pub(crate) clock: SimClock,
    pub(crate) slow_disk: Arc<AtomicU64>,
    pub(crate) brokers: Vec<BrokerNode>,
    pub(crate) topics: Topics,
    pub(crate) queries: Queries,
    pub(crate) groups: Groups,
    pub(crate) log_starts: LogStarts,
    pub(crate) replicas: Replicas,
    pub(crate) phase: watch::Sender<Phase>,
    /// Clients that have not finished.
    pub(crate) working: AtomicU64,
    history: Mutex<Vec<Event>>,
    calls: AtomicU64,
}

/// A broker's directory.
pub(crate) fn data_dir(id: i32) -> PathBuf {
    format!("/broker-{id}").into()
}

/// The directory of objects.
const OBJECTS: &str = "/objects";

fn sealed_logs(disk: &MemoryDisk, stuck: &StuckLogs) -> SealedLogs {
    let dir_of = |broker: BrokerId| Broker::wal_dir(&data_dir(broker.0));
    SealedLogs::new(stuck.over(disk.process()), dir_of)
}

/// The write-ahead logs that only their own brokers can read until they are taken out.
#[derive(Clone, Debug, Default)]
pub(crate) struct StuckLogs(StuckDirs);

impl StuckLogs {
    pub(crate) fn set(&self, broker: i32, is_stuck: bool) {
        self.0.set(Broker::wal_dir(&data_dir(broker)), is_stuck);
    }

    fn over(&self, disk: Arc<dyn Disk>) -> Arc<dyn Disk> {
        self.0.over(disk)
    }
}

impl World {
    pub(crate) fn new(seed: u64, kind: PlanKind, trace: Trace) -> Arc<Self> {
        let plan = Plan::new(seed, kind);
        let findings = Findings::new(trace.clone());
        let monitor = Monitor::new(findings.clone());
        let node = |id| BrokerNode {
            id,
            process: Mutex::new(Process::new()),
            lives: AtomicU64::new(0),
            store: LinkConditions::default(),
            objects: LinkConditions::default(),
            command: watch::Sender::new(NodeCommand::Run),
            serving: AtomicBool::new(false),
            log: Mutex::new(LogLoss::None),
            lost: Mutex::default(),
        };
        let brokers: Vec<BrokerNode> = (1..=plan.brokers).map(node).collect();
        for broker in &brokers {
            broker.store.clear();
            broker.objects.clear();
        }
        let stuck_logs = StuckLogs::default();
        let (disk, clock, slow_disk) =
            (MemoryDisk::default(), SimClock::default(), Arc::<AtomicU64>::default());
        let store = match plan.medium {
            Medium::Memory => WatchedStore::in_memory(elapsed, monitor.clone()),
            Medium::Disk => {
                let runtime = environment::runtime(seed, "metadata", &clock, &slow_disk);
                let (monitor, findings) = (monitor.clone(), findings.clone());
                let medium = EmbeddedMedium::new(disk.clone(), runtime, monitor, findings);
                WatchedStore::on_disk(elapsed, medium)
            }
        };
        Arc::new(Self {
            seed,
            kind,
            sealed_logs: Mutex::new(sealed_logs(&disk, &stuck_logs)),
            stuck_logs,
            disk,
            cluster: "simulated-cluster-0001".parse().expect("a cluster's id"),
            store,
            topics: Topics::new(&plan),
            queries: Queries::default(),
            groups: Groups::default(),
            log_starts: LogStarts::new(&plan),
            replicas: Replicas::default(),
            plan,
            trace,
            findings,
            monitor,
            memory_objects: Arc::new(InMemory::new()),
            clock,
            slow_disk,
            brokers,
            phase: watch::Sender::new(Phase::Preparing),
            working: AtomicU64::new(0),
            history: Mutex::default(),
            calls: AtomicU64::new(0),
        })
    }

    /// The power was cut: all that the processes had in memory is gone, and of the disk what was
    /// not synced.
    pub(crate) fn lose_power(&self, seed: u64) {
        self.disk.crash(seed);
        self.restart_processes();
        if self.plan.medium == Medium::Disk {
            let objects = DiskObjects::new(self.disk.process(), OBJECTS, 0);
            self.monitor.power_was_cut(|object| {
                let bytes = objects.read(&object.into()).map_err(|error| error.to_string())?;
                Ok(checksum(bytes.iter()))
            });
        }
    }

    /// The process of all brokers and of the store ended; what it has written is there.
    pub(crate) fn end_processes(&self) {
        self.disk.kill();
        self.restart_processes();
    }

    fn restart_processes(&self) {
        *self.sealed_logs.lock().expect("no panic with the logs") =
            sealed_logs(&self.disk, &self.stuck_logs);
        if let Some(store) = self.store.embedded() {
            store.restart();
        }
    }

    /// The objects, for one life of a broker.
    pub(crate) fn objects(&self, process: &Arc<Process>, life: u64) -> Arc<dyn ObjectStore> {
        match self.plan.medium {
            Medium::Memory => self.memory_objects.clone(),
            Medium::Disk => {
                let disk = ProcessDisk::over(self.disk.process(), process.clone());
                Arc::new(DiskObjects::new(disk, OBJECTS, life))
            }
        }
    }

    /// The objects in memory that no record knows of: nothing would ever remove them.
    pub(crate) fn forgotten_objects(&self) -> Vec<String> {
        let listed = self.memory_objects.list(None).collect::<Vec<_>>().now_or_never();
        let objects = listed.expect("nothing to wait for").into_iter().flatten();
        let is_known = |object: &str| {
            ["objects", "uploads", "garbage"].iter().any(|kind| {
                let key = format!("{}{kind}/{object}", storage_prefix(&self.cluster));
                let found = self.store.get(&key).now_or_never();
                found.is_some_and(|found| found.is_ok_and(|found| found.is_some()))
            })
        };
        let names = objects.map(|object| object.location.to_string());
        names.filter(|object| !is_known(object)).collect()
    }

    /// A broker's write-ahead log is gone. Its process is dead.
    pub(crate) fn lose_log(&self, id: i32) {
        let (disk, dir) = (self.disk.process(), Broker::wal_dir(&data_dir(id)));
        for path in self.disk.paths(&dir) {
            // Nothing makes a disk without a process fail.
            disk.remove(&path).expect("it is there");
            disk.sync_dir(path.parent().unwrap_or(Path::new("/"))).expect("it is there");
        }
        *self.broker(id).log.lock().expect("no panic with the log") = LogLoss::Lost;
        *self.sealed_logs.lock().expect("no panic with the logs") =
            sealed_logs(&self.disk, &self.stuck_logs);
        self.begin_era(id);
    }

    /// What was acknowledged so far may be lost, if the lost log of a broker alone had it.
    pub(crate) fn begin_era(&self, id: i32) {
        let mut lost = self.broker(id).lost.lock().expect("no panic with the log");
        lost.extend(self.monitor.only_in_log_of(id));
        for partition in self.topics.begin_era(&lost) {
            self.note("driver", Event::Ended { partition });
        }
    }

    /// The cluster's metadata as the service has them, which nothing delays.
    pub(crate) fn service_metadata(&self) -> ClusterMetadata {
        let runtime = environment::runtime(self.seed, "service", &self.clock, &self.slow_disk);
        ClusterMetadata::new(Arc::new(self.store.clone()), self.cluster.clone(), runtime)
    }

    /// The addresses of all brokers.
    pub(crate) fn bootstrap(&self) -> String {
        let address = |broker: &BrokerNode| format!("broker-{}:9092", broker.id);
        self.brokers.iter().map(address).collect::<Vec<_>>().join(",")
    }

    pub(crate) fn broker(&self, id: i32) -> &BrokerNode {
        &self.brokers[id as usize - 1]
    }

    pub(crate) fn is(&self, phase: Phase) -> bool {
        *self.phase.borrow() == phase
    }

    /// Waits until the run has come to `phase`.
    pub(crate) async fn reached(&self, phase: Phase) {
        let mut phases = self.phase.subscribe();
        let _ = phases.wait_for(|now| *now >= phase).await;
    }

    pub(crate) fn history(&self) -> MutexGuard<'_, Vec<Event>> {
        self.history.lock().expect("no panic with the history")
    }

    /// Records an event of a client.
    pub(crate) fn note(&self, client: &str, event: Event) {
        self.trace.line(client, format_args!("{event:?}"));
        self.history().push(event);
    }

    /// Records a client's request and numbers it.
    pub(crate) fn ask(&self) -> u64 {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        self.history().push(Event::Asked { call });
        call
    }
}
