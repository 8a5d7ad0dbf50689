//! `milena config list|describe|create|update|apply|delete`: configurations of the MSK API, which
//! brokers get their properties from.

use std::{io::Read, path::PathBuf};

use anyhow::{Context, bail};
use base64::{Engine, engine::general_purpose::STANDARD};
use clap::{Args, Subcommand};
use http::Method;
use milena_runtime::Runtime;
use serde_json::{Value, json};

use super::{
    clusters::{ClusterArg, Clusters, EndpointArgs, Named, path, text},
    output::{self, OutputArgs},
};
use crate::{api_client::encode, settings::DataDirArgs};

/// Configurations: server properties with revisions, for clusters to use.
#[derive(Args)]
#[command(after_help = "Example:\n  milena config create fast --file server.properties\n  \
                  milena config apply fast orders\n\n\
                  Topics have configurations of their own: milena topic alter. The configuration \
                  that a broker runs with: milena broker config.")]
pub(crate) struct ConfigArgs {
    #[command(flatten)]
    endpoint: EndpointArgs,
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Subcommand)]
enum ConfigCommand {
    /// List configurations
    #[command(after_help = "Example:\n  milena config list")]
    List {
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Show the properties of a configuration
    #[command(after_help = "Example:\n  milena config describe fast --revision 1")]
    Describe {
        /// The configuration's name or ARN
        name: String,
        /// The revision [default: the latest]
        #[arg(long)]
        revision: Option<i64>,
        /// Write the API's JSON
        #[arg(long)]
        json: bool,
    },
    /// Create a configuration
    #[command(after_help = "Example:\n  milena config create fast --file server.properties \
                      --kafka-version 3.9.x.kraft")]
    Create {
        /// The configuration's name: letters, digits and hyphens
        name: String,
        #[command(flatten)]
        properties: PropertiesArgs,
        /// A Kafka version, as MSK names it, that it is for; any when left out; may be given
        /// several times
        #[arg(long = "kafka-version", value_name = "VERSION")]
        kafka_versions: Vec<String>,
    },
    /// Add a revision to a configuration
    #[command(after_help = "Example:\n  milena config update fast --file server.properties")]
    Update {
        /// The configuration's name or ARN
        name: String,
        #[command(flatten)]
        properties: PropertiesArgs,
    },
    /// Have a cluster use a configuration, and wait until its brokers have it
    #[command(after_help = "Example:\n  milena config apply fast orders")]
    Apply {
        /// The configuration's name or ARN
        name: String,
        #[command(flatten)]
        cluster: ClusterArg,
        /// The revision [default: the latest]
        #[arg(long)]
        revision: Option<i64>,
        /// Do not wait until it is done
        #[arg(long)]
        no_wait: bool,
    },
    /// Delete a configuration that no cluster uses
    #[command(after_help = "Example:\n  milena config delete fast")]
    Delete {
        /// The configuration's name or ARN
        name: String,
    },
}

#[derive(Args)]
struct PropertiesArgs {
    /// A file of server properties, name=value a line; - is standard input
    #[arg(long, short)]
    file: PathBuf,
    /// What it is for
    #[arg(long)]
    description: Option<String>,
}

impl PropertiesArgs {
    /// The members that create and update share.
    fn request(&self) -> anyhow::Result<Value> {
        let shown = self.file.display();
        let mut bytes = Vec::new();
        let read = if self.file.as_os_str() == "-" {
            std::io::stdin().read_to_end(&mut bytes).map(drop)
        } else {
            std::fs::read(&self.file).map(|read| bytes = read)
        };
        read.with_context(|| format!("cannot read {shown}; check --file"))?;
        let mut request = json!({"serverProperties": STANDARD.encode(bytes)});
        if let Some(description) = &self.description {
            request["description"] = json!(description);
        }
        Ok(request)
    }
}

/// Runs the command.
pub(crate) async fn run(
    args: ConfigArgs,
    data_dir: DataDirArgs,
    runtime: Runtime,
) -> anyhow::Result<()> {
    let clusters = Clusters::new(args.endpoint, &data_dir, runtime)?;
    match args.command {
        ConfigCommand::List { output } => list(&clusters, output).await,
        ConfigCommand::Describe { name, revision, json } => {
            describe(&clusters, &name, revision, json).await
        }
        ConfigCommand::Create { name, properties, kafka_versions } => {
            let mut request = properties.request()?;
            request["name"] = json!(name);
            request["kafkaVersions"] = json!(kafka_versions);
            let made =
                clusters.api.call(Method::POST, "/v1/configurations", &[], Some(&request)).await?;
            output::line(format!("{name}: revision 1\n{}", text(&made, "arn")?))
        }
        ConfigCommand::Update { name, properties } => {
            let request = properties.request()?;
            let path = configuration_path(&find(&clusters, &name).await?)?;
            let made = clusters.api.call(Method::PUT, &path, &[], Some(&request)).await?;
            output::line(format!("{name}: revision {}", made["latestRevision"]["revision"]))
        }
        ConfigCommand::Apply { name, cluster, revision, no_wait } => {
            let cluster = clusters.find(cluster.cluster.as_deref()).await?;
            apply(&clusters, &name, &cluster, revision, no_wait).await
        }
        ConfigCommand::Delete { name } => {
            let path = configuration_path(&find(&clusters, &name).await?)?;
            clusters.api.call(Method::DELETE, &path, &[], None).await?;
            output::line(format!("{name}: deleted"))
        }
    }
}

async fn list(clusters: &Clusters, output: OutputArgs) -> anyhow::Result<()> {
    let all = all(clusters).await?;
    let mut rows = Vec::new();
    for found in &all {
        let versions = found["kafkaVersions"].as_array().into_iter().flatten();
        let versions: Vec<&str> = versions.filter_map(Value::as_str).collect();
        rows.push([
            text(found, "name")?.to_owned(),
            found["latestRevision"]["revision"].to_string(),
            if versions.is_empty() { "any".to_owned() } else { versions.join(",") },
            text(found, "arn")?.to_owned(),
        ]);
    }
    output.list(["NAME", "REVISION", "KAFKA", "ARN"], rows, &json!({"configurations": all}))
}

async fn describe(
    clusters: &Clusters,
    name: &str,
    revision: Option<i64>,
    json: bool,
) -> anyhow::Result<()> {
    let found = find(clusters, name).await?;
    let number = revision.map_or_else(|| latest(&found), Ok)?;
    let path = format!("{}/revisions/{number}", configuration_path(&found)?);
    let shown = clusters.api.call(Method::GET, &path, &[], None).await?;
    if json {
        return output::line(serde_json::to_string_pretty(&shown)?);
    }
    let properties = STANDARD.decode(text(&shown, "serverProperties")?);
    let properties = properties.context("the API's answer is not Base64")?;
    output::line(String::from_utf8_lossy(&properties).trim_end())
}

async fn apply(
    clusters: &Clusters,
    name: &str,
    cluster: &Named,
    revision: Option<i64>,
    no_wait: bool,
) -> anyhow::Result<()> {
    let found = find(clusters, name).await?;
    let number = revision.map_or_else(|| latest(&found), Ok)?;
    let info = clusters.cluster_info(&cluster.arn).await?;
    let request = json!({
        "configurationInfo": {"arn": text(&found, "arn")?, "revision": number},
        "currentVersion": text(&info, "currentVersion")?,
    });
    let update = format!("{}/configuration", path(&cluster.arn));
    let started = clusters.api.call(Method::PUT, &update, &[], Some(&request)).await?;
    if no_wait {
        return output::line(format!("{}: UPDATING", cluster.name));
    }
    clusters.await_update(&cluster.name, &cluster.arn, &started).await?;
    output::line(format!("{}: {name}, revision {number}", cluster.name))
}

fn latest(found: &Value) -> anyhow::Result<i64> {
    found["latestRevision"]["revision"].as_i64().context("the API's answer has no latestRevision")
}

fn configuration_path(found: &Value) -> anyhow::Result<String> {
    Ok(format!("/v1/configurations/{}", encode(text(found, "arn")?)))
}

/// The configuration of that name or ARN.
async fn find(clusters: &Clusters, name: &str) -> anyhow::Result<Value> {
    let found = all(clusters).await?.into_iter();
    let mut found = found.filter(|found| found["name"] == name || found["arn"] == name);
    match found.next() {
        Some(found) => Ok(found),
        None => bail!("there is no configuration '{name}'; see: milena config list"),
    }
}

async fn all(clusters: &Clusters) -> anyhow::Result<Vec<Value>> {
    clusters.pages("/v1/configurations", &[], "configurations").await
}
