//! Brokers: registering a life of a broker, keeping it, being the controller; and blocks of
//! producer ids.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    time::Duration,
};

use milena_store::{LeaseId, Precondition, StoreError, Txn, TxnOutcome, Versioned};
use milena_types::{BrokerEpoch, BrokerId, ProducerId, Revision};

use super::{
    ATTEMPTS_MAX, BrokerRecord, ClusterMetadata, ControllerRecord, ListenerRecord, MetadataError,
    MetadataKey, NodeRecord, ServingRecord, decode,
    records::{BrokerEpochsRecord, ProducerIdsRecord},
    value,
};

/// Producer ids in one block, as many as in one of Kafka's.
const PRODUCER_IDS_BLOCK: i64 = 1000;

/// The brokers that belong to a cluster, as they were read.
pub(super) type Nodes = BTreeMap<BrokerId, Versioned<NodeRecord>>;

/// A broker to register.
#[derive(Clone, Debug)]
pub struct NewBroker {
    pub id: BrokerId,
    pub listeners: Vec<ListenerRecord>,
    pub rack: Option<String>,
}

/// One registered life of a broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    pub broker: BrokerId,
    pub epoch: BrokerEpoch,
    /// The registration ends with it.
    pub lease: LeaseId,
    /// Of the broker's record, for as long as this life lasts.
    pub revision: Revision,
    pub ttl: Duration,
}

impl Registration {
    pub(super) fn superseded(&self) -> MetadataError {
        MetadataError::Superseded { broker: self.broker, epoch: self.epoch }
    }
}

impl ClusterMetadata {
    /// Begins a new life of a broker, which ends the one before: no transaction that requires the
    /// old registration is committed any more. The broker keeps the lease with
    /// [`ClusterMetadata::keep_alive`].
    pub async fn register_broker(
        &self,
        broker: &NewBroker,
        ttl: Duration,
    ) -> Result<Registration, MetadataError> {
        let (counter_key, broker_key) =
            (self.key(MetadataKey::BrokerEpochs), self.key(MetadataKey::Broker(broker.id)));
        let node_key = self.key(MetadataKey::Node(broker.id));
        let lease = self.store.grant(ttl).await?;
        for _ in 0..ATTEMPTS_MAX {
            let counter = self.record::<BrokerEpochsRecord>(&counter_key).await?;
            let last = counter.as_ref().map_or(0, |seen| seen.value.last.raw());
            let epoch = BrokerEpoch(last + 1);
            let (listeners, rack) = (broker.listeners.clone(), broker.rack.clone());
            let known = self.record::<NodeRecord>(&node_key).await?;
            let node = NodeRecord {
                listeners: listeners.clone(),
                rack: rack.clone(),
                epoch: Some(epoch),
                draining: known.as_ref().is_some_and(|seen| seen.value.draining),
                dismissed: known.as_ref().is_some_and(|seen| seen.value.dismissed),
                below_quota: known.as_ref().is_none_or(|seen| seen.value.below_quota),
            };
            let record = BrokerRecord { epoch, listeners, rack };
            let txn = Txn::new()
                .exists(self.key(MetadataKey::Cluster))
                .unchanged(&counter_key, counter.map(|seen| seen.revision))
                .put(&counter_key, value(&BrokerEpochsRecord { last: epoch }))
                .put_leased(&broker_key, value(&record), lease)
                .unchanged(&node_key, known.map(|seen| seen.revision))
                .put(&node_key, value(&node))
                .vital();
            let txn = self.step_down(txn, broker.id).await?;
            // Another life of the broker puts the same values on the same conditions. After an
            // unknown outcome the epoch is lost.
            match self.commit_once(txn).await? {
                Some(TxnOutcome::Committed(c)) => {
                    return Ok(Registration {
                        broker: broker.id,
                        epoch,
                        lease,
                        revision: c.revision,
                        ttl,
                    });
                }
                Some(TxnOutcome::Conflict(conflict)) if conflict.index == 0 => {
                    return Err(MetadataError::UnknownCluster(self.cluster.clone()));
                }
                Some(TxnOutcome::Conflict(_)) | None => {}
            }
        }
        Err(MetadataError::Contended { key: counter_key })
    }

    /// Gives up the role of the controller if an earlier life of the broker has it.
    async fn step_down(&self, txn: Txn, broker: BrokerId) -> Result<Txn, MetadataError> {
        let key = self.key(MetadataKey::Controller);
        let seen = self.record::<ControllerRecord>(&key).await?;
        Ok(match seen.filter(|seen| seen.value.broker == broker) {
            Some(seen) => txn.at(&key, seen.revision).delete(&key),
            None => txn,
        })
    }

    /// Keeps a registration for another [`Registration::ttl`]. [`MetadataError::Superseded`] when
    /// it has ended.
    pub async fn keep_alive(&self, registration: &Registration) -> Result<(), MetadataError> {
        match self.store.keep_alive(registration.lease).await {
            Err(StoreError::LeaseNotFound(_)) => Err(registration.superseded()),
            outcome => Ok(outcome?),
        }
    }

