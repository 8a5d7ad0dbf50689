"""confluent-kafka (librdkafka)."""

import confluent_kafka as ck
from confluent_kafka import admin

from contract import Adapter, Record, run, until


def record(message):
    kind, timestamp = message.timestamp()
    headers = tuple((k, v) for k, v in message.headers() or ())
    return Record(
        message.partition(), message.value(), message.key(), headers, timestamp, message.offset()
    )


class Member:
    def __init__(self, bootstrap, group, topic, instance, start):
        self.consumer = ck.Consumer({
            "bootstrap.servers": bootstrap, "group.id": group, "auto.offset.reset": start,
            "enable.auto.commit": False, "session.timeout.ms": 6000, "heartbeat.interval.ms": 500,
            **({"group.instance.id": instance} if instance else {})})
        self.consumer.subscribe([topic])

    def poll(self, seconds):
        got = []
        for message in self.consumer.consume(500, seconds):
            if message.error():
                raise ck.KafkaException(message.error())
            got.append(record(message))
        return got

    def assignment(self):
        return {p.partition for p in self.consumer.assignment()}

    def commit(self):
        try:
            self.consumer.commit(asynchronous=False)
        except ck.KafkaException as error:
            if error.args[0].code() != ck.KafkaError._NO_OFFSET:
                raise

    def close(self):
        self.consumer.close()


class Confluent(Adapter):
    name = "confluent-kafka"

    def __init__(self, bootstrap, cluster_version):
        super().__init__(bootstrap, cluster_version)
        self.admin = admin.AdminClient({"bootstrap.servers": bootstrap})

    def versions(self):
        return ck.version() if isinstance(ck.version(), str) else ck.version()[0]

    @staticmethod
    def results(futures):
        return {key: future.result(30) for key, future in futures.items()}

    def create_topic(self, topic, partitions, config=None):
        self.results(
            self.admin.create_topics([admin.NewTopic(topic, partitions, config=config or {})])
        )

    def topic_partitions(self, topic):
        found = self.admin.list_topics(timeout=10).topics.get(topic)
        return len(found.partitions) if found else 0

    def produce(self, topic, records, codec="none", acks="all", idempotent=False):
        config = {
            "bootstrap.servers": self.bootstrap,
            "compression.type": codec,
            "acks": acks,
            "linger.ms": 5,
        }
        if idempotent:
            config["enable.idempotence"] = True
        producer = ck.Producer(config)
        offsets, errors = [-1] * len(records), []

        def delivered(i):
            def callback(error, message):
                if error:
                    errors.append(error)
                else:
                    offsets[i] = message.offset()
            return callback
        for i, r in enumerate(records):
            producer.produce(topic, r.value, r.key, r.partition, delivered(i),
                             timestamp=r.timestamp, headers=list(r.headers))
            producer.poll(0)
        left = producer.flush(30)
        assert not left and not errors, f"{left} not delivered; {errors[:1]}"
        return offsets

    def consume(self, topic, count, start=None):
        consumer = ck.Consumer({"bootstrap.servers": self.bootstrap, "group.id": "unused",
                                "auto.offset.reset": "earliest", "enable.auto.commit": False})
        total = self.topic_partitions(topic)
        places = start or dict.fromkeys(range(total), ck.OFFSET_BEGINNING)
        consumer.assign([ck.TopicPartition(topic, p, o) for p, o in places.items()])
        got = []

        def step():
            for message in consumer.consume(1000, 0.2):
                if message.error():
                    raise ck.KafkaException(message.error())
                got.append(record(message))
            return len(got) >= count
        until(step, f"{count} records")
        consumer.close()
        return got

    def end_offsets(self, topic):
        asked = {
            ck.TopicPartition(topic, p): admin.OffsetSpec.latest()
            for p in range(self.topic_partitions(topic))
        }
        return {
            p.partition: r.offset for p, r in self.results(self.admin.list_offsets(asked)).items()
        }

    def member(self, group, topic, instance=None, start="earliest"):
        return Member(self.bootstrap, group, topic, instance, start)

    def committed(self, group, topic):
        asked = [ck.ConsumerGroupTopicPartitions(group)]
        found = self.results(self.admin.list_consumer_group_offsets(asked))[group].topic_partitions
        return {p.partition: p.offset for p in found if p.topic == topic}

    def offset_for_time(self, topic, partition, timestamp):
        place = ck.TopicPartition(topic, partition)
        asked = {place: admin.OffsetSpec.for_timestamp(timestamp)}
        return self.results(self.admin.list_offsets(asked))[place].offset

    def describe_config(self, topic):
        resource = admin.ConfigResource(admin.ResourceType.TOPIC, topic)
        return {
            k: v.value
            for k, v in self.results(self.admin.describe_configs([resource]))[resource].items()
        }

    def alter_config(self, topic, config):
        entries = [
            admin.ConfigEntry(k, v, incremental_operation=admin.AlterConfigOpType.SET)
            for k, v in config.items()
        ]
        resource = admin.ConfigResource(
            admin.ResourceType.TOPIC, topic, incremental_configs=entries
        )
        self.results(self.admin.incremental_alter_configs([resource]))

    def create_partitions(self, topic, total):
        self.results(self.admin.create_partitions([admin.NewPartitions(topic, total)]))

    def delete_records(self, topic, before):
        self.results(
            self.admin.delete_records([ck.TopicPartition(topic, p, o) for p, o in before.items()])
        )

    def list_groups(self):
        return [g.group_id for g in self.admin.list_consumer_groups().result(30).valid]

    def describe_group(self, group):
        found = self.results(self.admin.describe_consumer_groups([group]))[group]
        return found.state.name, len(found.members)

    def delete_group(self, group):
        self.results(self.admin.delete_consumer_groups([group]))

    def delete_topic(self, topic):
        self.results(self.admin.delete_topics([topic]))


if __name__ == "__main__":
    run(Confluent)
