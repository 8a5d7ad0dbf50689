//! `milena group list|describe|reset-offsets|delete`: consumer groups of a cluster.

use std::collections::BTreeMap;

use anyhow::{Context, bail, ensure};
use clap::{Args, Subcommand};
use milena_client::{Client, ClientError, CommittedOffset, GroupInfo, StartAt, TopicInfo};
use milena_protocol::ErrorCode;
use milena_runtime::Runtime;
use milena_types::{LeaderEpoch, Offset};
use serde_json::{Value, json};

use super::{
    kafka::{KafkaArgs, advise, partitions_of},
    output::{self, OutputArgs},
    start_position::StartPosition,
};
use crate::settings::DataDirArgs;

/// Consumer groups of a cluster.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  milena group describe audit")]
pub(crate) struct GroupArgs {
    #[command(flatten)]
    kafka: KafkaArgs,
    #[command(subcommand)]
    command: GroupCommand,
}

#[derive(Subcommand, Debug)]
enum GroupCommand {
    /// List the groups
    #[command(after_help = "Example:\n  milena group list --output plain")]
    List {
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Show how far a group has read, and who reads what
    #[command(after_help = "Example:\n  milena group describe audit")]
    Describe {
        /// The group's name
        name: String,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Set where a group without members reads on
    #[command(after_help = "Examples:\n  \
                      milena group reset-offsets audit --topic orders --to beginning\n  \
                      milena group reset-offsets audit --topic orders --to 2h --dry-run")]
    ResetOffsets(ResetArgs),
    /// Delete a group that has no members, with what it has committed
    #[command(after_help = "Example:\n  milena group delete audit")]
    Delete {
        /// The group's name
        name: String,
    },
}

#[derive(Args, Debug)]
struct ResetArgs {
    /// The group's name
    name: String,
    /// The topic; without it, every topic that the group has committed offsets of
    #[arg(long, short)]
    topic: Option<String>,
    /// This partition only
    #[arg(long, short, requires = "topic", value_parser = clap::value_parser!(i32).range(0..))]
    partition: Option<i32>,
    /// Where to read on: beginning, end, an offset, or a span such as 10m (s, m, h, d ago)
    #[arg(long, value_name = "PLACE", value_parser = StartPosition::parse)]
    to: StartPosition,
    /// Only show what would be set
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    output: OutputArgs,
}

/// Runs the command.
pub(crate) async fn run(
    args: GroupArgs,
    data_dir: DataDirArgs,
    runtime: Runtime,
) -> anyhow::Result<()> {
    let client = args.kafka.client(&data_dir, &runtime).await?;
    match args.command {
        GroupCommand::List { output } => list(output, &client).await,
        GroupCommand::Describe { name, output } => describe(&name, output, &client).await,
        GroupCommand::ResetOffsets(args) => {
            let to = args.to.start(runtime.wall_ms());
            reset(args, to, &client).await
        }
        GroupCommand::Delete { name } => {
            client.delete_group(&name).await.map_err(|error| explain(&error, &name))?;
            output::line(format!("{name}: deleted"))
        }
    }
}

/// The error with what helps.
fn explain(error: &ClientError, group: &str) -> anyhow::Error {
    match error.code() {
        Some(ErrorCode::GroupIdNotFound) => {
            anyhow::anyhow!("there is no group {group}; see: milena group list")
        }
        Some(ErrorCode::NonEmptyGroup | ErrorCode::UnknownMemberId) => anyhow::anyhow!(
            "group {group} has members; stop them first, see: milena group describe {group}"
        ),
        _ => anyhow::anyhow!("{error}"),
    }
}

async fn list(output: OutputArgs, client: &Client) -> anyhow::Result<()> {
    let (mut rows, mut objects) = (Vec::new(), Vec::new());
    for group in client.list_groups().await? {
        objects.push(json!({
            "name": group.id,
            "state": group.state,
            "protocolType": group.protocol_type,
        }));
        rows.push([group.id, group.state, group.protocol_type]);
    }
    output.list(["NAME", "STATE", "TYPE"], rows, &json!({"groups": objects}))
}

async fn existing(name: &str, client: &Client) -> anyhow::Result<GroupInfo> {
    let group = client.describe_group(name).await.map_err(|error| explain(&error, name))?;
    if group.state == "Dead" {
        bail!("there is no group {name}; see: milena group list");
    }
    Ok(group)
}

/// Who has a partition: the client and the member.
type Owners<'a> = BTreeMap<(&'a str, i32), (&'a str, &'a str)>;

async fn describe(name: &str, output: OutputArgs, client: &Client) -> anyhow::Result<()> {
    let group = existing(name, client).await?;
    let mut owners = Owners::new();
    for member in &group.members {
        for (topic, partitions) in &member.assignment {
            let owner = (&*member.client_id, &*member.host);
            owners.extend(partitions.iter().map(|index| ((&**topic, *index), owner)));
        }
    }
    let committed = client.all_committed_offsets(name).await?;
    let topics = topics(client).await?;
    let mut places: BTreeMap<(&str, i32), Option<Offset>> =
        owners.keys().map(|place| (*place, None)).collect();
    places.extend(committed.iter().map(|c| ((&*c.topic, c.partition), Some(c.offset))));
    let (mut rows, mut objects) = (Vec::new(), Vec::new());
    for ((topic, partition), offset) in places {
        let partitions = topics.get(topic).map(|info| &info.partitions[..]).unwrap_or_default();
        let is_led = partitions.iter().any(|p| p.index == partition && p.leader.is_some());
        // It may have been deleted, or nobody leads it.
        let end = if is_led {
            let found = client.list_offset(topic, partition, StartAt::End).await;
            found.map_err(|error| advise(error, topic))?.offset
        } else {
            None
        };
        let lag = end.zip(offset).map(|(end, offset)| (end.raw() - offset.raw()).max(0));
        let owner = owners.get(&(topic, partition));
        let number = |number: Option<i64>| number.map_or("-".to_owned(), |n| n.to_string());
        let (offset, end) = (offset.map(Offset::raw), end.map(Offset::raw));
        rows.push([
            topic.to_owned(),
            partition.to_string(),
            number(offset),
            number(end),
            number(lag),
            owner.map_or("-", |(client, _)| client).to_owned(),
            owner.map_or("-", |(_, host)| host).to_owned(),
        ]);
        objects.push(json!({
            "topic": topic,
            "partition": partition,
            "committed": offset,
            "end": end,
            "lag": lag,
            "client": owner.map(|(client, _)| client),
            "host": owner.map(|(_, host)| host),
        }));
    }
    let whole = json!({
        "name": group.id,
        "state": group.state,
        "assignor": group.assignor,
        "members": group.members.len(),
        "partitions": objects,
    });
    if output.is_table() {
        let (members, state) = (group.members.len(), &group.state);
        let noun = if members == 1 { "member" } else { "members" };
        output::line(format!("{name}: {state}, {members} {noun}"))?;
    }
    let heading = ["TOPIC", "PARTITION", "COMMITTED", "END", "LAG", "CLIENT", "HOST"];
    output.list(heading, rows, &whole)
}

async fn reset(args: ResetArgs, to: StartAt, client: &Client) -> anyhow::Result<()> {
    let name = &args.name;
    let before = client.all_committed_offsets(name).await.map_err(|error| explain(&error, name))?;
    let places = places(&args, &before, client).await?;
    let (mut rows, mut objects, mut offsets) = (Vec::new(), Vec::new(), Vec::new());
    for (topic, partition) in places {
        let offset = target(client, &topic, partition, to).await?;
        let old = before.iter().find(|c| c.topic == topic && c.partition == partition);
        let old = old.map(|c| c.offset.raw());
        rows.push([
            topic.clone(),
            partition.to_string(),
            old.map_or("-".to_owned(), |old| old.to_string()),
            offset.to_string(),
        ]);
        objects.push(json!({
            "topic": topic, "partition": partition, "before": old, "after": offset.raw(),
        }));
        offsets.push(CommittedOffset {
            topic,
            partition,
            offset,
            leader_epoch: LeaderEpoch::NONE,
            metadata: String::new(),
        });
    }
    if !args.dry_run {
        let committed = client.commit_offsets(name, &offsets).await;
        committed.map_err(|error| explain(&error, name))?;
    }
    let whole: Value = json!({"name": name, "dryRun": args.dry_run, "partitions": objects});
    args.output.list(["TOPIC", "PARTITION", "BEFORE", "AFTER"], rows, &whole)
}

/// The partitions to reset.
async fn places(
    args: &ResetArgs,
    committed: &[CommittedOffset],
    client: &Client,
) -> anyhow::Result<Vec<(String, i32)>> {
    let Some(topic) = &args.topic else {
        ensure!(
            !committed.is_empty(),
            "group {} has committed nothing; say which topic with --topic",
            args.name
        );
        let topics = topics(client).await?;
        let there = committed.iter().filter(|c| topics.contains_key(&c.topic));
        return Ok(there.map(|c| (c.topic.clone(), c.partition)).collect());
    };
    let info = client.describe_topic(topic).await.map_err(|error| advise(error, topic))?;
    let partitions = partitions_of(&info, args.partition)?.into_iter();
    Ok(partitions.map(|index| (topic.clone(), index)).collect())
}

/// The topics there are, by name.
async fn topics(client: &Client) -> anyhow::Result<BTreeMap<String, TopicInfo>> {
    let topics = client.list_topics().await?.into_iter();
    Ok(topics.map(|topic| (topic.name.clone(), topic)).collect())
}

/// The offset to commit: within what the partition has.
async fn target(
    client: &Client,
    topic: &str,
    partition: i32,
    to: StartAt,
) -> anyhow::Result<Offset> {
    let look = async |at| {
        let found = client.list_offset(topic, partition, at).await;
        found.map(|found| found.offset).map_err(|error| advise(error, topic))
    };
    let bound = |found: Option<Offset>| {
        found.with_context(|| format!("partition {partition} of topic {topic} has no offsets"))
    };
    let end = bound(look(StartAt::End).await?)?;
    match to {
        StartAt::Offset(offset) => {
            let beginning = bound(look(StartAt::Beginning).await?)?;
            Ok(offset.clamp(beginning, end))
        }
        // No record is that new.
        at => Ok(look(at).await?.unwrap_or(end)),
    }
}
