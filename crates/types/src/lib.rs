//! Newtypes for every id, offset and epoch. Nothing here does I/O or knows a wire format; raw
//! integers are for `protocol` only. Ranges are half-open everywhere.

mod ids;
mod numbers;
mod text;

pub use ids::{
    BrokerId, ClusterId, ParseIdError, PartitionIndex, TopicId, TopicName, TopicPartition,
};
pub use numbers::{
    BrokerEpoch, ChunkSeq, LeaderEpoch, Offset, ProducerEpoch, ProducerId, Revision, Sequence,
    Timestamp,
};
pub use text::{shortened, shortened_to};
