//! Brokers: registering a life of a broker, keeping it, being the controller; and blocks of producer ids.

use std::{collections::BTreeMap, ops::Range, time::Duration};

use milena_types::{BrokerEpoch, BrokerId, ProducerId, Revision};

use crate::store::{LeaseId, StoreError, Txn, TxnOutcome};

use super::{
    ATTEMPTS_MAX, BrokerRecord, ClusterMetadata, ControllerRecord, ListenerRecord, MetadataError, NodeRecord,
    Seen, decode,
    records::{BrokerEpochsRecord, ProducerIdsRecord},
    value,
};

/// Producer ids handed out at a time, as many as Kafka's controller does.
const PRODUCER_IDS_BLOCK: i64 = 1000;

/// A broker that begins a life.
#[derive(Clone, Debug)]
pub struct NewBroker {
    /// Its id.
    pub id: BrokerId,
    /// Where it listens.
    pub listeners: Vec<ListenerRecord>,
    /// Its zone.
    pub rack: Option<String>,
}

/// One registered life of a broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// Which broker.
    pub broker: BrokerId,
    /// Which life.
    pub epoch: BrokerEpoch,
    /// What it lives on.
    pub lease: LeaseId,
    /// When it was registered: the revision of its record for as long as this life lasts.
    pub revision: Revision,
    /// The time of the lease.
    pub ttl: Duration,
}

impl Registration {
    pub(super) fn superseded(&self) -> MetadataError {
        MetadataError::Superseded { broker: self.broker, epoch: self.epoch }
    }
}

impl ClusterMetadata {
    /// Begins a new life of a broker, which ends the one before: from now on nothing that requires the old
    /// registration is committed. The broker keeps the lease with [`ClusterMetadata::keep_alive`].
    pub async fn register_broker(
        &self,
        broker: &NewBroker,
        ttl: Duration,
    ) -> Result<Registration, MetadataError> {
        let (counter_key, broker_key) = (self.keys.broker_epochs(), self.keys.broker(broker.id));
        let lease = self.store.grant(ttl).await?;
        for _ in 0..ATTEMPTS_MAX {
            let counter = self.record::<BrokerEpochsRecord>(&counter_key).await?;
            let last = counter.as_ref().map_or(0, |seen| seen.record.last.raw());
            let epoch = BrokerEpoch(last + 1);
            let (listeners, rack) = (broker.listeners.clone(), broker.rack.clone());
            let node = NodeRecord { listeners: listeners.clone(), rack: rack.clone() };
            let record = BrokerRecord { epoch, listeners, rack };
            let txn = Txn::new()
                .exists(self.keys.cluster())
                .unchanged(&counter_key, counter.map(|seen| seen.revision))
                .put(&counter_key, value(&BrokerEpochsRecord { last: epoch }))
                .put_leased(&broker_key, value(&record), lease)
                .put(self.keys.node(broker.id), value(&node));
            let txn = self.step_down(txn, broker.id).await?;
            match self.store.txn(txn).await? {
                TxnOutcome::Committed(c) => {
                    return Ok(Registration { broker: broker.id, epoch, lease, revision: c.revision, ttl });
                }
                TxnOutcome::Conflict(conflict) if conflict.index == 0 => {
                    return Err(MetadataError::UnknownCluster(self.cluster.clone()));
                }
                TxnOutcome::Conflict(_) => {}
            }
        }
        Err(MetadataError::Contended { key: counter_key })
    }

    /// A broker's new life is not the controller that its last one was.
    async fn step_down(&self, txn: Txn, broker: BrokerId) -> Result<Txn, MetadataError> {
        let key = self.keys.controller();
        let seen = self.record::<ControllerRecord>(&key).await?;
        Ok(match seen.filter(|seen| seen.record.broker == broker) {
            Some(seen) => txn.at(&key, seen.revision).delete(&key),
            None => txn,
        })
    }

    /// Keeps a registration for another [`Registration::ttl`]. [`MetadataError::Superseded`] when it has ended.
    pub async fn keep_alive(&self, registration: &Registration) -> Result<(), MetadataError> {
        match self.store.keep_alive(registration.lease).await {
            Err(StoreError::LeaseNotFound(_)) => Err(registration.superseded()),
            outcome => Ok(outcome?),
        }
    }

    /// Ends a life: the broker is no longer shown to clients and no longer the controller.
    pub async fn deregister(&self, registration: &Registration) -> Result<(), MetadataError> {
        Ok(self.store.revoke(registration.lease).await?)
    }

    /// Takes a broker out of the cluster: no replicas are placed on it any more. It must hold none by then.
    pub async fn remove_node(&self, broker: BrokerId) -> Result<(), MetadataError> {
        let _ = self.store.txn(Txn::new().delete(self.keys.node(broker))).await?;
        Ok(())
    }

    /// The brokers that are registered now.
    pub async fn brokers(&self) -> Result<BTreeMap<BrokerId, Seen<BrokerRecord>>, MetadataError> {
        self.numbered(&self.keys.brokers()).await
    }

    /// The brokers that belong to the cluster, alive or not.
    pub async fn nodes(&self) -> Result<BTreeMap<BrokerId, Seen<NodeRecord>>, MetadataError> {
        self.numbered(&self.keys.nodes()).await
    }

    async fn numbered<T: serde::de::DeserializeOwned>(
        &self,
        prefix: &str,
    ) -> Result<BTreeMap<BrokerId, Seen<T>>, MetadataError> {
        let mut all = BTreeMap::new();
        for entry in self.entries(prefix).await? {
            let bad = |_| MetadataError::BadRecord {
                key: entry.key.clone(),
                reason: "the key does not end in a broker id".to_owned(),
            };
            let id = entry.key[prefix.len()..].parse().map(BrokerId).map_err(bad)?;
            let record = decode(&entry.key, &entry.versioned.value)?;
            all.insert(id, Seen { record, revision: entry.versioned.revision });
        }
        Ok(all)
    }

    /// Becomes the controller if there is none. `None`: another broker is, or this registration has ended.
    pub async fn claim_controller(
        &self,
        registration: &Registration,
    ) -> Result<Option<Revision>, MetadataError> {
        let record = ControllerRecord { broker: registration.broker, epoch: registration.epoch };
        let key = self.keys.controller();
        let txn = Txn::new()
            .absent(&key)
            .at(self.keys.broker(registration.broker), registration.revision)
            .put_leased(&key, value(&record), registration.lease);
        match self.store.txn(txn).await {
            Ok(outcome) => Ok(outcome.committed()),
            Err(StoreError::LeaseNotFound(_)) => Ok(None),
            Err(e) => Err(e.into()),
        }
    }

    /// Takes the next block of producer ids, which nobody else ever gets.
    pub async fn allocate_producer_ids(&self) -> Result<Range<ProducerId>, MetadataError> {
        let key = self.keys.producer_ids();
        for _ in 0..ATTEMPTS_MAX {
            let seen = self.record::<ProducerIdsRecord>(&key).await?;
            let first = seen.as_ref().map_or(ProducerId(0), |seen| seen.record.next);
            let next = ProducerId(first.raw() + PRODUCER_IDS_BLOCK);
            let txn = Txn::new()
                .unchanged(&key, seen.map(|seen| seen.revision))
                .put(&key, value(&ProducerIdsRecord { next }));
            if self.store.txn(txn).await?.committed().is_some() {
                return Ok(first..next);
            }
        }
        Err(MetadataError::Contended { key })
    }
}
