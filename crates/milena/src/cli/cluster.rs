//! `milena cluster create|list|describe|scale|upgrade|delete`, through the MSK API.

use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use http::{Method, StatusCode};
use milena_runtime::Runtime;
use milena_service::MskVersion;
use serde_json::{Value, json};

use super::{
    clusters::{ClusterArg, Clusters, EndpointArgs, Named, path, text},
    output::{self, OutputArgs, Progress},
};
use crate::{
    api_client::{ApiCallError, encode},
    settings::DataDirArgs,
};

const POLL: Duration = Duration::from_millis(100);

#[derive(Args)]
#[command(after_help = "Example:\n  milena cluster list")]
pub(crate) struct ClusterArgs {
    #[command(flatten)]
    endpoint: EndpointArgs,
    #[command(subcommand)]
    command: ClusterCommand,
}

#[derive(Subcommand)]
enum ClusterCommand {
    /// Create a cluster and wait until it serves
    #[command(after_help = "Example:\n  \
            milena cluster create orders --kafka-version 4.1.x.kraft --tag team=data")]
    Create(CreateArgs),
    /// List clusters
    #[command(after_help = "Example:\n  milena cluster list --prefix orders")]
    List {
        /// Only clusters whose names begin with this
        #[arg(long, default_value = "")]
        prefix: String,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Describe a cluster
    #[command(after_help = "Example:\n  milena cluster describe orders --json")]
    Describe {
        #[command(flatten)]
        cluster: ClusterArg,
        /// Write the API's JSON
        #[arg(long)]
        json: bool,
    },
    /// Give a cluster more or fewer brokers, and wait until they serve or have handed over what
    /// they held
    #[command(
        after_help = "Example:\n  milena cluster scale orders 6",
        allow_missing_positional = true
    )]
    Scale {
        #[command(flatten)]
        cluster: ClusterArg,
        /// Brokers, a multiple of the cluster's zones
        brokers: u32,
        /// Do not wait until it is done
        #[arg(long)]
        no_wait: bool,
    },
    /// Give a cluster a later Kafka version, broker by broker, and wait until all have it
    #[command(
        after_help = "Example:\n  milena cluster upgrade orders 4.1.x.kraft",
        allow_missing_positional = true
    )]
    Upgrade {
        #[command(flatten)]
        cluster: ClusterArg,
        /// The version, as MSK names it
        version: String,
        /// Do not wait until it is done
        #[arg(long)]
        no_wait: bool,
    },
    /// Delete a cluster with all its data, and wait until it is gone
    #[command(after_help = "Example:\n  milena cluster delete orders")]
    Delete {
        /// The cluster's name or ARN
        cluster: String,
        /// Do not wait until it is gone
        #[arg(long)]
        no_wait: bool,
    },
}

#[derive(Args)]
struct CreateArgs {
    /// The cluster's name: letters, digits and hyphens
    name: String,
    /// The Kafka version, as MSK names it; it decides the protocol that clients see
    #[arg(long, default_value = MskVersion::RECOMMENDED.name())]
    kafka_version: String,
    /// Brokers, a multiple of the subnets
    #[arg(long, default_value_t = 3)]
    brokers: u32,
    /// Subnets, two or three, each in a zone of its own
    #[arg(long, value_delimiter = ',', default_value = "subnet-a,subnet-b,subnet-c")]
    subnets: Vec<String>,
    /// The brokers' size, as MSK names it
    #[arg(long, default_value = "kafka.m7g.large")]
    instance_type: String,
    /// A tag; may be given several times
    #[arg(long = "tag", value_name = "KEY=VALUE")]
    tags: Vec<String>,
    /// Do not wait until it serves
    #[arg(long)]
    no_wait: bool,
}

