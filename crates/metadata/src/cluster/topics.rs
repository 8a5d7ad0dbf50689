//! Topics and their partitions: creating, growing, deleting.
//!
//! A topic exists when its record does; the transaction that writes or deletes that record decides.
//! Partitions that do not fit into it are written before, each time on the condition that the topic
//! is still as it was seen, so that a reader never finds a topic that lacks partitions. Those that are
//! written before are noted ([`super::unfinished`]), so that they do not stay without a topic.

use std::collections::{BTreeMap, HashMap, HashSet};

use futures_util::{StreamExt, stream};
use milena_store::{PackedTxn, Precondition, Txn, TxnPacker, Versioned};
use milena_types::{
    BrokerEpoch, BrokerId, LeaderEpoch, PartitionIndex, Revision, TopicId, TopicName,
};
use uuid::Builder;

use super::{
    AT_ONCE_MAX, ATTEMPTS_MAX, BrokerRecord, ClusterMetadata, Configs, DeletedTopicRecord,
    MetadataError, MetadataKey, PartitionRecord, REPLICAS_MAX, TopicRecord, bounded_value,
    brokers::Nodes, decode, placement::spread_replicas, unfinished::UnfinishedTopic, value,
};

#[derive(Clone, Debug)]
pub struct NewTopic {
    pub name: TopicName,
    pub placement: Placement,
    pub configs: Configs,
}

#[derive(Clone, Debug)]
pub enum Placement {
    /// Spread over brokers and zones from a random start.
    Spread { partitions: i32, replication_factor: i16 },
    /// Per partition the brokers, preferred leader first.
    Manual(Vec<Vec<BrokerId>>),
}

/// The placement of partitions that would be created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedTopic {
    /// Per partition the brokers, preferred leader first.
    pub replicas: Vec<Vec<BrokerId>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreatedTopic {
    pub id: TopicId,
    /// Per partition the brokers, preferred leader first.
    pub replicas: Vec<Vec<BrokerId>>,
    /// The first at which it exists.
    pub revision: Revision,
}

type Brokers = BTreeMap<BrokerId, Versioned<BrokerRecord>>;

/// What a placement was decided on.
struct Decided {
    brokers: Brokers,
    nodes: Nodes,
}

impl ClusterMetadata {
    /// The dry run of [`ClusterMetadata::create_topic`]. Does not check whether the topic exists.
    pub async fn plan_topic(&self, placement: &Placement) -> Result<PlannedTopic, MetadataError> {
        let (replicas, _) = self.assign_replicas(placement, 0).await?;
        Ok(PlannedTopic { replicas })
    }

    pub async fn create_topic(&self, topic: &NewTopic) -> Result<CreatedTopic, MetadataError> {
        let key = self.key(MetadataKey::Topic(topic.name.as_str()));
        for _ in 0..ATTEMPTS_MAX {
            if self.store.get(&key).await?.is_some() {
                return Err(MetadataError::TopicExists(topic.name.clone()));
            }
            let (replicas, decided) = self.assign_replicas(&topic.placement, 0).await?;
            let id = TopicId(
                Builder::from_random_bytes(self.runtime.random_u128().to_be_bytes()).into_uuid(),
            );
            let record = TopicRecord {
                id,
                partitions: replicas.len() as i32,
                configs: topic.configs.clone(),
                created_ms: self.runtime.wall_ms(),
            };
            // While a deletion of this id is under way, a late or repeated write would bring a
            // deleted topic back.
            let deleted = self.key(MetadataKey::DeletedTopic(id));
            let guard = Txn::new().absent(&key).absent(&deleted);
            let written =
                self.write_partitions(guard, &topic.name, 0, &replicas, &decided, &record).await?;
            if let Some(revision) = written {
                return Ok(CreatedTopic { id, replicas, revision });
            }
            // After an unknown outcome this topic may be there, changed or deleted by others since.
            let found = self.record::<TopicRecord>(&key).await?;
            let own = found.as_ref().filter(|found| found.value.id == id);
            let revision = match own {
                Some(own) => Some(own.revision),
                None => self.store.get(&deleted).await?.map(|deleted| deleted.revision),
            };
            if let Some(revision) = revision {
                return Ok(CreatedTopic { id, replicas, revision });
            }
            // Nobody has seen these partitions: the topic's record is not theirs, nor will be.
            let txn = Txn::new().unchanged(&key, found.map(|found| found.revision));
            let txn = txn.delete(self.key(MetadataKey::UnfinishedTopic(id)));
            let _ =
                self.commit(txn.delete_prefix(self.below(&MetadataKey::partitions_of(id)))).await?;
        }
        Err(MetadataError::Contended { key })
    }

