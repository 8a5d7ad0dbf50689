//! The calls that are not a group member's.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use futures_executor::block_on;
use rdkafka::{
    ClientConfig, ClientContext, Message, Offset, TopicPartitionList,
    admin::{
        AdminClient, AdminOptions, AlterConfig, NewPartitions, NewTopic, ResourceSpecifier,
        TopicReplication,
    },
    client::DefaultClientContext,
    consumer::{BaseConsumer, Consumer},
    error::RDKafkaErrorCode,
    producer::{BaseProducer, BaseRecord, DeliveryResult, Producer, ProducerContext},
};

use crate::{Call, Result, member::Member, record::Record};

const PATIENCE: Duration = Duration::from_secs(60);

pub struct Client {
    bootstrap: String,
    admin: AdminClient<DefaultClientContext>,
    options: AdminOptions,
}

/// Collects where each record went, by its index.
#[derive(Default)]
struct Deliveries(Mutex<Delivered>);

#[derive(Default)]
struct Delivered {
    offsets: BTreeMap<usize, i64>,
    failure: Option<String>,
}

impl ClientContext for Deliveries {}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = Box<usize>;

    fn delivery(&self, result: &DeliveryResult<'_>, index: Box<usize>) {
        let mut delivered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match result {
            Ok(message) => drop(delivered.offsets.insert(*index, message.offset())),
            Err((error, _)) => delivered.failure = Some(error.to_string()),
        }
    }
}

/// Every answer of an administrative call, or the first error among them.
fn checked<T>(answers: Vec<std::result::Result<T, (String, RDKafkaErrorCode)>>) -> Result<Vec<T>> {
    answers
        .into_iter()
        .map(|answer| answer.map_err(|(name, code)| format!("{name}: {code}").into()))
        .collect()
}

impl Client {
    pub fn new(bootstrap: String) -> Result<Self> {
        let admin = ClientConfig::new().set("bootstrap.servers", &bootstrap).create()?;
        let options =
            AdminOptions::new().request_timeout(Some(PATIENCE)).operation_timeout(Some(PATIENCE));
        Ok(Self { bootstrap, admin, options })
    }

