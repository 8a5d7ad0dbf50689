//! Producing: throughput, latency at a fixed rate, and the time to the first acknowledgement.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use bytes::Bytes;
use milena_protocol::{
    frame,
    messages::produce_request::{PartitionProduceData, ProduceRequest, TopicProduceData},
    messages::produce_response::ProduceResponse,
};
use milena_records::{BatchBuilder, Compression, NewRecord};
use milena_types::Timestamp;
use serde_json::{Value, json};

use crate::{LatencyArgs, ProduceArgs, connection::Connection, topic};

/// Produce 9: flexible, in every release since 2.4.
const VERSION: i16 = 9;
/// Where the correlation id of a request frame stands: after length, key and version.
const CORRELATION_ID: std::ops::Range<usize> = 8..12;

/// A batch of records with values that do not compress.
fn batch(record_size: usize, batch_size: usize) -> anyhow::Result<(Bytes, usize)> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut builder = BatchBuilder::new(Compression::None);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_millis() as i64;
    loop {
        let value: Vec<u8> = (0..record_size.div_ceil(8))
            .flat_map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                state.to_le_bytes()
            })
            .take(record_size)
            .collect();
        builder.push(&NewRecord { timestamp: Timestamp(now), value: Some(&value), ..NewRecord::default() });
        if builder.size() + record_size > batch_size {
            break;
        }
    }
    let records = builder.len();
    Ok((builder.build()?.into_bytes(), records))
}

fn request(topic: &str, partitions: &[i32], batch: &Bytes, acks: i16) -> Vec<u8> {
    let partition_data = partitions
        .iter()
        .map(|index| PartitionProduceData { index: *index, records: Some(batch.clone()) })
        .collect();
    let topic_data = vec![TopicProduceData { name: topic.into(), partition_data, ..Default::default() }];
    let request = ProduceRequest { transactional_id: None, acks, timeout_ms: 30_000, topic_data };
    frame::encode_request(&request, VERSION, 0, Some(&"milena-load".into())).to_bytes().to_vec()
}

fn check(response: &ProduceResponse) -> anyhow::Result<()> {
    for partition in response.responses.iter().flat_map(|t| &t.partition_responses) {
        if partition.error_code != 0 {
            bail!("produce to partition {}: error {}", partition.index, partition.error_code);
        }
    }
    Ok(())
}

/// Sends every frame once, not counted, again and again while a broker does not know yet that it leads a new topic.
fn warm(connection: &mut Connection, frames: &[Vec<u8>], acks: i16) -> anyhow::Result<()> {
    let deadline = Instant::now() + Duration::from_secs(30);
    for frame in frames.iter().filter(|_| acks != 0) {
        loop {
            connection.send(frame)?;
            match check(&connection.receive::<ProduceRequest>(VERSION)?) {
                Ok(()) => break,
                Err(error) if Instant::now() > deadline => return Err(error),
                Err(_) => thread::sleep(Duration::from_millis(10)),
            }
        }
    }
    Ok(())
}

/// One connection's share: `frames` in turn, `in_flight` at a time, until `left` bytes are used up by all.
/// Returns the latencies of the requests in microseconds.
fn replay(
    address: &str,
    frames: &mut [Vec<u8>],
    bytes: u64,
    args: &ProduceArgs,
    left: &AtomicU64,
) -> anyhow::Result<Vec<u32>> {
    let mut connection = Connection::open(address)?;
    warm(&mut connection, frames, args.acks)?;
    let mut sent = std::collections::VecDeque::new();
    let mut latencies = Vec::new();
    let mut number = 0_i32;
    loop {
        let mut more = true;
        while sent.len() < args.in_flight.max(1) {
            let taken =
                left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |l| (l >= bytes).then(|| l - bytes));
            if taken.is_err() {
                more = false;
                break;
            }
            let count = frames.len();
            let frame = &mut frames[number as usize % count];
            frame[CORRELATION_ID].copy_from_slice(&number.to_be_bytes());
            number = number.wrapping_add(1) & i32::MAX;
            connection.send(frame)?;
            if args.acks != 0 {
                sent.push_back(Instant::now());
            }
        }
        let Some(at) = sent.pop_front() else {
            if more {
                continue;
            }
            return Ok(latencies);
        };
        check(&connection.receive::<ProduceRequest>(VERSION)?)?;
        latencies.push(u32::try_from(at.elapsed().as_micros()).unwrap_or(u32::MAX));
    }
}

