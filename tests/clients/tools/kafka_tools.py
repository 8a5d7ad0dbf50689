"""Apache Kafka's own command line tools against a cluster: each is run as a user would run it, and
what it prints is checked. Prints one JSON line per tool. Usage: kafka_tools.py CLASSPATH VERSION
BOOTSTRAP
"""

import functools
import json
import subprocess
import sys
import time
import traceback
import uuid

CLASSPATH, VERSION, BOOTSTRAP = sys.argv[1:4]
# A process this short gains nothing from the optimising compiler.
JVM = ["java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", CLASSPATH]
TOPICS = "org.apache.kafka.tools.TopicCommand"
PRODUCER = "org.apache.kafka.tools.ConsoleProducer"
CONSUMER = "org.apache.kafka.tools.consumer.ConsoleConsumer"
GROUPS = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand"
CONFIGS = "kafka.admin.ConfigCommand"
OFFSETS = "org.apache.kafka.tools.GetOffsetShell"
PRODUCER_PERF = "org.apache.kafka.tools.ProducerPerformance"
CONSUMER_PERF = "org.apache.kafka.tools.ConsumerPerformance"
VERSIONS = "org.apache.kafka.tools.BrokerApiVersionsCommand"


def tool(main, *arguments, stdin=None, names_cluster=("--bootstrap-server", BOOTSTRAP)):
    command = [*JVM, main, *names_cluster, *arguments]
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=90)
    said = done.stdout + done.stderr
    assert done.returncode == 0, (
        f"{main} {' '.join(arguments)} exited with {done.returncode}: {said}"
    )
    return said


def fresh(prefix):
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


def topics():
    topic = fresh("tool")
    tool(
        TOPICS,
        "--create",
        "--topic",
        topic,
        "--partitions",
        "3",
        "--config",
        "retention.ms=3600000",
    )
    said = tool(TOPICS, "--describe", "--topic", topic)
    assert (
        "PartitionCount: 3" in said
        and "retention.ms=3600000" in said
        and said.count("Leader: ") == 3
    ), said
    assert "none" not in said.lower().split("leader:")[1].split()[0], said
    tool(TOPICS, "--alter", "--topic", topic, "--partitions", "4")
    assert topic in tool(TOPICS, "--list").split()
    tool(TOPICS, "--delete", "--topic", topic)
    assert topic not in tool(TOPICS, "--list").split()


@functools.cache
def console():
    """A topic of 50 records and the group that has read them: others ask about them."""
    topic, group = fresh("console"), fresh("console")
    tool(TOPICS, "--create", "--topic", topic, "--partitions", "1")
    lines = [f"key-{i}\tvalue {i} äöü" for i in range(50)]
    tool(PRODUCER, "--topic", topic, "--property", "parse.key=true", "--compression-codec", "zstd",
         stdin="\n".join(lines) + "\n")
    said = tool(
        CONSUMER,
        "--topic",
        topic,
        "--from-beginning",
        "--max-messages",
        "50",
        "--group",
        group,
        "--property",
        "print.key=true",
        "--timeout-ms",
        "30000",
    )
    got = [line for line in said.splitlines() if line.startswith("key-")]
    assert got == lines, got[:3]
    return topic, group


def consumer_groups():
    topic, group = console()
    said = tool(GROUPS, "--describe", "--group", group)
    row = next(line.split() for line in said.splitlines() if line.startswith(group))
    assert row[1:6] == [topic, "0", "50", "50", "0"], said
    assert group in tool(GROUPS, "--list").split()
    said = tool(
        GROUPS,
        "--reset-offsets",
        "--to-offset",
        "10",
        "--group",
        group,
        "--topic",
        topic,
        "--execute",
    )
    assert "10" in said, said
    row = next(
        line.split()
        for line in tool(GROUPS, "--describe", "--group", group).splitlines()
        if line.startswith(group)
    )
    assert row[3] == "10", row
    tool(GROUPS, "--delete", "--group", group)
    assert group not in tool(GROUPS, "--list").split()


def configs():
    topic = fresh("configs")
    tool(TOPICS, "--create", "--topic", topic, "--partitions", "1")
    tool(
        CONFIGS,
        "--alter",
        "--entity-type",
        "topics",
        "--entity-name",
        topic,
        "--add-config",
        "retention.ms=1234567",
    )
    said = tool(CONFIGS, "--describe", "--entity-type", "topics", "--entity-name", topic)
    assert "retention.ms=1234567" in said, said
    tool(
        CONFIGS,
        "--alter",
        "--entity-type",
        "topics",
        "--entity-name",
        topic,
        "--delete-config",
        "retention.ms",
    )
    assert "retention.ms" not in tool(
        CONFIGS, "--describe", "--entity-type", "topics", "--entity-name", topic
    )
    said = tool(CONFIGS, "--describe", "--all", "--entity-type", "brokers", "--entity-name", "1")
    assert "log.retention" in said and "message.max.bytes" in said, said[:500]


def offsets():
    topic, _ = console()
    said = tool(OFFSETS, "--topic", topic)
    assert f"{topic}:0:50" in said, said


def api_versions():
    said = tool(VERSIONS)
    assert "Produce(0)" in said and "UNKNOWN" not in said.split("Produce(0)")[1].split("\n")[0], (
        said[:1000]
    )


def performance():
    topic, count = fresh("perf"), 20_000
    tool(TOPICS, "--create", "--topic", topic, "--partitions", "3")
    said = tool(
        PRODUCER_PERF,
        "--topic",
        topic,
        "--num-records",
        str(count),
        "--record-size",
        "500",
        "--throughput",
        "-1",
        "--producer-props",
        f"bootstrap.servers={BOOTSTRAP}",
        "acks=all",
        "compression.type=lz4",
        names_cluster=(),
    )
    assert f"{count} records sent" in said and "records/sec" in said, said
    said = tool(CONSUMER_PERF, "--topic", topic, "--messages", str(count), "--timeout", "30000")
    heading, row = (line.split(", ") for line in said.splitlines()[:2])
    consumed = dict(zip(heading, row))
    assert int(consumed["data.consumed.in.nMsg"]) == count, said


FEATURES = {
    "kafka-topics": topics,
    "kafka-console-producer, -consumer": console,
    "kafka-consumer-groups": consumer_groups,
    "kafka-configs": configs,
    "kafka-get-offsets": offsets,
    "kafka-producer-perf-test, kafka-consumer-perf-test": performance,
    "kafka-broker-api-versions": api_versions,
}
failed = False
for name, check in FEATURES.items():
    line = {"client": f"kafka tools {VERSION}", "feature": name, "result": "pass", "detail": ""}
    started = time.monotonic()
    try:
        check()
    except Exception as error:
        failed = True
        line |= {"result": "fail", "detail": f"{type(error).__name__}: {error}"[:2000]}
        traceback.print_exc()
    line["seconds"] = round(time.monotonic() - started, 2)
    print(json.dumps(line), flush=True)
sys.exit(failed)
