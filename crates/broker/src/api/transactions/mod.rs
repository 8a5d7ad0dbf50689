//! Producer ids.

pub(crate) mod init_producer_id;
