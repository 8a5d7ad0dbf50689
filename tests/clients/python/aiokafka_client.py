"""aiokafka, driven from a thread that runs its event loop."""

import asyncio
import threading

import aiokafka
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from contract import Adapter, Record, Unsupported, run, until

loop = asyncio.new_event_loop()
threading.Thread(target=loop.run_forever, daemon=True).start()


def wait(coroutine, seconds=60):
    return asyncio.run_coroutine_threadsafe(coroutine, loop).result(seconds)


async def consumer_of(*topics, **options):
    return aiokafka.AIOKafkaConsumer(
        *topics, enable_auto_commit=False, **{"auto_offset_reset": "earliest", **options}
    )


def record(m):
    return Record(
        m.partition, m.value, m.key, tuple((k, v) for k, v in m.headers), m.timestamp, m.offset
    )


class Member:
    def __init__(self, bootstrap, group, topic, instance, start):
        self.consumer = wait(consumer_of(
            topic, bootstrap_servers=bootstrap, group_id=group, session_timeout_ms=6000,
            heartbeat_interval_ms=500, metadata_max_age_ms=2000,
            auto_offset_reset=start, group_instance_id=instance))
        self.started = asyncio.run_coroutine_threadsafe(self.consumer.start(), loop)

    def poll(self, seconds):
        if not self.started.done():
            threading.Event().wait(seconds)
            return []
        self.started.result()
        batches = wait(self.consumer.getmany(timeout_ms=int(seconds * 1000)))
        return [record(m) for batch in batches.values() for m in batch]

    def assignment(self):
        return {p.partition for p in self.consumer.assignment()} if self.started.done() else set()

    def commit(self):
        wait(self.consumer.commit())

    def close(self):
        wait(self.consumer.stop())


class Aiokafka(Adapter):
    name = "aiokafka"

    def __init__(self, bootstrap, cluster_version):
        super().__init__(bootstrap, cluster_version)
        self.replicas = len(bootstrap.split(","))  # this client refuses -1

        async def admin():
            return AIOKafkaAdminClient(bootstrap_servers=bootstrap)
        self.admin = wait(admin())
        wait(self.admin.start())

    def versions(self):
        return aiokafka.__version__

    @staticmethod
    def checked(response, field):
        """Raises the errors that admin calls return in the response."""
        for entry in getattr(response, field):
            code = next(v for v in entry[1:] if isinstance(v, int))
            if code:
                raise aiokafka.errors.for_code(code)(str(entry))
        return response

    def create_topic(self, topic, partitions, config=None):
        made = wait(
            self.admin.create_topics(
                [NewTopic(topic, partitions, self.replicas, topic_configs=config or {})]
            )
        )
        self.checked(made, "topic_errors")

    def topic_partitions(self, topic):
        found = wait(self.admin.list_topics())
        if topic not in found:
            return 0
        return len(wait(self.admin.describe_topics([topic]))[0]["partitions"])

    def produce(self, topic, records, codec="none", acks="all", idempotent=False):
        async def go():
            producer = aiokafka.AIOKafkaProducer(
                bootstrap_servers=self.bootstrap,
                compression_type=None if codec == "none" else codec,
                acks=acks if acks == "all" else int(acks),
                enable_idempotence=idempotent,
                linger_ms=5,
            )
            await producer.start()
            try:
                futures = [
                    await producer.send(
                        topic, r.value, r.key, r.partition, r.timestamp, list(r.headers)
                    )
                    for r in records
                ]
                await producer.flush()
                return [getattr(await f, "offset", -1) for f in futures]
            finally:
                await producer.stop()
        return wait(go())

    def consume(self, topic, count, start=None):
        async def go():
            consumer = await consumer_of(bootstrap_servers=self.bootstrap)
            await consumer.start()
            try:
                places = [aiokafka.TopicPartition(topic, p) for p in (start or range(partitions))]
                consumer.assign(places)
                for place in places:
                    consumer.seek(place, start[place.partition]) if start else None
                if not start:
                    await consumer.seek_to_beginning(*places)
                got = []
                for _ in range(300):
                    for batch in (await consumer.getmany(timeout_ms=100)).values():
                        got.extend(map(record, batch))
                    if len(got) >= count:
                        return got
                raise AssertionError(f"{len(got)} of {count} records")
            finally:
                await consumer.stop()
        partitions = 0 if start else self.topic_partitions(topic)
        return wait(go())

    def with_consumer(self, call):
        async def go():
            consumer = await consumer_of(bootstrap_servers=self.bootstrap)
            await consumer.start()
            try:
                return await call(consumer)
            finally:
                await consumer.stop()
        return wait(go())

    def end_offsets(self, topic):
        places = [aiokafka.TopicPartition(topic, p) for p in range(self.topic_partitions(topic))]
        found = self.with_consumer(lambda consumer: consumer.end_offsets(places))
        return {place.partition: offset for place, offset in found.items()}

    def member(self, group, topic, instance=None, start="earliest"):
        return Member(self.bootstrap, group, topic, instance, start)

    def committed(self, group, topic):
        found = wait(self.admin.list_consumer_group_offsets(group))
        return {p.partition: o.offset for p, o in found.items() if p.topic == topic}

    def offset_for_time(self, topic, partition, timestamp):
        place = aiokafka.TopicPartition(topic, partition)
        found = self.with_consumer(lambda consumer: consumer.offsets_for_times({place: timestamp}))[
            place
        ]
        return found and found.offset

    def describe_config(self, topic):
        responses = wait(
            self.admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
        )
        return {entry[0]: entry[1] for response in responses for entry in response.resources[0][4]}

    def alter_config(self, topic, config):
        wait(self.admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, config)]))

    def create_partitions(self, topic, total):
        wait(self.admin.create_partitions({topic: NewPartitions(total)}))

    def delete_records(self, topic, before):
        places = {aiokafka.TopicPartition(topic, p): RecordsToDelete(o) for p, o in before.items()}
        wait(self.admin.delete_records(places))

    def list_groups(self):
        return [g[0] for g in wait(self.admin.list_consumer_groups())]

    def describe_group(self, group):
        found = wait(self.admin.describe_consumer_groups([group]))[0].groups[0]
        return found[2], len(found[5])

    def delete_group(self, group):
        raise Unsupported("aiokafka has no call that deletes a group")

    def delete_topic(self, topic):
        wait(self.admin.delete_topics([topic]))


if __name__ == "__main__":
    run(Aiokafka)
