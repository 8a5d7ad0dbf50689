//! `milena topic`: create, list, describe, alter, delete-records, delete.

use clap::{Args, Subcommand};
use milena_client::{Client, NewTopic, PartitionInfo, StartAt};
use milena_protocol::ErrorCode;
use milena_runtime::Runtime;
use serde_json::json;

use super::{
    kafka::{KafkaArgs, advise, partitions_of},
    output::{self, OutputArgs},
    start_position::StartPosition,
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
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Show a topic's partitions and configuration
    #[command(after_help = "Example:\n  milena topic describe orders")]
    Describe {
        /// The topic's name
        name: String,
        /// Show every configuration in force, not only the topic's own
        #[arg(long)]
        all: bool,
    },
    /// Give a topic more partitions, set its configurations or take them back
    #[command(after_help = "Example:\n  milena topic alter orders --partitions 12 \
                      --config retention.ms=86400000 \
                      --delete-config max.message.bytes")]
    Alter(AlterArgs),
    /// Delete the records before an offset or a time, or all there are
    #[command(after_help = "Examples:\n  milena topic delete-records orders --before 7d\n  \
                      milena topic delete-records orders --partition 0 --before 1200")]
    DeleteRecords {
        /// The topic's name
        name: String,
        /// The first record to keep: end, an offset, or a span such as 7d (s, m, h, d ago)
        #[arg(long, value_name = "PLACE", value_parser = StartPosition::parse)]
        before: StartPosition,
        /// This partition only; an offset needs one
        #[arg(long, short, value_parser = clap::value_parser!(i32).range(0..))]
        partition: Option<i32>,
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

#[derive(Args, Debug)]
struct AlterArgs {
    /// The topic's name
    name: String,
    /// How many partitions it is to have altogether; records keep theirs, keys may get others
    #[arg(long, short, value_parser = clap::value_parser!(i32).range(1..))]
    partitions: Option<i32>,
    /// A topic configuration to set; may be given more than once
    #[arg(long = "config", short, value_name = "NAME=VALUE", value_parser = name_and_value)]
    configs: Vec<(String, String)>,
    /// A topic configuration that is to have its default again; may be given more than once
    #[arg(long = "delete-config", value_name = "NAME")]
    delete_configs: Vec<String>,
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
        TopicCommand::List { internal, output } => list(internal, output, &client).await,
        TopicCommand::Describe { name, all } => describe(&name, all, &client).await,
        TopicCommand::Alter(args) => alter(args, &client).await,
        TopicCommand::DeleteRecords { name, before, partition } => {
            delete_records(&name, before.start(runtime.wall_ms()), partition, &client).await
        }
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

async fn list(internal: bool, output: OutputArgs, client: &Client) -> anyhow::Result<()> {
    let topics = client.list_topics().await.map_err(|e| advise(e, "NAME"))?;
    let (mut rows, mut objects) = (Vec::new(), Vec::new());
    for topic in topics.into_iter().filter(|t| internal || !t.internal) {
        let partitions = topic.partitions.len();
        let replicas = topic.partitions.first().map_or(0, |p| p.replicas.len());
        objects.push(json!({
            "name": topic.name,
            "id": topic.id_text(),
            "internal": topic.internal,
            "partitions": partitions,
            "replicas": replicas,
        }));
        rows.push([topic.name, partitions.to_string(), replicas.to_string()]);
    }
    output.list(["NAME", "PARTITIONS", "REPLICAS"], rows, &json!({"topics": objects}))
}

async fn alter(args: AlterArgs, client: &Client) -> anyhow::Result<()> {
    let name = &args.name;
    anyhow::ensure!(
        args.partitions.is_some() || !args.configs.is_empty() || !args.delete_configs.is_empty(),
        "nothing is to be altered; give --partitions, --config or --delete-config"
    );
    let set = args.configs.into_iter().map(|(name, value)| (name, Some(value)));
    let changes: Vec<(String, Option<String>)> =
        set.chain(args.delete_configs.into_iter().map(|name| (name, None))).collect();
    if !changes.is_empty() {
        client.alter_topic_configs(name, &changes).await.map_err(|e| advise(e, name))?;
        output::line(format!("{name}: configured"))?;
    }
    if let Some(total) = args.partitions {
        client.create_partitions(name, total).await.map_err(|e| advise(e, name))?;
        output::line(format!("{name}: {total} partitions"))?;
    }
    Ok(())
}

async fn delete_records(
    name: &str,
    before: StartAt,
    partition: Option<i32>,
    client: &Client,
) -> anyhow::Result<()> {
    let topic = client.describe_topic(name).await.map_err(|e| advise(e, name))?;
    anyhow::ensure!(
        !topic.internal,
        "topic {name} holds the offsets of groups; delete records of your own topics only"
    );
    anyhow::ensure!(
        partition.is_some() || !matches!(before, StartAt::Offset(_)),
        "an offset is of one partition; say which with --partition, or give --before a time or end"
    );
    for index in partitions_of(&topic, partition)? {
        // Looked up first: what comes from now on stays.
        let end = client.list_offset(name, index, StartAt::End).await;
        let end = end.map_err(|e| advise(e, name))?.offset;
        let found = client.list_offset(name, index, before).await;
        // Without one, every record is older.
        let offset = found.map_err(|e| advise(e, name))?.offset.or(end);
        let deleted = client.delete_records(name, index, offset).await;
        let beginning = deleted.map_err(|error| match (error.code(), end) {
            (Some(ErrorCode::OffsetOutOfRange), Some(end)) => anyhow::anyhow!(
                "partition {index} of topic {name} ends at {end}; give --before an offset up to \
                 there, or end"
            ),
            _ => advise(error, name),
        })?;
        output::line(format!("{name}: partition {index} begins at {beginning}"))?;
    }
    Ok(())
}

async fn describe(name: &str, all: bool, client: &Client) -> anyhow::Result<()> {
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
        if set_here || all {
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
