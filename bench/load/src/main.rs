//! A load generator with little cost of its own: it replays batches that were encoded beforehand,
//! so that figures are those of the broker. It speaks the Kafka protocol with versions that both
//! Milena and Apache Kafka 4 offer.
//!
//! Prints its results as one JSON object. Bytes are those of the record batches.

#![allow(clippy::disallowed_methods)] // It measures time and has no other task than its threads.
#![allow(clippy::print_stdout, clippy::print_stderr)] // Its output is its purpose.

mod connection;
mod consume;
mod offsets;
mod pause;
mod produce;
mod topic;

use std::time::Duration;

use clap::{Parser, Subcommand};

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
    Produce(produce::ProduceArgs),
    /// Produce one small batch at a time at a fixed rate and report latencies.
    Latency(produce::LatencyArgs),
    /// Read a topic until this many bytes were read.
    Consume(consume::ConsumeArgs),
    /// Commit offsets of groups that one coordinator has.
    CommitOffsets(offsets::OffsetsArgs),
    /// Wait until the coordinator has loaded the offsets that were committed; reports how long that
    /// took.
    FetchOffsets(offsets::OffsetsArgs),
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
        /// The time-out, in seconds.
        #[arg(long, default_value_t = 60)]
        seconds: u64,
    },
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
        Command::CommitOffsets(args) => offsets::commit(&cli.bootstrap, args)?,
        Command::FetchOffsets(args) => offsets::fetch(&cli.bootstrap, args)?,
        Command::Pause { topic, seconds } => pause::run(&cli.bootstrap, topic, *seconds)?,
        Command::FirstAck { topic, seconds } => {
            produce::first_ack(&cli.bootstrap, topic, Duration::from_secs(*seconds))?
        }
    };
    println!("{figures}");
    Ok(())
}
