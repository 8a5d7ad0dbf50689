//! Topics that are created and deleted while failures happen. Each has one creator and a name of its
//! own, so that one which "exists already" was created by an attempt whose response was lost.

use milena_client::{ClientError, NewTopic};
use milena_protocol::ErrorCode;

use super::actor::Actor;
use crate::world::Phase;

/// How many topics of a thousand are created in several transactions, and their partitions.
const LARGE_PERMILLE: u64 = 80;
const LARGE: std::ops::Range<u64> = 130..200;

/// How often a topic is described until it is as expected: brokers learn of changes late.
const CHECKS_MAX: usize = 100;
/// How often brokers return that there is no such topic until it counts as deleted.
const UNKNOWN_MAX: usize = 20;

/// Creates topics, and deletes some, while clients work; then checks that each has all its
/// partitions, or does not exist.
pub(super) async fn run(mut actor: Actor) {
    let mut topics = Vec::new();
    while actor.is_working() {
        let name = format!("made-{}", topics.len());
        let range = if actor.rng.chance(LARGE_PERMILLE) { LARGE } else { 1..4 };
        let mut partitions = actor.rng.within(range) as i32;
        create(&mut actor, &name, partitions).await;
        if actor.rng.chance(300) {
            delete(&mut actor, &name).await;
            partitions = 0;
        }
        topics.push((name, partitions));
        actor.rest(50..500).await;
    }
    actor.world.reached(Phase::Healing).await;
    for (name, partitions) in topics {
        check(&mut actor, &name, partitions as usize).await;
    }
}

async fn create(actor: &mut Actor, name: &str, partitions: i32) {
    let topic = NewTopic {
        name: name.to_owned(),
        partitions: Some(partitions),
        replication_factor: Some(1),
        configs: Vec::new(),
    };
    loop {
        match actor.client.create_topic(&topic).await {
            Ok(_) => break,
            Err(error) if error.code() == Some(ErrorCode::TopicAlreadyExists) => break,
            Err(error) => retry(actor, &error).await,
        }
    }
    actor.world.trace.line(&actor.name, format_args!("{name} is created"));
}

async fn delete(actor: &mut Actor, name: &str) {
    let mut unknown = 0;
    loop {
        match actor.client.delete_topic(name).await {
            Ok(()) => break,
            // A broker that does not know of the topic yet returns this too.
            Err(error) if error.code() == Some(ErrorCode::UnknownTopicOrPartition) => {
                unknown += 1;
                if unknown == UNKNOWN_MAX {
                    break;
                }
                actor.rest(50..200).await;
            }
            Err(error) => retry(actor, &error).await,
        }
    }
    actor.world.trace.line(&actor.name, format_args!("{name} is deleted"));
}

async fn retry(actor: &mut Actor, error: &ClientError) {
    actor.world.trace.line(&actor.name, format_args!("{error}"));
    actor.reconnect();
    actor.rest(20..200).await;
}

/// Waits until a topic has so many partitions with leaders; for 0, until it does not exist.
async fn check(actor: &mut Actor, name: &str, partitions: usize) {
    let mut seen = String::new();
    for _ in 0..CHECKS_MAX {
        let found = match actor.client.describe_topic(name).await {
            Ok(topic) => Some(topic.partitions.iter().map(|found| found.leader).collect()),
            Err(error) if error.code() == Some(ErrorCode::UnknownTopicOrPartition) => {
                Some(Vec::new())
            }
            Err(error) => {
                retry(actor, &error).await;
                None
            }
        };
        if let Some(leaders) = found {
            if leaders.len() == partitions && leaders.iter().all(Option::is_some) {
                return;
            }
            seen = format!("{leaders:?}");
        }
        actor.rest(20..200).await;
    }
    let text = format!("{name} should have {partitions} partitions, the leaders are {seen}");
    actor.world.findings.add("topic", text);
}
