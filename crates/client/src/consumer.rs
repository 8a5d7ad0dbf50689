//! Records out: of partitions that are assigned by hand, from any place.
//!
//! One fetch is under way per leader, also between polls, so that a quiet broker delays no other.
//! Uncommitted and aborted records of transactions are handed out too (`read_uncommitted`); control
//! records are not.

mod decode;

use std::{
    collections::{BTreeMap, VecDeque},
    pin::Pin,
    sync::Arc,
    task::Poll,
    time::Duration,
};

use milena_protocol::{
    ErrorCode,
    messages::{
        fetch_request::{FetchPartition, FetchRequest, FetchTopic},
        fetch_response::FetchResponse,
    },
};
use milena_types::{BrokerId, Offset};

use crate::{Client, ClientError, Pending, StartAt, TopicInfo};
pub use decode::ConsumedRecord;
use decode::PartitionPosition;

/// The behaviour when a position is before the log's start or after its end (`auto.offset.reset`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnOutOfRange {
    /// Fail.
    #[default]
    Fail,
    /// Go on at the first record there is.
    Beginning,
    /// Go on with the next record that comes.
    End,
}

/// A consumer's configuration.
#[derive(Clone, Debug)]
pub struct ConsumerConfig {
    /// How long a broker may wait for records before it responds without any.
    pub max_wait: Duration,
    /// Bytes that make a broker respond at once.
    pub min_bytes: i32,
    /// Bytes per response, at most (one batch may exceed it).
    pub max_bytes: i32,
    /// Bytes per partition and response, at most (one batch may exceed it).
    pub partition_max_bytes: i32,
    /// Bytes that one batch may decompress to.
    pub decompressed_max_bytes: usize,
    /// The behaviour when a position is not in the log.
    pub on_out_of_range: OnOutOfRange,
}

impl Default for ConsumerConfig {
    fn default() -> Self {
        Self {
            max_wait: Duration::from_millis(500),
            min_bytes: 1,
            max_bytes: 16 << 20,
            partition_max_bytes: 1 << 20,
            decompressed_max_bytes: 128 << 20,
            on_out_of_range: OnOutOfRange::Fail,
        }
    }
}

struct InFlightFetch {
    response: Pending<FetchRequest>,
    /// The topics asked for, to tell them by id.
    topics: Vec<Arc<TopicInfo>>,
}

/// A consumer of some partitions.
pub struct Consumer {
    client: Client,
    config: ConsumerConfig,
    assigned: Vec<PartitionPosition>,
    in_flight: BTreeMap<BrokerId, InFlightFetch>,
    ready: VecDeque<Vec<ConsumedRecord>>,
}

impl Consumer {
    /// A consumer that reads `partitions` (topic, partition, where to begin).
    pub fn assign(
        client: Client,
        config: ConsumerConfig,
        partitions: Vec<(String, i32, StartAt)>,
    ) -> Self {
        let assigned = partitions.into_iter().map(|(topic, partition, start)| PartitionPosition {
            topic: topic.into(),
            partition,
            start,
            position: None,
            high_watermark: None,
        });
        Self {
            client,
            config,
            assigned: assigned.collect(),
            in_flight: BTreeMap::new(),
            ready: VecDeque::new(),
        }
    }

    /// A consumer that reads all partitions that a topic has now.
    pub async fn assign_topic(
        client: Client,
        config: ConsumerConfig,
        topic: &str,
        start: StartAt,
    ) -> Result<Self, ClientError> {
        let info = client.describe_topic(topic).await?;
        let partitions =
            info.partitions.iter().map(|p| (topic.to_owned(), p.index, start)).collect();
        Ok(Self::assign(client, config, partitions))
    }

