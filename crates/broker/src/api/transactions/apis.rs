//! What the APIs of transactions work on.

use crate::coordinators::producer_ids::ProducerIds;

pub(crate) struct TransactionApis {
    pub(crate) producer_ids: ProducerIds,
}
