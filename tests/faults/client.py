"""A small client for the fault tests. The file ACKED collects "partition offset value" of what was acknowledged.

    client.py BOOTSTRAP produce TOPIC ACKED COUNT   make the topic, produce COUNT records
    client.py BOOTSTRAP fill TOPIC ACKED            make the topic, produce until the broker has no room; prints errors
    client.py BOOTSTRAP resume TOPIC ACKED          produce again; it must succeed within a minute
    client.py BOOTSTRAP verify TOPIC ACKED          read everything: what was acknowledged is there, once
"""

import sys
import time
import uuid

import confluent_kafka as ck
from confluent_kafka import admin

BOOTSTRAP, MODE, TOPIC, ACKED = sys.argv[1:5]
PARTITIONS = 3


def producer(**options):
    return ck.Producer({"bootstrap.servers": BOOTSTRAP, "enable.idempotence": False, "retries": 0, "linger.ms": 1,
                        "log_level": 0, **options})


def create():
    client = admin.AdminClient({"bootstrap.servers": BOOTSTRAP})
    client.create_topics([admin.NewTopic(TOPIC, PARTITIONS)])[TOPIC].result(30)


def send(count, size, errors, **options):
    """Sends `count` records one batch after the other; returns how many were acknowledged."""
    client, acked = producer(**options), open(ACKED, "a")

    def delivered(error, message):
        if error:
            errors.append(error)
        else:
            acked.write(f"{message.partition()} {message.offset()} {message.value()[:36].decode()}\n")
    for i in range(count):
        client.produce(TOPIC, str(uuid.uuid4()) + "z" * (size - 36), partition=i % PARTITIONS, on_delivery=delivered)
        client.poll(0)
    client.flush(60)
    acked.close()
    return count - len(errors)


def verify():
    expected = {}
    for line in open(ACKED):
        partition, offset, value = line.split()
        expected[int(partition), int(offset)] = value
    consumer = ck.Consumer({"bootstrap.servers": BOOTSTRAP, "group.id": "verify", "enable.auto.commit": False, "log_level": 0})
    places = [ck.TopicPartition(TOPIC, p) for p in range(PARTITIONS)]
    ends = {p.partition: consumer.get_watermark_offsets(p, 30) for p in places}
    consumer.assign([ck.TopicPartition(TOPIC, p, low) for p, (low, _) in ends.items()])
    missing, found = {p for p, (low, high) in ends.items() if high > low}, {}
    deadline = time.monotonic() + 120
    while missing:
        assert time.monotonic() < deadline, f"partitions {missing} do not reach {ends}"
        for message in consumer.consume(1000, 0.2):
            assert message.error() is None, message.error()
            found[message.partition(), message.offset()] = message.value()[:36].decode()
            if message.offset() >= ends[message.partition()][1] - 1:
                missing.discard(message.partition())
    consumer.close()
    lost = {place: value for place, value in expected.items() if found.get(place) != value}
    assert not lost, f"{len(lost)} of {len(expected)} acknowledged records are lost or changed: {list(lost.items())[:3]}"
    assert len(set(found.values())) == len(found), "a record is there twice"
    print(f"{len(expected)} acknowledged, {len(found)} present")


if MODE == "produce":
    create()
    failures = []
    # In portions, so that the write-ahead log gets many frames.
    for _ in range(int(sys.argv[5]) // 20):
        send(20, 200, failures)
    assert not failures, failures[:3]
elif MODE == "fill":
    create()
    failures, deadline = [], time.monotonic() + 150
    while not any(e.code() == ck.KafkaError.KAFKA_STORAGE_ERROR for e in failures):
        assert time.monotonic() < deadline, f"the disk did not fill up; errors so far: {set(map(str, failures))}"
        send(300, 100_000, failures, **{"delivery.timeout.ms": 10_000, "batch.num.messages": 5})
    for name in {e.name() for e in failures}:
        print(name)
elif MODE == "resume":
    deadline = time.monotonic() + 60
    while True:
        failures = []
        if send(30, 1000, failures, **{"delivery.timeout.ms": 5000}) == 30:
            break
        assert time.monotonic() < deadline, f"still failing: {set(map(str, failures))}"
elif MODE == "verify":
    verify()
