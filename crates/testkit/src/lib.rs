//! Support for tests of the whole system: the checker of histories that clients recorded
//! ([`history`]), and the comparison of documents with the code ([`documents`]).
//!
//! Development only. The checker knows nothing of Milena: it reads what clients wrote down and
//! holds it against what any Kafka cluster promises.

pub mod documents;
pub mod history;
