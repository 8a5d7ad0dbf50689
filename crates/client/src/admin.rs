//! Admin calls: topics and the cluster.

use std::time::Duration;

use milena_protocol::{
    ErrorCode, KString, Request,
    messages::{
        create_partitions_request::{CreatePartitionsRequest, CreatePartitionsTopic},
        create_topics_request::{CreatableTopic, CreatableTopicConfig, CreateTopicsRequest},
        delete_topics_request::{DeleteTopicState, DeleteTopicsRequest},
        describe_configs_request::{DescribeConfigsRequest, DescribeConfigsResource},
        describe_configs_response::{DescribeConfigsResourceResult, DescribeConfigsResponse},
        incremental_alter_configs_request::{
            AlterConfigsResource, AlterableConfig, IncrementalAlterConfigsRequest,
        },
    },
};
use milena_types::{BrokerId, TopicId};

use crate::{Client, ClientError, ClusterInfo, TopicInfo};

/// The resource types of topics and brokers in configuration requests.
const TOPIC_RESOURCE: i8 = 2;
const BROKER_RESOURCE: i8 = 4;
/// The source of a configuration that is a default.
const DEFAULT_SOURCE: i8 = 5;

/// A topic to be created.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewTopic {
    /// Its name.
    pub name: String,
    /// How many partitions; `None`: the cluster's default.
    pub partitions: Option<i32>,
    /// How many replicas; `None`: the cluster's default.
    pub replication_factor: Option<i16>,
    /// Its configuration.
    pub configs: Vec<(String, String)>,
}

impl Client {
    /// Creates a topic and waits until the cluster shows it with leaders.
    ///
    /// Errors: [`ClientError::Broker`] with the code that the cluster gave, such as
    /// TOPIC_ALREADY_EXISTS.
    pub async fn create_topic(&self, topic: &NewTopic) -> Result<TopicInfo, ClientError> {
        let config = |(name, value): &(String, String)| CreatableTopicConfig {
            name: name.into(),
            value: Some(KString::from(value)),
        };
        let request = CreateTopicsRequest {
            topics: vec![CreatableTopic {
                name: topic.name.as_str().into(),
                num_partitions: topic.partitions.unwrap_or(-1),
                replication_factor: topic.replication_factor.unwrap_or(-1),
                configs: topic.configs.iter().map(config).collect(),
                ..Default::default()
            }],
            timeout_ms: self.timeout_ms(),
            ..Default::default()
        };
        let what = format!("creating topic {}", topic.name);
        self.call_controller(&request, |response, first| {
            let result = response.topics.iter().find(|t| t.name == topic.name.as_str());
            let (code, message) =
                result.map_or((0, None), |t| (t.error_code, t.error_message.as_deref()));
            // An earlier attempt, whose response was lost, may have created it.
            let done = !first && code == ErrorCode::TopicAlreadyExists.code();
            if done { Ok(()) } else { ClientError::check(&*what, code, message) }
        })
        .await?;
        self.topic_with_leaders(&topic.name).await
    }

    /// Waits until every partition of a topic has a leader.
    async fn topic_with_leaders(&self, name: &str) -> Result<TopicInfo, ClientError> {
        let mut retry = self.retry();
        loop {
            let attempt = async {
                let topic = self.describe_topic_once(name).await?;
                for partition in &topic.partitions {
                    topic.leader(partition.index)?;
                }
                Ok(topic)
            };
            match attempt.await {
                Ok(topic) => return Ok(topic),
                Err(error) => retry.after(error).await?,
            }
        }
    }

    /// Deletes a topic.
    pub async fn delete_topic(&self, name: &str) -> Result<(), ClientError> {
        let request = DeleteTopicsRequest {
            topics: vec![DeleteTopicState { name: Some(name.into()), ..Default::default() }],
            topic_names: vec![name.into()],
            timeout_ms: self.timeout_ms(),
        };
        let what = format!("deleting topic {name}");
        let unknown = ErrorCode::UnknownTopicOrPartition.code();
        let result = self
            .call_controller(&request, |response, first| {
                let result = response.responses.first();
                let (code, message) =
                    result.map_or((0, None), |t| (t.error_code, t.error_message.as_deref()));
                match code {
                    // An earlier attempt, whose response was lost, may have deleted it.
                    code if code == unknown && !first => Ok(Ok(())),
                    code if code == unknown => Ok(ClientError::check(&*what, code, message)),
                    code => ClientError::check(&*what, code, message).map(Ok),
                }
            })
            .await?;
        self.forget_topic(name);
        result
    }

    /// All topics and the brokers.
    pub async fn describe_cluster(&self) -> Result<ClusterInfo, ClientError> {
        let mut retry = self.retry();
        loop {
            match self.metadata(None).await {
                Ok(info) => return Ok(info),
                Err(error) => retry.after(error).await?,
            }
        }
    }

    /// All topics, by name.
    pub async fn list_topics(&self) -> Result<Vec<TopicInfo>, ClientError> {
        Ok(self.describe_cluster().await?.topics.into_values().collect())
    }

    /// A topic as the cluster has it now.
    ///
    /// Errors: [`ClientError::Broker`] with UNKNOWN_TOPIC_OR_PARTITION at once when there is none.
    pub async fn describe_topic(&self, name: &str) -> Result<TopicInfo, ClientError> {
        let mut retry = self.retry();
        loop {
            match self.describe_topic_once(name).await {
                Ok(topic) => return Ok(topic),
                Err(error) if error.code() == Some(ErrorCode::UnknownTopicOrPartition) => {
                    return Err(error);
                }
                Err(error) => retry.after(error).await?,
            }
        }
    }

