"""kafka-python."""

import queue
import threading

import kafka
from kafka.admin import ConfigResource, ConfigResourceType, NewPartitions, NewTopic

from contract import Adapter, Record, run, until


def record(m):
    return Record(
        m.partition, m.value, m.key, tuple((k, v) for k, v in m.headers), m.timestamp, m.offset
    )


class Member:
    """A consumer in a thread of its own: joining a group needs uninterrupted polling."""

    def __init__(self, bootstrap, group, topic, instance, start):
        self.consumer = kafka.KafkaConsumer(
            topic,
            bootstrap_servers=bootstrap,
            group_id=group,
            auto_offset_reset=start,
            enable_auto_commit=False,
            session_timeout_ms=6000,
            heartbeat_interval_ms=500,
            group_instance_id=instance,
        )
        self.calls, self.records, self.shared = queue.Queue(), queue.Queue(), set()
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def work(self):
        while True:
            for batch in self.consumer.poll(timeout_ms=100).values():
                for message in batch:
                    self.records.put(record(message))
            self.shared = {p.partition for p in self.consumer.assignment()}
            if not self.calls.empty():
                call, done = self.calls.get()
                done.put(call())
                if call == self.leave:
                    return

    def ask(self, call):
        done = queue.Queue()
        self.calls.put((call, done))
        return done.get(timeout=30)

    def poll(self, seconds):
        got = []
        try:
            got.append(self.records.get(timeout=seconds))
            while True:
                got.append(self.records.get_nowait())
        except queue.Empty:
            return got

    def assignment(self):
        return self.shared

    def commit(self):
        self.ask(self.consumer.commit)

    def leave(self):
        self.consumer.close(autocommit=False)

    def close(self):
        self.ask(self.leave)


class KafkaPython(Adapter):
    name = "kafka-python"

    def __init__(self, bootstrap, cluster_version):
        super().__init__(bootstrap, cluster_version)
        self.admin = kafka.KafkaAdminClient(bootstrap_servers=bootstrap)

    def versions(self):
        return kafka.__version__

    def create_topic(self, topic, partitions, config=None):
        self.admin.create_topics([NewTopic(topic, partitions, -1, topic_configs=config or {})])

    def topic_partitions(self, topic):
        if topic not in self.admin.list_topics():
            return 0
        return len(self.admin.describe_topics([topic])[0]["partitions"])

    def produce(self, topic, records, codec="none", acks="all", idempotent=False):
        producer = kafka.KafkaProducer(
            bootstrap_servers=self.bootstrap, compression_type=None if codec == "none" else codec,
            acks=acks if acks == "all" else int(acks), enable_idempotence=idempotent, linger_ms=5)
        futures = [
            producer.send(topic, r.value, r.key, list(r.headers), r.partition, r.timestamp)
            for r in records
        ]
        producer.flush(30)
        offsets = [f.get(30).offset for f in futures]
        producer.close(10)
        return offsets

    def consume(self, topic, count, start=None):
        consumer = kafka.KafkaConsumer(
            bootstrap_servers=self.bootstrap, auto_offset_reset="earliest", enable_auto_commit=False
        )
        places = [
            kafka.TopicPartition(topic, p) for p in (start or range(self.topic_partitions(topic)))
        ]
        consumer.assign(places)
        for place in places:
            if start:
                consumer.seek(place, start[place.partition])
            else:
                consumer.seek_to_beginning(place)
        got = []

        def step():
            for batch in consumer.poll(timeout_ms=200).values():
                got.extend(map(record, batch))
            return len(got) >= count
        until(step, f"{count} records")
        consumer.close()
        return got

    def end_offsets(self, topic):
        consumer = kafka.KafkaConsumer(bootstrap_servers=self.bootstrap)
        places = [kafka.TopicPartition(topic, p) for p in range(self.topic_partitions(topic))]
        found = {place.partition: offset for place, offset in consumer.end_offsets(places).items()}
        consumer.close()
        return found

    def member(self, group, topic, instance=None, start="earliest"):
        return Member(self.bootstrap, group, topic, instance, start)

    def committed(self, group, topic):
        found = self.admin.list_group_offsets([group])[group]
        return {p.partition: o.offset for p, o in found.items() if p.topic == topic}

    def offset_for_time(self, topic, partition, timestamp):
        consumer = kafka.KafkaConsumer(bootstrap_servers=self.bootstrap)
        place = kafka.TopicPartition(topic, partition)
        found = consumer.offsets_for_times({place: timestamp})[place]
        consumer.close()
        return found and found.offset

    def describe_config(self, topic):
        resource = ConfigResource(ConfigResourceType.TOPIC, topic)
        found = self.admin.describe_configs([resource], config_filter="all")
        entries = (
            found[resource]
            if resource in found
            else found["TOPIC"][topic]
            if "TOPIC" in found
            else found["topic"][topic]
        )
        return {k: v["value"] for k, v in entries.items()}

    def alter_config(self, topic, config):
        self.admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, config)])

    def create_partitions(self, topic, total):
        self.admin.create_partitions({topic: NewPartitions(total)})

    def delete_records(self, topic, before):
        self.admin.delete_records({kafka.TopicPartition(topic, p): o for p, o in before.items()})

    def list_groups(self):
        return [g["group_id"] for g in self.admin.list_groups()]

    def describe_group(self, group):
        found = self.admin.describe_groups([group])[group]
        return found["group_state"], len(found["members"])

    def delete_group(self, group):
        self.admin.delete_groups([group])

    def delete_topic(self, topic):
        self.admin.delete_topics([topic])


if __name__ == "__main__":
    run(KafkaPython)
