//! Producer ids.

mod init_producer_id;

use super::handled::family;
use crate::shared::BrokerShared;

family!(BrokerShared: init_producer_id);
