//! Batches as clients and brokers see them.

mod batches;
mod checked;
mod corruption;
mod legacy;
mod produced;
mod stamping;

use milena_records::{Batch, BatchBuilder, Compression, NewRecord};
use milena_types::Timestamp;

/// More than any test's records.
const LIMIT: usize = 1 << 20;

/// A batch of `count` records with keys and values that compress.
fn batch_of(count: i64, compression: Compression) -> Batch {
    let mut builder = BatchBuilder::new(compression);
    for i in 0..count {
        let key = format!("key-{i}");
        let value = "value ".repeat(10);
        builder.push(&NewRecord {
            timestamp: Timestamp(1_000 + i),
            key: Some(key.as_bytes()),
            value: Some(value.as_bytes()),
            headers: &[(b"origin", Some(b"test")), (b"none", None)],
        });
    }
    builder.build().expect("a batch")
}