    /// The offset of the next record that [`Self::poll`] will give, where it is known: topic,
    /// partition, offset. A group commits this once it has processed the records that it got.
    pub fn positions(&self) -> impl Iterator<Item = (&str, i32, Offset)> {
        self.assigned.iter().filter_map(|a| {
            let mut ready = self.ready.iter().filter_map(|records| records.first());
            let waiting = ready.find(|r| r.topic == a.topic && r.partition == a.partition);
            Some((&*a.topic, a.partition, waiting.map(|r| r.offset).or(a.position)?))
        })
    }

    /// Whether everything up to the ends last seen has been handed out.
    pub fn is_at_end(&self) -> bool {
        self.ready.is_empty()
            && self
                .assigned
                .iter()
                .all(|a| a.position.is_some_and(|p| a.high_watermark.is_some_and(|end| p >= end)))
    }

    /// Records as they come: those of one partition's response, in order; none when nothing came
    /// within `timeout`. Failures that may pass are retried until then.
    ///
    /// Errors: what trying again does not mend, such as an unknown topic or damaged records; and
    /// retriable errors that last longer than the client's call time-out. Cancelling loses no
    /// record.
    pub async fn poll(&mut self, timeout: Duration) -> Result<Vec<ConsumedRecord>, ClientError> {
        let client = self.client.clone();
        let mut retry = client.retry();
        let polling = async {
            loop {
                if let Some(records) = self.ready.pop_front() {
                    return Ok(records);
                }
                match self.advance().await {
                    Ok(()) => client.set_read_error(None),
                    Err(error) => {
                        client.set_read_error(Some(&error));
                        retry.after(error).await?;
                    }
                }
            }
        };
        tokio::time::timeout(timeout, polling).await.unwrap_or(Ok(Vec::new()))
    }

    /// Starts the fetches that are missing and waits for one response.
    async fn advance(&mut self) -> Result<(), ClientError> {
        for i in 0..self.assigned.len() {
            if self.assigned[i].position.is_none() {
                let (topic, partition) =
                    (self.assigned[i].topic.clone(), self.assigned[i].partition);
                let found =
                    self.client.list_offset(&topic, partition, self.assigned[i].start).await?;
                let end = match found.offset {
                    Some(offset) => Some(offset),
                    None => self.client.list_offset(&topic, partition, StartAt::End).await?.offset,
                };
                self.assigned[i].position = end;
            }
        }
        self.start_fetches().await?;
        let (broker, topics, response) = self.next_response().await;
        match response {
            Ok(response) => self.take(&topics, &response),
            Err(error) => {
                tracing::debug!(%broker, %error, "a fetch failed");
                self.forget_topics();
                Err(error)
            }
        }
    }

