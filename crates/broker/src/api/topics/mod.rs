//! Creating, growing, trimming and deleting topics.

pub(crate) mod apis;
mod create_partitions;
mod create_topics;
mod delete_records;
mod delete_topics;

use self::apis::TopicApis;
use super::handled::family;

family!(TopicApis: create_topics, delete_topics, create_partitions, delete_records);
