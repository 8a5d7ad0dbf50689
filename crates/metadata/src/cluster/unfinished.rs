//! Partitions that are written before their topic has them, in several transactions: what becomes of
//! them when the last transaction is not made, because an error, a crash or the end of a client's
//! request came between.
//!
//! The first transaction notes what is about to be written, every later one requires the note as it
//! was written, and the last deletes it. Whoever deletes it first has decided: the partitions belong
//! to the topic, or they are deleted, and no late transaction adds to them.

use milena_store::{Precondition, Txn, TxnOutcome, TxnSize, Versioned};
use milena_types::{PartitionIndex, Revision, TopicId, TopicName};

use super::{
    ATTEMPTS_MAX, ClusterMetadata, MetadataError, MetadataKey, TopicRecord, decode,
    records::UnfinishedTopicRecord, value,
};

/// The note of one attempt, which goes with its transactions.
pub(super) struct UnfinishedTopic {
    key: String,
    record: UnfinishedTopicRecord,
    /// Of the note, once it is written.
    written: Option<Revision>,
}

impl UnfinishedTopic {
    /// Adds to the attempt's next transaction what it has to require of the note, and to do with it.
    pub(super) fn add_to(&self, txn: Txn, is_last: bool) -> Txn {
        let txn = txn.unchanged(&self.key, self.written);
        match (self.written, is_last) {
            (None, _) => txn.put(&self.key, value(&self.record)),
            (Some(_), false) => txn,
            (Some(_), true) => txn.delete(&self.key),
        }
    }

    /// The size that [`UnfinishedTopic::add_to`] adds to a transaction, at most.
    pub(super) fn room(&self) -> TxnSize {
        Txn::new().absent(&self.key).put(&self.key, value(&self.record)).size()
    }

    /// A transaction was committed: the first writes the note.
    pub(super) fn committed(&mut self, revision: Revision) {
        self.written.get_or_insert(revision);
    }
}

impl ClusterMetadata {
    /// The note of an attempt to write the partitions of a topic from `first` on.
    pub(super) fn begin_unfinished(
        &self,
        name: &TopicName,
        id: TopicId,
        first: i32,
    ) -> UnfinishedTopic {
        let attempt = self.runtime.random_u64();
        UnfinishedTopic {
            key: self.key(MetadataKey::UnfinishedTopic(id)),
            record: UnfinishedTopicRecord { name: name.clone(), first, attempt },
            written: None,
        }
    }

    /// The topics of which partitions are being written, or were left by an attempt that ended, with
    /// the revision of the note: it says which attempt it is.
    pub async fn unfinished_topics(&self) -> Result<Vec<(TopicId, Revision)>, MetadataError> {
        let mut unfinished = Vec::new();
        for entry in self.entries(&self.below(MetadataKey::UNFINISHED_TOPICS)).await? {
            let key = entry.key.strip_prefix(&*self.prefix).and_then(MetadataKey::parse);
            if let Some(MetadataKey::UnfinishedTopic(id)) = key {
                unfinished.push((id, entry.versioned.revision));
            }
        }
        Ok(unfinished)
    }

    /// Deletes the partitions of an attempt that has not ended, which ends it. Does nothing if it is
    /// over already. May be repeated.
    ///
    /// # Errors
    /// [`MetadataError::Outdated`] when a guard does not hold.
    pub async fn end_unfinished_topic(
        &self,
        guards: &[Precondition],
        id: TopicId,
        attempt: Revision,
    ) -> Result<(), MetadataError> {
        let key = self.key(MetadataKey::UnfinishedTopic(id));
        for _ in 0..ATTEMPTS_MAX {
            let note = self.store.get(&key).await?.filter(|note| note.revision == attempt);
            let Some(note) = note else { return Ok(()) };
            let note: UnfinishedTopicRecord = decode(&key, &note.value)?;
            let topic_key = self.key(MetadataKey::Topic(note.name.as_str()));
            let topic = self.record::<TopicRecord>(&topic_key).await?;
            let topic = topic.filter(|topic| topic.value.id == id);
            let guard = Txn { preconditions: guards.to_vec(), ..Txn::default() };
            let guard = guard.at(&key, attempt);
            let ended = match topic {
                // Nobody has seen any of its partitions.
                None => {
                    let all = self.below(&MetadataKey::partitions_of(id));
                    self.commit(guard.delete(&key).delete_prefix(all)).await?
                }
                Some(topic) => {
                    let guard = guard.at(&topic_key, topic.revision);
                    self.delete_growth(guard, &key, id, &note, &topic).await?
                }
            };
            match ended {
                TxnOutcome::Committed(_) => return Ok(()),
                TxnOutcome::Conflict(conflict) if conflict.index < guards.len() => {
                    return Err(MetadataError::Outdated);
                }
                // The attempt is over, or the topic was changed meanwhile.
                TxnOutcome::Conflict(_) => {}
            }
        }
        Err(MetadataError::Contended { key })
    }

