//! CreateTopic, DescribeTopic, DescribeTopicPartitions, ListTopics, UpdateTopic, DeleteTopic:
//! through the Kafka protocol, as any other client.
//!
//! A change is complete when the operation returns, so a topic that can be described is ACTIVE.

use std::{collections::BTreeMap, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use milena_client::{Client, ClientConfig, NewTopic, PartitionInfo, TopicInfo};
use milena_types::TopicName;

use super::{
    context::Api,
    nodes::bootstrap_string,
    query::Query,
    topic_errors::{change_error, describe_error},
};
use crate::{
    error::ApiError,
    java_properties,
    record::ManagedCluster,
    validation::required,
    wire::{
        CreateTopicRequest, DescribeTopicPartitionsResponse, DescribeTopicResponse,
        ListTopicsResponse, TopicInfo as TopicShape, TopicPartitionInfo, TopicResponse,
        UpdateTopicRequest,
    },
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// A cluster and a Kafka client of it.
struct TopicClient {
    cluster: ManagedCluster,
    kafka: Client,
}

impl TopicClient {
    fn arn(&self, topic: &str) -> Option<String> {
        Some(self.cluster.arn_of("topic", Some(topic)))
    }

    fn response(&self, topic: &str, status: &str) -> TopicResponse {
        TopicResponse {
            topic_arn: self.arn(topic),
            topic_name: Some(topic.to_owned()),
            status: Some(status.to_owned()),
        }
    }

    /// The configurations that the topic itself sets.
    async fn overrides(&self, topic: &str) -> Result<BTreeMap<String, String>, ApiError> {
        let configs =
            self.kafka.topic_configs(topic).await.map_err(|error| change_error(&error))?;
        let set = configs.into_iter().filter(|(_, _, own)| *own);
        Ok(set.filter_map(|(name, value, _)| Some((name, value?))).collect())
    }
}

impl Api {
    pub(super) async fn create_topic(
        &self,
        arn: &str,
        request: CreateTopicRequest,
    ) -> Result<TopicResponse, ApiError> {
        let name = required(request.topic_name, "topicName")?;
        check_name(&name)?;
        let partitions =
            positive(required(request.partition_count, "partitionCount")?, "partitionCount")?;
        let replicas = positive(
            required(request.replication_factor, "replicationFactor")?,
            "replicationFactor",
        )?;
        let replicas = i16::try_from(replicas).map_err(|_| {
            ApiError::invalid(
                "replicationFactor",
                format!("replicationFactor: {replicas} is too large"),
            )
        })?;
        let configs =
            request.configs.as_deref().map(decoded_configs).transpose()?.unwrap_or_default();
        // CreateTopic declares no NotFoundException.
        let cluster = self.cluster_or_bad_request(arn).await?;
        let client = self.connect(cluster)?;
        let topic = NewTopic {
            name,
            partitions: Some(partitions),
            replication_factor: Some(replicas),
            configs: configs.into_iter().collect(),
        };
        client.kafka.create_topic(&topic).await.map_err(|error| change_error(&error))?;
        Ok(client.response(&topic.name, "CREATING"))
    }

    pub(super) async fn describe_topic(
        &self,
        arn: &str,
        topic: &str,
    ) -> Result<DescribeTopicResponse, ApiError> {
        check_name(topic)?;
        let client = self.connect(self.cluster(arn).await?)?;
        let found =
            client.kafka.describe_topic(topic).await.map_err(|error| describe_error(&error))?;
        let configs =
            client.kafka.topic_configs(topic).await.map_err(|error| describe_error(&error))?;
        let configs: BTreeMap<String, String> =
            configs.into_iter().filter_map(|(name, value, _)| Some((name, value?))).collect();
        let text =
            serde_json::to_vec(&configs).map_err(|error| ApiError::Internal(error.to_string()))?;
        Ok(DescribeTopicResponse {
            topic_arn: client.arn(topic),
            topic_name: Some(topic.to_owned()),
            replication_factor: Some(replication_factor(&found)),
            partition_count: Some(found.partitions.len() as i64),
            configs: Some(STANDARD.encode(text)),
            status: Some("ACTIVE".to_owned()),
        })
    }

    pub(super) async fn describe_topic_partitions(
        &self,
        arn: &str,
        topic: &str,
        query: &Query,
    ) -> Result<DescribeTopicPartitionsResponse, ApiError> {
        check_name(topic)?;
        let client = self.connect(self.cluster(arn).await?)?;
        let mut found =
            client.kafka.describe_topic(topic).await.map_err(|error| describe_error(&error))?;
        found.partitions.sort_by_key(|partition| partition.index);
        let key = |partition: &PartitionInfo| format!("{:010}", partition.index);
        let (page, next_token) =
            query.page(&format!("partitions/{arn}/{topic}"), found.partitions, key)?;
        let ids =
            |ids: &[milena_types::BrokerId]| Some(ids.iter().map(|id| i64::from(id.0)).collect());
        let shape = |partition: PartitionInfo| TopicPartitionInfo {
            partition: Some(i64::from(partition.index)),
            leader: partition.leader.map(|id| i64::from(id.0)),
            replicas: ids(&partition.replicas),
            isr: ids(&partition.isr),
        };
        let partitions = Some(page.into_iter().map(shape).collect());
        Ok(DescribeTopicPartitionsResponse { partitions, next_token })
    }

    pub(super) async fn list_topics(
        &self,
        arn: &str,
        query: &Query,
    ) -> Result<ListTopicsResponse, ApiError> {
        let client = self.connect(self.cluster_or_bad_request(arn).await?)?;
        let prefix = query.value("topicNameFilter").unwrap_or_default();
        let listed = client.kafka.list_topics().await;
        let mut topics = listed.map_err(|error| ApiError::Unavailable(error.to_string()))?;
        topics.retain(|topic| topic.name.starts_with(prefix));
        topics.sort_by(|a, b| a.name.cmp(&b.name));
        let (page, next_token) =
            query.page(&format!("topics/{arn}/{prefix}"), topics, |topic| topic.name.clone())?;
        let shape = |topic: TopicInfo| {
            let missing =
                |p: &PartitionInfo| p.replicas.iter().filter(|id| !p.isr.contains(id)).count();
            TopicShape {
                topic_arn: client.arn(&topic.name),
                replication_factor: Some(replication_factor(&topic)),
                partition_count: Some(topic.partitions.len() as i64),
                out_of_sync_replica_count: Some(
                    topic.partitions.iter().map(missing).sum::<usize>() as i64,
                ),
                topic_name: Some(topic.name),
            }
        };
        Ok(ListTopicsResponse { topics: Some(page.into_iter().map(shape).collect()), next_token })
    }

    pub(super) async fn update_topic(
        &self,
        arn: &str,
        topic: &str,
        request: UpdateTopicRequest,
    ) -> Result<TopicResponse, ApiError> {
        check_name(topic)?;
        let client = self.connect(self.cluster(arn).await?)?;
        match (request.configs, request.partition_count) {
            (Some(configs), None) => {
                let wanted = decoded_configs(&configs)?;
                let now = client.overrides(topic).await?;
                let taken_back = now.keys().filter(|name| !wanted.contains_key(*name));
                let mut changes: Vec<(String, Option<String>)> =
                    taken_back.map(|name| (name.clone(), None)).collect();
                let set = wanted.iter().filter(|(name, value)| now.get(*name) != Some(value));
                changes.extend(set.map(|(name, value)| (name.clone(), Some(value.clone()))));
                client
                    .kafka
                    .alter_topic_configs(topic, &changes)
                    .await
                    .map_err(|error| change_error(&error))?;
            }
            (None, Some(partitions)) => {
                let partitions = positive(partitions, "partitionCount")?;
                client
                    .kafka
                    .create_partitions(topic, partitions)
                    .await
                    .map_err(|error| change_error(&error))?;
            }
            _ => {
                return Err(ApiError::bad_request(
                    "exactly one of configs and partitionCount is required",
                ));
            }
        }
        Ok(client.response(topic, "UPDATING"))
    }

    pub(super) async fn delete_topic(
        &self,
        arn: &str,
        topic: &str,
    ) -> Result<TopicResponse, ApiError> {
        check_name(topic)?;
        let client = self.connect(self.cluster(arn).await?)?;
        client.kafka.delete_topic(topic).await.map_err(|error| change_error(&error))?;
        Ok(client.response(topic, "DELETING"))
    }

    /// A client of a cluster that has topic operations. It connects with its first request.
    fn connect(&self, cluster: ManagedCluster) -> Result<TopicClient, ApiError> {
        let version = cluster.spec.kafka_version;
        let refuse = |message: String| Err(ApiError::invalid("clusterArn", message));
        if !version.release().is_at_least(3, 6) {
            let name = version.name();
            return refuse(format!(
                "topic operations are for clusters of Kafka 3.6.0 and later, and this one has \
                 {name}; use a Kafka client"
            ));
        }
        if !cluster.state.has_brokers() {
            let state = cluster.state;
            return refuse(format!(
                "the cluster is {state}; its topics can be reached once it is ACTIVE"
            ));
        }
        let mut config = ClientConfig::new(&bootstrap_string(&cluster));
        config.connection.client_id = "milena-service".to_owned();
        config.connection.connect_timeout = CONNECT_TIMEOUT.min(self.kafka_timeout);
        config.connection.request_timeout = self.kafka_timeout;
        config.call_timeout = self.kafka_timeout;
        Ok(TopicClient { cluster, kafka: Client::new(config, self.runtime.clone()) })
    }
}

/// Refuses at once what no topic can be called, and no request to a broker can carry.
fn check_name(topic: &str) -> Result<(), ApiError> {
    let parsed: Result<TopicName, _> = topic.parse();
    parsed
        .map(|_| ())
        .map_err(|error| ApiError::invalid("topicName", format!("topicName: {error}")))
}

fn replication_factor(topic: &TopicInfo) -> i64 {
    topic.partitions.first().map_or(0, |partition| partition.replicas.len() as i64)
}

fn positive(number: i64, path: &str) -> Result<i32, ApiError> {
    let fits = i32::try_from(number).ok().filter(|number| *number >= 1);
    fits.ok_or_else(|| {
        ApiError::invalid(path, format!("{path} must be 1 to {}, but is {number}", i32::MAX))
    })
}

/// `configs`: Base64 of a JSON object of strings or, as some of AWS's examples have it, of lines
/// `name=value`.
fn decoded_configs(text: &str) -> Result<BTreeMap<String, String>, ApiError> {
    let refuse = |reason: String| ApiError::invalid("configs", format!("configs {reason}"));
    let bytes = STANDARD.decode(text).map_err(|error| refuse(format!("is not Base64: {error}")))?;
    if bytes.trim_ascii_start().starts_with(b"{") {
        let parsed = serde_json::from_slice(&bytes);
        return parsed.map_err(|error| refuse(format!("is not a JSON object of strings: {error}")));
    }
    java_properties::parse(&bytes).map_err(|error| refuse(format!("cannot be read: {error}")))
}

#[cfg(test)]
mod tests;