    async fn describe_topic_once(&self, name: &str) -> Result<TopicInfo, ClientError> {
        self.metadata(Some(&[name])).await?.topic(name).cloned()
    }

    /// A topic's configuration: name, value, and whether the topic sets it itself.
    pub async fn topic_configs(
        &self,
        name: &str,
    ) -> Result<Vec<(String, Option<String>, bool)>, ClientError> {
        const SET_ON_TOPIC: i8 = 1;
        let request = describe_configs(TOPIC_RESOURCE, name);
        let response = self.call_any(&request).await?;
        configs(response, &format!("configuration of topic {name}"), |s| s == SET_ON_TOPIC)
    }

    /// A broker's configuration: name, value, and whether it is other than the default.
    pub async fn broker_configs(
        &self,
        id: BrokerId,
    ) -> Result<Vec<(String, Option<String>, bool)>, ClientError> {
        let request = describe_configs(BROKER_RESOURCE, &id.to_string());
        let mut retry = self.retry();
        loop {
            let attempt = async {
                self.metadata(Some(&[])).await?;
                let response = self.broker(id).await?.call(&request).await?;
                let is_set = |source| source != DEFAULT_SOURCE;
                configs(response, &format!("configuration of broker {id}"), is_set)
            };
            match attempt.await {
                Ok(found) => return Ok(found),
                Err(error) => retry.after(error).await?,
            }
        }
    }

    /// Gives a topic more partitions, `total` altogether.
    ///
    /// Errors: [`ClientError::Broker`] with the code that the cluster gave, such as
    /// INVALID_PARTITIONS.
    pub async fn create_partitions(&self, name: &str, total: i32) -> Result<(), ClientError> {
        // No assignments: the cluster places the new ones.
        let topic = CreatePartitionsTopic { name: name.into(), count: total, assignments: None };
        let timeout_ms = self.timeout_ms();
        let request =
            CreatePartitionsRequest { topics: vec![topic], timeout_ms, ..Default::default() };
        let what = format!("adding partitions to topic {name}");
        let checked = self.call_controller(&request, |response, _| {
            let result = response.results.first();
            let (code, message) =
                result.map_or((0, None), |t| (t.error_code, t.error_message.as_deref()));
            ClientError::check(&*what, code, message)
        });
        checked.await?;
        self.forget_topic(name);
        Ok(())
    }

    /// Sets configurations of a topic, or takes them back where there is no value (KIP-339).
    pub async fn alter_topic_configs(
        &self,
        name: &str,
        changes: &[(String, Option<String>)],
    ) -> Result<(), ClientError> {
        const SET: i8 = 0;
        const DELETE: i8 = 1;
        let config = |(name, value): &(String, Option<String>)| AlterableConfig {
            name: name.into(),
            config_operation: if value.is_some() { SET } else { DELETE },
            value: value.as_ref().map(KString::from),
        };
        let resource = AlterConfigsResource {
            resource_type: TOPIC_RESOURCE,
            resource_name: name.into(),
            configs: changes.iter().map(config).collect(),
        };
        let request =
            IncrementalAlterConfigsRequest { resources: vec![resource], validate_only: false };
        let response = self.call_any(&request).await?;
        let Some(result) = response.responses.first() else { return Ok(()) };
        let what = format!("configuring topic {name}");
        ClientError::check(what, result.error_code, result.error_message.as_deref())
    }

    pub(crate) fn timeout_ms(&self) -> i32 {
        let timeout: Duration = self.config().connection.request_timeout;
        i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX)
    }

    /// Calls the controller, and again while `check` gives a retriable error. `check` also gets
    /// whether this was the first attempt.
    async fn call_controller<R: Request, T>(
        &self,
        request: &R,
        check: impl Fn(&R::Response, bool) -> Result<T, ClientError>,
    ) -> Result<T, ClientError> {
        let mut retry = self.retry();
        let mut first = true;
        loop {
            let attempt = async { self.controller().await?.call(request).await };
            let result = attempt.await.and_then(|response| check(&response, first));
            first = false;
            match result {
                Ok(value) => return Ok(value),
                Err(error) => {
                    if error.code() == Some(ErrorCode::NotController) {
                        self.metadata(Some(&[])).await?;
                    }
                    retry.after(error).await?;
                }
            }
        }
    }
}

fn describe_configs(resource_type: i8, name: &str) -> DescribeConfigsRequest {
    DescribeConfigsRequest {
        resources: vec![DescribeConfigsResource {
            resource_type,
            resource_name: name.into(),
            configuration_keys: None,
        }],
        ..Default::default()
    }
}

/// The configurations of the one resource, with what `is_set` says of their sources.
fn configs(
    response: DescribeConfigsResponse,
    what: &str,
    is_set: impl Fn(i8) -> bool,
) -> Result<Vec<(String, Option<String>, bool)>, ClientError> {
    let Some(result) = response.results.into_iter().next() else { return Ok(Vec::new()) };
    ClientError::check(what, result.error_code, result.error_message.as_deref())?;
    let config = |c: DescribeConfigsResourceResult| {
        (c.name.to_string(), c.value.map(|v| v.to_string()), is_set(c.config_source))
    };
    Ok(result.configs.into_iter().map(config).collect())
}

impl TopicInfo {
    /// The id as Kafka's tools print it, or nothing.
    pub fn id_text(&self) -> Option<String> {
        (self.id != TopicId::ZERO).then(|| self.id.to_string())
    }
}
