//! The node of one broker: it starts the product's broker, again and again, as the service would.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use milena_broker::{
    AllowAll, Broker, BrokerConfig, BrokerParts, BrokerTuning, ConnectionPool, SharedMemory,
    StartError,
};
use milena_runtime::Runtime;
use milena_storage::{
    BlockCache, FlushPolicy, LogError, MemoryBudget, StorageError,
    encryption::{DataKey, KeyId, KeyRing},
    objects::Objects,
};
use milena_types::BrokerId;

use crate::{
    disk::{Process, ProcessDisk},
    environment,
    objects::SimObjects,
    seeded_rng::SeededRng,
    store_link::StoreLink,
    world::{BrokerNode, LogLoss, NodeCommand, World, data_dir},
};

const ZONES: [&str; 3] = ["zone-a", "zone-b", "zone-c"];
const RESTART_PAUSE: Duration = Duration::from_millis(200);

/// Runs the broker until its node is crashed.
pub(crate) async fn run(world: Arc<World>, id: i32) -> turmoil::Result {
    let node = world.broker(id);
    loop {
        match start(&world, node).await {
            Ok(broker) => {
                found_log(&world, node);
                serve(&world, node, broker).await;
            }
            Err(error) => {
                world.trace.line(&name(id), format_args!("did not start: {error}"));
                check_start_error(&world, node, &error);
                tokio::time::sleep(RESTART_PAUSE).await;
            }
        }
    }
}

pub(crate) fn name(id: i32) -> String {
    format!("broker-{id}")
}

async fn serve(world: &World, node: &BrokerNode, broker: Broker) {
    world.trace.line(&name(node.id), format_args!("serves"));
    node.serving.store(true, Ordering::Relaxed);
    let mut commands = node.command.subscribe();
    let command = tokio::select! {
        biased;
        () = broker.ended() => NodeCommand::Stop(Duration::ZERO),
        command = commands.wait_for(|command| *command != NodeCommand::Run) => {
            command.map_or(NodeCommand::Run, |command| *command)
        }
    };
    node.serving.store(false, Ordering::Relaxed);
    world.trace.line(&name(node.id), format_args!("{command:?}"));
    let down = match command {
        NodeCommand::Kill(down) => {
            let killed = broker.kill().await;
            world.trace.line(&name(node.id), format_args!("killed"));
            if let Err(error) = killed.end_registration().await {
                world.trace.line(&name(node.id), format_args!("not declared gone: {error}"));
            }
            down
        }
        NodeCommand::Stop(down) => {
            broker.leave().await;
            down
        }
        NodeCommand::Run => return,
    };
    world.trace.line(&name(node.id), format_args!("stopped"));
    tokio::time::sleep(down).await;
    node.command.send_replace(NodeCommand::Run);
}

/// It has started with the log that it found, or without one whose loss is accepted.
fn found_log(world: &World, node: &BrokerNode) {
    let mut log = node.log.lock().expect("no panic with the log");
    if matches!(std::mem::replace(&mut *log, LogLoss::None), LogLoss::Accepted(_)) {
        world.begin_era(node.id);
        node.lost.lock().expect("no panic with the log").clear();
    }
}

/// A start may fail while something is broken, but never because acknowledged records are missing.
fn check_start_error(world: &World, node: &BrokerNode, error: &StartError) {
    let dead = node.process.lock().expect("no panic with the process").is_dead();
    let lost = matches!(
        error,
        StartError::Storage(
            StorageError::ChunksLost { .. }
                | StorageError::UnknownEpoch { .. }
                | StorageError::Chunk(_)
                | StorageError::Log(LogError::Damaged { .. })
        )
    );
    if let StartError::Storage(StorageError::LogLost { epoch, .. }) = error
        && !dead
    {
        let mut log = node.log.lock().expect("no panic with the log");
        if *log == LogLoss::None {
            world.findings.add("start", format!("broker {}: {error}", node.id));
        } else {
            *log = LogLoss::Accepted(*epoch);
            world.begin_era(node.id);
        }
    }
    if lost && !dead {
        world.findings.add("start", format!("broker {}: {error}", node.id));
    }
}

async fn start(world: &Arc<World>, node: &BrokerNode) -> Result<Broker, StartError> {
    let life = node.lives.fetch_add(1, Ordering::Relaxed);
    let process = Process::new();
    *node.process.lock().expect("no panic with the process") = process.clone();
    let label = format!("{} {life}", name(node.id));
    let runtime: Runtime = environment::runtime(world.seed, &label, &world.clock, &world.slow_disk);
    let store = StoreLink {
        store: world.store.clone(),
        caller: node.id,
        conditions: node.store.clone(),
        rng: SeededRng::new(world.seed, &format!("store {label}")),
        trace: world.trace.clone(),
        findings: world.findings.clone(),
    };
    let objects = SimObjects {
        inner: world.objects(&process, life),
        conditions: node.objects.clone(),
        rng: SeededRng::new(world.seed, &format!("objects {label}")),
        monitor: world.monitor.clone(),
        trace: world.trace.clone(),
        node: name(node.id),
    };
    let parts = BrokerParts {
        store: Arc::new(store),
        disk: ProcessDisk::over(world.disk.process(), process),
        objects: Objects::new(Arc::new(objects)),
        keys: KeyRing::new(DataKey::new(KeyId(1), [7; 32]), Vec::new()),
        blocks: BlockCache::new(64 << 10),
        sealed_logs: world.sealed_logs.lock().expect("no panic with the logs").clone(),
        runtime,
        memory: SharedMemory::default(),
        connections: ConnectionPool::default(),
        authorizer: Box::new(AllowAll),
    };
    Broker::start(config(world, node.id), parts).await
}

fn config(world: &World, id: i32) -> BrokerConfig {
    let plan = &world.plan;
    let tuning = BrokerTuning {
        flush: FlushPolicy {
            bytes: plan.flush_bytes,
            age: plan.flush_age,
            own_segment_bytes: plan.own_segment_bytes,
        },
        memory: MemoryBudget { unflushed_bytes: 400_000, tail_bytes: 60_000 },
        wal_file_bytes: plan.wal_file_bytes,
        wal_chunk_bytes_max: plan.wal_file_bytes as usize / 4,
        delete_grace: Duration::from_millis(700),
        group_log_growth_bytes: 6_000,
        lease: Duration::from_millis(1500),
        leaders_return_after: plan.leaders_return_after,
        handover_max: Duration::from_secs(5),
        ..BrokerTuning::default()
    };
    // With members all groups are in one log, which grows long enough to be cut.
    let group_logs = if plan.members > 0 { "1" } else { "2" };
    let mut kafka_config = vec![
        ("log.retention.check.interval.ms", "500"),
        ("offsets.topic.num.partitions", group_logs),
    ];
    if plan.members > 0 {
        kafka_config.push(("group.min.session.timeout.ms", "500"));
        kafka_config.push(("group.initial.rebalance.delay.ms", "200"));
    }
    BrokerConfig {
        cluster: world.cluster.clone(),
        broker: BrokerId(id),
        zone: ZONES[(id as usize - 1) % ZONES.len()].to_owned(),
        kafka_version: plan.kafka_version.parse().expect("a Kafka version"),
        data_dir: data_dir(id),
        lost_log_accepted: match *world.broker(id).log.lock().expect("no panic with the log") {
            LogLoss::Accepted(epoch) => Some(epoch),
            LogLoss::None | LogLoss::Lost => None,
        },
        listen: "0.0.0.0:9092".parse().expect("an address"),
        advertised_host: Some(name(id)),
        advertised_port: None,
        kafka_config: kafka_config
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        tuning,
    }
}
