//! A load generator that costs little itself: it replays batches that were encoded beforehand, so
//! that the broker is what is measured. It speaks the Kafka protocol with versions that both Milena
//! and Apache Kafka 4 offer.
//!
//! Prints one JSON object with what it did. Bytes are those of the record batches.

#![allow(clippy::disallowed_methods)] // It measures time and has no other task than its threads.
#![allow(clippy::print_stdout, clippy::print_stderr)] // Its output is its purpose.

mod connection;
mod consume;
mod pause;
mod produce;
mod topic;

use std::time::Duration;

use clap::{Args, Parser, Subcommand};

/// Replays pre-encoded batches against a Kafka cluster, or reads them back, and prints figures as
/// JSON.
#[derive(Parser)]
struct Cli {
    /// A broker to begin with, HOST:PORT.
    #[arg(long)]
    bootstrap: String,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Create a topic and wait until all its partitions have a leader.
    Create {
        /// The topic.
        #[arg(long)]
        topic: String,
        /// Its partitions.
        #[arg(long, default_value_t = 8)]
        partitions: i32,
        /// Put all partitions on this broker; without it the cluster spreads them.
        #[arg(long)]
        broker: Option<i32>,
    },
    /// Produce one small record to every partition of a topic.
    Touch {
        /// The topic.
        #[arg(long)]
        topic: String,
    },
    /// Produce as fast as the cluster acknowledges.
    Produce(ProduceArgs),
    /// Produce one small batch at a time at a fixed rate and report latencies.
    Latency(LatencyArgs),
    /// Read a topic until so many bytes have come.
    Consume(ConsumeArgs),
    /// Write to every partition of a topic all the time and report the longest pause of each.
    Pause {
        /// The topic.
        #[arg(long)]
        topic: String,
        /// For how long.
        #[arg(long, default_value_t = 8)]
        seconds: u64,
    },
    /// Wait until a produce to a new topic is acknowledged; reports how long that took.
    FirstAck {
        /// The topic; created when it is not there.
        #[arg(long, default_value = "first-ack")]
        topic: String,
        /// Give up after so many seconds.
        #[arg(long, default_value_t = 60)]
        seconds: u64,
    },
}

#[derive(Args)]
struct ProduceArgs {
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
    /// Requests on their way in a connection (Kafka's producers default to 5).
    #[arg(long, default_value_t = 5)]
    in_flight: usize,
    /// Megabytes (10^6) to produce in all.
    #[arg(long, default_value_t = 1000)]
    megabytes: u64,
    /// -1 (all), 1 or 0.
    #[arg(long, default_value_t = -1, allow_hyphen_values = true)]
    acks: i16,
}

#[derive(Args)]
struct LatencyArgs {
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

#[derive(Args)]
struct ConsumeArgs {
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

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let figures = match &cli.command {
        Command::Create { topic, partitions, broker } => {
            topic::create(&cli.bootstrap, topic, *partitions, *broker, Duration::from_secs(60))?;
            serde_json::json!({"topic": topic, "partitions": partitions})
        }
        Command::Touch { topic } => produce::touch(&cli.bootstrap, topic)?,
        Command::Produce(args) => produce::throughput(&cli.bootstrap, args)?,
        Command::Latency(args) => produce::latency(&cli.bootstrap, args)?,
        Command::Consume(args) => consume::run(&cli.bootstrap, args)?,
        Command::Pause { topic, seconds } => pause::run(&cli.bootstrap, topic, *seconds)?,
        Command::FirstAck { topic, seconds } => {
            produce::first_ack(&cli.bootstrap, topic, Duration::from_secs(*seconds))?
        }
    };
    println!("{figures}");
    Ok(())
}
