//! Producing: throughput, latency at a fixed rate, and the time to the first acknowledgement.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use bytes::Bytes;
use clap::Args;
use milena_protocol::{
    frame,
    messages::produce_request::{PartitionProduceData, ProduceRequest, TopicProduceData},
    messages::produce_response::ProduceResponse,
};
use milena_records::{BatchBuilder, Compression, NewRecord};
use milena_types::Timestamp;
use serde_json::{Value, json};

use crate::{connection::Connection, topic};

#[derive(Args)]
pub(crate) struct ProduceArgs {
    #[arg(long)]
    topic: String,
    /// Bytes of a record's value.
    #[arg(long, default_value_t = 1024)]
    record_size: usize,
    /// Bytes of a batch (Kafka's producers default to 16 KiB).
    #[arg(long, default_value_t = 16 * 1024)]
    batch_size: usize,
    /// Batches in a request, each to another partition.
    #[arg(long, default_value_t = 8)]
    batches: usize,
    /// Connections to each broker.
    #[arg(long, default_value_t = 4)]
    connections: usize,
    /// Requests in flight on a connection (Kafka's producers default to 5).
    #[arg(long, default_value_t = 5)]
    in_flight: usize,
    /// Megabytes (10^6) to produce in all.
    #[arg(long, default_value_t = 1000)]
    megabytes: u64,
    /// -1 (all), 1 or 0.
    #[arg(long, default_value_t = -1, allow_hyphen_values = true)]
    acks: i16,
    /// gzip, snappy, lz4 or zstd: then values are words, else they do not compress.
    #[arg(long, default_value = "none", value_parser = codec)]
    compression: Compression,
}

fn codec(name: &str) -> Result<Compression, String> {
    Compression::from_name(name).ok_or_else(|| format!("{name} is no codec"))
}

#[derive(Args)]
pub(crate) struct LatencyArgs {
    #[arg(long)]
    topic: String,
    #[arg(long, default_value_t = 1024)]
    record_size: usize,
    /// Requests a second.
    #[arg(long, default_value_t = 200)]
    rate: u64,
    #[arg(long, default_value_t = 10)]
    seconds: u64,
}

/// Produce 9: flexible, in every release since 2.4.
const VERSION: i16 = 9;
/// The position of the correlation id in a request frame: after length, key and version.
const CORRELATION_ID: std::ops::Range<usize> = 8..12;

