//! What a controller wants changed: a pure function of the metadata image.
//!
//! Nothing is copied when replicas or leaders move, so a decision is a change of records, and the
//! leader's handoff does the rest. Nothing here changes who leads (see `cluster::leadership`): it
//! only says who ought to.
//!
//! In this order, for every partition: replicas that another broker stood in for come back; brokers
//! that are about to leave lose their replicas; new brokers get their share; a reassignment that
//! waits gets the leader it waits for; and leadership goes back to the first replica.

mod shares;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use milena_types::{BrokerEpoch, BrokerId, TopicPartition};

use crate::{
    cluster::{PartitionChange, PartitionRecord},
    image::{MetadataImage, PartitionImage},
};

use shares::Loads;

/// What a plan depends on besides the image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlanOptions {
    /// `auto.leader.rebalance.enable`: whether leadership goes back to the first replica.
    pub preferred_leaders: bool,
    /// Brokers that serve for long enough to get back what they led.
    pub settled: BTreeSet<BrokerId>,
}

/// What a controller wants changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Partitions' records as they are to be.
    pub changes: Vec<PartitionChange>,
    /// New brokers that have got their share with these changes.
    pub shares_given: Vec<BrokerId>,
}

/// What is to be done now. Planning again on an image that shows the changes finds nothing more.
pub fn plan(image: &MetadataImage, options: &PlanOptions) -> Plan {
    let mut records: Vec<(TopicPartition, &PartitionImage, PartitionRecord)> = Vec::new();
    let leaving = image.nodes().values().any(|node| node.draining);
    let newcomers: Vec<BrokerId> = newcomers(image);
    let all = leaving || !newcomers.is_empty();
    for topic in image.topics() {
        for (index, partition) in topic.partitions() {
            // With nothing to spread anew, most partitions are as they ought to be.
            if all || is_unsettled(image, options, partition) {
                let id = TopicPartition { topic: topic.id(), partition: index };
                records.push((id, partition, partition.into()));
            }
        }
    }
    let serves = |id: BrokerId| image.is_serving(id) && !image.is_draining(id);
    for (_, _, record) in &mut records {
        come_home(record, options, serves);
    }
    if all {
        let mut loads = Loads::new(image, records.iter().map(|(_, _, record)| record));
        for (_, _, record) in &mut records {
            loads.drain(record, serves);
        }
        for newcomer in &newcomers {
            let of_all: Vec<&mut PartitionRecord> =
                records.iter_mut().map(|(_, _, record)| record).collect();
            loads.give_share(*newcomer, of_all, serves);
        }
    }
    for (_, partition, record) in &mut records {
        want_leader(record, partition, image, options, serves);
    }
    let changed = records
        .into_iter()
        .filter(|(_, partition, record)| *record != PartitionRecord::from(*partition));
    let changes = changed.map(|(partition, _, record)| PartitionChange { partition, record });
    Plan { changes: changes.collect(), shares_given: newcomers }
}

/// New brokers that accept clients, in the order of their numbers.
fn newcomers(image: &MetadataImage) -> Vec<BrokerId> {
    let new = image.nodes().iter().filter(|(_, node)| node.awaits_share && !node.draining);
    new.map(|(id, _)| *id).filter(|id| image.is_serving(*id)).collect()
}

/// Whether a partition may want something else than it has, without a look at the others.
fn is_unsettled(image: &MetadataImage, options: &PlanOptions, partition: &PartitionImage) -> bool {
    let first = partition.replicas.first().copied();
    let returns = options.preferred_leaders
        && first.is_some_and(|id| id != partition.leader && options.settled.contains(&id));
    let lost_target = partition.target.is_some_and(|id| !image.is_serving(id));
    returns || lost_target || partition.home.is_some() || partition.reassignment.is_some()
}

fn come_home(
    record: &mut PartitionRecord,
    options: &PlanOptions,
    serves: impl Fn(BrokerId) -> bool + Copy,
) {
    let Some(home) = &record.home else { return };
    if home.iter().any(|id| options.settled.contains(id) && serves(*id)) {
        let home = home.clone();
        record.reassign(home, serves);
    }
}

fn want_leader(
    record: &mut PartitionRecord,
    before: &PartitionImage,
    image: &MetadataImage,
    options: &PlanOptions,
    serves: impl Fn(BrokerId) -> bool + Copy,
) {
    record.target = record.target.filter(|id| image.is_serving(*id));
    if record.target.is_some() {
        return;
    }
    if record.reassignment.is_some() {
        record.target = record.replicas_to_stay().into_iter().find(|id| serves(*id));
        return;
    }
    let Some(&first) = record.replicas.first() else { return };
    let ready = options.preferred_leaders && options.settled.contains(&first) && serves(first);
    if ready && first != record.leader && image.live_leader(before).is_some() {
        record.target = Some(first);
    }
}

/// Who takes over what a broker leads that is about to stop: live replicas that accept clients, in
/// equal shares; where there is none, any broker that does. What nobody can take is left out.
pub fn plan_departure(image: &MetadataImage, broker: BrokerId) -> Vec<(TopicPartition, BrokerId)> {
    let others: Vec<BrokerId> = image
        .brokers()
        .keys()
        .copied()
        .filter(|id| *id != broker && image.is_serving(*id))
        .collect();
    let mut shares: HashMap<BrokerId, usize> = HashMap::new();
    let mut moves = Vec::new();
    for (id, partition) in image.led_by(broker) {
        let record = PartitionRecord::from(partition);
        let price =
            |id: &&BrokerId| (image.is_draining(**id), shares.get(*id).copied().unwrap_or(0));
        let stay = record.replicas_to_stay();
        let replica = stay.iter().filter(|id| others.contains(id)).min_by_key(price);
        let wanted = record.target.filter(|target| others.contains(target));
        if let Some(to) =
            wanted.or(replica.copied()).or_else(|| others.iter().min_by_key(price).copied())
        {
            *shares.entry(to).or_default() += 1;
            moves.push((id, to));
        }
    }
    moves
}

/// Brokers that lead partitions and are not registered, with the last life that is known of each:
/// their partitions have no leader.
pub fn missing_leaders(image: &MetadataImage) -> BTreeMap<BrokerId, BrokerEpoch> {
    let mut missing: BTreeMap<BrokerId, BrokerEpoch> = BTreeMap::new();
    // Most of the time all are there, and no partition needs to be looked at.
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
