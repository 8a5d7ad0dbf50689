//! Producer ids, and transactions when they are served.

pub(crate) mod apis;
mod init_producer_id;

use self::apis::TransactionApis;
use super::handled::family;

family!(TransactionApis: init_producer_id);
