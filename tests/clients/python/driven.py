"""A client in another language, asked the questions of contract.py through its driver.

A driver is a program that is started with the bootstrap string and the cluster's Kafka version, and
answers calls: one JSON object a line on its standard input, `{"call": …}` with arguments; one a
line on its standard output, `{"ok": …}`, `{"error": text}`, or `{"unsupported": text}` where the
client has no such call. Bytes are base64. It ends with its input. Usage: driven.py --driver COMMAND
… --bootstrap HOST:PORT,… (the rest as contract.py has it)
"""

import base64
import itertools
import json
import subprocess
import sys
import threading

from contract import Adapter, Record, Unsupported, run

split = sys.argv.index("--bootstrap")
COMMAND, ARGUMENTS = sys.argv[2:split], sys.argv[split:]
ANSWER_SECONDS_MAX = 90


def encoded(content):
    return None if content is None else base64.b64encode(content).decode()


def decoded(text):
    return None if text is None else base64.b64decode(text)


def to_json(r):
    return {
        "partition": r.partition,
        "key": encoded(r.key),
        "value": encoded(r.value),
        "timestamp": r.timestamp,
        "headers": [[k, encoded(v)] for k, v in r.headers],
    }


def from_json(r):
    headers = tuple((k, decoded(v)) for k, v in r["headers"] or ())
    return Record(
        r["partition"], decoded(r["value"]), decoded(r["key"]), headers, r["timestamp"], r["offset"]
    )


def by_number(found):
    return {int(partition): offset for partition, offset in found.items()}


class Driver:
    def __init__(self, bootstrap, cluster_version):
        command = [*COMMAND, bootstrap, cluster_version]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def call(self, name, **arguments):
        self.process.stdin.write(json.dumps({"call": name, **arguments}) + "\n")
        self.process.stdin.flush()
        # A driver that does not respond is ended: the call then fails, and so do those after it.
        watch = threading.Timer(ANSWER_SECONDS_MAX, self.process.kill)
        watch.start()
        line = self.process.stdout.readline()
        watch.cancel()
        assert line, f"the driver ended, or did not answer {name} within {ANSWER_SECONDS_MAX} s"
        answer = json.loads(line)
        if "unsupported" in answer:
            raise Unsupported(answer["unsupported"])
        if "error" in answer:
            raise RuntimeError(f"{name}: {answer['error']}")
        return answer["ok"]


class Member:
    numbers = itertools.count(1)

    def __init__(self, driver, group, topic, instance, start):
        self.driver, self.number, self.shared = driver, next(self.numbers), set()
        driver.call(
            "member", member=self.number, group=group, topic=topic, instance=instance, start=start
        )

    def poll(self, seconds):
        found = self.driver.call("poll", member=self.number, seconds=seconds)
        self.shared = set(found["assignment"] or ())
        return [from_json(r) for r in found["records"] or ()]

    def assignment(self):
        return self.shared

    def commit(self):
        self.driver.call("commit", member=self.number)

    def close(self):
        self.driver.call("close", member=self.number)


class Driven(Adapter):
    def __init__(self, bootstrap, cluster_version):
        super().__init__(bootstrap, cluster_version)
        self.driver = Driver(bootstrap, cluster_version)
        self.name, self.version = self.driver.call("hello")

    def versions(self):
        return self.version

    def create_topic(self, topic, partitions, config=None):
        self.driver.call("create_topic", topic=topic, partitions=partitions, config=config or {})

    def topic_partitions(self, topic):
        return self.driver.call("topic_partitions", topic=topic)

    def produce(self, topic, records, codec="none", acks="all", idempotent=False):
        return self.driver.call(
            "produce",
            topic=topic,
            records=[to_json(r) for r in records],
            codec=codec,
            acks=acks,
            idempotent=idempotent,
        )

    def consume(self, topic, count, start=None):
        return [
            from_json(r)
            for r in self.driver.call("consume", topic=topic, count=count, places=start or {})
        ]

    def end_offsets(self, topic):
        return by_number(self.driver.call("end_offsets", topic=topic))

    def member(self, group, topic, instance=None, start="earliest"):
        return Member(self.driver, group, topic, instance or "", start)

    def process_with_member(self, group, topic):
        driver = Driver(self.bootstrap, self.cluster_version)
        Member(driver, group, topic, "", "earliest")
        return driver.process

    def committed(self, group, topic):
        return by_number(self.driver.call("committed", group=group, topic=topic))

    def offset_for_time(self, topic, partition, timestamp):
        return self.driver.call(
            "offset_for_time", topic=topic, partition=partition, timestamp=timestamp
        )

    def describe_config(self, topic):
        return self.driver.call("describe_config", topic=topic)

    def alter_config(self, topic, config):
        self.driver.call("alter_config", topic=topic, config=config)

    def create_partitions(self, topic, total):
        self.driver.call("create_partitions", topic=topic, partitions=total)

    def delete_records(self, topic, before):
        self.driver.call("delete_records", topic=topic, places=before)

    def list_groups(self):
        return self.driver.call("list_groups")

    def describe_group(self, group):
        return tuple(self.driver.call("describe_group", group=group))

    def delete_group(self, group):
        self.driver.call("delete_group", group=group)

    def delete_topic(self, topic):
        self.driver.call("delete_topic", topic=topic)


if __name__ == "__main__":
    run(Driven, ARGUMENTS)
