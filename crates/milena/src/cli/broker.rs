//! `milena broker list|config|kill|restart|accept-lost-log`, through the API of a running milena.

use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use http::Method;
use milena_client::{Client, ClientConfig};
use milena_runtime::Runtime;
use milena_types::BrokerId;
use serde_json::{Value, json};

use super::{
    clusters::{ClusterArg, Clusters, EndpointArgs, Named},
    output::{self, OutputArgs},
};
use crate::{api_client::encode, settings::DataDirArgs};

const POLL: Duration = Duration::from_millis(20);
/// How long a broker may take to end or to serve.
const WAIT_MAX: Duration = Duration::from_secs(120);

#[derive(Args)]
#[command(after_help = "Example:\n  milena broker kill orders 2")]
pub(crate) struct BrokerArgs {
    #[command(flatten)]
    endpoint: EndpointArgs,
    #[command(subcommand)]
    command: BrokerCommand,
}

#[derive(Subcommand)]
enum BrokerCommand {
    /// List the brokers of a cluster and their states
    #[command(after_help = "Example:\n  milena broker list orders")]
    List {
        #[command(flatten)]
        cluster: ClusterArg,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Show the configuration that a broker runs with, as Kafka's clients see it
    #[command(
        after_help = "Example:\n  milena broker config orders 1 --all",
        allow_missing_positional = true
    )]
    Config {
        #[command(flatten)]
        cluster: ClusterArg,
        /// The broker's number
        id: i32,
        /// Also what has its default
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// End a broker as a crash would: the others take over, and it stays down until it is restarted
    #[command(
        after_help = "Example:\n  milena broker kill orders 2",
        allow_missing_positional = true
    )]
    Kill {
        #[command(flatten)]
        cluster: ClusterArg,
        /// The broker's number
        id: i32,
    },
    /// Start a broker that was killed; restart one that runs, which hands over its partitions first
    #[command(
        after_help = "Example:\n  milena broker restart orders 2",
        allow_missing_positional = true
    )]
    Restart {
        #[command(flatten)]
        cluster: ClusterArg,
        /// The broker's number
        id: i32,
    },
    /// Have a broker start without its write-ahead directory, which is gone for good: what was only
    /// there is lost
    #[command(
        after_help = "The refused start names the epoch. If the directory can be mounted or \
                      restored, do that instead: the broker then starts by itself and nothing is \
                      lost.\n\n\
                      Example:\n  milena broker accept-lost-log orders 2 17"
    )]
    AcceptLostLog {
        /// The cluster's name or ARN
        cluster: String,
        /// The broker's number
        id: i32,
        /// The broker epoch up to which the log is lost, as logged and in the cluster's state
        epoch: i64,
    },
}

pub(crate) async fn run(
    args: BrokerArgs,
    data_dir: DataDirArgs,
    runtime: Runtime,
) -> anyhow::Result<()> {
    let clusters = Clusters::new(args.endpoint, &data_dir, runtime)?;
    match args.command {
        BrokerCommand::List { cluster, output } => {
            list(&clusters, &clusters.find(cluster.cluster.as_deref()).await?, output).await
        }
        BrokerCommand::Config { cluster, id, all, output } => {
            let found = clusters.find(cluster.cluster.as_deref()).await?;
            config(&clusters, &found, id, all, output).await
        }
        BrokerCommand::Kill { cluster, id } => {
            kill(&clusters, &clusters.find(cluster.cluster.as_deref()).await?, id).await
        }
        BrokerCommand::Restart { cluster, id } => {
            restart(&clusters, &clusters.find(cluster.cluster.as_deref()).await?, id).await
        }
        BrokerCommand::AcceptLostLog { cluster, id, epoch } => {
            accept_lost_log(&clusters, &cluster, id, epoch).await
        }
    }
}

async fn list(clusters: &Clusters, cluster: &Named, output: OutputArgs) -> anyhow::Result<()> {
    let found = brokers(clusters, &cluster.arn).await?;
    let mut rows = Vec::new();
    for broker in &found {
        let text = |member: &str| broker[member].as_str().unwrap_or("-").to_owned();
        let role = if broker["isController"] == true { "controller" } else { "-" };
        let id = broker["brokerId"].to_string();
        rows.push([id, text("state"), text("zone"), text("endpoint"), role.to_owned()]);
    }
    let heading = ["BROKER", "STATE", "ZONE", "ENDPOINT", "ROLE"];
    output.list(heading, rows, &json!({"brokers": found}))
}

