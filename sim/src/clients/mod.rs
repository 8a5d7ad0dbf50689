//! The clients of a run: producers, consumers, groups and a creator of topics, on two nodes of their
//! own, and the judge, who prepares the cluster and reads everything at the end.

mod actor;
mod admin;
mod bounds;
mod consumer;
mod creator;
mod cutter;
mod group;
mod member;
mod producer;
mod questions;

use std::{
    future::Future,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use crate::{
    environment,
    plan::PlanKind,
    world::{Phase, World},
};
use actor::Actor;

/// The nodes of the clients that work while things break.
pub(crate) const CLIENT_NODES: [&str; 2] = ["clients-a", "clients-b"];

/// How long clients may take to finish, and the judge to read everything, when nothing breaks any
/// more.
const FINISH_MAX: Duration = Duration::from_secs(60);

/// Runs the clients of one node.
pub(crate) async fn run(world: Arc<World>, node: usize) -> turmoil::Result {
    let mut count = 0_usize;
    let mut mine = || {
        count += 1;
        (count - 1) % CLIENT_NODES.len() == node
    };
    let mut tasks = Vec::new();
    let runtime =
        environment::runtime(world.seed, CLIENT_NODES[node], &world.clock, &world.slow_disk);
    world.working.fetch_add(1, Ordering::Relaxed);
    world.reached(Phase::Working).await;
    for partition in world.topics.partitions() {
        for n in 0..world.plan.producers_a_partition {
            if mine() {
                let actor = Actor::new(&world, format!("producer-{}-{n}", partition.number));
                tasks.push(runtime.spawn(producer::run(actor, partition.clone())));
            }
        }
        if mine() {
            let actor = Actor::new(&world, format!("consumer-{}", partition.number));
            tasks.push(runtime.spawn(consumer::run(actor, partition.clone())));
        }
    }
    for n in 0..world.plan.groups {
        if mine() {
            let actor = Actor::new(&world, format!("group-{n}"));
            tasks.push(runtime.spawn(group::commit(actor, n)));
        }
        if mine() {
            let actor = Actor::new(&world, format!("reader-{n}"));
            tasks.push(runtime.spawn(group::read_committed(actor, n)));
        }
    }
    if world.kind == PlanKind::UnknownOutcomes && mine() {
        let actor = Actor::new(&world, "creator".to_owned());
        tasks.push(runtime.spawn(creator::run(actor)));
    }
    for n in 0..world.plan.members {
        if mine() {
            let actor = Actor::new(&world, format!("member-{n}"));
            tasks.push(runtime.spawn(member::run(actor)));
        }
    }
    if world.topics.partitions().iter().any(|place| place.cut) && mine() {
        let actor = Actor::new(&world, "cutter".to_owned());
        tasks.push(runtime.spawn(cutter::run(actor)));
    }
    for topic in world.plan.topics.iter().filter(|topic| topic.recreated) {
        if mine() {
            let actor = Actor::new(&world, format!("admin-{}", topic.name));
            tasks.push(runtime.spawn(admin::recreate(actor, topic.clone())));
        }
    }
    if world.plan.moves && mine() {
        let actor = Actor::new(&world, "mover".to_owned());
        tasks.push(runtime.spawn(admin::reassign(actor)));
    }
    if world.plan.drains && mine() {
        let actor = Actor::new(&world, "drainer".to_owned());
        tasks.push(runtime.spawn(admin::drain(actor)));
    }
    for task in tasks {
        task.await?;
    }
    world.working.fetch_sub(1, Ordering::Relaxed);
    Ok(())
}

/// Prepares the cluster, waits for the clients, reads everything.
pub(crate) async fn judge(world: Arc<World>) -> turmoil::Result {
    let actor = Actor::new(&world, "judge".to_owned());
    in_time(&world, "the topics are created", prepare(&actor)).await;
    world.phase.send_replace(Phase::Working);
    world.reached(Phase::Healing).await;
    let finished = async {
        while world.working.load(Ordering::Relaxed) > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    in_time(&world, "the clients finish what they have begun", finished).await;
    world.phase.send_replace(Phase::FinalPowerCut);
    world.reached(Phase::FinalRead).await;
    // Another client: its connections are new.
    let mut actor = Actor::new(&world, "last-look".to_owned());
    for partition in world.topics.partitions() {
        in_time(&world, "everything is read", consumer::read_everything(&mut actor, partition))
            .await;
    }
    for topic in &world.plan.topics {
        let led = admin::every_partition_is_led(&mut actor, topic.name);
        in_time(&world, "every partition is led", led).await;
    }
    if world.plan.moves {
        for topic in &world.plan.topics {
            let given = admin::replicas_are_as_given(&mut actor, topic.name);
            in_time(&world, "reassigned partitions have their replicas", given).await;
        }
    }
    if world.plan.drains {
        in_time(&world, "a broker is drained", admin::drain_to_the_end(&actor)).await;
    }
    for n in 0..world.plan.groups {
        in_time(&world, "committed offsets are read", group::read_committed_once(&mut actor, n))
            .await;
    }
    if world.plan.members > 0 {
        in_time(&world, "what members committed is read", member::look_once(&mut actor)).await;
    }
    Ok(())
}

/// Waits for what has to happen when nothing breaks; what does not is a finding.
async fn in_time(world: &World, what: &str, future: impl Future<Output = ()>) {
    if tokio::time::timeout(FINISH_MAX, future).await.is_err() {
        world.findings.add("stuck", format!("not within {FINISH_MAX:?}: {what}"));
    }
}

async fn prepare(actor: &Actor) {
    let world = &actor.world;
    while world.brokers.iter().any(|broker| !broker.serving.load(Ordering::Relaxed)) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    for topic in &world.plan.topics {
        admin::create(actor, topic).await;
    }
}
