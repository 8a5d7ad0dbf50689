//! Consuming from the start or at the tail, a fetch at a time for each connection, as consumers do.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::bail;
use bytes::Bytes;
use clap::Args;
use milena_protocol::messages::fetch_request::{FetchPartition, FetchRequest, FetchTopic};
use serde_json::{Value, json};

use crate::{connection::Connection, topic};

#[derive(Args)]
pub(crate) struct ConsumeArgs {
    #[arg(long)]
    topic: String,
    /// Megabytes (10^6) to read in all.
    #[arg(long, default_value_t = 1000)]
    megabytes: u64,
    /// Connections to each broker; each reads its share of the partitions.
    #[arg(long, default_value_t = 2)]
    connections: usize,
    /// Begin at the end and say `ready` on standard error, instead of at the start.
    #[arg(long)]
    tail: bool,
}

/// Fetch 12: the last one with topic names.
const VERSION: i16 = 12;

/// The whole batches in `records`: their bytes, and the offset after the last.
fn whole_batches(records: &Bytes) -> (u64, Option<i64>) {
    let (mut at, mut next) = (0, None);
    while let Some(header) = records.get(at..at + 61) {
        let number = |range: std::ops::Range<usize>| {
            header[range].iter().fold(0_i64, |sum, byte| sum << 8 | i64::from(*byte))
        };
        let end = at + 12 + number(8..12) as usize;
        if end > records.len() {
            break;
        }
        next = Some(number(0..8) + number(23..27) + 1);
        at = end;
    }
    (at as u64, next)
}

fn fetch(topic: &str, offsets: &BTreeMap<i32, i64>) -> FetchRequest {
    let partitions = offsets
        .iter()
        .map(|(partition, offset)| FetchPartition {
            partition: *partition,
            fetch_offset: *offset,
            partition_max_bytes: 1 << 20,
            ..FetchPartition::default()
        })
        .collect();
    FetchRequest {
        max_wait_ms: 500,
        min_bytes: 1,
        max_bytes: 50 << 20,
        topics: vec![FetchTopic { topic: topic.into(), partitions, ..FetchTopic::default() }],
        ..FetchRequest::default()
    }
}

/// Reads from `offsets` on until `left` bytes are read by all, or nothing more comes.
fn read(
    mut connection: Connection,
    topic: &str,
    mut offsets: BTreeMap<i32, i64>,
    left: &AtomicU64,
) -> anyhow::Result<u64> {
    let (mut total, mut idle) = (0, 0);
    while left.load(Ordering::Relaxed) > 0 {
        let response = connection.call(&fetch(topic, &offsets), VERSION)?;
        let mut got = 0;
        for partition in response.responses.iter().flat_map(|t| &t.partitions) {
            if partition.error_code != 0 {
                bail!(
                    "fetch of partition {}: error {}",
                    partition.partition_index,
                    partition.error_code
                );
            }
            if let Some(records) = &partition.records {
                let (bytes, next) = whole_batches(&records.to_bytes());
                got += bytes;
                if let Some(next) = next {
                    offsets.insert(partition.partition_index, next);
                }
            }
        }
        total += got;
        left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |l| Some(l.saturating_sub(got)))
            .ok();
        idle = if got == 0 { idle + 1 } else { 0 };
        if idle == 20 {
            break; // This connection's partitions are read to their ends.
        }
    }
    Ok(total)
}

/// A connection and the offsets that it begins at.
type Reader = (Connection, BTreeMap<i32, i64>);

fn readers(leaders: &topic::Leaders, args: &ConsumeArgs) -> anyhow::Result<Vec<Reader>> {
    let mut readers = Vec::new();
    for (address, partitions) in leaders {
        for share in partitions.chunks(partitions.len().div_ceil(args.connections.max(1))) {
            let mut connection = Connection::open(address)?;
            let offsets = match args.tail {
                true => topic::ends(&mut connection, &args.topic, share)?,
                false => share.iter().map(|partition| (*partition, 0)).collect(),
            };
            readers.push((connection, offsets));
        }
    }
    Ok(readers)
}

pub(crate) fn run(bootstrap: &str, args: &ConsumeArgs) -> anyhow::Result<Value> {
    let leaders = topic::leaders(bootstrap, &args.topic, Duration::from_secs(60))?;
    let readers = readers(&leaders, args)?;
    if args.tail {
        // Whoever produces may begin now.
        eprintln!("ready");
    }
    let left = AtomicU64::new(args.megabytes * 1_000_000);
    let started = Instant::now();
    let left_ref = &left;
    let bytes = thread::scope(|scope| -> anyhow::Result<u64> {
        let start = |(connection, offsets)| {
            scope.spawn(move || read(connection, &args.topic, offsets, left_ref))
        };
        let work: Vec<_> = readers.into_iter().map(start).collect();
        let mut total = 0;
        for thread in work {
            total += thread.join().expect("a load thread does not panic")?;
        }
        Ok(total)
    })?;
    let seconds = started.elapsed().as_secs_f64();
    if left.load(Ordering::Relaxed) > 0 {
        bail!("only {bytes} bytes came");
    }
    Ok(json!({"bytes": bytes, "seconds": seconds, "mb_per_s": bytes as f64 / 1e6 / seconds}))
}