    /// Grows a topic to `total` partitions, the new ones placed as in `manual` or spread with the
    /// replication factor of the first. Returns the revision at which they exist.
    pub async fn create_partitions(
        &self,
        name: &TopicName,
        total: i32,
        manual: Option<Vec<Vec<BrokerId>>>,
    ) -> Result<Revision, MetadataError> {
        let key = self.key(MetadataKey::Topic(name.as_str()));
        for _ in 0..ATTEMPTS_MAX {
            let (mut topic, replicas, decided) =
                self.plan_growth(name, total, manual.clone()).await?;
            let first = topic.value.partitions;
            topic.value.partitions = total;
            let guard = Txn::new().at(&key, topic.revision);
            let written = self
                .write_partitions(guard, name, first, &replicas, &decided, &topic.value)
                .await?;
            if let Some(revision) = written {
                return Ok(revision);
            }
        }
        Err(MetadataError::Contended { key })
    }

    /// The dry run of [`ClusterMetadata::create_partitions`].
    pub async fn plan_partitions(
        &self,
        name: &TopicName,
        total: i32,
        manual: Option<Vec<Vec<BrokerId>>>,
    ) -> Result<PlannedTopic, MetadataError> {
        let (_, replicas, _) = self.plan_growth(name, total, manual).await?;
        Ok(PlannedTopic { replicas })
    }

    async fn plan_growth(
        &self,
        name: &TopicName,
        total: i32,
        manual: Option<Vec<Vec<BrokerId>>>,
    ) -> Result<(Versioned<TopicRecord>, Vec<Vec<BrokerId>>, Decided), MetadataError> {
        let topic =
            self.topic(name).await?.ok_or_else(|| MetadataError::UnknownTopic(name.clone()))?;
        let now = topic.value.partitions;
        if total <= now {
            let reason = if total == now {
                format!("the topic has {now} partitions already: ask for more")
            } else {
                format!(
                    "topic '{name}' has {now} partitions and cannot shrink to {total}: ask for \
                     more than it has"
                )
            };
            return Err(MetadataError::InvalidPartitions { reason });
        }
        let added = total - now;
        let factor = self.partition(topic.value.id, PartitionIndex(0)).await?;
        let factor = factor.map_or(1, |seen| seen.value.replicas.len());
        let placement = match manual {
            None => Placement::Spread { partitions: added, replication_factor: factor as i16 },
            Some(lists) if lists.len() != added as usize => {
                let reason = format!(
                    "{added} partitions are added, but replicas are assigned to {} partitions",
                    lists.len()
                );
                return Err(MetadataError::InvalidAssignment { reason });
            }
            Some(lists) if lists.iter().any(|list| list.len() != factor) => {
                let reason = format!(
                    "the topic has {factor} replicas per partition; assign as many to each"
                );
                return Err(MetadataError::InvalidAssignment { reason });
            }
            Some(lists) => Placement::Manual(lists),
        };
        let (replicas, decided) = self.assign_replicas(&placement, now).await?;
        Ok((topic, replicas, decided))
    }

    /// Deletes a topic if it still has that id. Returns the revision from which it is gone.
    pub async fn delete_topic(
        &self,
        name: &TopicName,
        id: TopicId,
    ) -> Result<Revision, MetadataError> {
        let key = self.key(MetadataKey::Topic(name.as_str()));
        let deleted_key = self.key(MetadataKey::DeletedTopic(id));
        for attempt in 0..ATTEMPTS_MAX {
            let Some(topic) = self.topic(name).await?.filter(|seen| seen.value.id == id) else {
                // After an unknown outcome it may be gone already, and another made under its name.
                let done = if attempt > 0 { self.store.get(&deleted_key).await? } else { None };
                let unknown = || MetadataError::UnknownTopic(name.clone());
                return done.map(|deleted| deleted.revision).ok_or_else(unknown);
            };
            let deleted =
                DeletedTopicRecord { name: name.clone(), partitions: topic.value.partitions };
            let txn = Txn::new()
                .at(&key, topic.revision)
                .delete(&key)
                .delete(self.key(MetadataKey::UnfinishedTopic(id)))
                .delete_prefix(self.below(&MetadataKey::partitions_of(id)))
                .put(&deleted_key, value(&deleted));
            if let Some(revision) = self.commit(txn).await?.committed() {
                return Ok(revision);
            }
        }
        Err(MetadataError::Contended { key })
    }

