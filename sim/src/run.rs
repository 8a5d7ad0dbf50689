//! One run: sets up the nodes, breaks things as planned, and steps until the clients are done.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use milena_metadata::ClusterRecord;

use crate::{
    broker_node,
    clients::{self, CLIENT_NODES},
    environment,
    findings::Findings,
    plan::{Action, PlanKind},
    seeded_rng::SeededRng,
    trace::Trace,
    world::{NodeCommand, Phase, World},
};

const TICK: Duration = Duration::from_millis(1);
/// The longest that a run takes in simulated time.
const LONGEST: Duration = Duration::from_secs(240);

/// The state at the end of a run.
pub(crate) struct Outcome {
    pub(crate) world: Arc<World>,
    pub(crate) simulated: Duration,
}

/// Ends a failure when its time is over.
type Undo = Box<dyn FnOnce(&mut Driver<'_>)>;

struct Driver<'a> {
    world: Arc<World>,
    sim: turmoil::Sim<'a>,
    rng: SeededRng,
    /// Failures to be undone, by when.
    undo: Vec<(Duration, u64, Undo)>,
    /// When brokers that are down start again.
    down: Vec<(Duration, i32)>,
    next_action: usize,
    work_began: Option<Duration>,
    /// A store that cannot go on is not restarted before.
    store_starts: Duration,
}

/// Runs a seed.
pub(crate) fn run(
    seed: u64,
    kind: PlanKind,
    trace: Trace,
    global: &std::sync::OnceLock<Findings>,
) -> Outcome {
    let world = World::new(seed, kind, trace);
    let _ = global.set(world.findings.clone());
    world.trace.line("plan", format_args!("{:?}", world.plan));
    let plan = &world.plan;
    let mut builder = turmoil::Builder::new();
    builder
        .rng_seed(seed)
        .tick_duration(TICK)
        .simulation_duration(LONGEST)
        .min_message_latency(Duration::from_micros(200))
        .max_message_latency(Duration::from_millis(plan.link_latency_ms_max))
        .tcp_capacity(4096)
        .enable_random_order();
    let mut sim = builder.build();
    create_cluster(&world);
    for broker in &world.brokers {
        let (world, id) = (world.clone(), broker.id);
        sim.host(broker_node::name(id), move || broker_node::run(world.clone(), id));
    }
    for (index, node) in CLIENT_NODES.iter().enumerate() {
        sim.client(*node, clients::run(world.clone(), index));
    }
    sim.client("judge", clients::judge(world.clone()));
    let rng = SeededRng::new(seed, "driver");
    let mut driver = Driver {
        world,
        sim,
        rng,
        undo: Vec::new(),
        down: Vec::new(),
        next_action: 0,
        work_began: None,
        store_starts: Duration::ZERO,
    };
    driver.drive();
    Outcome { simulated: driver.sim.elapsed(), world: driver.world.clone() }
}

/// Writes the cluster's record, as the service does before it starts brokers.
fn create_cluster(world: &World) {
    let metadata = world.service_metadata();
    let record = ClusterRecord {
        kafka_version: format!("{}.1", world.plan.kafka_version),
        incarnation: "one".to_owned(),
        wrapped_data_key: Vec::new(),
        server_properties: Default::default(),
        zones: ["zone-a", "zone-b", "zone-c"].map(str::to_owned).to_vec(),
        created_ms: 0,
    };
    let created = futures_util::FutureExt::now_or_never(metadata.create_cluster(&record));
    created.expect("nothing to wait for").expect("the cluster is new");
}