pub(crate) async fn run(
    args: ClusterArgs,
    data_dir: DataDirArgs,
    runtime: Runtime,
) -> anyhow::Result<()> {
    let clusters = Clusters::new(args.endpoint, &data_dir, runtime)?;
    match args.command {
        ClusterCommand::Create(args) => clusters.create(args).await,
        ClusterCommand::List { prefix, output } => clusters.list(&prefix, output).await,
        ClusterCommand::Describe { cluster, json } => clusters.describe(cluster, json).await,
        ClusterCommand::Scale { cluster, brokers, no_wait } => {
            let change = json!({"targetNumberOfBrokerNodes": brokers});
            let done = format!("{brokers} brokers");
            clusters.update(cluster, "nodes/count", change, &done, no_wait).await
        }
        ClusterCommand::Upgrade { cluster, version, no_wait } => {
            let change = json!({"targetKafkaVersion": version});
            let done = format!("Kafka {version}");
            clusters.update(cluster, "version", change, &done, no_wait).await
        }
        ClusterCommand::Delete { cluster, no_wait } => clusters.delete(&cluster, no_wait).await,
    }
}

impl Clusters {
    async fn create(&self, args: CreateArgs) -> anyhow::Result<()> {
        let mut tags = serde_json::Map::new();
        for tag in &args.tags {
            let (key, value) = tag
                .split_once('=')
                .with_context(|| format!("the tag '{tag}' is not of the form KEY=VALUE"))?;
            tags.insert(key.to_owned(), json!(value));
        }
        let name = args.name;
        let mut request = json!({
            "clusterName": name,
            "kafkaVersion": args.kafka_version,
            "numberOfBrokerNodes": args.brokers,
            "brokerNodeGroupInfo": {
                "clientSubnets": args.subnets,
                "instanceType": args.instance_type,
            },
        });
        if !tags.is_empty() {
            request["tags"] = Value::Object(tags);
        }
        let created = self.api.call(Method::POST, "/v1/clusters", &[], Some(&request)).await?;
        let arn = text(&created, "clusterArn")?.to_owned();
        if args.no_wait {
            return output::line(format!("{name}: CREATING\n{arn}"));
        }
        let mut progress = Progress::new();
        let info = loop {
            let info = self.cluster_info(&arn).await?;
            let state = text(&info, "state")?;
            progress.show(format!("{name}: {state}"))?;
            match state {
                "CREATING" => self.runtime.sleep(POLL).await,
                "FAILED" => {
                    let reason =
                        info["stateInfo"]["message"].as_str().unwrap_or("no reason was given");
                    bail!(
                        "the cluster '{name}' could not be created: {reason}; delete it with: \
                         milena cluster delete {name}"
                    );
                }
                _ => break info,
            }
        };
        drop(progress);
        self.show(&info).await
    }

    async fn list(&self, prefix: &str, output: OutputArgs) -> anyhow::Result<()> {
        let clusters = self.clusters(prefix).await?;
        let mut rows = Vec::new();
        for cluster in &clusters {
            rows.push([
                text(cluster, "clusterName")?.to_owned(),
                text(cluster, "state")?.to_owned(),
                cluster["currentBrokerSoftwareInfo"]["kafkaVersion"]
                    .as_str()
                    .unwrap_or("-")
                    .to_owned(),
                cluster["numberOfBrokerNodes"].to_string(),
                text(cluster, "clusterArn")?.to_owned(),
            ]);
        }
        let heading = ["NAME", "STATE", "KAFKA", "BROKERS", "ARN"];
        output.list(heading, rows, &json!({"clusterInfoList": clusters}))
    }

    async fn describe(&self, cluster: ClusterArg, json: bool) -> anyhow::Result<()> {
        let found = self.find(cluster.cluster.as_deref()).await?;
        let info = self.cluster_info(&found.arn).await?;
        if json {
            output::line(serde_json::to_string_pretty(&info)?)
        } else {
            self.show(&info).await
        }
    }