    fn config(&self, settings: &[(&str, &str)]) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.bootstrap);
        for (name, value) in settings {
            config.set(*name, *value);
        }
        config
    }

    pub fn create_topic(
        &self,
        topic: &str,
        partitions: i32,
        config: &BTreeMap<String, String>,
    ) -> Result<()> {
        let new = NewTopic::new(topic, partitions, TopicReplication::Fixed(-1));
        let new = config.iter().fold(new, |new, (name, value)| new.set(name, value));
        checked(block_on(self.admin.create_topics([&new], &self.options))?).map(drop)
    }

    pub fn topic_partitions(&self, topic: &str) -> Result<i32> {
        // To ask for one topic would make it, where the cluster makes topics by itself.
        let metadata = self.admin.inner().fetch_metadata(None, PATIENCE)?;
        let found = metadata.topics().iter().find(|t| t.name() == topic);
        Ok(i32::try_from(found.map_or(0, |t| t.partitions().len()))?)
    }

    pub fn produce(&self, call: &Call) -> Result<Vec<i64>> {
        let producer: BaseProducer<Deliveries> = self
            .config(&[("compression.type", &call.codec), ("acks", &call.acks), ("linger.ms", "5")])
            .set("enable.idempotence", call.idempotent.to_string())
            .create_with_context(Deliveries::default())?;
        for (index, record) in call.records.iter().enumerate() {
            let mut sent =
                BaseRecord::<[u8], [u8], _>::with_opaque_to(&call.topic, Box::new(index))
                    .partition(record.partition)
                    .timestamp(record.timestamp)
                    .headers(record.owned_headers());
            sent.key = record.key.as_ref().map(|k| &k.0[..]);
            sent.payload = record.value.as_ref().map(|v| &v.0[..]);
            producer.send(sent).map_err(|(error, _)| error)?;
        }
        producer.flush(PATIENCE)?;
        let delivered = producer.context().0.lock().unwrap_or_else(PoisonError::into_inner);
        match &delivered.failure {
            Some(failure) => Err(failure.clone().into()),
            None if delivered.offsets.len() < call.records.len() => {
                Err("not every record was delivered".into())
            }
            None => Ok(delivered.offsets.values().copied().collect()),
        }
    }

    pub fn consume(
        &self,
        topic: &str,
        count: usize,
        places: &BTreeMap<i32, i64>,
    ) -> Result<Vec<Record>> {
        let consumer: BaseConsumer =
            self.config(&[("group.id", "unused"), ("enable.auto.commit", "false")]).create()?;
        let mut list = TopicPartitionList::new();
        for (&partition, &offset) in places {
            list.add_partition_offset(topic, partition, Offset::Offset(offset))?;
        }
        if places.is_empty() {
            for partition in 0..self.topic_partitions(topic)? {
                list.add_partition_offset(topic, partition, Offset::Beginning)?;
            }
        }
        consumer.assign(&list)?;
        let deadline = Instant::now() + PATIENCE;
        let mut got = Vec::new();
        while got.len() < count {
            if let Some(message) = consumer.poll(Duration::from_millis(100)) {
                got.push(Record::from(&message?));
            }
            if Instant::now() > deadline {
                return Err(format!("{} of {count} records", got.len()).into());
            }
        }
        Ok(got)
    }

    pub fn end_offsets(&self, topic: &str) -> Result<BTreeMap<i32, i64>> {
        let partitions = 0..self.topic_partitions(topic)?;
        let end = |p| Ok((p, self.admin.inner().fetch_watermarks(topic, p, PATIENCE)?.1));
        partitions.map(end).collect()
    }

    pub fn member(&self, call: &Call) -> Result<Member> {
        let mut config = self.config(&[
            ("group.id", &call.group),
            ("auto.offset.reset", &call.start),
            ("enable.auto.commit", "false"),
            ("session.timeout.ms", "6000"),
            ("heartbeat.interval.ms", "500"),
        ]);
        if !call.instance.is_empty() {
            config.set("group.instance.id", &call.instance);
        }
        let consumer: BaseConsumer = config.create()?;
        consumer.subscribe(&[&call.topic])?;
        Ok(Member::new(consumer))
    }

    pub fn committed(&self, group: &str, topic: &str) -> Result<BTreeMap<i32, i64>> {
        let consumer: BaseConsumer = self.config(&[("group.id", group)]).create()?;
        let mut list = TopicPartitionList::new();
        list.add_partition_range(topic, 0, self.topic_partitions(topic)? - 1);
        let found = consumer.committed_offsets(list, PATIENCE)?;
        Ok(found
            .elements()
            .iter()
            .filter_map(|e| Some((e.partition(), e.offset().to_raw()?)))
            .collect())
    }

    pub fn offset_for_time(
        &self,
        topic: &str,
        partition: i32,
        timestamp: i64,
    ) -> Result<Option<i64>> {
        let consumer: BaseConsumer = self.config(&[("group.id", "unused")]).create()?;
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, partition, Offset::Offset(timestamp))?;
        let found = consumer.offsets_for_times(list, PATIENCE)?;
        // The end of the partition is what librdkafka calls the answer "none so late".
        Ok(found.elements().first().and_then(|e| e.offset().to_raw()))
    }

    pub fn describe_config(&self, topic: &str) -> Result<BTreeMap<String, Option<String>>> {
        let resource = ResourceSpecifier::Topic(topic);
        let mut found = block_on(self.admin.describe_configs([&resource], &self.options))?;
        let entries = found.pop().ok_or("no resource in the answer")??.entries;
        Ok(entries.into_iter().map(|e| (e.name, e.value)).collect())
    }

    pub fn alter_config(&self, topic: &str, config: &BTreeMap<String, String>) -> Result<()> {
        let all = AlterConfig::new(ResourceSpecifier::Topic(topic));
        let all = config.iter().fold(all, |all, (name, value)| all.set(name, value));
        let answers = block_on(self.admin.alter_configs([&all], &self.options))?;
        answers.into_iter().try_for_each(|a| {
            a.map(drop).map_err(|(what, code)| format!("{what:?}: {code}").into())
        })
    }

    pub fn create_partitions(&self, topic: &str, total: i32) -> Result<()> {
        let new = NewPartitions::new(topic, usize::try_from(total)?);
        checked(block_on(self.admin.create_partitions([&new], &self.options))?).map(drop)
    }

    pub fn delete_records(&self, topic: &str, before: &BTreeMap<i32, i64>) -> Result<()> {
        let mut list = TopicPartitionList::new();
        for (&partition, &offset) in before {
            list.add_partition_offset(topic, partition, Offset::Offset(offset))?;
        }
        let answers = block_on(self.admin.delete_records(&list, &self.options))?;
        answers.elements().iter().try_for_each(|e| Ok(e.error()?))
    }

    pub fn list_groups(&self) -> Result<Vec<String>> {
        let found = self.admin.inner().fetch_group_list(None, PATIENCE)?;
        Ok(found.groups().iter().map(|g| g.name().to_owned()).collect())
    }

    pub fn describe_group(&self, group: &str) -> Result<(String, usize)> {
        let found = self.admin.inner().fetch_group_list(Some(group), PATIENCE)?;
        let group = found.groups().first().ok_or("no group in the answer")?;
        Ok((group.state().to_owned(), group.members().len()))
    }

    pub fn delete_group(&self, group: &str) -> Result<()> {
        checked(block_on(self.admin.delete_groups(&[group], &self.options))?).map(drop)
    }

    pub fn delete_topic(&self, topic: &str) -> Result<()> {
        checked(block_on(self.admin.delete_topics(&[topic], &self.options))?).map(drop)
    }
}