    /// Ends a registration: the broker is no longer shown to clients and no longer the controller.
    pub async fn deregister(&self, registration: &Registration) -> Result<(), MetadataError> {
        Ok(self.store.revoke(registration.lease).await?)
    }

    /// This life of the broker accepts clients from now on: it may be given partitions to lead.
    pub async fn begin_serving(
        &self,
        registration: &Registration,
    ) -> Result<Revision, MetadataError> {
        let record = ServingRecord { epoch: registration.epoch };
        let txn = Txn::new()
            .at(self.key(MetadataKey::Broker(registration.broker)), registration.revision)
            .put_leased(
                self.key(MetadataKey::Serving(registration.broker)),
                value(&record),
                registration.lease,
            )
            .vital();
        match self.commit(txn).await {
            Ok(TxnOutcome::Committed(c)) => Ok(c.revision),
            Ok(TxnOutcome::Conflict(_)) | Err(StoreError::LeaseNotFound(_)) => {
                Err(registration.superseded())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// This life of the broker is about to end: it is given no more partitions to lead, and is no
    /// longer the controller.
    pub async fn end_serving(&self, registration: &Registration) -> Result<(), MetadataError> {
        for _ in 0..ATTEMPTS_MAX {
            let txn = Txn::new()
                .at(self.key(MetadataKey::Broker(registration.broker)), registration.revision)
                .delete(self.key(MetadataKey::Serving(registration.broker)));
            let txn = self.step_down(txn, registration.broker).await?;
            match self.commit(txn).await? {
                TxnOutcome::Committed(_) => return Ok(()),
                TxnOutcome::Conflict(conflict) if conflict.index == 0 => {
                    return Err(registration.superseded());
                }
                TxnOutcome::Conflict(_) => {}
            }
        }
        Err(MetadataError::Contended { key: self.key(MetadataKey::Controller) })
    }

    /// Records whether a broker is about to leave the cluster: the controller then moves its
    /// replicas to others, until it has none. Returns the revision of the change.
    pub async fn set_draining(
        &self,
        broker: BrokerId,
        draining: bool,
    ) -> Result<Revision, MetadataError> {
        self.update_node(&[], broker, |node| node.draining = draining).await
    }

    /// Records that a new broker has its quota of the partitions, if `guards` hold.
    ///
    /// # Errors
    /// [`MetadataError::Outdated`] when a guard does not hold.
    pub async fn mark_at_quota(
        &self,
        guards: &[Precondition],
        broker: BrokerId,
    ) -> Result<Revision, MetadataError> {
        self.update_node(guards, broker, |node| node.below_quota = false).await
    }

    async fn update_node(
        &self,
        guards: &[Precondition],
        broker: BrokerId,
        change: impl Fn(&mut NodeRecord) + Send,
    ) -> Result<Revision, MetadataError> {
        let key = self.key(MetadataKey::Node(broker));
        for _ in 0..ATTEMPTS_MAX {
            let unknown = || MetadataError::InvalidAssignment {
                reason: format!("broker {broker} is not part of this cluster"),
            };
            let mut seen = self.record::<NodeRecord>(&key).await?.ok_or_else(unknown)?;
            change(&mut seen.value);
            let txn = Txn { preconditions: guards.to_vec(), ..Txn::default() };
            let txn = txn.at(&key, seen.revision).put(&key, value(&seen.value));
            match self.commit(txn).await? {
                TxnOutcome::Committed(c) => return Ok(c.revision),
                TxnOutcome::Conflict(conflict) if conflict.index < guards.len() => {
                    return Err(MetadataError::Outdated);
                }
                TxnOutcome::Conflict(_) => {}
            }
        }
        Err(MetadataError::Contended { key })
    }

    /// Removes a broker from the cluster if it has no replicas and leads nothing. Returns whether it
    /// is removed.
    ///
    /// It is dismissed first. Whoever places a replica on a broker requires its record as it was
    /// read, and a dismissed broker gets none, so what is placed on it is there before the walk over
    /// the partitions begins.
    pub async fn remove_node(&self, broker: BrokerId) -> Result<bool, MetadataError> {
        let key = self.key(MetadataKey::Node(broker));
        for _ in 0..ATTEMPTS_MAX {
            let Some(mut seen) = self.record::<NodeRecord>(&key).await? else { return Ok(true) };
            if !seen.value.dismissed {
                seen.value.dismissed = true;
                let txn = Txn::new().at(&key, seen.revision).put(&key, value(&seen.value));
                let _ = self.commit(txn).await?;
                continue;
            }
            if self.broker_assignments().await?.holds(broker) {
                seen.value.dismissed = false;
                let txn = Txn::new().at(&key, seen.revision).put(&key, value(&seen.value));
                if self.commit(txn).await?.committed().is_some() {
                    return Ok(false);
                }
                continue;
            }
            let txn = Txn::new().at(&key, seen.revision).delete(&key);
            if self.commit(txn).await?.committed().is_some() {
                return Ok(true);
            }
        }
        Err(MetadataError::Contended { key })
    }

    /// That the brokers' records are as they were read, of those that `replicas` names: they are not
    /// removed meanwhile.
    pub(super) fn members(
        &self,
        nodes: &Nodes,
        replicas: impl IntoIterator<Item = BrokerId>,
    ) -> Vec<Precondition> {
        let named: BTreeSet<BrokerId> = replicas.into_iter().collect();
        let at = |id: BrokerId| {
            let seen = nodes.get(&id)?;
            Some(Precondition::At(self.key(MetadataKey::Node(id)), seen.revision))
        };
        named.into_iter().filter_map(at).collect()
    }

    /// The brokers that are registered now.
    pub async fn brokers(
        &self,
    ) -> Result<BTreeMap<BrokerId, Versioned<BrokerRecord>>, MetadataError> {
        self.by_broker(MetadataKey::BROKERS).await
    }

    /// The brokers that accept clients.
    pub async fn serving(&self) -> Result<BTreeSet<BrokerId>, MetadataError> {
        let alive = self.brokers().await?;
        let serving: BTreeMap<BrokerId, Versioned<ServingRecord>> =
            self.by_broker(MetadataKey::SERVING).await?;
        let lives = |(id, seen): &(BrokerId, Versioned<ServingRecord>)| {
            alive.get(id).is_some_and(|broker| broker.value.epoch == seen.value.epoch)
        };
        Ok(serving.into_iter().filter(lives).map(|(id, _)| id).collect())
    }

    /// The brokers that belong to the cluster, alive or not.
    pub async fn nodes(&self) -> Result<BTreeMap<BrokerId, Versioned<NodeRecord>>, MetadataError> {
        self.by_broker(MetadataKey::NODES).await
    }

    pub(super) async fn by_broker<T: serde::de::DeserializeOwned>(
        &self,
        prefix: &str,
    ) -> Result<BTreeMap<BrokerId, Versioned<T>>, MetadataError> {
        let mut all = BTreeMap::new();
        let prefix = self.below(prefix);
        for entry in self.entries(&prefix).await? {
            let bad = |_| MetadataError::BadRecord {
                key: entry.key.clone(),
                reason: "the key does not end in a broker id".to_owned(),
            };
            let id = entry.key[prefix.len()..].parse().map(BrokerId).map_err(bad)?;
            let record = decode(&entry.key, &entry.versioned.value)?;
            all.insert(id, Versioned { value: record, revision: entry.versioned.revision });
        }
        Ok(all)
    }

    /// Becomes the controller if there is none. `None`: another broker is, or this registration has
    /// ended.
    pub async fn claim_controller(
        &self,
        registration: &Registration,
    ) -> Result<Option<Revision>, MetadataError> {
        let record = ControllerRecord { broker: registration.broker, epoch: registration.epoch };
        let key = self.key(MetadataKey::Controller);
        let txn = Txn::new()
            .absent(&key)
            .at(self.key(MetadataKey::Broker(registration.broker)), registration.revision)
            .put_leased(&key, value(&record), registration.lease)
            .vital();
        match self.commit(txn).await {
            Ok(outcome) => Ok(outcome.committed()),
            Err(StoreError::LeaseNotFound(_)) => Ok(None),
            Err(e) => Err(e.into()),
        }
    }

    /// The controller, with the revision for [`ClusterMetadata::controller_guard`].
    pub async fn controller(&self) -> Result<Option<Versioned<ControllerRecord>>, MetadataError> {
        self.record(&self.key(MetadataKey::Controller)).await
    }

    /// The precondition of a controller's transaction: no other broker became the controller since
    /// it was `seen`.
    pub fn controller_guard(&self, seen: &Versioned<ControllerRecord>) -> Precondition {
        Precondition::At(self.key(MetadataKey::Controller), seen.revision)
    }

    /// Takes the next block of producer ids. No two calls return the same.
    pub async fn allocate_producer_ids(&self) -> Result<Range<ProducerId>, MetadataError> {
        let key = self.key(MetadataKey::ProducerIds);
        for _ in 0..ATTEMPTS_MAX {
            let seen = self.record::<ProducerIdsRecord>(&key).await?;
            let first = seen.as_ref().map_or(ProducerId(0), |seen| seen.value.next);
            let next = ProducerId(first.raw() + PRODUCER_IDS_BLOCK);
            let txn = Txn::new()
                .unchanged(&key, seen.map(|seen| seen.revision))
                .put(&key, value(&ProducerIdsRecord { next }));
            // Other brokers put the same value. After an unknown outcome the block is lost.
            if let Some(TxnOutcome::Committed(_)) = self.commit_once(txn).await? {
                return Ok(first..next);
            }
        }
        Err(MetadataError::Contended { key })
    }
}
