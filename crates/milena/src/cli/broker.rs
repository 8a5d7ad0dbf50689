//! `milena broker list|kill|restart|accept-lost-log`, through the API of a running milena.

use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use http::Method;
use milena_runtime::Runtime;
use serde_json::{Value, json};

use super::{
    cluster::{Clusters, EndpointArgs},
    output,
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
        /// The cluster's name or ARN
        cluster: String,
        /// Write the API's JSON
        #[arg(long)]
        json: bool,
    },
    /// End a broker as a crash would: the others take over, and it stays down until it is restarted
    #[command(after_help = "Example:\n  milena broker kill orders 2")]
    Kill {
        /// The cluster's name or ARN
        cluster: String,
        /// The broker's number
        id: i32,
    },
    /// Start a broker that was killed; restart one that runs, which hands over its partitions first
    #[command(after_help = "Example:\n  milena broker restart orders 2")]
    Restart {
        /// The cluster's name or ARN
        cluster: String,
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
        BrokerCommand::List { cluster, json } => list(&clusters, &cluster, json).await,
        BrokerCommand::Kill { cluster, id } => kill(&clusters, &cluster, id).await,
        BrokerCommand::Restart { cluster, id } => restart(&clusters, &cluster, id).await,
        BrokerCommand::AcceptLostLog { cluster, id, epoch } => {
            accept_lost_log(&clusters, &cluster, id, epoch).await
        }
    }
}

async fn list(clusters: &Clusters, cluster: &str, json: bool) -> anyhow::Result<()> {
    let found = brokers(clusters, &clusters.arn(cluster).await?).await?;
    if json {
        return output::line(serde_json::to_string_pretty(&json!({"brokers": found}))?);
    }
    let mut rows = vec![["BROKER", "STATE", "ZONE", "ENDPOINT", "ROLE"].map(str::to_owned)];
    for broker in &found {
        let text = |member: &str| broker[member].as_str().unwrap_or("-").to_owned();
        let role = if broker["isController"] == true { "controller" } else { "-" };
        let id = broker["brokerId"].to_string();
        rows.push([id, text("state"), text("zone"), text("endpoint"), role.to_owned()]);
    }
    output::table(&rows)
}

async fn kill(clusters: &Clusters, cluster: &str, id: i32) -> anyhow::Result<()> {
    let arn = clusters.arn(cluster).await?;
    clusters.api.call(Method::POST, &format!("{}/{id}/kill", path(&arn)), &[], None).await?;
    wait_for(clusters, &arn, id, "DOWN").await?;
    output::line(format!(
        "{cluster}: broker {id} is DOWN; start it again with: milena broker restart {cluster} {id}"
    ))
}

async fn restart(clusters: &Clusters, cluster: &str, id: i32) -> anyhow::Result<()> {
    let arn = clusters.arn(cluster).await?;
    let state = state_of(clusters, &arn, id).await?;
    if state == "DOWN" || state == "STOPPING" {
        clusters.api.call(Method::POST, &format!("{}/{id}/restart", path(&arn)), &[], None).await?;
        wait_for(clusters, &arn, id, "SERVING").await?;
        return output::line(format!("{cluster}: broker {id} is SERVING"));
    }
    let reboot = format!("/v1/clusters/{}/reboot-broker", encode(&arn));
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
