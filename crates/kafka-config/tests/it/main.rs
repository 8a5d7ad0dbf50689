//! The catalogue against Apache Kafka, and against the code that acts on it.

mod honoured;
mod kafka_4_1;