    /// Makes a change, which goes to a path below the cluster's. `done` tells that it is made.
    async fn update(
        &self,
        cluster: ClusterArg,
        below: &str,
        mut change: Value,
        done: &str,
        no_wait: bool,
    ) -> anyhow::Result<()> {
        let Named { name: cluster, arn } = self.find(cluster.cluster.as_deref()).await?;
        let version = text(&self.cluster_info(&arn).await?, "currentVersion")?.to_owned();
        change["currentVersion"] = json!(version);
        let below = format!("{}/{below}", path(&arn));
        let started = self.api.call(Method::PUT, &below, &[], Some(&change)).await?;
        if no_wait {
            return output::line(format!("{cluster}: UPDATING"));
        }
        self.await_update(&cluster, &arn, &started).await?;
        output::line(format!("{cluster}: {done}"))
    }

    /// Waits until an update that has started is complete.
    pub(super) async fn await_update(
        &self,
        cluster: &str,
        arn: &str,
        started: &Value,
    ) -> anyhow::Result<()> {
        let operation = format!("/v1/operations/{}", encode(text(started, "clusterOperationArn")?));
        let mut progress = Progress::new();
        progress.show(format!("{cluster}: UPDATING"))?;
        loop {
            let info =
                self.api.call(Method::GET, &operation, &[], None).await?["clusterOperationInfo"]
                    .take();
            match text(&info, "operationState")? {
                "UPDATE_COMPLETE" => return Ok(()),
                "UPDATE_FAILED" => {
                    let reason =
                        info["errorInfo"]["errorString"].as_str().unwrap_or("no reason was given");
                    bail!("the cluster '{cluster}' was left as it was: {reason}");
                }
                _ => {}
            }
            if let Some(reason) = self.cluster_info(arn).await?["stateInfo"]["message"].as_str() {
                progress.show(format!("{cluster}: UPDATING, but {reason}"))?;
            }
            self.runtime.sleep(POLL).await;
        }
    }

    async fn delete(&self, cluster: &str, no_wait: bool) -> anyhow::Result<()> {
        let arn = self.arn(cluster).await?;
        self.api.call(Method::DELETE, &path(&arn), &[], None).await?;
        if no_wait {
            return output::line(format!("{cluster}: DELETING"));
        }
        let mut progress = Progress::new();
        progress.show(format!("{cluster}: DELETING"))?;
        loop {
            match self.cluster_info(&arn).await {
                Ok(info) => {
                    if let Some(reason) = info["stateInfo"]["message"].as_str() {
                        progress.show(format!("{cluster}: DELETING, but {reason}"))?;
                    }
                    self.runtime.sleep(POLL).await;
                }
                Err(error) if is_not_found(&error) => break,
                Err(error) => return Err(error),
            }
        }
        drop(progress);
        output::line(format!("{cluster}: deleted"))
    }

    /// A cluster in a few lines.
    async fn show(&self, info: &Value) -> anyhow::Result<()> {
        let arn = text(info, "clusterArn")?;
        let zones: Vec<&str> = info["brokerNodeGroupInfo"]["zoneIds"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let mut rows = vec![
            ["Name", text(info, "clusterName")?].map(str::to_owned),
            ["ARN", arn].map(str::to_owned),
            ["State", text(info, "state")?].map(str::to_owned),
            ["Kafka", info["currentBrokerSoftwareInfo"]["kafkaVersion"].as_str().unwrap_or("-")]
                .map(str::to_owned),
            [
                "Brokers".to_owned(),
                format!("{} in {}", info["numberOfBrokerNodes"], zones.join(", ")),
            ],
        ];
        if let Some(reason) = info["stateInfo"]["message"].as_str() {
            rows.push(["Reason", reason].map(str::to_owned));
        }
        match self.bootstrap(arn).await {
            Ok(bootstrap) => rows.push(["Bootstrap".to_owned(), bootstrap]),
            // A cluster that does not serve has none, and its state shows the reason.
            Err(error)
                if error
                    .downcast_ref::<ApiCallError>()
                    .is_some_and(|e| e.status == StatusCode::CONFLICT) => {}
            Err(error) => return Err(error),
        }
        output::table(&rows)
    }
}

fn is_not_found(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<ApiCallError>()
        .is_some_and(|refused| refused.status == StatusCode::NOT_FOUND)
}