/// A batch of records with values that do not compress, or, for a codec, of words, which do.
fn batch(
    record_size: usize,
    batch_size: usize,
    compression: Compression,
) -> anyhow::Result<(Bytes, usize)> {
    const WORDS: [&str; 16] = [
        "order",
        "customer",
        "amount",
        "created",
        "Prague",
        "Vienna",
        "true",
        "false",
        "null",
        "street",
        "invoice",
        "pending",
        "shipped",
        "number",
        "address",
        "reference",
    ];
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut builder = BatchBuilder::new(compression);
    let now =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_millis() as i64;
    loop {
        let mut random = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        let mut value = Vec::with_capacity(record_size + 16);
        while value.len() < record_size {
            match compression {
                Compression::None => value.extend(random().to_le_bytes()),
                _ => value.extend(
                    format!("{}:{} ", WORDS[random() as usize % 16], random() % 1000).bytes(),
                ),
            }
        }
        value.truncate(record_size);
        builder.push(&NewRecord {
            timestamp: Timestamp(now),
            value: Some(&value),
            ..NewRecord::default()
        });
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
    let topic_data =
        vec![TopicProduceData { name: topic.into(), partition_data, ..Default::default() }];
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

/// Sends a frame, not counted, again and again while a broker does not know yet that it leads a new
/// topic.
fn warm_up(connection: &mut Connection, frame: &[u8]) -> anyhow::Result<()> {
    let deadline = Instant::now() + Duration::from_secs(120);
    loop {
        connection.send(frame)?;
        match check(&connection.receive::<ProduceRequest>(VERSION)?) {
            Ok(()) => return Ok(()),
            Err(error) if Instant::now() > deadline => return Err(error),
            Err(_) => thread::sleep(Duration::from_millis(10)),
        }
    }
}

/// One encoded request that is sent again and again with other partitions written into it, so that
/// any number of partitions costs no more memory than one request.
struct Template {
    frame: Vec<u8>,
    /// The positions of the partition numbers in `frame`.
    places: Vec<usize>,
    partitions: Vec<i32>,
    next: usize,
}

impl Template {
    /// `batches` copies of `batch` a request, each to another of `partitions`, beginning with the
    /// `first`th.
    fn new(
        topic: &str,
        partitions: &[i32],
        batches: usize,
        batch: &Bytes,
        acks: i16,
        first: usize,
    ) -> Self {
        const MARK: i32 = 0x5a4b_3c00;
        let batches = batches.clamp(1, partitions.len());
        let marks: Vec<i32> = (0..batches as i32).map(|number| MARK + number).collect();
        let frame = request(topic, &marks, batch, acks);
        let mut from = 0;
        let places = marks.iter().map(|mark| {
            let found = frame[from..].windows(4).position(|window| window == mark.to_be_bytes());
            let place = from + found.expect("the partitions stand in order in the frame");
            from = place + 4 + batch.len();
            place
        });
        let places = places.collect();
        Self { frame, places, partitions: partitions.to_vec(), next: first % partitions.len() }
    }

    /// The next request, for the next partitions.
    fn turn(&mut self, correlation_id: i32) -> &[u8] {
        self.frame[CORRELATION_ID].copy_from_slice(&correlation_id.to_be_bytes());
        for place in &self.places {
            let partition = self.partitions[self.next].to_be_bytes();
            self.frame[*place..*place + 4].copy_from_slice(&partition);
            self.next = (self.next + 1) % self.partitions.len();
        }
        &self.frame
    }
}

/// One connection's share: requests in turn, `in_flight` at a time, until `left` bytes are used up
/// by all. Returns the latencies of the requests in microseconds.
fn replay(
    mut connection: Connection,
    template: &mut Template,
    bytes: u64,
    args: &ProduceArgs,
    left: &AtomicU64,
) -> anyhow::Result<Vec<u32>> {
    let mut sent = std::collections::VecDeque::new();
    let mut latencies = Vec::new();
    let mut number = 0_i32;
    loop {
        let mut more = true;
        while sent.len() < args.in_flight.max(1) {
            let taken = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |l| {
                (l >= bytes).then(|| l - bytes)
            });
            if taken.is_err() {
                more = false;
                break;
            }
            connection.send(template.turn(number))?;
            number = number.wrapping_add(1) & i32::MAX;
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

/// A connection that is ready, and its requests.
struct Sender {
    connection: Connection,
    template: Template,
    bytes: u64,
}

/// Opens every connection and sends one request over each, before anything is counted.
fn senders(
    leaders: &topic::Leaders,
    batch: &Bytes,
    args: &ProduceArgs,
) -> anyhow::Result<Vec<Sender>> {
    let mut senders = Vec::new();
    for (address, partitions) in leaders {
        for number in 0..args.connections {
            let first = number * partitions.len() / args.connections;
            let mut template =
                Template::new(&args.topic, partitions, args.batches, batch, args.acks, first);
            let mut connection = Connection::open(address)?;
            if args.acks != 0 {
                warm_up(&mut connection, template.turn(0))?;
            }
            let bytes = (batch.len() * template.places.len()) as u64;
            senders.push(Sender { connection, template, bytes });
        }
    }
    Ok(senders)
}

pub(crate) fn throughput(bootstrap: &str, args: &ProduceArgs) -> anyhow::Result<Value> {
    let leaders = topic::leaders(bootstrap, &args.topic, Duration::from_secs(60))?;
    let (batch, records) = batch(args.record_size, args.batch_size, args.compression)?;
    let senders = senders(&leaders, &batch, args)?;
    let total = args.megabytes * 1_000_000;
    let left = AtomicU64::new(total);
    let started = Instant::now();
    let left = &left;
    let mut latencies = thread::scope(|scope| -> anyhow::Result<Vec<u32>> {
        let start = |sender: Sender| {
            let Sender { connection, mut template, bytes } = sender;
            scope.spawn(move || replay(connection, &mut template, bytes, args, left))
        };
        let work: Vec<_> = senders.into_iter().map(start).collect();
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

/// Produces one small record to every partition of a topic, many partitions a request.
pub(crate) fn touch(bootstrap: &str, name: &str) -> anyhow::Result<Value> {
    const PARTITIONS_A_REQUEST: usize = 500;
    let leaders = topic::leaders(bootstrap, name, Duration::from_secs(120))?;
    let (batch, _) = batch(10, 10, Compression::None)?;
    let started = Instant::now();
    let mut touched = 0;
    for (address, partitions) in &leaders {
        let mut connection = Connection::open(address)?;
        for share in partitions.chunks(PARTITIONS_A_REQUEST) {
            warm_up(&mut connection, &request(name, share, &batch, -1))?;
            touched += share.len();
        }
    }
    Ok(json!({ "partitions": touched, "seconds": started.elapsed().as_secs_f64() }))
}

fn percentile(latencies: &mut [u32], part: f64) -> f64 {
    latencies.sort_unstable();
    let place = ((latencies.len() as f64 * part) as usize).min(latencies.len().saturating_sub(1));
    latencies.get(place).map_or(f64::NAN, |us| f64::from(*us) / 1000.0)
}

/// Open loop: a request is due every 1/rate seconds, and its latency counts from when it was due.
pub(crate) fn latency(bootstrap: &str, args: &LatencyArgs) -> anyhow::Result<Value> {
    let leaders = topic::leaders(bootstrap, &args.topic, Duration::from_secs(60))?;
    let (batch, _) = batch(args.record_size, args.record_size, Compression::None)?;
    let mut targets = Vec::new();
    for (address, partitions) in &leaders {
        let mut connection = Connection::open(address)?;
        let frame = request(&args.topic, &partitions[..1], &batch, -1);
        warm_up(&mut connection, &frame)?;
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
    let (batch, _) = batch(100, 100, Compression::None)?;
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
            Ok(()) => {
                return Ok(json!({ "first_ack_ms": started.elapsed().as_secs_f64() * 1000.0 }));
            }
            Err(error) if started.elapsed() > limit => return Err(error),
            Err(_) => thread::sleep(Duration::from_millis(2)),
        }
    }
}
