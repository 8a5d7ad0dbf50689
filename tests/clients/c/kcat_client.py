"""kcat (C, librdkafka) as a user runs it: the questions of python/contract.py that a command line
can be asked.

kcat makes no topics, so confluent-kafka does. Prints one JSON line per feature. Usage: as
python/contract.py has it.
"""

import argparse
import json
import re
import subprocess
import sys
import threading
import time
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "python"))
from confluent_kafka import ConsumerGroupTopicPartitions, admin  # noqa: E402
from contract import CODECS, FEATURES, fresh, until  # noqa: E402

PARTITION = re.compile(r"\[(\d+)\]")


def kcat(*arguments, stdin=None):
    command = ["kcat", "-b", BOOTSTRAP, "-q", *map(str, arguments)]
    done = subprocess.run(command, input=stdin, capture_output=True, timeout=60)
    assert done.returncode == 0, (
        f"{' '.join(command)} exited with {done.returncode}: {done.stderr.decode()}"
    )
    return done.stdout


def topic_of(prefix, partitions):
    topic = fresh(prefix)
    ADMIN.create_topics([admin.NewTopic(topic, partitions)])[topic].result(30)
    return topic


def lines(count, tag, size=0):
    return [(f"{tag}-key-{i}", f"{tag}-value-{i}-".ljust(size, "x")) for i in range(count)]


def produce(topic, records, partition=0, *arguments):
    text = "".join(f"{key}\t{value}\n" for key, value in records)
    kcat("-P", "-t", topic, "-p", partition, "-K", "\\t", *arguments, stdin=text.encode())


def consume(topic, *arguments, partition=0):
    """[(offset, key, value)] until the end of the partition."""
    said = kcat(
        "-C", "-t", topic, "-p", partition, "-e", "-f", "%o\\t%k\\t%s\\n", *arguments
    ).decode()
    rows = [line.split("\t") for line in said.splitlines()]
    return [(int(offset), key, value) for offset, key, value in rows]


def numbered(records, start=0):
    return [(start + i, key, value) for i, (key, value) in enumerate(records)]


class Running:
    """A kcat that consumes in the background: what it received, and, in a group, which partitions
    it has."""

    def __init__(self, *arguments):
        command = ["kcat", "-b", BOOTSTRAP, "-u", "-J", *map(str, arguments)]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.records, self.partitions, self.said = [], set(), []
        self.threads = [threading.Thread(target=self.read), threading.Thread(target=self.listen)]
        for thread in self.threads:
            thread.start()

    def read(self):
        for line in self.process.stdout:
            self.records.append(json.loads(line))

    def listen(self):
        for line in self.process.stderr:
            self.said.append(line)
            if "assigned:" in line:
                self.partitions = {
                    int(p) for p in PARTITION.findall(line.partition("assigned:")[2])
                }
            elif "revoked:" in line:
                self.partitions = set()

    def keys(self):
        return [record["key"] for record in self.records]

    def stop(self, kill=False):
        (self.process.kill if kill else self.process.terminate)()
        self.process.wait(30)
        for thread in self.threads:
            thread.join()


def member(group, topic, *arguments):
    options = (
        "-X",
        "session.timeout.ms=6000",
        "-X",
        "heartbeat.interval.ms=500",
        "-X",
        "auto.offset.reset=earliest",
    )
    return Running(*options, *arguments, "-G", group, topic)


def settled(members, total, what):
    def step():
        shares = [m.partitions for m in members]
        return (
            all(shares)
            and set().union(*shares) == set(range(total))
            and sum(map(len, shares)) == total
        )

    until(step, f"{what}: {[m.said[-1:] for m in members]}", 60)


def everything(topic, members, partitions, tag):
    """Produces to each partition and waits until the members have it, each record once."""
    sent = []
    for partition in range(partitions):
        records = lines(10, f"{tag}-{partition}")
        produce(topic, records, partition)
        sent += [key for key, _ in records]

    def received():
        return sorted(key for m in members for key in m.keys() if key.startswith(tag))
    until(lambda: len(received()) >= len(sent), f"{len(sent)} records", 40)
    assert received() == sorted(sent), "each record once"