impl Driver<'_> {
    fn drive(&mut self) {
        loop {
            let now = self.sim.elapsed();
            environment::note_elapsed(now);
            self.act(now);
            self.world.store.advance();
            match self.sim.step() {
                Ok(false) => {}
                Ok(true) => return,
                Err(error) => {
                    self.world.findings.add("stuck", error);
                    return;
                }
            }
            self.bury_dead();
            self.restart_store();
            if self.world.findings.all().len() >= 5 {
                return;
            }
        }
    }

    fn act(&mut self, now: Duration) {
        let phase = *self.world.phase.borrow();
        match phase {
            Phase::Preparing => return,
            Phase::Working => {
                let began = *self.work_began.get_or_insert_with(|| {
                    environment::note_elapsed(now);
                    now
                });
                if self.next_action == 0 && now == began {
                    self.worsen();
                }
                while let Some((at, action)) =
                    self.world.plan.actions.get(self.next_action).cloned()
                {
                    if began + at > now {
                        break;
                    }
                    self.next_action += 1;
                    self.perform(now, action);
                }
                if now >= began + self.world.plan.working {
                    self.heal();
                    self.world.phase.send_replace(Phase::Healing);
                }
            }
            Phase::Healing | Phase::FinalRead => {}
            Phase::FinalPowerCut => {
                self.power_cut(now);
                self.world.phase.send_replace(Phase::FinalRead);
            }
        }
        self.undo.sort_by_key(|(at, number, _)| (*at, *number));
        while self.undo.first().is_some_and(|(at, ..)| *at <= now) {
            let (_, _, undo) = self.undo.remove(0);
            undo(self);
        }
        self.down.sort();
        while self.down.first().is_some_and(|(at, _)| *at <= now) {
            let (_, broker) = self.down.remove(0);
            self.start(broker);
        }
    }

    /// Puts the planned conditions into force.
    fn worsen(&mut self) {
        let plan = &self.world.plan;
        for broker in &self.world.brokers {
            broker.store.latency_us.store(plan.store_latency_us, Ordering::Relaxed);
            broker.store.fail_permille.store(plan.store_fail_permille, Ordering::Relaxed);
            broker.store.unknown_permille.store(plan.store_unknown_permille, Ordering::Relaxed);
            broker.store.held_permille.store(plan.store_held_permille, Ordering::Relaxed);
            broker.objects.fail_permille.store(plan.object_fail_permille, Ordering::Relaxed);
        }
        self.world.slow_disk.store(plan.slow_disk_permille, Ordering::Relaxed);
        let loss = plan.message_loss_ppm as f64 / 1e6;
        if loss > 0.0 {
            self.sim.set_fail_rate(loss);
        }
    }

    /// Nothing breaks any more.
    fn heal(&mut self) {
        self.world.trace.line("driver", format_args!("heals everything"));
        self.undo.clear();
        let world = self.world.clone();
        for broker in &world.brokers {
            broker.store.clear();
            broker.objects.clear();
            world.stuck_logs.set(broker.id, false);
            for client in CLIENT_NODES {
                self.sim.repair(client, broker_node::name(broker.id));
            }
        }
        self.sim.set_fail_rate(0.0);
        world.slow_disk.store(0, Ordering::Relaxed);
        world.disk.limit_space(None);
        world.disk.fail_writes(0);
        world.disk.fail_syncs(0);
        world.disk.write_short(false);
        for (_, broker) in std::mem::take(&mut self.down) {
            self.start(broker);
        }
    }

    fn undo_at(&mut self, at: Duration, undo: impl FnOnce(&mut Driver<'_>) + 'static) {
        let number = self.undo.len() as u64;
        self.undo.push((at, number, Box::new(undo)));
    }

    fn perform(&mut self, now: Duration, action: Action) {
        self.world.trace.line("driver", format_args!("{action:?}"));
        let world = self.world.clone();
        match action {
            Action::Kill { broker, down } => self.kill(broker, now + down),
            Action::KillAtDisk { broker, operations } => {
                world
                    .broker(broker)
                    .process
                    .lock()
                    .expect("no panic with the process")
                    .die_after(operations);
            }
            Action::PowerCut => self.power_cut(now),
            Action::PowerCutAtStore { operations } => match world.store.embedded() {
                Some(store) => store.process().die_after(operations),
                None => self.power_cut(now),
            },
            Action::Restart => self.restart(now),
            Action::LoseLog { broker, down } => {
                self.kill(broker, now + down);
                world.lose_log(broker);
            }
            Action::Stop { broker, down } => {
                world.broker(broker).command.send_replace(NodeCommand::Stop(down));
            }
            Action::ServiceKill { broker, down } => {
                world.broker(broker).command.send_replace(NodeCommand::Kill(down));
            }
            Action::StickLog { broker, time } => {
                world.stuck_logs.set(broker, true);
                self.undo_at(now + time, move |driver| driver.world.stuck_logs.set(broker, false));
            }
            Action::Cut { client, broker, time } => {
                let (client, broker) = (CLIENT_NODES[client], broker_node::name(broker));
                self.sim.partition(client, broker.as_str());
                self.undo_at(now + time, move |driver| driver.sim.repair(client, broker.as_str()));
            }
            Action::StoreAway { broker, time } => {
                let away = world.broker(broker).store.away.clone();
                away.store(true, Ordering::Relaxed);
                self.undo_at(now + time, move |_| away.store(false, Ordering::Relaxed));
            }
            Action::Hold { broker, kind, time } => {
                let link = world.broker(broker).store.clone();
                link.hold(kind, true);
                self.undo_at(now + time, move |_| link.hold(kind, false));
            }
            Action::SlowReads { broker, time } => {
                let slow = world.broker(broker).store.slow_reads.clone();
                slow.store(true, Ordering::Relaxed);
                self.undo_at(now + time, move |_| slow.store(false, Ordering::Relaxed));
            }
            Action::ObjectsAway { broker, time } => {
                let away = world.broker(broker).objects.away.clone();
                away.store(true, Ordering::Relaxed);
                self.undo_at(now + time, move |_| away.store(false, Ordering::Relaxed));
            }
            Action::WritesFail { count } => world.disk.fail_writes(count),
            Action::SyncsFail { count } => world.disk.fail_syncs(count),
            Action::DiskFull { time } => {
                world.disk.limit_space(Some(0));
                self.undo_at(now + time, |driver| driver.world.disk.limit_space(None));
            }
            Action::ShortWrites { time } => {
                world.disk.write_short(true);
                self.undo_at(now + time, |driver| driver.world.disk.write_short(false));
            }
            Action::SlowDisk { time } => {
                world.slow_disk.store(400, Ordering::Relaxed);
                let planned = world.plan.slow_disk_permille;
                self.undo_at(now + time, move |driver| {
                    driver.world.slow_disk.store(planned, Ordering::Relaxed)
                });
            }
            Action::ClockJump { ms } => world.clock.jump(ms),
        }
    }

    /// Ends a broker's process at once.
    fn kill(&mut self, broker: i32, until: Duration) {
        let node = self.world.broker(broker);
        if self.down.iter().any(|(_, down)| *down == broker) {
            return;
        }
        node.process.lock().expect("no panic with the process").kill();
        node.serving.store(false, Ordering::Relaxed);
        self.world.trace.line("driver", format_args!("broker {broker} is dead"));
        self.sim.crash(broker_node::name(broker));
        self.down.push((until, broker));
    }

    fn start(&mut self, broker: i32) {
        self.world.trace.line("driver", format_args!("broker {broker} starts again"));
        self.world.broker(broker).command.send_replace(NodeCommand::Run);
        self.sim.bounce(broker_node::name(broker));
    }

    fn power_cut(&mut self, now: Duration) {
        self.kill_all(now);
        self.world.lose_power(self.rng.next());
    }

    /// The process of all brokers and the metadata store ends.
    fn restart(&mut self, now: Duration) {
        self.world.trace.line("driver", format_args!("the process ends"));
        self.kill_all(now);
        self.world.end_processes();
    }

    fn kill_all(&mut self, now: Duration) {
        for id in 1..=self.world.plan.brokers {
            let down = self.rng.millis(20..500);
            self.kill(id, now + down);
        }
    }

    /// Cuts the power when the embedded store's process is dead, and restarts the process when the
    /// store cannot go on.
    fn restart_store(&mut self) {
        let (now, world) = (self.sim.elapsed(), self.world.clone());
        let Some(store) = world.store.embedded() else { return };
        if store.process().is_dead() {
            world.trace.line("driver", format_args!("the power is cut at the store"));
            self.power_cut(now);
        } else if store.is_broken() && now >= self.store_starts {
            self.store_starts = now + self.rng.millis(100..1500);
            self.restart(now);
        }
    }

    /// Ends the nodes of processes that have died at a disk operation.
    fn bury_dead(&mut self) {
        let now = self.sim.elapsed();
        let world = self.world.clone();
        for broker in &world.brokers {
            let dead = broker.process.lock().expect("no panic with the process").is_dead();
            if dead && !self.down.iter().any(|(_, down)| *down == broker.id) {
                let down = self.rng.millis(50..3000);
                self.kill(broker.id, now + down);
            }
        }
    }
}
