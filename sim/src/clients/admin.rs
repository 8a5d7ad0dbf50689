//! Creating topics, deleting and creating them again, moving partitions about and draining brokers.

use milena_client::{ClientError, NewTopic};
use milena_protocol::{
    ErrorCode,
    messages::{
        alter_partition_reassignments_request::{
            AlterPartitionReassignmentsRequest, ReassignablePartition, ReassignableTopic,
        },
        create_topics_request::{CreatableTopic, CreateTopicsRequest},
        elect_leaders_request::{ElectLeadersRequest, TopicPartitions},
    },
};
use milena_testkit::history::Event;
use milena_types::{BrokerId, TopicId};

use super::actor::Actor;
use crate::plan::TopicPlan;

/// Creates a topic, however often it takes.
pub(super) async fn create(actor: &Actor, topic: &TopicPlan) {
    let world = &actor.world;
    let configs = topic.configs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
    let new = NewTopic {
        name: topic.name.to_owned(),
        partitions: Some(topic.partitions),
        replication_factor: Some(world.plan.brokers as i16),
        configs: configs.collect(),
    };
    loop {
        let created = actor.client.create_topic(&new).await;
        if let Err(error) = &created {
            world.trace.line(&actor.name, format_args!("creating {}: {error}", topic.name));
        }
        let there = match created {
            Ok(there) => Ok(there),
            Err(_) => actor.client.describe_topic(topic.name).await,
        };
        // A broker that has not learned of the deletion may still describe the former one.
        if let Ok(there) = there
            && world.topics.created(topic.name, there.id)
        {
            world.trace.line(&actor.name, format_args!("{} is there: {}", topic.name, there.id));
            return;
        }
        actor.rest(50..200).await;
    }
}

/// Deletes a topic and creates it again, again and again, while work goes on.
pub(super) async fn recreate(mut actor: Actor, topic: TopicPlan) {
    loop {
        // At times before everybody has learned of the last time.
        let pause = if actor.rng.chance(700) { 50..500 } else { 200..2500 };
        actor.rest(pause).await;
        if !actor.is_working() {
            return;
        }
        for partition in actor.world.topics.deleted(topic.name) {
            actor.world.note(&actor.name, Event::Ended { partition });
        }
        while let Err(error) = actor.client.delete_topic(topic.name).await {
            actor.world.trace.line(&actor.name, format_args!("deleting {}: {error}", topic.name));
            if error.code() == Some(ErrorCode::UnknownTopicOrPartition) {
                break;
            }
            actor.reconnect();
            actor.rest(20..200).await;
        }
        if let Err(error) = create_at_once(&actor, &topic).await {
            actor.world.trace.line(&actor.name, format_args!("creating {}: {error}", topic.name));
            actor.reconnect();
        }
        if actor.world.topics.is_deleted(topic.name) {
            create(&actor, &topic).await;
        }
    }
}

/// Creates a topic, which is there once the response says so: nothing more is waited for.
async fn create_at_once(actor: &Actor, topic: &TopicPlan) -> Result<(), ClientError> {
    let request = CreateTopicsRequest {
        topics: vec![CreatableTopic {
            name: topic.name.into(),
            num_partitions: topic.partitions,
            replication_factor: actor.world.plan.brokers as i16,
            ..Default::default()
        }],
        timeout_ms: 1500,
        ..Default::default()
    };
    let response = actor.client.controller().await?.call(&request).await?;
    let created = response.topics.first().filter(|created| created.error_code == 0);
    if let Some(created) = created {
        let id = TopicId(created.topic_id);
        actor.world.topics.created(topic.name, id);
        actor.world.trace.line(&actor.name, format_args!("{} is created: {id}", topic.name));
    }
    Ok(())
}

/// Gives partitions other replicas, and the first of them the leadership, while work goes on.
pub(super) async fn reassign(mut actor: Actor) {
    while actor.is_working() {
        actor.rest(100..900).await;
        if let Err(error) = move_some(&actor).await {
            actor.world.trace.line(&actor.name, format_args!("moving: {error}"));
            actor.reconnect();
        }
    }
}

