//! `milena topic`: create, list, describe, delete.

use clap::{Args, Subcommand};
use milena_client::{Client, NewTopic, PartitionInfo, StartAt};
use milena_runtime::Runtime;

use super::{
    kafka::{KafkaArgs, advise},
    output,
};
use crate::settings::DataDirArgs;

/// Topics of a cluster.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  milena topic list")]
pub(crate) struct TopicArgs {
    #[command(flatten)]
    kafka: KafkaArgs,
    #[command(subcommand)]
    command: TopicCommand,
}

#[derive(Subcommand, Debug)]
enum TopicCommand {
    /// Create a topic
    #[command(after_help = "Example:\n  \
            milena topic create orders --partitions 6 --config retention.ms=86400000")]
    Create(CreateArgs),
    /// List the topics
    #[command(after_help = "Example:\n  milena topic list")]
    List {
        /// Also those that Kafka itself uses
        #[arg(long)]
        internal: bool,
    },
    /// Show a topic's partitions and configuration
    #[command(after_help = "Example:\n  milena topic describe orders")]
    Describe {
        /// The topic's name
        name: String,
    },
    /// Delete a topic and all its records
    #[command(after_help = "Example:\n  milena topic delete orders")]
    Delete {
        /// The topic's name
        name: String,
    },
}

#[derive(Args, Debug)]
struct CreateArgs {
    /// The topic's name
    name: String,
    /// How many partitions; the cluster's num.partitions when left out
    #[arg(long, short, value_parser = clap::value_parser!(i32).range(1..))]
    partitions: Option<i32>,
    /// How many brokers may lead a partition; the cluster's default.replication.factor when left
    /// out
    #[arg(long, value_parser = clap::value_parser!(i16).range(1..))]
    replication_factor: Option<i16>,
    /// A topic configuration; may be given more than once
    #[arg(long = "config", short, value_name = "NAME=VALUE", value_parser = name_and_value)]
    configs: Vec<(String, String)>,
}

pub(crate) fn name_and_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(format!("'{text}' is not written as name=value")),
    }
}

/// Runs the command.
pub(crate) async fn run(
    args: TopicArgs,
    data_dir: DataDirArgs,
    runtime: Runtime,
) -> anyhow::Result<()> {
    let client = args.kafka.client(&data_dir, &runtime).await?;
    match args.command {
        TopicCommand::Create(args) => create(args, &client).await,
        TopicCommand::List { internal } => list(internal, &client).await,
        TopicCommand::Describe { name } => describe(&name, &client).await,
        TopicCommand::Delete { name } => {
            let topic = client.describe_topic(&name).await.map_err(|e| advise(e, &name))?;
            anyhow::ensure!(
                !topic.internal,
                "topic {name} holds what the brokers remember of groups; delete topics of your own \
                 only"
            );
            client.delete_topic(&name).await.map_err(|e| advise(e, &name))?;
            output::line(format!("{name}: deleted"))
        }
    }
}

async fn create(args: CreateArgs, client: &Client) -> anyhow::Result<()> {
    let topic = NewTopic {
        name: args.name,
        partitions: args.partitions,
        replication_factor: args.replication_factor,
        configs: args.configs,
    };
    let created = client.create_topic(&topic).await.map_err(|e| advise(e, &topic.name))?;
    let noun = if created.partitions.len() == 1 { "partition" } else { "partitions" };
    output::line(format!("{}: created with {} {noun}", created.name, created.partitions.len()))
}

async fn list(internal: bool, client: &Client) -> anyhow::Result<()> {
    let topics = client.list_topics().await.map_err(|e| advise(e, "NAME"))?;
    let mut rows = vec![["NAME", "PARTITIONS", "REPLICAS"].map(str::to_owned)];
    for topic in topics.into_iter().filter(|t| internal || !t.internal) {
        let replicas = topic.partitions.first().map_or(0, |p| p.replicas.len());
        rows.push([topic.name, topic.partitions.len().to_string(), replicas.to_string()]);
    }
    output::table(&rows)
}

async fn describe(name: &str, client: &Client) -> anyhow::Result<()> {
    let topic = client.describe_topic(name).await.map_err(|e| advise(e, name))?;
    let configs = client.topic_configs(name).await.map_err(|e| advise(e, name))?;
    let mut rows =
        vec![["PARTITION", "LEADER", "REPLICAS", "IN SYNC", "BEGINS", "ENDS"].map(str::to_owned)];
    for partition in &topic.partitions {
        rows.push([
            partition.index.to_string(),
            partition.leader.map_or("none".to_owned(), |id| id.to_string()),
            ids(&partition.replicas),
            ids(&partition.isr),
            offset(client, name, partition, StartAt::Beginning).await,
            offset(client, name, partition, StartAt::End).await,
        ]);
    }
    output::line(format!("{}, id {}", topic.name, topic.id_text().unwrap_or("none".to_owned())))?;
    for (name, value, set_here) in configs {
        if set_here {
            output::line(format!("{name}={}", value.unwrap_or_default()))?;
        }
    }
    output::table(&rows)
}

fn ids(brokers: &[milena_types::BrokerId]) -> String {
    brokers.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// An end of a partition; a question mark when it has no leader.
async fn offset(client: &Client, topic: &str, partition: &PartitionInfo, end: StartAt) -> String {
    if partition.leader.is_none() {
        return "?".to_owned();
    }
    let found = client.list_offset(topic, partition.index, end).await;
    found.ok().and_then(|f| f.offset).map_or("?".to_owned(), |offset| offset.to_string())
}
