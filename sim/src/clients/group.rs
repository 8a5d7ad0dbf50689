//! Offsets that groups commit: one client commits ever higher ones, another looks what is
//! committed.

use milena_client::CommittedOffset;
use milena_testkit::history::Event;
use milena_types::{LeaderEpoch, Offset};

use super::actor::Actor;
use crate::topics::NumberedPartition;

/// Offsets of one generation of a topic are told from those of another.
const GENERATION_OFFSETS: i64 = 1_000_000;

fn group_name(n: u64) -> String {
    format!("group-{n}")
}

fn first_partition(actor: &Actor) -> NumberedPartition {
    actor.world.topics.partitions()[0].clone()
}

/// Commits while work goes on. A commit whose outcome is not known is repeated before a higher one
/// is made.
pub(super) async fn commit(mut actor: Actor, n: u64) {
    let (group, place) = (group_name(n), first_partition(&actor));
    let (mut offset, mut before) = (1, 0);
    while actor.is_working() {
        let Some(generation) = actor.world.topics.newest(&place) else {
            actor.rest(1..20).await;
            continue;
        };
        if generation != before {
            (offset, before) = (i64::from(generation) * GENERATION_OFFSETS + 1, generation);
        }
        let committed = CommittedOffset {
            topic: place.topic.to_owned(),
            partition: place.partition,
            offset: Offset(offset),
            leader_epoch: LeaderEpoch::NONE,
            metadata: String::new(),
        };
        match actor.client.commit_offsets(&group, &[committed]).await {
            Ok(()) => {
                let (group, partition) = (group.clone(), place.numbered(generation));
                actor.world.note(&actor.name, Event::Committed { group, partition, offset });
                offset += 1;
                if place.recreated && actor.rng.chance(300) {
                    // Long enough for whoever looks to see that it is gone.
                    actor.rest(300..1500).await;
                } else if actor.rng.chance(500) {
                    actor.rest(1..150).await;
                }
            }
            Err(error) => {
                actor.world.trace.line(&actor.name, format_args!("{error}"));
                actor.reconnect();
                // Longer than anything stays on its way: a commit that comes late must not undo a
                // higher one.
                actor.rest(300..600).await;
            }
        }
    }
}

/// Reads committed offsets during the phase of work.
pub(super) async fn read_committed(mut actor: Actor, n: u64) {
    while actor.is_working() {
        try_read_committed(&mut actor, n).await;
        actor.rest(20..400).await;
    }
}

/// Reads a committed offset, until there is a response.
pub(super) async fn read_committed_once(actor: &mut Actor, n: u64) {
    while !try_read_committed(actor, n).await {
        actor.rest(20..200).await;
    }
}

async fn try_read_committed(actor: &mut Actor, n: u64) -> bool {
    let (group, place) = (group_name(n), first_partition(actor));
    let Some(generation) = actor.world.topics.newest(&place) else { return false };
    let call = actor.world.ask();
    match actor.client.committed_offsets(&group, &[(place.topic, place.partition)]).await {
        Ok(found) => {
            let offset = found.first().map_or(-1, |found| found.offset.raw());
            // What an earlier topic of this name left behind is nothing for this one.
            let offset = match offset / GENERATION_OFFSETS {
                of if of == i64::from(generation) => offset,
                _ => -1,
            };
            let (partition, call) = (place.numbered(generation), Some(call));
            actor.world.note(&actor.name, Event::Resumed { group, partition, offset, call });
            true
        }
        Err(error) => {
            actor.world.trace.line(&actor.name, format_args!("{error}"));
            actor.reconnect();
            false
        }
    }
}
