//! `milena consume`: records in, lines out.

use std::{
    io::{self, IsTerminal, Write},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use clap::Args;
use indicatif::ProgressBar;
use milena_client::{
    Client, CommittedOffset, ConsumedRecord, Consumer, ConsumerConfig, OnOutOfRange, StartAt,
};
use milena_runtime::Runtime;
use milena_types::LeaderEpoch;
use serde_json::{Value, json};

use super::{
    kafka::{KafkaArgs, advise, partitions_of, record_counter, records_text},
    start_position::StartPosition,
};
use crate::settings::DataDirArgs;

/// How often a group's offsets are committed while records come.
const COMMIT_EVERY: Duration = Duration::from_secs(5);

/// How long nothing could be read before that is printed, and how often it is printed again.
const WAITING_AFTER: Duration = Duration::from_secs(3);
const WAITING_EVERY: Duration = Duration::from_secs(15);

/// Print the records of a topic, one a line, until interrupted
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    milena consume orders --until-end\n  \
    milena consume orders --from 10m --json\n  \
    milena consume orders --group audit --count 100")]
pub(crate) struct ConsumeArgs {
    #[command(flatten)]
    kafka: KafkaArgs,
    /// The topic
    topic: String,
    /// Where to begin: beginning, end, an offset, or a span such as 10m (s, m, h, d ago)
    #[arg(
        long,
        value_name = "PLACE",
        default_value = "beginning",
        value_parser = StartPosition::parse
    )]
    from: StartPosition,
    /// Read this partition only
    #[arg(long, short, value_parser = clap::value_parser!(i32).range(0..))]
    partition: Option<i32>,
    /// Stop after this many records
    #[arg(long, short = 'n')]
    count: Option<u64>,
    /// Stop when everything there is has been read
    #[arg(long, short = 'e')]
    until_end: bool,
    /// Go on where this group stopped, and commit how far it got; no other member may read for it
    /// meanwhile
    #[arg(long, short, value_name = "NAME")]
    group: Option<String>,
    /// Print the key before the value, with a tab between them
    #[arg(long, short, conflicts_with = "json")]
    keys: bool,
    /// Print each record as a JSON object with all its parts; what is not UTF-8 is printed as
    /// {"base64": "…"} in place of a string
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(crate) async fn run(
    args: ConsumeArgs,
    data_dir: DataDirArgs,
    runtime: Runtime,
) -> anyhow::Result<()> {
    let client = args.kafka.client(&data_dir, &runtime).await?;
    let mut consumer = consumer(&args, &client, &runtime).await?;
    let mut out = io::BufWriter::with_capacity(64 << 10, io::stdout());
    let bar = progress();
    let (mut records, mut bytes) = (0, 0);
    let mut committed_at = runtime.monotonic();
    let limit = args.count.unwrap_or(u64::MAX);
    let (mut read, mut waiting) = (Vec::new(), StallReport::since(runtime.monotonic()));
    let interrupted = tokio::signal::ctrl_c();
    tokio::pin!(interrupted);
    let ended = loop {
        if records >= limit || (args.until_end && consumer.is_at_end()) {
            break Ok(());
        }
        let polled = tokio::select! {
            polled = consumer.poll(Duration::from_millis(500)) => polled,
            _ = &mut interrupted => break Ok(()),
        };
        let polled = match polled {
            Ok(polled) => polled,
            Err(error) => break Err(advise(error, &args.topic)),
        };
        if let Some(line) = waiting.line(client.read_error(), runtime.monotonic()) {
            bar.suspend(|| writeln!(io::stderr(), "{line}"))?;
        }
        for record in polled.iter().take(usize::try_from(limit - records).unwrap_or(usize::MAX)) {
            bytes += print(&mut out, record, &args).or_else(ignore_closed_pipe)?;
            records += 1;
            remember(&mut read, record);
        }
        out.flush().or_else(|e| ignore_closed_pipe(e).map(|_| ()))?;
        bar.set_position(records);
        if let Some(group) = &args.group
            && runtime.monotonic() - committed_at > COMMIT_EVERY
        {
            commit(&client, group, &mut read).await?;
            committed_at = runtime.monotonic();
        }
    };
    out.flush().or_else(|e| ignore_closed_pipe(e).map(|_| ()))?;
    bar.finish_and_clear();
    if let Some(group) = &args.group {
        commit(&client, group, &mut read).await?;
    }
    writeln!(io::stderr(), "{} read from {}", records_text(records, bytes), args.topic)?;
    ended
}

