//! The parts of the broker that the transactions family's handlers use.

use crate::coordinators::producer_ids::ProducerIds;

pub(crate) struct TransactionApis {
    pub(crate) producer_ids: ProducerIds,
}
