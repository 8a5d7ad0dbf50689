"""The contract that every Python client must fulfil, written once over a small adapter.

A client's file implements `Adapter` with nothing but that client's own calls and ends with
`run(MyAdapter)`. Each feature prints one JSON line:
{"client", "feature", "result": "pass" | "fail" | "n/a", "detail"}.
"n/a" means that the *client* has no such call, or that Kafka of the cluster's version does not
support it; a broker that lacks something is a failure.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
import traceback
import uuid
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Record:
    """A record as produced or fetched. `offset` is -1 where it is not known."""

    partition: int
    value: bytes | None
    key: bytes | None = None
    headers: tuple = ()
    timestamp: int = -1
    offset: int = field(default=-1, compare=False)


class Unsupported(Exception):
    """The client has no call for this."""


class Adapter:
    """The calls of one client. Every call blocks until its result is known, and raises on
    errors."""

    name = "?"

    def __init__(self, bootstrap, cluster_version):
        self.bootstrap, self.cluster_version = bootstrap, cluster_version

    def versions(self): raise NotImplementedError
    def create_topic(self, topic, partitions, config=None): raise NotImplementedError
    def topic_partitions(self, topic): raise NotImplementedError

    def produce(self, topic, records, codec="none", acks="all", idempotent=False):
        raise NotImplementedError

    def consume(self, topic, count, start=None): raise NotImplementedError
    def end_offsets(self, topic): raise NotImplementedError
    def member(self, group, topic, instance=None, start="earliest"): raise NotImplementedError
    def committed(self, group, topic): raise NotImplementedError
    def offset_for_time(self, topic, partition, timestamp): raise NotImplementedError
    def describe_config(self, topic): raise NotImplementedError
    def alter_config(self, topic, config): raise NotImplementedError
    def create_partitions(self, topic, total): raise NotImplementedError
    def delete_records(self, topic, before): raise NotImplementedError
    def list_groups(self): raise NotImplementedError
    def describe_group(self, group): raise NotImplementedError
    def delete_group(self, group): raise NotImplementedError
    def delete_topic(self, topic): raise NotImplementedError

    def process_with_member(self, group, topic):
        """A process of its own that is a group member until it is killed."""
        command = [
            sys.executable,
            sys.argv[0],
            "--bootstrap",
            self.bootstrap,
            "--member",
            group,
            topic,
            "--cluster-version",
            self.cluster_version,
        ]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
FEATURES = []
T0 = 1_700_000_000_000


def feature(name):
    def register(function):
        FEATURES.append((name, function))
        return function
    return register


def fresh(prefix):
    return f"{prefix}-{uuid.uuid4().hex[:10]}"


def until(condition, what, seconds=30.0):
    """Polls `condition` until it returns something true; fails with `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.05)


def sample(count, partitions, tag, size=100):
    return [
        Record(
            partition=i % partitions,
            key=f"{tag}-key-{i}".encode(),
            value=(f"{tag}-value-{i}-".encode() * (size // 10 + 1))[:size],
            headers=(("n", str(i).encode()), ("tag", tag.encode())),
            timestamp=T0 + i * 1000,
        )
        for i in range(count)
    ]


def by_partition(records):
    result = {}
    for record in records:
        result.setdefault(record.partition, []).append(record)
    return result


def same(sent, got, what):
    """Every record sent came out once, in order, unchanged."""
    sent, got = by_partition(sent), by_partition(got)
    assert sent.keys() == got.keys(), (
        f"{what}: partitions {sorted(sent)} sent, {sorted(got)} received"
    )
    for partition, expected in sent.items():
        received = sorted(got[partition], key=lambda r: r.offset)
        assert len(expected) == len(received), (
            f"{what}: {len(expected)} sent, {len(received)} received in {partition}"
        )
        for i, (a, b) in enumerate(zip(expected, received)):
            assert a == b, f"{what}: record {i} of partition {partition}: sent {a}, received {b}"
        offsets = [r.offset for r in received]
        assert offsets == list(range(offsets[0], offsets[0] + len(offsets))), (
            f"{what}: offsets {offsets}"
        )


def make(a, topic, partitions, config=None):
    """Creates a topic and waits until it is seen: brokers learn of it a moment after it is made."""
    a.create_topic(topic, partitions, config)
    until(
        lambda: a.topic_partitions(topic) == partitions,
        f"the new topic has {partitions} partitions",
    )


@feature("topics: create")
def create_topics(a):
    topic = fresh("create")
    a.create_topic(topic, 3, {"retention.ms": "3600000"})
    until(lambda: a.topic_partitions(topic) == 3, "the new topic has 3 partitions")
    try:
        a.create_topic(topic, 3)
    except Exception as error:
        assert "exist" in str(error).lower() or "exist" in type(error).__name__.lower(), repr(error)
    else:
        raise AssertionError("creating the same topic twice was accepted")


def codec_feature(codec):
    def check(a):
        topic = fresh(codec)
        make(a, topic, 3)
        sent = sample(300, 3, codec)
        a.produce(topic, sent, codec=codec)
        same(sent, a.consume(topic, len(sent)), codec)
    return check


for _codec in CODECS:
    FEATURES.append((f"codec: {_codec}", codec_feature(_codec)))


@feature("keys, headers, timestamps")
def shapes(a):
    topic = fresh("shapes")
    make(a, topic, 1)
    sent = [
        Record(0, b"", None, (), T0),
        Record(0, None, b"tombstone", (), T0 + 5),
        Record(0, b"v", b"", (("h", b"1"), ("h", b"2"), ("empty", b"")), T0 - 7),
        Record(0, bytes(range(256)), "schlüssel".encode(), (("ü", bytes(range(256))),), T0 + 1),
        Record(0, b"x" * 500_000, b"large", (), T0 + 9),
    ]
    a.produce(topic, sent)
    same(sent, a.consume(topic, len(sent)), "shapes")


def acks_feature(acks):
    def check(a):
        topic = fresh(f"acks-{acks}")
        make(a, topic, 2)
        sent = sample(200, 2, f"acks{acks}")
        offsets = a.produce(topic, sent, acks=acks)
        if acks != "0":
            assert [o for o in offsets] == [i // 2 for i in range(200)], (
                f"offsets of the acks: {offsets[:10]}…"
            )
        same(sent, a.consume(topic, len(sent)), f"acks={acks}")
    return check


for _acks in ("0", "1", "all"):
    FEATURES.append((f"acks: {_acks}", acks_feature(_acks)))


@feature("idempotence")
def idempotence(a):
    topic = fresh("idempotent")
    make(a, topic, 3)
    sent = sample(3000, 3, "idempotent")
    a.produce(topic, sent, idempotent=True)
    same(sent, a.consume(topic, len(sent)), "idempotence")


@feature("consume alone")
def consume_alone(a):
    topic = fresh("alone")
    make(a, topic, 3)
    sent = sample(5000, 3, "alone", size=1000)
    a.produce(topic, sent)
    assert a.end_offsets(topic) == {0: 1667, 1: 1667, 2: 1666}, a.end_offsets(topic)
    same(sent, a.consume(topic, len(sent)), "consume")


@feature("consume from the tail")
def consume_tail(a):
    topic, group = fresh("tail"), fresh("tail")
    make(a, topic, 1)
    a.produce(topic, sample(200, 1, "before"))
    member = a.member(group, topic, start="latest")
    settled([member], 1, "the member has the partition")
    # Where the tail is, the client asks at a moment of its own: the first of these that it sees
    # tells that it has.
    seen = []

    def step():
        a.produce(topic, sample(1, 1, "probe"))
        seen.extend(member.poll(0.2))
        return seen
    until(step, "the first new record")
    sent = sample(50, 1, "after")
    a.produce(topic, sent)
    until(
        lambda: seen.extend(member.poll(0.2)) or any(r.key == sent[-1].key for r in seen),
        "the last new record",
    )
    member.close()
    assert not [r for r in seen if r.key.startswith(b"before")], (
        "a record from before the start was received"
    )
    same(sent, [r for r in seen if r.key.startswith(b"after")], "after the start")


def drain(members, wanted, seconds=40.0):
    got = []

    def step():
        for member in members:
            got.extend(member.poll(0.2))
        return len(got) >= wanted
    until(step, f"{wanted} records ({len(got)} so far)", seconds)
    return got


def settled(members, partitions, what):
    def step():
        for member in members:
            member.poll(0.1)
        shares = [member.assignment() for member in members]
        whole = set().union(*shares)
        return (
            whole == set(range(partitions)) and sum(map(len, shares)) == partitions and all(shares)
        )

    until(step, what, 60.0)


@feature("group: join and leave")
def group_rebalance(a):
    topic, group = fresh("group"), fresh("group")
    make(a, topic, 4)
    first = a.member(group, topic)
    settled([first], 4, "one member has all four partitions")
    sent = sample(400, 4, "one")
    a.produce(topic, sent)
    same(sent, drain([first], 400), "one member")
    first.commit()
    second = a.member(group, topic)
    settled([first, second], 4, "two members share four partitions")
    assert {len(first.assignment()), len(second.assignment())} == {2}, "an even split"
    more = sample(400, 4, "two")
    a.produce(topic, more)
    same(more, drain([first, second], 400), "two members")
    first.commit()
    second.commit()
    second.close()
    settled([first], 4, "the remaining member has all four partitions again")
    last = sample(40, 4, "three")
    a.produce(topic, last)
    same(last, drain([first], 40), "after the leave")
    first.close()


@feature("group: crash of a member")
def group_crash(a):
    topic, group = fresh("crash"), fresh("crash")
    make(a, topic, 4)
    first = a.member(group, topic)
    settled([first], 4, "one member has all four partitions")
    child = a.process_with_member(group, topic)
    try:
        def shared():
            first.poll(0.1)
            return len(first.assignment()) == 2
        until(shared, "the second process took two partitions", 60.0)
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
    settled([first], 4, "the partitions of the killed member come back")
    sent = sample(40, 4, "crash")
    a.produce(topic, sent)
    same(sent, drain([first], 40), "after the crash")
    first.close()


@feature("group: static members")
def static_members(a):
    topic, group = fresh("static"), fresh("static")
    make(a, topic, 4)
    first = a.member(group, topic, instance="a")
    second = a.member(group, topic, instance="b")
    settled([first, second], 4, "two static members share four partitions")
    kept, share = first.assignment(), second.assignment()
    second.close()
    again = a.member(group, topic, instance="b")
    settled([first, again], 4, "the static member is back")
    assert (first.assignment(), again.assignment()) == (kept, share), (
        "both have what they had before"
    )
    sent = sample(40, 4, "static")
    a.produce(topic, sent)
    same(sent, drain([first, again], 40), "static members")
    first.close()
    again.close()


@feature("commit, lag and resume")
def commit_resume(a):
    topic, group = fresh("resume"), fresh("resume")
    make(a, topic, 2)
    sent = sample(200, 2, "resume")
    a.produce(topic, sent[:100])
    member = a.member(group, topic)
    first = drain([member], 100)
    member.commit()
    member.close()
    assert a.committed(group, topic) == {0: 50, 1: 50}, a.committed(group, topic)
    a.produce(topic, sent[100:])
    ends = a.end_offsets(topic)
    lag = {p: ends[p] - offset for p, offset in a.committed(group, topic).items()}
    assert lag == {0: 50, 1: 50}, f"the group's lag is {lag}"
    member = a.member(group, topic)
    second = drain([member], 100)
    member.close()
    same(sent, first + second, "commit and resume")


@feature("seek by offset")
def seek_offset(a):
    topic = fresh("seek")
    make(a, topic, 1)
    sent = sample(1000, 1, "seek")
    a.produce(topic, sent)
    for start in (0, 1, 499, 999):
        got = a.consume(topic, 1000 - start, start={0: start})
        assert got[0].offset == start, f"asked for {start}, got {got[0].offset}"
        same(sent[start:], got, f"from {start}")


@feature("seek by time")
def seek_time(a):
    topic = fresh("time")
    make(a, topic, 1)
    sent = sample(1000, 1, "time")
    a.produce(topic, sent, codec="gzip")
    for when, expected in (
        (T0 - 1, 0),
        (T0, 0),
        (T0 + 1, 1),
        (T0 + 500_000, 500),
        (T0 + 999_000, 999),
    ):
        got = a.offset_for_time(topic, 0, when)
        assert got == expected, f"time {when - T0}: offset {got}, expected {expected}"
    assert a.offset_for_time(topic, 0, T0 + 999_001) in (None, -1, 1000), "after the last record"


@feature("admin: configs")
def configs(a):
    topic = fresh("configs")
    make(a, topic, 1, {"retention.ms": "7200000"})

    def known():
        # A broker that was not asked to create the topic learns of it a moment later.
        try:
            return a.describe_config(topic)["retention.ms"] == "7200000"
        except Exception as error:
            if "unknown" in str(error).lower():
                return False
            raise
    until(known, "the retention given at creation")
    a.alter_config(topic, {"retention.ms": "3600000", "max.message.bytes": "2000000"})
    until(lambda: a.describe_config(topic)["retention.ms"] == "3600000", "the altered retention")
    assert a.describe_config(topic)["max.message.bytes"] == "2000000"


@feature("admin: create partitions")
def create_partitions(a):
    topic = fresh("grow")
    make(a, topic, 2)
    a.create_partitions(topic, 5)
    until(lambda: a.topic_partitions(topic) == 5, "the topic has five partitions")
    sent = sample(50, 5, "grow")
    a.produce(topic, sent)
    same(sent, a.consume(topic, 50), "new partitions")


@feature("admin: delete records")
def delete_records(a):
    topic = fresh("trim")
    make(a, topic, 1)
    sent = sample(100, 1, "trim")
    a.produce(topic, sent)
    a.delete_records(topic, {0: 60})
    got = a.consume(topic, 40)
    assert got[0].offset == 60, f"the log starts at {got[0].offset}"
    same(sent[60:], got, "after delete records")


@feature("admin: groups")
def groups(a):
    topic, group = fresh("groups"), fresh("groups")
    make(a, topic, 2)
    member = a.member(group, topic)
    settled([member], 2, "the member has both partitions")
    member.commit()
    assert group in a.list_groups(), "the group is listed"
    state, members = a.describe_group(group)
    assert "stable" in state.lower() and members == 1, (state, members)
    member.close()
    until(lambda: "empty" in a.describe_group(group)[0].lower(), "the group is empty")


@feature("admin: delete a group")
def delete_group(a):
    topic, group = fresh("groups"), fresh("groups")
    make(a, topic, 1)
    a.produce(topic, sample(10, 1, "groups"))
    member = a.member(group, topic)
    drain([member], 10)
    member.commit()
    member.close()
    until(lambda: "empty" in a.describe_group(group)[0].lower(), "the group is empty")
    a.delete_group(group)
    until(lambda: group not in a.list_groups(), "the group is gone")


@feature("topics: delete")
def delete_topic(a):
    topic = fresh("delete")
    make(a, topic, 1)
    a.produce(topic, sample(10, 1, "delete"))
    a.delete_topic(topic)
    until(lambda: a.topic_partitions(topic) == 0, "the topic is gone")
    make(a, topic, 2)
    until(lambda: a.topic_partitions(topic) == 2, "it can be made again")
    sent = sample(20, 2, "again")
    a.produce(topic, sent)
    same(sent, a.consume(topic, 20), "the topic made again")


def run(adapter_class, arguments=None):
    """The main function of a client's file."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--only", help="only the features whose name contains this")
    parser.add_argument(
        "--member", nargs=2, metavar=("GROUP", "TOPIC"), help="be a group member until killed"
    )
    parser.add_argument(
        "--cluster-version", default="3.9.x.kraft", help="the Kafka version of the cluster"
    )
    options = parser.parse_args(arguments)
    adapter = adapter_class(options.bootstrap, options.cluster_version)
    if options.member:
        member = adapter.member(*options.member)
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            member.poll(0.2)
        return
    failed = False
    for name, check in FEATURES:
        if options.only and options.only not in name:
            continue
        line = {
            "client": f"{adapter.name} {adapter.versions()}",
            "feature": name,
            "result": "pass",
            "detail": "",
        }
        started = time.monotonic()
        try:
            check(adapter)
        except Unsupported as reason:
            line |= {"result": "n/a", "detail": str(reason)}
        except Exception as error:
            failed = True
            line |= {"result": "fail", "detail": f"{type(error).__name__}: {error}"[:2000]}
            traceback.print_exc()
        line["seconds"] = round(time.monotonic() - started, 2)
        print(json.dumps(line), flush=True)
    # Clients keep background threads; the results are out, so nothing is waited for.
    sys.stdout.flush()
    os._exit(1 if failed else 0)