def codec(name):
    def check():
        topic = topic_of(name, 2)
        for partition in range(2):
            sent = lines(150, f"{name}{partition}", 200)
            produce(topic, sent, partition, "-X", f"compression.codec={name}")
            assert consume(topic, partition=partition) == numbered(sent), f"partition {partition}"
    return check


def shapes():
    topic, before = topic_of("shapes", 1), int(time.time() * 1000)
    kcat(
        "-P",
        "-t",
        topic,
        "-p",
        0,
        "-k",
        "schlüssel",
        "-H",
        "h=1",
        "-H",
        "h=2",
        "-H",
        "empty=",
        stdin=b"value",
    )
    kcat("-P", "-t", topic, "-p", 0, "-K", "\\t", "-Z", stdin=b"tombstone\t\n")
    kcat("-P", "-t", topic, "-p", 0, stdin=b"x" * 500_000 + b"\n")
    after = int(time.time() * 1000)
    first, second, third = map(
        json.loads, kcat("-C", "-t", topic, "-p", 0, "-e", "-J").splitlines()
    )
    assert (first["key"], first["payload"]) == ("schlüssel", "value"), first
    assert first["headers"] == ["h", "1", "h", "2", "empty", ""], first
    assert (second["key"], second["payload"]) == ("tombstone", None), second
    assert (third["key"], third["payload"]) == (None, "x" * 500_000), "a large record without a key"
    assert all(
        r["tstype"] == "create" and before <= r["ts"] <= after for r in (first, second, third)
    ), (before, first, after)


def acks(name):
    def check():
        topic, sent = topic_of("acks", 1), lines(200, f"acks{name}")
        produce(topic, sent, 0, "-X", f"acks={name}")
        until(lambda: consume(topic) == numbered(sent), "every record, once")
    return check


def idempotence():
    topic, sent = topic_of("idempotent", 1), lines(3000, "idempotent")
    produce(topic, sent, 0, "-X", "enable.idempotence=true", "-X", "batch.num.messages=50")
    assert consume(topic) == numbered(sent)


def consume_alone():
    topic = topic_of("alone", 3)
    for partition in range(3):
        sent = lines(1600, f"alone{partition}", 1000)
        produce(topic, sent, partition)
        assert consume(topic, partition=partition) == numbered(sent), f"partition {partition}"


def consume_tail():
    topic = topic_of("tail", 1)
    produce(topic, lines(200, "before"))
    running = Running("-C", "-t", topic, "-p", 0, "-o", "end")
    try:
        def probed():
            produce(topic, lines(1, "probe"))
            return running.records
        until(probed, "the first new record")
        sent = lines(50, "after")
        produce(topic, sent)
        until(lambda: sent[-1][0] in running.keys(), "the last new record")
        assert not [key for key in running.keys() if key.startswith("before")], (
            "nothing from before"
        )
        assert [key for key in running.keys() if key.startswith("after")] == [
            key for key, _ in sent
        ]
    finally:
        running.stop()


def group_rebalance():
    topic, group = topic_of("group", 4), fresh("group")
    running = [member(group, topic)]
    try:
        settled(running, 4, "one member has all four partitions")
        everything(topic, running, 4, "one")
        running.append(member(group, topic))
        settled(running, 4, "two members share four partitions")
        everything(topic, running, 4, "two")
        running.pop().stop()
        settled(running, 4, "the remaining member has all four partitions again")
        everything(topic, running, 4, "three")
    finally:
        for one in running:
            one.stop()


def group_crash():
    topic, group = topic_of("crash", 4), fresh("crash")
    running = [member(group, topic)]
    try:
        settled(running, 4, "one member has all four partitions")
        running.append(member(group, topic))
        settled(running, 4, "two members share four partitions")
        running.pop().stop(kill=True)
        settled(running, 4, "the partitions of the killed member come back")
        everything(topic, running, 4, "crash")
    finally:
        for one in running:
            one.stop()


def static_members():
    topic, group = topic_of("static", 4), fresh("static")
    running = [member(group, topic, "-X", f"group.instance.id={name}") for name in "ab"]
    try:
        settled(running, 4, "two static members share four partitions")
        first, second = (set(m.partitions) for m in running)
        running.pop().stop()
        running.append(member(group, topic, "-X", "group.instance.id=b"))
        settled(running, 4, "the static member is back")
        assert [m.partitions for m in running] == [first, second], "both have what they had before"
        everything(topic, running, 4, "static")
    finally:
        for one in running:
            one.stop()


