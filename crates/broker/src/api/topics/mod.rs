//! Creating, growing, trimming and deleting topics.

mod create_partitions;
mod create_topics;
mod delete_records;
mod delete_topics;

use super::handled::family;
use crate::shared::BrokerShared;

family!(BrokerShared: create_topics, delete_topics, create_partitions, delete_records);