    async fn start_fetches(&mut self) -> Result<(), ClientError> {
        let mut by_leader: BTreeMap<BrokerId, Vec<(Arc<TopicInfo>, usize)>> = BTreeMap::new();
        for (i, assigned) in self.assigned.iter().enumerate() {
            let info = self.client.topic(&assigned.topic).await?;
            match info.leader(assigned.partition) {
                Ok(leader) => by_leader.entry(leader).or_default().push((info, i)),
                Err(error) => {
                    self.client.forget_seen(&info);
                    return Err(error);
                }
            }
        }
        for (leader, partitions) in by_leader {
            if self.in_flight.contains_key(&leader) {
                continue;
            }
            let request = self.request(&partitions)?;
            let sent = async {
                let connection = self.client.broker(leader).await?;
                let version = connection.version_of(milena_protocol::ApiKey::Fetch)?;
                connection.start(&request, version).await
            };
            match sent.await {
                Ok(response) => {
                    let topics = partitions.into_iter().map(|(info, _)| info).collect();
                    self.in_flight.insert(leader, InFlightFetch { response, topics });
                }
                Err(error) => {
                    self.forget_topics();
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    fn request(&self, partitions: &[(Arc<TopicInfo>, usize)]) -> Result<FetchRequest, ClientError> {
        let mut topics: Vec<FetchTopic> = Vec::new();
        for (info, i) in partitions {
            let assigned = &self.assigned[*i];
            let partition = FetchPartition {
                partition: assigned.partition,
                current_leader_epoch: info.partition(assigned.partition)?.leader_epoch.raw(),
                fetch_offset: assigned.position.unwrap_or(Offset::ZERO).raw(),
                partition_max_bytes: self.config.partition_max_bytes,
                ..Default::default()
            };
            match topics.iter_mut().find(|t| *t.topic == *assigned.topic) {
                Some(topic) => topic.partitions.push(partition),
                None => topics.push(FetchTopic {
                    topic: (*assigned.topic).into(),
                    topic_id: info.id.0,
                    partitions: vec![partition],
                }),
            }
        }
        Ok(FetchRequest {
            replica_id: -1,
            max_wait_ms: i32::try_from(self.config.max_wait.as_millis()).unwrap_or(i32::MAX),
            min_bytes: self.config.min_bytes,
            max_bytes: self.config.max_bytes,
            session_epoch: -1,
            topics,
            ..Default::default()
        })
    }

    /// Waits for the first of the responses under way.
    async fn next_response(
        &mut self,
    ) -> (BrokerId, Vec<Arc<TopicInfo>>, Result<FetchResponse, ClientError>) {
        std::future::poll_fn(|cx| {
            let mut done = None;
            for (broker, fetch) in &mut self.in_flight {
                if let Poll::Ready(response) = Pin::new(&mut fetch.response).poll(cx) {
                    done = Some((*broker, response));
                    break;
                }
            }
            let Some((broker, response)) = done else { return Poll::Pending };
            let topics = self.in_flight.remove(&broker).map_or(Vec::new(), |fetch| fetch.topics);
            Poll::Ready((broker, topics, response))
        })
        .await
    }

    /// Takes the records of a response over. Of partitions with an error the last error is given.
    fn take(
        &mut self,
        topics: &[Arc<TopicInfo>],
        response: &FetchResponse,
    ) -> Result<(), ClientError> {
        ClientError::check("fetching", response.error_code, None)?;
        let mut failure = Ok(());
        for topic in &response.responses {
            let named = topics.iter().find(|t| {
                *t.name == *topic.topic || (topic.topic.is_empty() && t.id.0 == topic.topic_id)
            });
            let Some(info) = named else { continue };
            for partition in &topic.partitions {
                let wanted = |a: &&mut PartitionPosition| {
                    *a.topic == *info.name && a.partition == partition.partition_index
                };
                let Some(assigned) = self.assigned.iter_mut().find(wanted) else { continue };
                match ErrorCode::from_code(partition.error_code) {
                    ErrorCode::None => {
                        assigned.high_watermark = Some(Offset(partition.high_watermark));
                        let records =
                            partition.records.as_ref().map(milena_protocol::Records::to_bytes);
                        match decode::records(
                            assigned,
                            records.unwrap_or_default(),
                            self.config.decompressed_max_bytes,
                        ) {
                            Ok(records) if records.is_empty() => {}
                            Ok(records) => self.ready.push_back(records),
                            Err(error) => failure = Err(error),
                        }
                    }
                    ErrorCode::OffsetOutOfRange
                        if self.config.on_out_of_range != OnOutOfRange::Fail =>
                    {
                        let begin = self.config.on_out_of_range == OnOutOfRange::Beginning;
                        assigned.start = if begin { StartAt::Beginning } else { StartAt::End };
                        assigned.position = None;
                    }
                    code => {
                        let what = format!(
                            "fetching partition {} of topic {}",
                            assigned.partition, assigned.topic
                        );
                        self.client.forget_seen(info);
                        failure = Err(ClientError::broker(what, code.code(), None));
                    }
                }
            }
        }
        failure
    }

    fn forget_topics(&self) {
        for assigned in &self.assigned {
            self.client.forget_topic(&assigned.topic);
        }
    }
}