async fn move_some(actor: &Actor) -> Result<(), ClientError> {
    let (plan, rng) = (&actor.world.plan, &actor.rng);
    let topic = &plan.topics[rng.below(plan.topics.len() as u64) as usize];
    let first = rng.below(topic.partitions as u64) as i32;
    let range = first..(first + rng.within(1..40) as i32).min(topic.partitions);
    if rng.chance(400) {
        let partitions = range.collect();
        let request = ElectLeadersRequest {
            election_type: 0,
            topic_partitions: Some(vec![TopicPartitions { topic: topic.name.into(), partitions }]),
            timeout_ms: 1000,
            ..Default::default()
        };
        let response = actor.client.controller().await?.call(&request).await?;
        actor.world.trace.line(&actor.name, format_args!("elected: {}", response.error_code));
        return Ok(());
    }
    let replicas = |partition: i32| {
        let first = rng.below(plan.brokers as u64) as i32;
        let all = (0..plan.brokers).map(|n| 1 + (first + n) % plan.brokers);
        let some = all.take(rng.within(1..plan.brokers as u64 + 1) as usize);
        (partition, some.collect::<Vec<_>>())
    };
    let wanted: Vec<(i32, Vec<i32>)> = range.map(replicas).collect();
    let partitions = wanted.iter().map(|(partition, replicas)| {
        actor.world.replicas.asked(topic.name, *partition);
        ReassignablePartition {
            partition_index: *partition,
            replicas: Some(replicas.clone()),
            ..Default::default()
        }
    });
    let topics = vec![ReassignableTopic {
        name: topic.name.into(),
        partitions: partitions.collect(),
        ..Default::default()
    }];
    let request = AlterPartitionReassignmentsRequest {
        timeout_ms: 1000,
        allow_replication_factor_change: true,
        topics,
        ..Default::default()
    };
    let response = actor.client.controller().await?.call(&request).await?;
    actor.world.trace.line(&actor.name, format_args!("reassigned: {}", response.error_code));
    // Those of a drained broker are given to others at once.
    let done = response.responses.iter().flat_map(|t| &t.partitions).filter(|_| !plan.drains);
    for done in done.filter(|done| response.error_code == 0 && done.error_code == 0) {
        let replicas = wanted.iter().find(|(partition, _)| *partition == done.partition_index);
        if let Some((partition, replicas)) = replicas {
            actor.world.replicas.given(topic.name, *partition, replicas.clone());
        }
    }
    Ok(())
}

/// Waits until the partitions of a topic have the replicas that they were given, and the first of
/// them leads.
pub(super) async fn replicas_are_as_given(actor: &mut Actor, topic: &'static str) {
    loop {
        if let Ok(info) = actor.client.describe_topic(topic).await
            && info.partitions.iter().all(|partition| {
                let given = actor.world.replicas.of(topic, partition.index);
                let replicas: Vec<i32> = partition.replicas.iter().map(|id| id.0).collect();
                given.is_none_or(|given| given == replicas)
                    && partition.leader == partition.replicas.first().copied()
            })
        {
            return;
        }
        actor.reconnect();
        actor.rest(20..200).await;
    }
}

/// Has brokers drained as the service does, one at a time, and takes each back after a while.
pub(super) async fn drain(actor: Actor) {
    let metadata = actor.world.service_metadata();
    while actor.is_working() {
        actor.rest(200..1500).await;
        let broker = BrokerId(1 + actor.rng.below(actor.world.plan.brokers as u64) as i32);
        for draining in [true, false] {
            actor.world.trace.line(&actor.name, format_args!("drain {broker}: {draining}"));
            while let Err(error) = metadata.set_draining(broker, draining).await {
                actor.world.trace.line(&actor.name, format_args!("draining: {error}"));
                actor.rest(20..200).await;
            }
            actor.rest(500..3000).await;
        }
    }
}

/// Waits until a broker that is drained has nothing.
pub(super) async fn drain_to_the_end(actor: &Actor) {
    let (metadata, broker) = (actor.world.service_metadata(), BrokerId(1));
    while metadata.set_draining(broker, true).await.is_err() {
        actor.rest(20..200).await;
    }
    while metadata.broker_assignments().await.map_or(true, |all| all.holds(broker)) {
        actor.rest(20..200).await;
    }
}

/// Waits until every partition of a topic has a leader.
pub(super) async fn every_partition_is_led(actor: &mut Actor, topic: &str) {
    loop {
        if let Ok(info) = actor.client.describe_topic(topic).await
            && info.partitions.iter().all(|partition| partition.leader.is_some())
        {
            return;
        }
        actor.reconnect();
        actor.rest(20..200).await;
    }
}
