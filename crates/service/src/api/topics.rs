//! CreateTopic, DescribeTopic, DescribeTopicPartitions, ListTopics, UpdateTopic, DeleteTopic:
//! through the Kafka protocol, as any other client.
//!
//! A change is complete when the answer goes out, so a topic that can be described is ACTIVE.

use std::{collections::BTreeMap, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use milena_client::{Client, ClientConfig, NewTopic, PartitionInfo, TopicInfo};

use super::{Api, body, bootstrap_string, query::Query};
use crate::{
    api::topic_errors::{of_change, of_look},
    error::ApiError,
    properties,
    record::{ClusterState, ManagedCluster},
    validation::required,
    wire::{
        CreateTopicRequest, DescribeTopicPartitionsResponse, DescribeTopicResponse,
        ListTopicsResponse, TopicInfo as TopicShape, TopicPartitionInfo, TopicResponse,
        UpdateTopicRequest,
    },
};

/// The first release whose clusters have topic operations.
const FIRST_RELEASE: (u32, u32) = (3, 6);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// A cluster and a client of it.
struct Connected {
    cluster: ManagedCluster,
    client: Client,
}

impl Connected {
    fn arn(&self, topic: &str) -> Option<String> {
        Some(self.cluster.arn_of("topic", Some(topic)))
    }

    fn answer(&self, topic: &str, status: &str) -> TopicResponse {
        TopicResponse {
            topic_arn: self.arn(topic),
            topic_name: Some(topic.to_owned()),
            status: Some(status.to_owned()),
        }
    }

    /// What the topic itself sets.
    async fn overrides(&self, topic: &str) -> Result<BTreeMap<String, String>, ApiError> {
        let configs = self.client.topic_configs(topic).await.map_err(|error| of_change(&error))?;
        let set = configs.into_iter().filter(|(_, _, own)| *own);
        Ok(set.filter_map(|(name, value, _)| Some((name, value?))).collect())
    }
}

impl Api {
    pub(super) async fn create_topic(
        &self,
        arn: &str,
        text: &Bytes,
    ) -> Result<TopicResponse, ApiError> {
        let request: CreateTopicRequest = body(text)?;
        let name = required(request.topic_name, "topicName")?;
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
        // The operation declares no NotFound.
        let cluster = self.cluster_or_bad_request(arn).await?;
        let connected = self.connect(cluster)?;
        let topic = NewTopic {
            name,
            partitions: Some(partitions),
            replication_factor: Some(replicas),
            configs: configs.into_iter().collect(),
        };
        connected.client.create_topic(&topic).await.map_err(|error| of_change(&error))?;
        Ok(connected.answer(&topic.name, "CREATING"))
    }

    pub(super) async fn describe_topic(
        &self,
        arn: &str,
        topic: &str,
    ) -> Result<DescribeTopicResponse, ApiError> {
        let connected = self.connect(self.cluster(arn).await?)?;
        let found =
            connected.client.describe_topic(topic).await.map_err(|error| of_look(&error))?;
        let configs =
            connected.client.topic_configs(topic).await.map_err(|error| of_look(&error))?;
        let configs: BTreeMap<String, String> =
            configs.into_iter().filter_map(|(name, value, _)| Some((name, value?))).collect();
        let text =
            serde_json::to_vec(&configs).map_err(|error| ApiError::Internal(error.to_string()))?;
        Ok(DescribeTopicResponse {
            topic_arn: connected.arn(topic),
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
        let connected = self.connect(self.cluster(arn).await?)?;
        let mut found =
            connected.client.describe_topic(topic).await.map_err(|error| of_look(&error))?;
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
        let connected = self.connect(self.cluster_or_bad_request(arn).await?)?;
        let prefix = query.value("topicNameFilter").unwrap_or_default();
        let listed = connected.client.list_topics().await;
        let mut topics = listed.map_err(|error| ApiError::Unavailable(error.to_string()))?;
        topics.retain(|topic| topic.name.starts_with(prefix));
        topics.sort_by(|a, b| a.name.cmp(&b.name));
        let (page, next_token) =
            query.page(&format!("topics/{arn}/{prefix}"), topics, |topic| topic.name.clone())?;
        let shape = |topic: TopicInfo| {
            let missing =
                |p: &PartitionInfo| p.replicas.iter().filter(|id| !p.isr.contains(id)).count();
            TopicShape {
                topic_arn: connected.arn(&topic.name),
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
        text: &Bytes,
    ) -> Result<TopicResponse, ApiError> {
        let request: UpdateTopicRequest = body(text)?;
        let connected = self.connect(self.cluster(arn).await?)?;
        match (request.configs, request.partition_count) {
            (Some(configs), None) => {
                let wanted = decoded_configs(&configs)?;
                let now = connected.overrides(topic).await?;
                let taken_back = now.keys().filter(|name| !wanted.contains_key(*name));
                let mut changes: Vec<(String, Option<String>)> =
                    taken_back.map(|name| (name.clone(), None)).collect();
                let set = wanted.iter().filter(|(name, value)| now.get(*name) != Some(value));
                changes.extend(set.map(|(name, value)| (name.clone(), Some(value.clone()))));
                connected
                    .client
                    .alter_topic_configs(topic, &changes)
                    .await
                    .map_err(|error| of_change(&error))?;
            }
            (None, Some(partitions)) => {
                let partitions = positive(partitions, "partitionCount")?;
                connected
                    .client
                    .create_partitions(topic, partitions)
                    .await
                    .map_err(|error| of_change(&error))?;
            }
            _ => {
                return Err(ApiError::bad_request(
                    "exactly one of configs and partitionCount is required",
                ));
            }
        }
        Ok(connected.answer(topic, "UPDATING"))
    }

    pub(super) async fn delete_topic(
        &self,
        arn: &str,
        topic: &str,
    ) -> Result<TopicResponse, ApiError> {
        let connected = self.connect(self.cluster(arn).await?)?;
        connected.client.delete_topic(topic).await.map_err(|error| of_change(&error))?;
        Ok(connected.answer(topic, "DELETING"))
    }

    /// A client of a cluster that has topic operations. Nothing is connected yet.
    fn connect(&self, cluster: ManagedCluster) -> Result<Connected, ApiError> {
        let version = cluster.spec.kafka_version;
        let refuse = |message: String| Err(ApiError::invalid("clusterArn", message));
        if version.numbers() < FIRST_RELEASE {
            let name = version.name();
            return refuse(format!(
                "topic operations are for clusters of Kafka 3.6.0 and later, and this one has {name}; use a Kafka client"
            ));
        }
        if matches!(
            cluster.state,
            ClusterState::Creating | ClusterState::Deleting | ClusterState::Failed
        ) {
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
        Ok(Connected { cluster, client: Client::new(config, self.runtime.clone()) })
    }
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
    properties::parse(&bytes).map_err(|error| refuse(format!("cannot be read: {error}")))
}

#[cfg(test)]
mod tests {
    use http::Method;
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        api::tests::{api, bad_request},
        api::topic_errors::KafkaException,
        testing::{Life, create_request, encode, store},
    };

    #[test]
    fn configs_are_json_or_lines() {
        let expected = BTreeMap::from([("a.b".to_owned(), "1".to_owned())]);
        assert_eq!(decoded_configs(&STANDARD.encode(" {\"a.b\": \"1\"}")).unwrap(), expected);
        assert_eq!(decoded_configs(&STANDARD.encode("a.b=1\n")).unwrap(), expected);
        for text in ["%", &STANDARD.encode("{\"a\": 1}"), &STANDARD.encode([0xff])] {
            assert!(decoded_configs(text).is_err(), "{text}");
        }
    }

    #[tokio::test]
    async fn what_is_wrong_with_a_topic_request_is_named() {
        let (_dir, metadata) = store();
        let life = Life::begin(metadata);
        let label = life.create("orders").await;
        life.wait_for_state(&label, "ACTIVE").await;
        let path = format!("/v1/clusters/{label}/topics");
        let topic = |partitions: Value, replicas: Value, configs: Value| json!({"topicName": "t", "partitionCount": partitions, "replicationFactor": replicas, "configs": configs});
        let cases = [
            (json!({}), "topicName", "required"),
            (topic(Value::Null, json!(3), Value::Null), "partitionCount", "required"),
            (topic(json!(0), json!(3), Value::Null), "partitionCount", "1 to"),
            (topic(json!(1), Value::Null, Value::Null), "replicationFactor", "required"),
            (topic(json!(1), json!(40000), Value::Null), "replicationFactor", "too large"),
            (topic(json!(1), json!(3), json!("%")), "configs", "Base64"),
        ];
        for (request, parameter, words) in cases {
            let error = life.call(Method::POST, &path, request).await.unwrap_err();
            let (message, named) = bad_request(&error);
            assert_eq!(named, parameter, "{message}");
            assert!(message.contains(words), "{message}");
        }
        let both = json!({"configs": "e30=", "partitionCount": 3});
        for request in [json!({}), both] {
            let error = life.call(Method::PUT, &format!("{path}/t"), request).await.unwrap_err();
            assert!(bad_request(&error).0.contains("exactly one"), "{error}");
        }
        life.runtime.shutdown().await;
    }

    #[tokio::test]
    async fn clusters_without_topic_operations_say_so_and_unreachable_brokers_too() {
        let (_dir, life) = api();
        let mut old = create_request("old");
        old["kafkaVersion"] = json!("3.5.1");
        let old = life.json(Method::POST, "/v1/clusters", old).await;
        let old = encode(old["clusterArn"].as_str().unwrap());
        let error = life
            .call(Method::GET, &format!("/v1/clusters/{old}/topics"), Value::Null)
            .await
            .unwrap_err();
        assert!(bad_request(&error).0.contains("3.6.0"), "{error}");
        let creating = life.create("creating").await;
        let path = format!("/v1/clusters/{creating}/topics/t");
        let error = life.call(Method::GET, &path, Value::Null).await.unwrap_err();
        assert!(bad_request(&error).0.contains("CREATING"), "{error}");
        let (_dir, metadata) = store();
        let life = Life::begin(metadata);
        let label = life.create("orders").await;
        life.wait_for_state(&label, "ACTIVE").await;
        let path = format!("/v1/clusters/{label}/topics");
        let outcome =
            life.call(Method::DELETE, &format!("{path}/t"), Value::Null).await.unwrap_err();
        let exception = KafkaException::ClusterConnectivity;
        assert!(
            matches!(outcome, ApiError::Kafka { exception: found, .. } if found == exception),
            "{outcome:?}"
        );
        let outcome = life.call(Method::GET, &path, Value::Null).await.unwrap_err();
        assert!(matches!(outcome, ApiError::Unavailable(_)), "{outcome:?}");
        life.runtime.shutdown().await;
    }
}
