"""A small client for the fault tests. The file ACKED collects "partition offset value" of what was
acknowledged.

    client.py BOOTSTRAP produce TOPIC ACKED COUNT   make the topic, produce COUNT records
    client.py BOOTSTRAP fill TOPIC ACKED            make the topic, produce until the disk is full;
                                                    prints errors
    client.py BOOTSTRAP resume TOPIC ACKED          produce again; it must succeed within a minute
    client.py BOOTSTRAP load TOPIC ACKED MIB        produce that many MiB to partition 0, fast
    client.py BOOTSTRAP rush TOPIC ACKED SECONDS    make the topic, produce as fast as possible;
                                                    prints a sum
    client.py BOOTSTRAP member TOPIC -              a member of a group until its input ends; prints
                                                    "assigned" each time
    client.py BOOTSTRAP verify TOPIC ACKED [others] read everything: all acknowledged, each once;
                                                    `others` may have produced too
"""

import sys
import time
import uuid

import confluent_kafka as ck
from confluent_kafka import admin

BOOTSTRAP, MODE, TOPIC, ACKED = sys.argv[1:5]
PARTITIONS = 3
NO_LEADER_YET = (
    ck.KafkaError._UNKNOWN_PARTITION,
    ck.KafkaError._ALL_BROKERS_DOWN,
    ck.KafkaError._TRANSPORT,
    ck.KafkaError._TIMED_OUT,
    ck.KafkaError.LEADER_NOT_AVAILABLE,
    ck.KafkaError.NOT_LEADER_FOR_PARTITION,
)


def producer(**options):
    return ck.Producer(
        {
            "bootstrap.servers": BOOTSTRAP,
            "enable.idempotence": False,
            "retries": 0,
            "linger.ms": 1,
            "log_level": 0,
            **options,
        }
    )


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
            acked.write(
                f"{message.partition()} {message.offset()} {message.value()[:36].decode()}\n"
            )

    for i in range(count):
        client.produce(
            TOPIC,
            str(uuid.uuid4()) + "z" * (size - 36),
            partition=i % PARTITIONS,
            on_delivery=delivered,
        )
        client.poll(0)
    client.flush(60)
    acked.close()
    return count - len(errors)


def watermarks(consumer, place, seconds=30):
    """Low and high, as soon as the partition has a leader: right after a start the brokers come one
    by one."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            # librdkafka keeps for 15 minutes that a partition has no leader, and says "unknown
            # partition" without asking again (rd_kafka_topic_partition_list_query_leaders).
            consumer.list_topics(place.topic, 5)
            return consumer.get_watermark_offsets(place, 5)
        except ck.KafkaException as error:
            if error.args[0].code() not in NO_LEADER_YET or time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def verify():
    expected = {}
    for line in open(ACKED):
        partition, offset, value = line.split()
        expected[int(partition), int(offset)] = value
    consumer = ck.Consumer(
        {
            "bootstrap.servers": BOOTSTRAP,
            "group.id": "verify",
            "enable.auto.commit": False,
            "log_level": 0,
        }
    )
    places = [ck.TopicPartition(TOPIC, p) for p in range(PARTITIONS)]
    ends = {p.partition: watermarks(consumer, p) for p in places}
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
    assert not lost, (
        f"{len(lost)} of {len(expected)} acknowledged records are lost or changed: "
        f"{list(lost.items())[:3]}"
    )
    ours = [value for value in found.values() if len(value) == 36]
    assert sys.argv[5:] == ["others"] or len(ours) == len(found), (
        "there are records nobody produced"
    )
    assert len(set(ours)) == len(ours), "a record is there twice"
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
    failures, deadline = [], time.monotonic() + 240
    while not any(e.code() == ck.KafkaError.KAFKA_STORAGE_ERROR for e in failures):
        assert time.monotonic() < deadline, (
            f"the disk did not fill up; errors so far: {set(map(str, failures))}"
        )
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
elif MODE == "member":
    import select

    consumer = ck.Consumer(
        {
            "bootstrap.servers": BOOTSTRAP,
            "group.id": "members",
            "auto.offset.reset": "earliest",
            "session.timeout.ms": 6000,
            "heartbeat.interval.ms": 500,
            "log_level": 0,
        }
    )
    consumer.subscribe([TOPIC], on_assign=lambda *_: print("assigned", flush=True))
    while not select.select([sys.stdin], [], [], 0)[0]:
        message = consumer.poll(0.2)
        assert message is None or message.error() is None, message.error()
    consumer.close()
elif MODE == "load":
    client, failures = producer(**{"queue.buffering.max.kbytes": 65536}), []
    for _ in range(int(sys.argv[5])):
        while True:
            try:
                client.produce(
                    TOPIC,
                    b"m" * 900_000,
                    partition=0,
                    on_delivery=lambda e, _: failures.append(e) if e else None,
                )
                break
            except BufferError:
                client.poll(0.1)
    assert client.flush(240) == 0 and not failures, failures[:3]
elif MODE == "rush":
    create()
    failures, count, started = [], 0, time.monotonic()
    acked = open(ACKED, "a")
    client = producer(
        **{"queue.buffering.max.kbytes": 65536, "delivery.timeout.ms": 120_000, "retries": 10}
    )

    def note(error, message):
        if error:
            failures.append(error)
        else:
            value = message.value()[:36].decode()
            acked.write(f"{message.partition()} {message.offset()} {value}\n")
    while time.monotonic() - started < float(sys.argv[5]):
        try:
            client.produce(
                TOPIC,
                str(uuid.uuid4()) + "z" * 100_000,
                partition=count % PARTITIONS,
                on_delivery=note,
            )
            count += 1
        except BufferError:
            client.poll(0.05)
    left = client.flush(120)
    acked.close()
    seconds = time.monotonic() - started
    assert left == 0 and not failures, (
        f"{left} without an answer, {len(failures)} failed: {failures[:3]}"
    )
    print(f"{count} records of 100 kB in {seconds:.0f} s, {count / 10 / seconds:.0f} MB/s")
elif MODE == "verify":
    verify()