pub(crate) fn throughput(bootstrap: &str, args: &ProduceArgs) -> anyhow::Result<Value> {
    let leaders = topic::leaders(bootstrap, &args.topic, Duration::from_secs(60))?;
    let (batch, records) = batch(args.record_size, args.batch_size)?;
    let total = args.megabytes * 1_000_000;
    let left = AtomicU64::new(total);
    let started = Instant::now();
    let (left, batch_ref) = (&left, &batch);
    let mut latencies = thread::scope(|scope| -> anyhow::Result<Vec<u32>> {
        let mut work = Vec::new();
        for (address, partitions) in &leaders {
            for _ in 0..args.connections {
                work.push(scope.spawn(move || {
                    let shares = partitions
                        .chunks(args.batches.max(1))
                        .filter(|c| c.len() == args.batches || partitions.len() < args.batches);
                    let mut frames: Vec<_> =
                        shares.map(|share| request(&args.topic, share, batch_ref, args.acks)).collect();
                    let bytes = (batch_ref.len() * args.batches.min(partitions.len())) as u64;
                    replay(address, &mut frames, bytes, args, left)
                }));
            }
        }
        let mut all = Vec::new();
        for thread in work {
            all.extend(thread.join().expect("a load thread does not panic")?);
        }
        Ok(all)
    })?;
    let seconds = started.elapsed().as_secs_f64();
    let bytes = total - left.load(Ordering::Relaxed);
    let batches = bytes / batch.len() as u64;
    Ok(json!({
        "bytes": bytes, "records": batches * records as u64, "seconds": seconds,
        "mb_per_s": bytes as f64 / 1e6 / seconds, "batch_bytes": batch.len(),
        "p50_ms": percentile(&mut latencies, 0.50), "p99_ms": percentile(&mut latencies, 0.99),
    }))
}

fn percentile(latencies: &mut [u32], part: f64) -> f64 {
    latencies.sort_unstable();
    let place = ((latencies.len() as f64 * part) as usize).min(latencies.len().saturating_sub(1));
    latencies.get(place).map_or(f64::NAN, |us| f64::from(*us) / 1000.0)
}

/// Open loop: a request is due every 1/rate seconds, and its latency counts from when it was due.
pub(crate) fn latency(bootstrap: &str, args: &LatencyArgs) -> anyhow::Result<Value> {
    let leaders = topic::leaders(bootstrap, &args.topic, Duration::from_secs(60))?;
    let (batch, _) = batch(args.record_size, args.record_size)?;
    let mut targets = Vec::new();
    for (address, partitions) in &leaders {
        let mut connection = Connection::open(address)?;
        let frame = request(&args.topic, &partitions[..1], &batch, -1);
        warm(&mut connection, std::slice::from_ref(&frame), -1)?;
        targets.push((connection, frame));
    }
    let mut latencies = Vec::new();
    let started = Instant::now();
    for number in 0..args.rate * args.seconds {
        let due = started + Duration::from_nanos(number * 1_000_000_000 / args.rate);
        if let Some(wait) = due.checked_duration_since(Instant::now()) {
            thread::sleep(wait);
        }
        let count = targets.len();
        let (connection, frame) = &mut targets[number as usize % count];
        connection.send(frame)?;
        check(&connection.receive::<ProduceRequest>(VERSION)?)?;
        latencies.push(u32::try_from(due.elapsed().as_micros()).unwrap_or(u32::MAX));
    }
    Ok(json!({
        "requests": latencies.len(), "rate": args.rate,
        "p50_ms": percentile(&mut latencies, 0.50), "p99_ms": percentile(&mut latencies, 0.99),
        "max_ms": percentile(&mut latencies, 1.0),
    }))
}

/// Tries from now on until a produce is acknowledged.
pub(crate) fn first_ack(bootstrap: &str, name: &str, limit: Duration) -> anyhow::Result<Value> {
    let started = Instant::now();
    let (batch, _) = batch(100, 100)?;
    let attempt = || -> anyhow::Result<()> {
        topic::create(bootstrap, name, 1, None, Duration::from_secs(1))?;
        let leaders = topic::leaders(bootstrap, name, Duration::from_secs(1))?;
        let (address, partitions) = leaders.iter().next().context("no leader")?;
        let mut connection = Connection::open(address)?;
        connection.send(&request(name, &partitions[..1], &batch, -1))?;
        check(&connection.receive::<ProduceRequest>(VERSION)?)
    };
    loop {
        match attempt() {
            Ok(()) => return Ok(json!({ "first_ack_ms": started.elapsed().as_secs_f64() * 1000.0 })),
            Err(error) if started.elapsed() > limit => return Err(error),
            Err(_) => thread::sleep(Duration::from_millis(2)),
        }
    }
}