    /// Topics that were deleted and whose bytes may still exist.
    pub async fn deleted_topics(
        &self,
    ) -> Result<Vec<(TopicId, DeletedTopicRecord)>, MetadataError> {
        let mut deleted = Vec::new();
        for entry in self.entries(&self.below(MetadataKey::DELETED_TOPICS)).await? {
            let record = decode(&entry.key, &entry.versioned.value)?;
            let key = entry.key.strip_prefix(&*self.prefix).and_then(MetadataKey::parse);
            if let Some(MetadataKey::DeletedTopic(id)) = key {
                deleted.push((id, record));
            }
        }
        Ok(deleted)
    }

    /// Removes the record of a deleted topic, of which nothing exists any more.
    ///
    /// # Errors
    /// [`MetadataError::Outdated`] when `guard` does not hold.
    pub async fn forget_deleted_topic(
        &self,
        guard: Precondition,
        id: TopicId,
    ) -> Result<(), MetadataError> {
        let txn = Txn { preconditions: vec![guard], ..Txn::default() };
        let txn = txn.delete(self.key(MetadataKey::DeletedTopic(id)));
        self.commit(txn).await?.committed().map(|_| ()).ok_or(MetadataError::Outdated)
    }

    pub async fn topic(
        &self,
        name: &TopicName,
    ) -> Result<Option<Versioned<TopicRecord>>, MetadataError> {
        self.record(&self.key(MetadataKey::Topic(name.as_str()))).await
    }

    pub async fn partition(
        &self,
        topic: TopicId,
        partition: PartitionIndex,
    ) -> Result<Option<Versioned<PartitionRecord>>, MetadataError> {
        self.record(&self.key(MetadataKey::Partition(topic, partition))).await
    }

    async fn assign_replicas(
        &self,
        placement: &Placement,
        first_partition: i32,
    ) -> Result<(Vec<Vec<BrokerId>>, Decided), MetadataError> {
        let mut nodes = self.nodes().await?;
        nodes.retain(|_, seen| !seen.value.dismissed);
        let mut brokers = self.brokers().await?;
        brokers.retain(|id, _| nodes.contains_key(id));
        let racks = |staying: bool| -> BTreeMap<BrokerId, Option<String>> {
            let some = nodes.iter().filter(|(_, seen)| !(staying && seen.value.draining));
            some.map(|(id, seen)| (*id, seen.value.rack.clone())).collect()
        };
        if brokers.is_empty() {
            let reason = "no broker is alive; try again once one has started".to_owned();
            return Err(MetadataError::InvalidReplicationFactor { reason });
        }
        let replicas = match placement {
            Placement::Spread { partitions, replication_factor } => {
                let start = self.runtime.random_u64();
                // Brokers that are about to leave get replicas only if the others are too few.
                let staying = racks(true);
                let enough = usize::try_from(*replication_factor)
                    .is_ok_and(|factor| factor <= staying.len());
                let chosen = if enough { staying } else { racks(false) };
                spread_replicas(&chosen, *partitions, *replication_factor, first_partition, start)?
            }
            Placement::Manual(lists) => {
                check_assignment(lists, &racks(false))?;
                lists.clone()
            }
        };
        Ok((replicas, Decided { brokers, nodes }))
    }

    /// Writes partitions `first..` and, with the last of them, the topic's record, all on the
    /// conditions in `guard`, that the leaders live on and that the replicas are not removed.
    /// `None` if one of these no longer holds.
    async fn write_partitions(
        &self,
        guard: Txn,
        name: &TopicName,
        first: i32,
        replicas: &[Vec<BrokerId>],
        decided: &Decided,
        topic: &TopicRecord,
    ) -> Result<Option<Revision>, MetadataError> {
        let Decided { brokers, nodes } = decided;
        let id = topic.id;
        let mut note = self.begin_unfinished(name, id, first);
        let topic_key = self.key(MetadataKey::Topic(name.as_str()));
        let topic = Txn::new().put(&topic_key, bounded_value(&topic_key, topic)?);
        let room = note.room() + topic.size();
        let mut packer = TxnPacker::with_room(self.store.limits(), guard, room);
        let mut packed = Vec::new();
        for (partition, record) in (first..).zip(new_partitions(replicas, brokers)) {
            let mut part = Txn::new()
                .at(self.key(MetadataKey::Broker(record.leader)), brokers[&record.leader].revision)
                .put(
                    self.key(MetadataKey::Partition(id, PartitionIndex(partition))),
                    value(&record),
                );
            part.preconditions.extend(self.members(nodes, record.replicas.iter().copied()));
            packed.extend(packer.push(part, ()));
        }
        let Some(last) = packer.finish() else {
            let reason = "a topic has at least one partition".to_owned();
            return Err(MetadataError::InvalidPartitions { reason });
        };
        let mut txn = last.txn;
        txn.puts.extend(topic.puts);
        if !packed.is_empty() {
            self.end_earlier_attempt(id).await?;
            if !self.write_before(&mut note, packed).await? {
                return Ok(None);
            }
            txn = note.add_to(txn, true);
        }
        Ok(self.commit(txn).await?.committed())
    }