async fn consumer(
    args: &ConsumeArgs,
    client: &Client,
    runtime: &Runtime,
) -> anyhow::Result<Consumer> {
    let topic = client.describe_topic(&args.topic).await.map_err(|e| advise(e, &args.topic))?;
    let partitions = partitions_of(&topic, args.partition)?;
    let committed = match &args.group {
        Some(group) => {
            let wanted: Vec<(&str, i32)> =
                partitions.iter().map(|p| (args.topic.as_str(), *p)).collect();
            client.committed_offsets(group, &wanted).await.map_err(|e| advise(e, &args.topic))?
        }
        None => Vec::new(),
    };
    let start = args.from.start(runtime.wall_ms());
    let begin = |partition: i32| {
        let offset =
            committed.iter().find(|c| c.partition == partition).map(|c| StartAt::Offset(c.offset));
        (args.topic.clone(), partition, offset.unwrap_or(start))
    };
    let on_out_of_range =
        if args.group.is_some() { OnOutOfRange::Beginning } else { OnOutOfRange::Fail };
    let config = ConsumerConfig { on_out_of_range, ..Default::default() };
    Ok(Consumer::assign(client.clone(), config, partitions.into_iter().map(begin).collect()))
}

/// Decides when to print why no records come.
struct StallReport {
    /// The time of the last successful read.
    well: Duration,
    said: Option<Duration>,
}

impl StallReport {
    fn since(now: Duration) -> Self {
        Self { well: now, said: None }
    }

    /// A line to print, now that the trouble with reading is this.
    fn line(&mut self, trouble: Option<String>, now: Duration) -> Option<String> {
        let Some(trouble) = trouble else {
            *self = Self::since(now);
            return None;
        };
        let due = self.said.map_or(self.well + WAITING_AFTER, |said| said + WAITING_EVERY);
        (now >= due).then(|| {
            self.said = Some(now);
            format!("still waiting: {trouble}; the log of milena says more")
        })
    }
}

/// A bar where the records go elsewhere than to the terminal.
fn progress() -> ProgressBar {
    if io::stdout().is_terminal() {
        return ProgressBar::hidden();
    }
    record_counter("records")
}

/// Notes the next offset to commit for the record's partition.
fn remember(read: &mut Vec<CommittedOffset>, record: &ConsumedRecord) {
    let offset = record.offset.plus(1);
    match read.iter_mut().find(|c| c.partition == record.partition) {
        Some(place) => place.offset = offset,
        None => read.push(CommittedOffset {
            topic: record.topic.to_string(),
            partition: record.partition,
            offset,
            leader_epoch: LeaderEpoch::NONE,
            metadata: String::new(),
        }),
    }
}

async fn commit(
    client: &Client,
    group: &str,
    read: &mut Vec<CommittedOffset>,
) -> anyhow::Result<()> {
    if !read.is_empty() {
        let committed = client.commit_offsets(group, read).await;
        committed.map_err(|e| anyhow::anyhow!("{e}; use a group that has no running members"))?;
        read.clear();
    }
    Ok(())
}

fn print(out: &mut impl Write, record: &ConsumedRecord, args: &ConsumeArgs) -> io::Result<u64> {
    let value = record.value.as_deref().unwrap_or_default();
    let key = record.key.as_deref().unwrap_or_default();
    if args.json {
        serde_json::to_writer(&mut *out, &as_json(record)).map_err(io::Error::from)?;
    } else {
        if args.keys {
            out.write_all(key)?;
            out.write_all(b"\t")?;
        }
        out.write_all(value)?;
    }
    out.write_all(b"\n")?;
    Ok((key.len() + value.len()) as u64)
}

/// A record with all its parts.
pub(super) fn as_json(record: &ConsumedRecord) -> Value {
    let headers: Vec<Value> = record
        .headers
        .iter()
        .map(|(name, value)| json!([member(Some(name)), member(value.as_ref())]))
        .collect();
    json!({
        "topic": &*record.topic,
        "partition": record.partition,
        "offset": record.offset.raw(),
        "timestamp": record.timestamp.raw(),
        "key": member(record.key.as_ref()),
        "value": member(record.value.as_ref()),
        "headers": headers,
    })
}

/// Text as a string, other bytes as an object that no text is written as.
fn member(bytes: Option<&bytes::Bytes>) -> Value {
    let Some(bytes) = bytes else { return Value::Null };
    match std::str::from_utf8(bytes) {
        Ok(text) => json!(text),
        Err(_) => json!({"base64": STANDARD.encode(bytes)}),
    }
}

/// Whoever reads the output, such as `head`, may have had enough.
fn ignore_closed_pipe(error: io::Error) -> io::Result<u64> {
    if error.kind() == io::ErrorKind::BrokenPipe {
        std::process::exit(0);
    }
    Err(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_is_said_after_a_while_and_then_now_and_then() {
        let (second, trouble) = (Duration::from_secs, || Some("no leader".to_owned()));
        let mut waiting = StallReport::since(second(10));
        assert_eq!(waiting.line(trouble(), second(11)), None);
        assert!(waiting.line(trouble(), second(13)).is_some_and(|line| line.contains("no leader")));
        assert_eq!(waiting.line(trouble(), second(14)), None);
        assert!(waiting.line(trouble(), second(28)).is_some());
        assert_eq!(waiting.line(None, second(29)), None);
        assert_eq!(waiting.line(trouble(), second(30)), None);
    }
}
