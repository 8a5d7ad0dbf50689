//! [`BrokerIdentity`]: this broker, and this life of it (from a registration to its end).

use milena_metadata::{PartitionImage, Registration};
use milena_types::{BrokerEpoch, BrokerId, ClusterId};

/// One life of a broker, which the metadata store numbers by its epoch.
#[derive(Clone, Debug)]
pub(crate) struct BrokerIdentity {
    pub(crate) cluster: ClusterId,
    pub(crate) id: BrokerId,
    pub(crate) epoch: BrokerEpoch,
}

impl BrokerIdentity {
    pub(crate) fn new(cluster: ClusterId, registration: &Registration) -> Self {
        Self { cluster, id: registration.broker, epoch: registration.epoch }
    }

    /// Whether this life leads the partition. A term given to an earlier life is not this one's:
    /// it is served only after this life has taken it over.
    pub(crate) fn leads(&self, partition: &PartitionImage) -> bool {
        partition.leader == self.id && partition.broker_epoch == self.epoch
    }
}