    /// Writes the partitions that do not fit into the transaction with the topic's record: first
    /// some with the note of all of them, then the others. Returns false if a condition no longer
    /// holds.
    async fn write_before(
        &self,
        note: &mut UnfinishedTopic,
        packed: Vec<PackedTxn<()>>,
    ) -> Result<bool, MetadataError> {
        let mut packed = packed.into_iter();
        let Some(first) = packed.next() else { return Ok(true) };
        let Some(revision) = self.commit(note.add_to(first.txn, false)).await?.committed() else {
            return Ok(false);
        };
        note.committed(revision);
        let note = &*note;
        let mut others = stream::iter(packed)
            .map(|full| self.commit(note.add_to(full.txn, false)))
            .buffer_unordered(AT_ONCE_MAX);
        while let Some(outcome) = others.next().await {
            if outcome?.committed().is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Ends what another attempt left of the same topic.
    async fn end_earlier_attempt(&self, id: TopicId) -> Result<(), MetadataError> {
        let note = self.store.get(&self.key(MetadataKey::UnfinishedTopic(id))).await?;
        match note {
            Some(note) => self.end_unfinished_topic(&[], id, note.revision).await,
            None => Ok(()),
        }
    }
}

/// New partitions, each led by its first live replica; if there is none, by any live broker, which
/// takes the place of the first replica.
fn new_partitions(replicas: &[Vec<BrokerId>], brokers: &Brokers) -> Vec<PartitionRecord> {
    let mut stand_ins = brokers.keys().cycle().copied();
    let mut epochs: HashMap<BrokerId, BrokerEpoch> = HashMap::new();
    for (id, seen) in brokers {
        epochs.insert(*id, seen.value.epoch);
    }
    let record = |list: &Vec<BrokerId>| {
        let mut replicas = list.clone();
        let leader = match list.iter().find(|id| brokers.contains_key(id)) {
            Some(alive) => *alive,
            None => {
                replicas[0] = stand_ins.next().expect("some broker lives");
                replicas[0]
            }
        };
        PartitionRecord {
            leader,
            leader_epoch: LeaderEpoch(0),
            broker_epoch: epochs[&leader],
            partition_epoch: 0,
            replicas,
            wanted_leader: None,
            reassignment: None,
            original_replicas: None,
            unfolded: Some(Vec::new()),
        }
    };
    replicas.iter().map(record).collect()
}

/// Kafka's rules for a manual assignment.
fn check_assignment(
    lists: &[Vec<BrokerId>],
    nodes: &BTreeMap<BrokerId, Option<String>>,
) -> Result<(), MetadataError> {
    let invalid = |reason: String| Err(MetadataError::InvalidAssignment { reason });
    for list in lists {
        if list.is_empty() {
            return invalid(
                "the list of replicas of a partition is empty; name at least one broker".to_owned(),
            );
        }
        if list.len() != lists[0].len() {
            return invalid(
                "partitions have different numbers of replicas; use the same for all".to_owned(),
            );
        }
        if list.len() > REPLICAS_MAX {
            return invalid(format!(
                "a partition has {} replicas; name at most {REPLICAS_MAX}",
                list.len()
            ));
        }
        let mut seen = HashSet::new();
        for broker in list {
            if !seen.insert(broker) {
                return invalid(format!("broker {broker} is named twice for one partition"));
            }
            if !nodes.contains_key(broker) {
                return invalid(format!("broker {broker} is not part of this cluster"));
            }
        }
    }
    Ok(())
}
