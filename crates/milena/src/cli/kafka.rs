//! The arguments and errors that the commands share that speak Kafka's protocol.
//!
//! Records and lists go to standard output, one a line, so that they can be piped; everything else
//! (progress on a terminal, a closing line, errors) goes to standard error.

use std::{borrow::Borrow, time::Duration};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use milena_client::{Client, ClientConfig, ClientError, TopicInfo};
use milena_protocol::ErrorCode;
use milena_runtime::Runtime;

use super::clusters::{self, EndpointArgs};
use crate::settings::DataDirArgs;

/// The cluster that a command connects to.
#[derive(Args, Clone, Debug)]
pub(crate) struct KafkaArgs {
    /// The cluster's name or ARN, in the running milena [default: the only cluster, or demo]
    #[arg(long, env = "MILENA_CLUSTER", value_name = "CLUSTER", global = true)]
    cluster: Option<String>,
    /// The addresses of brokers and not a cluster's name: host:port, separated by commas; any
    /// Kafka cluster will do
    #[arg(long, short, env = "MILENA_BOOTSTRAP", value_name = "BROKERS", global = true)]
    bootstrap: Option<String>,
    #[command(flatten)]
    endpoint: EndpointArgs,
}

impl KafkaArgs {
    /// A client with a first connection. Fails at once, without retries, if no broker listens.
    pub(crate) async fn client(
        &self,
        data_dir: &DataDirArgs,
        runtime: &Runtime,
    ) -> anyhow::Result<Client> {
        let bootstrap = match self.target()? {
            ClusterTarget::Brokers(brokers) => brokers.to_owned(),
            ClusterTarget::Cluster(cluster) => {
                clusters::bootstrap_of(cluster, self.endpoint.clone(), data_dir.clone(), runtime)
                    .await?
            }
        };
        for address in bootstrap.split(',').map(str::trim).filter(|address| !address.is_empty()) {
            let port = address.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
            anyhow::ensure!(
                port.is_some(),
                "'{address}' is not the address of a broker; write host:port"
            );
        }
        let client = Client::new(ClientConfig::new(&bootstrap), runtime.clone());
        client.any_broker().await.map_err(|error| match error {
            ClientError::Disconnected { .. } => {
                anyhow::anyhow!("{error}; is it a plaintext listener of a broker?")
            }
            other => advise(other, "NAME"),
        })?;
        Ok(client)
    }

    fn target(&self) -> anyhow::Result<ClusterTarget<'_>> {
        match (&self.cluster, &self.bootstrap) {
            (Some(_), Some(_)) => anyhow::bail!(
                "both a cluster's name and addresses of brokers are given; leave out --cluster (or \
                 MILENA_CLUSTER), or --bootstrap (or MILENA_BOOTSTRAP)"
            ),
            (_, Some(brokers)) => Ok(ClusterTarget::Brokers(brokers)),
            (cluster, None) => Ok(ClusterTarget::Cluster(cluster.as_deref())),
        }
    }
}

/// The cluster that a command goes to.
#[derive(Debug, PartialEq, Eq)]
enum ClusterTarget<'a> {
    /// By its name, or the one that is meant without.
    Cluster(Option<&'a str>),
    Brokers(&'a str),
}

/// The error with a hint that names the command that helps.
pub(crate) fn advise(error: impl Borrow<ClientError>, topic: &str) -> anyhow::Error {
    let error = error.borrow();
    let hint = match error.code() {
        Some(ErrorCode::UnknownTopicOrPartition) => {
            format!("see: milena topic list; create it with: milena topic create {topic}")
        }
        Some(ErrorCode::TopicAlreadyExists) if topic.starts_with("__") => {
            format!("see: milena topic describe {topic}")
        }
        Some(ErrorCode::TopicAlreadyExists) => {
            format!(
                "see: milena topic describe {topic}; remove it with: milena topic delete {topic}"
            )
        }
        // The broker's own words, where it has some, say which of a topic's rules was broken.
        Some(ErrorCode::InvalidTopic)
            if matches!(error, ClientError::Broker { message: None, .. }) =>
        {
            "a name has 1 to 249 of the characters a-z A-Z 0-9 . _ and -".to_owned()
        }
        Some(ErrorCode::PolicyViolation) => "ask for fewer partitions".to_owned(),
        Some(ErrorCode::InvalidReplicationFactor) => {
            "leave --replication-factor out, or give at most the number of brokers".to_owned()
        }
        Some(ErrorCode::InvalidConfig) => {
            "check the names and values given with --config".to_owned()
        }
        Some(ErrorCode::OffsetOutOfRange) => "read with --from beginning or --from end".to_owned(),
        Some(ErrorCode::MessageTooLarge) => {
            "send smaller records, or raise the topic's max.message.bytes".to_owned()
        }
        _ => return anyhow::anyhow!("{error}"),
    };
    anyhow::anyhow!("{error}; {hint}")
}

/// The partitions of a topic, or the one of them that was asked for.
pub(crate) fn partitions_of(topic: &TopicInfo, only: Option<i32>) -> anyhow::Result<Vec<i32>> {
    let all = topic.partitions.iter().map(|partition| partition.index);
    let chosen: Vec<i32> = all.filter(|index| only.is_none_or(|only| only == *index)).collect();
    if let Some(only) = only {
        let (name, last) = (&topic.name, topic.partitions.len().saturating_sub(1));
        anyhow::ensure!(
            !chosen.is_empty(),
            "topic {name} has no partition {only}; give --partition one of 0 to {last}"
        );
    }
    Ok(chosen)
}

/// A spinner that counts records, on a terminal.
pub(crate) fn record_counter(label: &str) -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    let style = format!("{{spinner}} {{human_pos}} {label}, {{per_sec}}, {{elapsed}}");
    bar.set_style(
        ProgressStyle::with_template(&style).unwrap_or_else(|_| ProgressStyle::default_spinner()),
    );
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

/// A count of records and their size, as people read it.
pub(crate) fn records_text(count: u64, bytes: u64) -> String {
    let noun = if count == 1 { "record" } else { "records" };
    format!("{count} {noun} ({})", indicatif::DecimalBytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_and_brokers_are_not_taken_together() {
        let args = |cluster: Option<&str>, bootstrap: Option<&str>| KafkaArgs {
            cluster: cluster.map(str::to_owned),
            bootstrap: bootstrap.map(str::to_owned),
            endpoint: EndpointArgs::default(),
        };
        assert_eq!(args(None, None).target().unwrap(), ClusterTarget::Cluster(None));
        assert_eq!(args(Some("c"), None).target().unwrap(), ClusterTarget::Cluster(Some("c")));
        assert_eq!(args(None, Some("h:1")).target().unwrap(), ClusterTarget::Brokers("h:1"));
        let error = args(Some("c"), Some("h:1")).target().unwrap_err().to_string();
        assert!(error.contains("--cluster") && error.contains("--bootstrap"), "{error}");
    }
}
