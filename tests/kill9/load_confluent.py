"""Load by confluent-kafka that writes down what it saw, for `check-history`.

Usage: load_confluent.py BOOTSTRAP TOPIC CLIENT HISTORY     load until SIGTERM, then flush
       load_confluent.py BOOTSTRAP TOPIC --read HISTORY     read the whole topic once, at the end
"""

import json
import signal
import sys
import threading
import time

import confluent_kafka as ck

BOOTSTRAP, TOPIC, CLIENT, HISTORY = sys.argv[1:5]
COMMON = {
    "bootstrap.servers": BOOTSTRAP,
    "reconnect.backoff.ms": 20,
    "reconnect.backoff.max.ms": 200,
    "topic.metadata.refresh.interval.ms": 5000,
    "log_level": 0,
}
lock, stopping = threading.Lock(), threading.Event()
history = open(HISTORY, "a", buffering=1)


def note(event, **fields):
    with lock:
        history.write(json.dumps({"event": event, **fields}) + "\n")


def read_event(message, last=False):
    client, _, number = message.value().decode().partition(":")
    note(
        "read",
        partition=message.partition(),
        offset=message.offset(),
        client=client,
        id=int(number.split("|")[0]),
        last=last,
    )


def partitions(client):
    """The topic's partitions, once the broker knows them."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        found = client.list_topics(TOPIC, 30).topics[TOPIC].partitions
        if found:
            return sorted(found)
        time.sleep(0.05)
    raise AssertionError(f"topic {TOPIC} has no partitions")


def produce():
    producer = ck.Producer(
        {
            **COMMON,
            "enable.idempotence": True,
            "linger.ms": 2,
            "delivery.timeout.ms": 300_000,
            "retry.backoff.ms": 20,
            "retry.backoff.max.ms": 200,
        }
    )
    count = len(partitions(producer))

    def delivered(number):
        def callback(error, message):
            if error is None:
                note(
                    "acked",
                    client=CLIENT,
                    partition=message.partition(),
                    id=number,
                    offset=message.offset(),
                    at_ms=round(time.monotonic() * 1000),
                )
        return callback
    number = 0
    while not stopping.is_set():
        partition = number % count
        note("sent", client=CLIENT, partition=partition, id=number)
        while True:
            try:
                producer.produce(
                    TOPIC,
                    f"{CLIENT}:{number}|{'x' * (number % 700)}",
                    partition=partition,
                    on_delivery=delivered(number),
                )
                break
            except BufferError:
                producer.poll(0.05)
        producer.poll(0)
        if number % 4 == 3:
            time.sleep(0.001)  # A steady load that leaves the processor to the cluster.
        number += 1
    left = producer.flush(120)
    assert left == 0, f"{left} records were not delivered"


def consume():
    group = f"group-{CLIENT}"
    consumer = ck.Consumer(
        {
            **COMMON,
            "group.id": group,
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "session.timeout.ms": 45_000,
        }
    )
    consumer.subscribe([TOPIC])
    places = [ck.TopicPartition(TOPIC, p) for p in partitions(consumer)]
    asked = 0.0
    while not stopping.is_set():
        messages = [m for m in consumer.consume(200, 0.05) if not m.error()]
        for message in messages:
            read_event(message)
        try:
            if messages:
                for done in consumer.commit(asynchronous=False):
                    if done.error is None and done.offset >= 0:
                        note("committed", group=group, partition=done.partition, offset=done.offset)
            if time.monotonic() - asked > 0.3:
                asked = time.monotonic()
                for found in consumer.committed(places, 2):
                    if found.error is None:
                        note(
                            "resumed",
                            group=group,
                            partition=found.partition,
                            offset=max(found.offset, -1),
                        )
        except ck.KafkaException:
            # The cluster is down: whether the commit took place is not known, so nothing is noted.
            pass
    consumer.close()


def read_all():
    consumer = ck.Consumer({**COMMON, "group.id": "last-read", "enable.auto.commit": False})
    ends = {
        p: consumer.get_watermark_offsets(ck.TopicPartition(TOPIC, p), 30)
        for p in partitions(consumer)
    }
    consumer.assign([ck.TopicPartition(TOPIC, p, low) for p, (low, _) in ends.items()])
    missing = {p for p, (low, high) in ends.items() if high > low}
    deadline = time.monotonic() + 120
    while missing:
        assert time.monotonic() < deadline, f"partitions {missing} do not reach their ends {ends}"
        for message in consumer.consume(5000, 0.2):
            assert message.error() is None, message.error()
            read_event(message, last=True)
            if message.offset() >= ends[message.partition()][1] - 1:
                missing.discard(message.partition())
    consumer.close()


if CLIENT == "--read":
    read_all()
else:
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    consuming = threading.Thread(target=consume, daemon=True)
    consuming.start()
    produce()
    consuming.join(60)
history.close()
