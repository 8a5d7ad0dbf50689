//! Placement of replicas: spread over brokers and, as far as there are enough, over zones.
//!
//! The brokers form a circle in which zones alternate. Partition `n` is led by the `n`-th broker
//! from a random start, so that leaders alternate over zones and brokers. Its other replicas are
//! the next brokers in the circle in zones not used yet (or, with all zones used, the next
//! brokers), starting one place later after each full turn, so that the partitions of one leader do
//! not all have the same other replicas.

use std::collections::{BTreeMap, HashSet};

use milena_types::BrokerId;

use super::MetadataError;

/// The most replicas of a partition. Each that is placed is a precondition of one transaction.
pub(super) const REPLICAS_MAX: usize = 100;

/// Lists for `partitions` partitions of `replication_factor` brokers each, preferred leader first.
/// `first_partition` is how many the topic has already; `start` is random.
pub(super) fn spread_replicas(
    nodes: &BTreeMap<BrokerId, Option<String>>,
    partitions: i32,
    replication_factor: i16,
    first_partition: i32,
    start: u64,
) -> Result<Vec<Vec<BrokerId>>, MetadataError> {
    if replication_factor <= 0 {
        let reason = "a partition needs at least one replica".to_owned();
        return Err(MetadataError::InvalidReplicationFactor { reason });
    }
    let wanted = replication_factor as usize;
    if wanted > nodes.len() {
        let reason = format!(
            "replication factor {wanted} is larger than the {} brokers that are registered",
            nodes.len()
        );
        return Err(MetadataError::InvalidReplicationFactor { reason });
    }
    if wanted > REPLICAS_MAX {
        let reason = format!("replication factor {wanted} is larger than {REPLICAS_MAX}");
        return Err(MetadataError::InvalidReplicationFactor { reason });
    }
    let circle = alternate_zones(nodes);
    let start = (start % circle.len() as u64) as usize;
    let first = first_partition.max(0) as usize;
    Ok((first..first + partitions.max(0) as usize)
        .map(|partition| {
            replicas_from(&circle, start + partition, partition / circle.len(), wanted)
        })
        .collect())
}

type BrokerZone<'a> = (BrokerId, Option<&'a str>);

fn alternate_zones(nodes: &BTreeMap<BrokerId, Option<String>>) -> Vec<BrokerZone<'_>> {
    let mut zones: BTreeMap<Option<&str>, Vec<BrokerId>> = BTreeMap::new();
    for (broker, rack) in nodes {
        zones.entry(rack.as_deref()).or_default().push(*broker);
    }
    let deepest = zones.values().map(Vec::len).max().unwrap_or(0);
    (0..deepest)
        .flat_map(|row| {
            zones.iter().filter_map(move |(zone, brokers)| Some((*brokers.get(row)?, *zone)))
        })
        .collect()
}

fn replicas_from(
    circle: &[BrokerZone<'_>],
    leader: usize,
    turn: usize,
    wanted: usize,
) -> Vec<BrokerId> {
    let at = |place: usize| circle[place % circle.len()];
    let (first, zone) = at(leader);
    let mut replicas = vec![first];
    let mut zones = HashSet::from([zone]);
    let all_zones: HashSet<_> = circle.iter().map(|(_, zone)| *zone).collect();
    let others = circle.len() - 1;
    while replicas.len() < wanted {
        // The next broker that fits: in a zone of its own while there are any, any other broker
        // then.
        let fresh_zone = zones.len() < all_zones.len();
        let fits = |(broker, zone): &BrokerZone<'_>| {
            !replicas.contains(broker) && (!fresh_zone || !zones.contains(zone))
        };
        let next = (0..others).map(|step| at(leader + 1 + (turn + step) % others)).find(fits);
        let (broker, zone) = next.expect("fewer replicas than brokers");
        replicas.push(broker);
        zones.insert(zone);
    }
    replicas
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes(racks: &[Option<&str>]) -> BTreeMap<BrokerId, Option<String>> {
        (1..).zip(racks).map(|(id, rack)| (BrokerId(id), rack.map(str::to_owned))).collect()
    }

    fn zone_of(nodes: &BTreeMap<BrokerId, Option<String>>, broker: BrokerId) -> &str {
        nodes[&broker].as_deref().unwrap()
    }

    #[test]
    fn leaders_take_turns_over_brokers_and_zones() {
        let nodes = nodes(&[Some("a"), Some("a"), Some("b"), Some("b"), Some("c"), Some("c")]);
        for start in 0..12 {
            let lists = spread_replicas(&nodes, 12, 3, 0, start).unwrap();
            let mut led: BTreeMap<BrokerId, usize> = BTreeMap::new();
            for list in &lists {
                *led.entry(list[0]).or_default() += 1;
            }
            assert!(led.values().all(|n| *n == 2), "start {start}: {led:?}");
            for three in lists.chunks(3) {
                let zones: HashSet<&str> =
                    three.iter().map(|list| zone_of(&nodes, list[0])).collect();
                assert_eq!(zones.len(), 3, "start {start}");
            }
        }
    }

    #[test]
    fn replicas_of_a_partition_are_in_distinct_zones() {
        let nodes = nodes(&[Some("a"), Some("a"), Some("a"), Some("b"), Some("c")]);
        for start in 0..5 {
            for list in spread_replicas(&nodes, 40, 3, 0, start).unwrap() {
                let zones: HashSet<&str> =
                    list.iter().map(|broker| zone_of(&nodes, *broker)).collect();
                assert_eq!(zones.len(), 3, "{list:?}");
            }
        }
    }

    #[test]
    fn more_replicas_than_zones_use_distinct_brokers() {
        let nodes = nodes(&[Some("a"), Some("a"), Some("b"), None]);
        for list in spread_replicas(&nodes, 16, 4, 0, 3).unwrap() {
            assert_eq!(list.iter().collect::<HashSet<_>>().len(), 4, "{list:?}");
        }
    }

    #[test]
    fn followers_of_one_leader_differ_between_turns() {
        let nodes = nodes(&[None, None, None, None]);
        let lists = spread_replicas(&nodes, 12, 2, 0, 0).unwrap();
        let followers: HashSet<BrokerId> =
            lists.iter().filter(|list| list[0] == BrokerId(1)).map(|list| list[1]).collect();
        assert_eq!(followers.len(), 3);
    }

    #[test]
    fn a_replication_factor_beyond_the_brokers_is_refused() {
        let nodes = nodes(&[None]);
        assert!(spread_replicas(&nodes, 1, 2, 0, 0).is_err());
        assert!(spread_replicas(&nodes, 1, 0, 0, 0).is_err());
        assert!(spread_replicas(&nodes, 1, -1, 0, 0).is_err());
        assert_eq!(spread_replicas(&nodes, 2, 1, 0, 9).unwrap(), vec![vec![BrokerId(1)]; 2]);
    }
}