    /// Deletes the partitions that a topic did not grow by, and the note with the last of them. Repeated,
    /// it goes on where it ended.
    async fn delete_growth(
        &self,
        guard: Txn,
        note_key: &str,
        id: TopicId,
        note: &UnfinishedTopicRecord,
        topic: &Versioned<TopicRecord>,
    ) -> Result<TxnOutcome, MetadataError> {
        let chunk_len = self.store.limits().ops.saturating_sub(1).max(1);
        let first = PartitionIndex(note.first.max(topic.value.partitions));
        let first = self.key(MetadataKey::Partition(id, first));
        let all = self.entries(&self.below(&MetadataKey::partitions_of(id))).await?;
        let left: Vec<String> =
            all.into_iter().map(|entry| entry.key).filter(|key| *key >= first).collect();
        let mut chunks = left.chunks(chunk_len).peekable();
        loop {
            let mut txn = guard.clone();
            for key in chunks.next().unwrap_or_default() {
                txn = txn.delete(key);
            }
            let is_last = chunks.peek().is_none();
            if is_last {
                txn = txn.delete(note_key);
            }
            match self.commit(txn).await? {
                TxnOutcome::Committed(_) if !is_last => {}
                outcome => return Ok(outcome),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use milena_store::FaultyStore;

    use super::*;
    use crate::testing::{TestCluster, name};

    /// Of a store with the smallest limits: more than fit into two transactions.
    const PARTITIONS: i32 = 300;

    async fn partitions(cluster: &TestCluster) -> usize {
        let below = cluster.metadata.below(MetadataKey::PARTITIONS);
        milena_store::read_range(&*cluster.store, &below).await.unwrap().0.len()
    }

    /// As the controller does.
    async fn end_all(cluster: &TestCluster) -> Result<(), MetadataError> {
        for (id, attempt) in cluster.metadata.unfinished_topics().await? {
            cluster.metadata.end_unfinished_topic(&[], id, attempt).await?;
        }
        Ok(())
    }

    /// The process ends after each transaction of ending what is left, until nothing is.
    async fn end_all_with_crashes(cluster: &TestCluster, store: &FaultyStore) {
        loop {
            store.fail_after_transactions(0);
            let ended = end_all(cluster).await;
            store.set_unavailable(false);
            if ended.is_ok() {
                return;
            }
        }
    }

    #[tokio::test]
    async fn a_topic_whose_creation_ends_anywhere_is_there_or_leaves_nothing() {
        for applied in 0.. {
            let (cluster, store) = TestCluster::on_faulty_store().await;
            cluster.register(1).await;
            store.fail_after_transactions(applied);
            let placement =
                crate::Placement::Spread { partitions: PARTITIONS, replication_factor: 1 };
            let topic = crate::testing::new_topic("t", placement);
            let created = cluster.metadata.create_topic(&topic).await;
            store.set_unavailable(false);
            let is_there = cluster.metadata.topic(&name("t")).await.unwrap().is_some();
            end_all_with_crashes(&cluster, &store).await;
            let expected = if is_there { PARTITIONS as usize } else { 0 };
            assert_eq!(partitions(&cluster).await, expected, "after {applied} transactions");
            assert!(cluster.metadata.unfinished_topics().await.unwrap().is_empty());
            if created.is_ok() {
                assert!(applied >= 3, "in {applied} transactions");
                break;
            }
            if !is_there {
                cluster.create("t", PARTITIONS, 1).await;
                assert_eq!(partitions(&cluster).await, PARTITIONS as usize);
            }
        }
    }

    #[tokio::test]
    async fn a_topic_whose_growth_ends_anywhere_has_grown_or_is_as_before() {
        for applied in 0.. {
            let (cluster, store) = TestCluster::on_faulty_store().await;
            cluster.register(1).await;
            cluster.create("t", 2, 1).await;
            store.fail_after_transactions(applied);
            let grown = cluster.metadata.create_partitions(&name("t"), PARTITIONS, None).await;
            store.set_unavailable(false);
            let topic = cluster.metadata.topic(&name("t")).await.unwrap().unwrap().value;
            if applied == 1 {
                // Another growth, in one transaction, goes before.
                cluster.metadata.create_partitions(&name("t"), 3, None).await.unwrap();
            }
            end_all_with_crashes(&cluster, &store).await;
            let has = cluster.metadata.topic(&name("t")).await.unwrap().unwrap().value.partitions;
            assert_eq!(partitions(&cluster).await, has as usize, "after {applied} transactions");
            assert!(has == topic.partitions || (applied, has) == (1, 3), "{has}");
            if grown.is_ok() {
                assert!(applied >= 3 && has == PARTITIONS, "in {applied} transactions");
                break;
            }
            if has < PARTITIONS {
                cluster.metadata.create_partitions(&name("t"), PARTITIONS, None).await.unwrap();
            }
            assert_eq!(partitions(&cluster).await, PARTITIONS as usize);
        }
    }

    #[tokio::test]
    async fn a_late_transaction_of_an_attempt_that_was_ended_is_refused() {
        let (cluster, _) = TestCluster::on_faulty_store().await;
        cluster.register(1).await;
        let id = TopicId(uuid::Uuid::from_u128(7));
        let mut attempt = cluster.metadata.begin_unfinished(&name("t"), id, 0);
        let partition =
            |index| cluster.metadata.key(MetadataKey::Partition(id, PartitionIndex(index)));
        let first = attempt.add_to(Txn::new().put(partition(0), "{}"), false);
        let revision = cluster.store.txn(first).await.unwrap().committed().unwrap();
        attempt.committed(revision);
        end_all(&cluster).await.unwrap();
        for is_last in [false, true] {
            let late = attempt.add_to(Txn::new().put(partition(1), "{}"), is_last);
            assert_eq!(cluster.store.txn(late).await.unwrap().committed(), None);
        }
        assert_eq!(partitions(&cluster).await, 0);
        let again = cluster.metadata.end_unfinished_topic(&[], id, revision).await;
        again.expect("it is over");
        let stale = Precondition::At(partition(5), revision);
        let mut attempt = cluster.metadata.begin_unfinished(&name("t"), id, 0);
        let first = attempt.add_to(Txn::new(), false);
        attempt.committed(cluster.store.txn(first).await.unwrap().committed().unwrap());
        let (_, attempt) = cluster.metadata.unfinished_topics().await.unwrap()[0];
        let refused = cluster.metadata.end_unfinished_topic(&[stale], id, attempt).await;
        assert_eq!(refused, Err(MetadataError::Outdated));
    }
}
