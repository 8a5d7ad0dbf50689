//! How many replicas each broker has, and the moves from draining and to new brokers.
//!
//! A replica moves by a broker taking another's place in a partition's list: the first place with
//! the leadership that goes with it, and never so that a partition is in fewer zones than before.
//! They are taken from the brokers with the most.

use std::collections::{BTreeMap, HashMap, HashSet};

use milena_types::BrokerId;

use crate::{cluster::PartitionRecord, image::MetadataImage};

/// How many replicas a broker has, and of how many of them it is the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct BrokerLoad {
    replicas: usize,
    firsts: usize,
}

pub(super) struct BrokerLoads<'a> {
    zones: HashMap<BrokerId, Option<&'a str>>,
    staying: BTreeMap<BrokerId, BrokerLoad>,
    leaving: HashSet<BrokerId>,
}

impl<'a> BrokerLoads<'a> {
    pub(super) fn new<'r>(
        image: &'a MetadataImage,
        records: impl Iterator<Item = &'r PartitionRecord>,
    ) -> Self {
        let nodes = image.nodes();
        let zones = nodes.iter().map(|(id, node)| (*id, node.rack.as_deref())).collect();
        let (leaving, staying): (Vec<_>, Vec<_>) =
            nodes.iter().partition(|(_, node)| node.draining);
        let mut loads = Self {
            zones,
            staying: staying.into_iter().map(|(id, _)| (*id, BrokerLoad::default())).collect(),
            leaving: leaving.into_iter().map(|(id, _)| *id).collect(),
        };
        for record in records {
            for (place, id) in record.replicas_to_stay().into_iter().enumerate() {
                loads.add(id, place);
            }
        }
        loads
    }

    fn add(&mut self, broker: BrokerId, place: usize) {
        if let Some(load) = self.staying.get_mut(&broker) {
            load.replicas += 1;
            load.firsts += usize::from(place == 0);
        }
    }

    fn remove(&mut self, broker: BrokerId, place: usize) {
        if let Some(load) = self.staying.get_mut(&broker) {
            load.replicas -= 1;
            load.firsts -= usize::from(place == 0);
        }
    }

    fn zone(&self, broker: BrokerId) -> Option<&'a str> {
        self.zones.get(&broker).copied().flatten()
    }

    /// Whether `list` would still be in as many zones with `to` in the place of the broker there
    /// now.
    fn keeps_zones(&self, list: &[BrokerId], place: usize, to: BrokerId) -> bool {
        let zones = |list: &mut dyn Iterator<Item = BrokerId>| {
            list.map(|id| self.zone(id)).collect::<HashSet<_>>().len()
        };
        let before = zones(&mut list.iter().copied());
        let after = |(at, id): (usize, &BrokerId)| if at == place { to } else { *id };
        zones(&mut list.iter().enumerate().map(after)) >= before
    }

    /// Gives the places of brokers that leave to brokers that stay: those with the fewest, in zones
    /// that the partition is not in already as far as there are any. Removes a place that no broker
    /// can take if another replica stays.
    pub(super) fn drain(
        &mut self,
        record: &mut PartitionRecord,
        serves: impl Fn(BrokerId) -> bool,
    ) {
        let mut list = record.replicas_to_stay();
        if !list.iter().any(|id| self.leaving.contains(id)) {
            return;
        }
        let mut place = 0;
        while place < list.len() {
            if !self.leaving.contains(&list[place]) {
                place += 1;
                continue;
            }
            let others = |id: &BrokerId| !list.contains(id);
            let cost = |id: &BrokerId| {
                let load = self.staying[id];
                let of_kind = if place == 0 { load.firsts } else { load.replicas };
                (!self.keeps_zones(&list, place, *id), !serves(*id), of_kind, load.replicas)
            };
            match self.staying.keys().copied().filter(others).min_by_key(cost) {
                Some(to) => {
                    list[place] = to;
                    self.add(to, place);
                    place += 1;
                }
                None if list.iter().any(|id| !self.leaving.contains(id)) => {
                    list.remove(place);
                    // The next one is the first now.
                    if place == 0
                        && let Some(load) = list.first().and_then(|id| self.staying.get_mut(id))
                    {
                        load.firsts += 1;
                    }
                }
                None => break, // No broker stays.
            }
        }
        if list != record.replicas_to_stay() {
            record.reassign(list, serves);
        }
    }

    /// Gives a new broker places of the brokers with the most until it has its quota: first places,
    /// then others.
    pub(super) fn fill_quota(
        &mut self,
        new_broker: BrokerId,
        mut records: Vec<&mut PartitionRecord>,
        serves: impl Fn(BrokerId) -> bool + Copy,
    ) {
        let brokers = self.staying.len().max(1);
        let firsts_quota = records.len() / brokers;
        let replicas: usize = records.iter().map(|record| record.replicas_to_stay().len()).sum();
        let replicas_quota = replicas / brokers;
        for (first_places, quota) in [(true, firsts_quota), (false, replicas_quota)] {
            for record in &mut records {
                let load = self.staying.get(&new_broker).copied().unwrap_or_default();
                let has = if first_places { load.firsts } else { load.replicas };
                if has >= quota {
                    break;
                }
                self.take_replica(new_broker, record, first_places, quota, serves);
            }
        }
    }

    fn take_replica(
        &mut self,
        new_broker: BrokerId,
        record: &mut PartitionRecord,
        first_places: bool,
        quota: usize,
        serves: impl Fn(BrokerId) -> bool,
    ) {
        let mut list = record.replicas_to_stay();
        let places =
            if first_places { 0..1.min(list.len()) } else { 1.min(list.len())..list.len() };
        let of = |loads: &Self, id: BrokerId| {
            loads
                .staying
                .get(&id)
                .map_or(0, |load| if first_places { load.firsts } else { load.replicas })
        };
        if let Some(place) = list.iter().position(|id| *id == new_broker) {
            // A replica already: it may still become the first one.
            if first_places && of(self, list[0]) > quota {
                let former = list[0];
                self.remove(former, 0);
                self.add(former, 1);
                self.remove(new_broker, 1);
                self.add(new_broker, 0);
                list.swap(0, place);
                record.reassign(list, serves);
            }
            return;
        }
        let fits = |place: &usize| {
            of(self, list[*place]) > quota && self.keeps_zones(&list, *place, new_broker)
        };
        let Some(place) = places.filter(fits).max_by_key(|place| of(self, list[*place])) else {
            return;
        };
        self.remove(list[place], place);
        self.add(new_broker, place);
        list[place] = new_broker;
        record.reassign(list, serves);
    }
}
