//! One broker's durable bytes.

pub mod disk;
pub mod encryption;
pub mod objects;
pub mod segment;
pub mod wal;