def commit_resume():
    topic, group, sent = topic_of("resume", 1), fresh("resume"), lines(200, "resume")
    produce(topic, sent[:100])
    options = (
        "-X",
        "auto.offset.reset=earliest",
        "-f",
        "%o\\t%k\\t%s\\n",
        "-c",
        100,
        "-G",
        group,
        topic,
    )
    first = kcat(*options).decode().splitlines()
    produce(topic, sent[100:])
    second = kcat(*options).decode().splitlines()
    assert first + second == [
        f"{offset}\t{key}\t{value}" for offset, key, value in numbered(sent)
    ], (first[-1:], second[:1])
    asked = [ConsumerGroupTopicPartitions(group)]
    found = ADMIN.list_consumer_group_offsets(asked)[group].result(30).topic_partitions
    assert [place.offset for place in found] == [200], found


def seek_offset():
    topic, sent = topic_of("seek", 1), lines(1000, "seek")
    produce(topic, sent)
    for start in (0, 1, 499, 999):
        assert consume(topic, "-o", start) == numbered(sent)[start:], f"from {start}"
    assert consume(topic, "-o", "-5") == numbered(sent)[-5:], "the last five"


def seek_time():
    topic, sent = topic_of("time", 1), lines(100, "time")
    produce(topic, sent[:60])
    records = map(json.loads, kcat("-C", "-t", topic, "-p", 0, "-e", "-J").splitlines())
    between = max(record["ts"] for record in records) + 1
    until(lambda: time.time() * 1000 > between, "the clock is past the first records")
    produce(topic, sent[60:])
    for when, expected in ((0, 0), (between, 60)):
        said = kcat("-Q", "-t", f"{topic}:0:{when}").decode()
        assert said.split()[-1] == str(expected), said
    assert consume(topic, "-o", f"s@{between}") == numbered(sent)[60:]


def metadata():
    topic = topic_of("metadata", 3)
    found = json.loads(kcat("-L", "-J", "-t", topic))
    assert len(found["brokers"]) == len(BOOTSTRAP.split(",")), found
    assert [(t["topic"], len(t["partitions"])) for t in found["topics"]] == [(topic, 3)], found


def main():
    checks = {f"codec: {name}": codec(name) for name in CODECS} | {
        f"acks: {name}": acks(name) for name in ("0", "1", "all")
    }
    checks |= {
        "keys, headers, timestamps": shapes,
        "idempotence": idempotence,
        "consume alone": consume_alone,
        "consume from the tail": consume_tail,
        "group: join and leave": group_rebalance,
        "group: crash of a member": group_crash,
        "group: static members": static_members,
        "commit, lag and resume": commit_resume,
        "seek by offset": seek_offset,
        "seek by time": seek_time,
    }
    version = re.search(
        r"Version (\S+)", subprocess.run(["kcat", "-V"], capture_output=True, text=True).stdout
    )[1]
    failed = False
    for name in [*(name for name, _ in FEATURES), "cluster metadata"]:
        if OPTIONS.only and OPTIONS.only not in name:
            continue
        line = {"client": f"kcat {version}", "feature": name, "result": "pass", "detail": ""}
        started = time.monotonic()
        check = metadata if name == "cluster metadata" else checks.get(name)
        try:
            if check:
                check()
            else:
                line |= {"result": "n/a", "detail": "kcat administers nothing"}
        except Exception as error:
            failed = True
            line |= {"result": "fail", "detail": f"{type(error).__name__}: {error}"[:2000]}
            traceback.print_exc()
        line["seconds"] = round(time.monotonic() - started, 2)
        print(json.dumps(line), flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--cluster-version", help="not needed: kcat asks")
    parser.add_argument("--only", help="only the features whose name contains this")
    OPTIONS = parser.parse_args()
    BOOTSTRAP = OPTIONS.bootstrap
    ADMIN = admin.AdminClient({"bootstrap.servers": BOOTSTRAP})
    main()