async fn config(
    clusters: &Clusters,
    cluster: &Named,
    id: i32,
    all: bool,
    output: OutputArgs,
) -> anyhow::Result<()> {
    state_of(clusters, &cluster.arn, id).await?;
    let bootstrap = clusters.bootstrap(&cluster.arn).await?;
    let client = Client::new(ClientConfig::new(&bootstrap), clusters.runtime.clone());
    let configs = client.broker_configs(BrokerId(id)).await?;
    let configs = configs.into_iter().filter(|(_, _, is_set)| all || *is_set);
    let rows: Vec<[String; 2]> =
        configs.map(|(name, value, _)| [name, value.unwrap_or_default()]).collect();
    let values: serde_json::Map<String, Value> =
        rows.iter().map(|[name, value]| (name.clone(), json!(value))).collect();
    output.list(["NAME", "VALUE"], rows, &json!({"brokerId": id, "configs": values}))
}

async fn kill(clusters: &Clusters, cluster: &Named, id: i32) -> anyhow::Result<()> {
    let Named { name: cluster, arn } = cluster;
    clusters.api.call(Method::POST, &format!("{}/{id}/kill", path(arn)), &[], None).await?;
    wait_for(clusters, arn, id, "DOWN").await?;
    output::line(format!(
        "{cluster}: broker {id} is DOWN; start it again with: milena broker restart {cluster} {id}"
    ))
}

async fn restart(clusters: &Clusters, cluster: &Named, id: i32) -> anyhow::Result<()> {
    let Named { name: cluster, arn } = cluster;
    let state = state_of(clusters, arn, id).await?;
    if state == "DOWN" || state == "STOPPING" {
        clusters.api.call(Method::POST, &format!("{}/{id}/restart", path(arn)), &[], None).await?;
        wait_for(clusters, arn, id, "SERVING").await?;
        return output::line(format!("{cluster}: broker {id} is SERVING"));
    }
    let reboot = format!("/v1/clusters/{}/reboot-broker", encode(arn));
    let request = json!({"brokerIds": [id.to_string()]});
    let answer = clusters.api.call(Method::PUT, &reboot, &[], Some(&request)).await?;
    let operation =
        answer["clusterOperationArn"].as_str().context("the API's response names no operation")?;
    let path = format!("/v1/operations/{}", encode(operation));
    let deadline = clusters.runtime.monotonic() + WAIT_MAX;
    loop {
        let found = clusters.api.call(Method::GET, &path, &[], None).await?;
        let info = &found["clusterOperationInfo"];
        if !info["endTime"].is_null() {
            let state = info["operationState"].as_str().unwrap_or("-");
            return output::line(format!("{cluster}: broker {id}: {state}"));
        }
        if clusters.runtime.monotonic() > deadline {
            bail!(
                "broker {id} of cluster '{cluster}' is not back yet; see: milena broker list \
                 {cluster}"
            );
        }
        clusters.runtime.sleep(POLL).await;
    }
}

async fn accept_lost_log(
    clusters: &Clusters,
    cluster: &str,
    id: i32,
    epoch: i64,
) -> anyhow::Result<()> {
    let arn = clusters.arn(cluster).await?;
    let accept = format!("{}/{id}/accept-lost-log/{epoch}", path(&arn));
    clusters.api.call(Method::POST, &accept, &[], None).await?;
    if matches!(state_of(clusters, &arn, id).await?.as_str(), "DOWN" | "STOPPING") {
        return output::line(format!(
            "{cluster}: the loss is accepted; start broker {id} with: milena broker restart \
             {cluster} {id}"
        ));
    }
    wait_for(clusters, &arn, id, "SERVING").await?;
    output::line(format!("{cluster}: broker {id} is SERVING; what it gave up is logged"))
}

async fn wait_for(clusters: &Clusters, arn: &str, id: i32, wanted: &str) -> anyhow::Result<()> {
    let deadline = clusters.runtime.monotonic() + WAIT_MAX;
    loop {
        let state = state_of(clusters, arn, id).await?;
        if state == wanted {
            return Ok(());
        }
        if clusters.runtime.monotonic() > deadline {
            bail!("broker {id} is {state} still, not {wanted}; what milena logs says why");
        }
        clusters.runtime.sleep(POLL).await;
    }
}

async fn state_of(clusters: &Clusters, arn: &str, id: i32) -> anyhow::Result<String> {
    let all = brokers(clusters, arn).await?;
    let found = all.iter().find(|broker| broker["brokerId"] == id);
    let known: Vec<String> = all.iter().map(|broker| broker["brokerId"].to_string()).collect();
    let found = found
        .with_context(|| format!("the cluster has no broker {id}; it has {}", known.join(", ")))?;
    Ok(found["state"].as_str().unwrap_or_default().to_owned())
}

async fn brokers(clusters: &Clusters, arn: &str) -> anyhow::Result<Vec<Value>> {
    let mut answer = clusters.api.call(Method::GET, &path(arn), &[], None).await?;
    match answer["brokers"].take() {
        Value::Array(list) => Ok(list),
        _ => bail!("the API's response has no brokers; is it another release of milena?"),
    }
}

fn path(arn: &str) -> String {
    format!("/milena/v1/clusters/{}/brokers", encode(arn))
}
