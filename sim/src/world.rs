//! State that the nodes of a run share, and the simulated services outside of them.

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use milena_broker::Broker;
use milena_storage::{SealedLogs, disk::MemoryDisk};
use milena_testkit::history::Event;
use milena_types::ClusterId;
use object_store::memory::InMemory;
use tokio::sync::watch;

use crate::{
    disk::Process,
    environment::{SimClock, elapsed},
    findings::Findings,
    monitor::Monitor,
    plan::{Plan, PlanKind},
    store::WatchedStore,
    store_link::LinkConditions,
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
    pub(crate) objects: Arc<InMemory>,
    pub(crate) disk: MemoryDisk,
    /// The logs that the brokers, of one process, share; new after the power was cut.
    pub(crate) sealed_logs: Mutex<SealedLogs>,
    pub(crate) clock: SimClock,
    pub(crate) slow_disk: Arc<AtomicU64>,
    pub(crate) brokers: Vec<BrokerNode>,
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

fn sealed_logs(disk: &MemoryDisk) -> SealedLogs {
    SealedLogs::new(disk.process(), |broker| Broker::wal_dir(&data_dir(broker.0)))
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
        };
        let brokers: Vec<BrokerNode> = (1..=plan.brokers).map(node).collect();
        for broker in &brokers {
            broker.store.clear();
            broker.objects.clear();
        }
        let disk = MemoryDisk::default();
        Arc::new(Self {
            seed,
            kind,
            sealed_logs: Mutex::new(sealed_logs(&disk)),
            disk,
            cluster: "simulated-cluster-0001".parse().expect("a cluster's id"),
            store: WatchedStore::new(elapsed, monitor.clone()),
            plan,
            trace,
            findings,
            monitor,
            objects: Arc::new(InMemory::new()),
            clock: SimClock::default(),
            slow_disk: Arc::default(),
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
        *self.sealed_logs.lock().expect("no panic with the logs") = sealed_logs(&self.disk);
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
