//! `milena produce`: lines in, records out.

use std::{
    io::{IsTerminal, Write},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use anyhow::Context;
use bytes::Bytes;
use clap::{Args, ValueEnum};
use indicatif::ProgressBar;
use milena_client::{
    Acks, ClientError, Compression, Delivery, Producer, ProducerConfig, ProducerRecord,
};
use milena_runtime::Runtime;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    sync::mpsc,
};

use super::{
    kafka::{KafkaArgs, advise, partitions_of, record_counter, records_text},
    topic::name_and_value,
};
use crate::settings::DataDirArgs;

/// Send each line of standard input, or of a file, as a record
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    echo hello | milena produce orders\n  \
    milena produce orders --file lines.txt --compression zstd\n  \
    echo 'customer-7:3 books' | milena produce orders --key-separator :")]
pub(crate) struct ProduceArgs {
    #[command(flatten)]
    kafka: KafkaArgs,
    /// The topic
    topic: String,
    /// Read this file and not standard input
    #[arg(long, short)]
    file: Option<PathBuf>,
    /// The text between key and value in a line; records have no key without it
    #[arg(long, short, value_name = "TEXT")]
    key_separator: Option<String>,
    /// The partition; by key, or else spread, when left out
    #[arg(long, short, value_parser = clap::value_parser!(i32).range(0..))]
    partition: Option<i32>,
    /// A header for every record; may be given more than once
    #[arg(long = "header", value_name = "NAME=VALUE", value_parser = name_and_value)]
    headers: Vec<(String, String)>,
    /// How batches are compressed
    #[arg(long, value_enum, default_value_t)]
    compression: Codec,
    /// When a record counts as written: when it is safe (all), when the leader has it, or when it
    /// was sent (none)
    #[arg(long, value_enum, default_value_t)]
    acks: AcksArg,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Codec {
    #[default]
    None,
    Gzip,
    Snappy,
    Lz4,
    Zstd,
}

impl From<Codec> for Compression {
    fn from(codec: Codec) -> Self {
        match codec {
            Codec::None => Self::None,
            Codec::Gzip => Self::Gzip,
            Codec::Snappy => Self::Snappy,
            Codec::Lz4 => Self::Lz4,
            Codec::Zstd => Self::Zstd,
        }
    }
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum AcksArg {
    #[default]
    All,
    Leader,
    None,
}

impl From<AcksArg> for Acks {
    fn from(acks: AcksArg) -> Self {
        match acks {
            AcksArg::All => Self::All,
            AcksArg::Leader => Self::Leader,
            AcksArg::None => Self::None,
        }
    }
}

/// Acknowledged so far.
#[derive(Default)]
struct SendTotals {
    records: AtomicU64,
    bytes: AtomicU64,
}

/// Runs the command.
pub(crate) async fn run(
    args: ProduceArgs,
    data_dir: DataDirArgs,
    runtime: Runtime,
) -> anyhow::Result<()> {
    let client = args.kafka.client(&data_dir, &runtime).await?;
    let topic = client.describe_topic(&args.topic).await.map_err(|e| advise(e, &args.topic))?;
    partitions_of(&topic, args.partition)?;
    let config = ProducerConfig {
        compression: args.compression.into(),
        acks: args.acks.into(),
        ..Default::default()
    };
    let producer = Producer::new(client, config);
    let bar = progress(args.file.is_none());
    let done = Arc::new(SendTotals::default());
    let (deliveries, acknowledged) = mpsc::channel(100_000);
    let waiting = runtime.spawn(acknowledge(acknowledged, done.clone(), bar.clone()));
    let sent = match &args.file {
        Some(path) => {
            let opened = tokio::fs::File::open(path).await;
            let file =
                opened.with_context(|| format!("cannot read {}; check --file", path.display()))?;
            send_lines(file, &args, &producer, &deliveries).await
        }
        None => send_lines(tokio::io::stdin(), &args, &producer, &deliveries).await,
    };
    drop(deliveries);
    let acknowledged = waiting.await.context("the acknowledging task ended early")?;
    bar.finish_and_clear();
    let (records, bytes) =
        (done.records.load(Ordering::Relaxed), done.bytes.load(Ordering::Relaxed));
    let word = if matches!(args.acks, AcksArg::None) { "sent to" } else { "written to" };
    writeln!(std::io::stderr(), "{} {word} {}", records_text(records, bytes), args.topic)?;
    sent?;
    acknowledged.map_err(|e| advise(e, &args.topic))
}

fn progress(from_stdin: bool) -> ProgressBar {
    // No bar between records that are typed on a terminal.
    if from_stdin && std::io::stdin().is_terminal() {
        return ProgressBar::hidden();
    }
    record_counter("records acknowledged")
}

async fn send_lines(
    input: impl AsyncRead + Unpin,
    args: &ProduceArgs,
    producer: &Producer,
    deliveries: &mpsc::Sender<(Delivery, u64)>,
) -> anyhow::Result<()> {
    let headers: Vec<(Bytes, Option<Bytes>)> = args
        .headers
        .iter()
        .map(|(n, v)| (Bytes::from(n.clone()), Some(Bytes::from(v.clone()))))
        .collect();
    let mut input = BufReader::with_capacity(256 << 10, input);
    let mut line = Vec::new();
    let interrupted = tokio::signal::ctrl_c();
    tokio::pin!(interrupted);
    loop {
        line.clear();
        let read = tokio::select! {
            read = input.read_until(b'\n', &mut line) => read.context("cannot read the input")?,
            _ = &mut interrupted => 0,
        };
        if read == 0 {
            return Ok(());
        }
        let (key, value) = split_line(&line, args.key_separator.as_deref())?;
        // As `milena consume` counts.
        let bytes = (key.as_ref().map_or(0, Bytes::len) + value.len()) as u64;
        let record = ProducerRecord {
            topic: args.topic.clone(),
            partition: args.partition,
            key,
            value: Some(value),
            headers: headers.clone(),
            timestamp: None,
        };
        let delivery = producer.send(record).await.map_err(|e| advise(e, &args.topic))?;
        if deliveries.send((delivery, bytes)).await.is_err() {
            return Ok(()); // A record was refused; the other side says why.
        }
    }
}

/// A line without its end, cut into key and value.
pub(super) fn split_line(
    line: &[u8],
    separator: Option<&str>,
) -> anyhow::Result<(Option<Bytes>, Bytes)> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let Some(separator) = separator.filter(|s| !s.is_empty()) else {
        return Ok((None, Bytes::copy_from_slice(line)));
    };
    let at = line.windows(separator.len()).position(|w| w == separator.as_bytes());
    let at = at.with_context(|| {
        let line = String::from_utf8_lossy(line);
        format!(
            "the line '{line}' has no '{separator}'; leave --key-separator out to send records \
             without keys"
        )
    })?;
    let (key, value) = (&line[..at], &line[at + separator.len()..]);
    Ok((Some(Bytes::copy_from_slice(key)), Bytes::copy_from_slice(value)))
}

/// Waits for every acknowledgement in turn; stops at the first refusal.
async fn acknowledge(
    mut deliveries: mpsc::Receiver<(Delivery, u64)>,
    done: Arc<SendTotals>,
    bar: ProgressBar,
) -> Result<(), Arc<ClientError>> {
    while let Some((delivery, bytes)) = deliveries.recv().await {
        delivery.await?;
        done.records.fetch_add(1, Ordering::Relaxed);
        done.bytes.fetch_add(bytes, Ordering::Relaxed);
        bar.inc(1);
    }
    Ok(())
}
