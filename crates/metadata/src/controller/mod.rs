//! A controller's changes: a pure function of the metadata image.
//!
//! Nothing is copied when replicas or leaders move, so a decision is a change of records, and the
//! leader's handoff does the rest. Nothing here changes who leads (see `cluster::leadership`), only
//! the wanted leader.
//!
//! In this order, for every partition: original replicas come back once one of them serves; brokers
//! that are about to leave lose their replicas; new brokers get their quota; a reassignment gets a
//! wanted leader; and leadership goes back to the first replica.

mod quota;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use milena_types::{BrokerEpoch, BrokerId, TopicPartition};

use crate::{
    cluster::{PartitionChange, PartitionRecord},
    image::{MetadataImage, PartitionImage},
};

use quota::BrokerLoads;

/// The inputs of a plan besides the image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlanOptions {
    /// `auto.leader.rebalance.enable`: whether leadership goes back to the first replica.
    pub preferred_leaders: bool,
    /// Brokers that have served for long enough to get back their partitions.
    pub stable_brokers: BTreeSet<BrokerId>,
}

/// The changes that a controller is to make.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    pub changes: Vec<PartitionChange>,
    /// New brokers that have their quota of the partitions with these changes.
    pub at_quota: Vec<BrokerId>,
}

/// Plans all changes. On an image that shows them the plan is empty.
pub fn plan(image: &MetadataImage, options: &PlanOptions) -> Plan {
    let mut records: Vec<(TopicPartition, &PartitionImage, PartitionRecord)> = Vec::new();
    let leaving = image.nodes().values().any(|node| node.draining);
    let new_brokers = new_brokers(image);
    let all = leaving || !new_brokers.is_empty();
    for topic in image.topics() {
        for (index, partition) in topic.partitions() {
            // With no replicas to spread, most partitions need no change.
            if all || may_change(image, options, partition) {
                let id = TopicPartition { topic: topic.id(), partition: index };
                records.push((id, partition, partition.into()));
            }
        }
    }
    let serves = |id: BrokerId| image.is_serving(id) && !image.is_draining(id);
    for (_, _, record) in &mut records {
        restore_replicas(record, options, serves);
    }
    if all {
        let mut loads = BrokerLoads::new(image, records.iter().map(|(_, _, record)| record));
        for (_, _, record) in &mut records {
            loads.drain(record, serves);
        }
        for new_broker in &new_brokers {
            let of_all: Vec<&mut PartitionRecord> =
                records.iter_mut().map(|(_, _, record)| record).collect();
            loads.fill_quota(*new_broker, of_all, serves);
        }
    }
    for (_, partition, record) in &mut records {
        set_wanted_leader(record, partition, image, options, serves);
    }
    let changed = records
        .into_iter()
        .filter(|(_, partition, record)| *record != PartitionRecord::from(*partition));
    let changes = changed.map(|(partition, _, record)| PartitionChange { partition, record });
    Plan { changes: changes.collect(), at_quota: new_brokers }
}

/// New brokers that accept clients, in order of their ids.
fn new_brokers(image: &MetadataImage) -> Vec<BrokerId> {
    let new = image.nodes().iter().filter(|(_, node)| node.below_quota && !node.draining);
    new.map(|(id, _)| *id).filter(|id| image.is_serving(*id)).collect()
}

/// Whether a plan without drained and new brokers may change the partition.
fn may_change(image: &MetadataImage, options: &PlanOptions, partition: &PartitionImage) -> bool {
    let first = partition.replicas.first().copied();
    let returns = options.preferred_leaders
        && first.is_some_and(|id| id != partition.leader && options.stable_brokers.contains(&id));
    let wanted_is_gone = partition.wanted_leader.is_some_and(|id| !image.is_serving(id));
    returns
        || wanted_is_gone
        || partition.original_replicas.is_some()
        || partition.reassignment.is_some()
}

fn restore_replicas(
    record: &mut PartitionRecord,
    options: &PlanOptions,
    serves: impl Fn(BrokerId) -> bool + Copy,
) {
    let Some(original) = &record.original_replicas else { return };
    if original.iter().any(|id| options.stable_brokers.contains(id) && serves(*id)) {
        let original = original.clone();
        record.reassign(original, serves);
    }
}

fn set_wanted_leader(
    record: &mut PartitionRecord,
    before: &PartitionImage,
    image: &MetadataImage,
    options: &PlanOptions,
    serves: impl Fn(BrokerId) -> bool + Copy,
) {
    record.wanted_leader = record.wanted_leader.filter(|id| image.is_serving(*id));
    if record.wanted_leader.is_some() {
        return;
    }
    if record.reassignment.is_some() {
        record.wanted_leader = record.replicas_to_stay().into_iter().find(|id| serves(*id));
        return;
    }
    let Some(&first) = record.replicas.first() else { return };
    let ready =
        options.preferred_leaders && options.stable_brokers.contains(&first) && serves(first);
    if ready && first != record.leader && image.live_leader(before).is_some() {
        record.wanted_leader = Some(first);
    }
}

/// The new leaders of the partitions of a broker that is about to stop: replicas that accept
/// clients, each for as many partitions; where no replica does, any broker that does. A partition
/// without one is left out.
pub fn plan_departure(image: &MetadataImage, broker: BrokerId) -> Vec<(TopicPartition, BrokerId)> {
    let others: Vec<BrokerId> = image
        .brokers()
        .keys()
        .copied()
        .filter(|id| *id != broker && image.is_serving(*id))
        .collect();
    let mut assigned: HashMap<BrokerId, usize> = HashMap::new();
    let mut moves = Vec::new();
    for (id, partition) in image.led_by(broker) {
        let record = PartitionRecord::from(partition);
        let cost =
            |id: &&BrokerId| (image.is_draining(**id), assigned.get(*id).copied().unwrap_or(0));
        let stay = record.replicas_to_stay();
        let replica = stay.iter().filter(|id| others.contains(id)).min_by_key(cost);
        let wanted = record.wanted_leader.filter(|wanted| others.contains(wanted));
        if let Some(to) =
            wanted.or(replica.copied()).or_else(|| others.iter().min_by_key(cost).copied())
        {
            *assigned.entry(to).or_default() += 1;
            moves.push((id, to));
        }
    }
    moves
}

/// Brokers that lead partitions and are not registered, with the last life that is known of each:
/// their partitions have no leader.
pub fn missing_leaders(image: &MetadataImage) -> BTreeMap<BrokerId, BrokerEpoch> {
    let mut missing: BTreeMap<BrokerId, BrokerEpoch> = BTreeMap::new();
    // Most of the time none is missing.
    if image.nodes().keys().all(|id| image.broker(*id).is_some()) {
        return missing;
    }
    for topic in image.topics() {
        for (_, partition) in topic.partitions() {
            if image.broker(partition.leader).is_none() {
                let last = missing.entry(partition.leader).or_insert(partition.broker_epoch);
                *last = partition.broker_epoch.max(*last);
            }
        }
    }
    for (id, last) in &mut missing {
        let known = image.nodes().get(id).and_then(|node| node.epoch);
        *last = known.map_or(*last, |epoch| epoch.max(*last));
    }
    missing
}
