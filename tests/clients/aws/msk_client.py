"""The AWS MSK API through boto3 and the aws command line, both unmodified.

Requests are validated by botocore against the service model it ships, answers by `msk_contract`.
Prints one JSON line per feature, as the Kafka clients do. Needs AWS_ENDPOINT_URL_KAFKA,
AWS_SHARED_CREDENTIALS_FILE and AWS_DEFAULT_REGION.
"""

import argparse
import base64
import configparser
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import urllib.error
import urllib.request
import uuid

import boto3
import botocore
import botocore.config
from botocore.exceptions import ClientError, ParamValidationError

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
import msk_contract  # noqa: E402

FEATURES = []
# Set by main: the recorder of responses, and whether only some features run.
witness, only = None, None
AWS = os.path.join(os.path.dirname(sys.executable), "aws")
NODES = {"InstanceType": "kafka.m5.large", "ClientSubnets": ["subnet-a", "subnet-b", "subnet-c"],
         "StorageInfo": {"EbsStorageInfo": {"VolumeSize": 10}}}
PLAINTEXT = {"EncryptionInTransit": {"ClientBroker": "PLAINTEXT", "InCluster": True}}


def feature(client, name):
    def register(function):
        FEATURES.append((client, name, function))
        return function
    return register


def kafka(**config):
    return boto3.client(
        "kafka", config=botocore.config.Config(retries={"max_attempts": 1}, **config)
    )


def state(client, arn, wanted="ACTIVE", seconds=60):
    """Waits until the cluster is in that state; returns its description."""
    def reached():
        info = client.describe_cluster(ClusterArn=arn)["ClusterInfo"]
        return info if info["State"] == wanted else None
    return until(reached, f"{arn} is {wanted}", seconds)


def create(client, prefix, **more):
    """A cluster of three brokers; returns its ARN once it is ACTIVE."""
    arguments = dict(ClusterName=fresh(prefix), KafkaVersion="3.9.x.kraft", NumberOfBrokerNodes=3,
                     BrokerNodeGroupInfo=NODES, EncryptionInfo=PLAINTEXT) | more
    arn = client.create_cluster(**arguments)["ClusterArn"]
    state(client, arn)
    return arn


def until(condition, what, seconds=60):
    deadline = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.1)


def refused(code, call, **arguments):
    """The call fails with this error code; returns the error."""
    try:
        call(**arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error
        return error
    raise AssertionError(f"{code} was expected, the call was accepted")


def fresh(prefix):
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


def aws(*arguments, ok=True):
    done = subprocess.run(
        [AWS, "kafka", *arguments, "--output", "json"], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode == 0) == ok, (
        f"aws kafka {' '.join(arguments)}: {done.stdout}{done.stderr}"
    )
    return json.loads(done.stdout) if ok and done.stdout.strip() else done.stderr


def reachable(bootstrap):
    for place in bootstrap.split(","):
        host, port = place.rsplit(":", 1)
        socket.create_connection((host, int(port)), 5).close()
    return True


def broker_config(bootstrap):
    """The settings of broker 1, as Kafka clients see them."""
    from confluent_kafka import admin
    resource = admin.ConfigResource(admin.ResourceType.BROKER, "1")
    kafka_admin = admin.AdminClient({"bootstrap.servers": bootstrap})
    found = kafka_admin.describe_configs([resource])[resource].result(30)
    return {name: entry.value for name, entry in found.items()}


def delete_and_wait(client, arn):
    answer = client.delete_cluster(ClusterArn=arn)
    assert answer["State"] == "DELETING", answer

    def gone():
        try:
            client.describe_cluster(ClusterArn=arn)
        except ClientError as error:
            assert error.response["Error"]["Code"] == "NotFoundException", error
            return True
    until(gone, "the cluster is gone")


@feature("boto3", "cluster: create, describe, delete")
def lifecycle(client):
    name = fresh("made")
    made = client.create_cluster(
        ClusterName=name, KafkaVersion="3.6.0", NumberOfBrokerNodes=3, BrokerNodeGroupInfo=NODES,
        EncryptionInfo=PLAINTEXT, EnhancedMonitoring="DEFAULT", Tags={"team": "data"})
    arn = made["ClusterArn"]
    assert made["State"] == "CREATING" and made["ClusterName"] == name, made
    assert re.fullmatch(
        rf"arn:aws:kafka:[a-z0-9-]+:\d{{12}}:cluster/{name}/[0-9a-f-]{{36}}-\d+", arn
    ), arn
    until(
        lambda: client.describe_cluster(ClusterArn=arn)["ClusterInfo"]["State"] == "ACTIVE",
        "ACTIVE",
    )
    info = client.describe_cluster(ClusterArn=arn)["ClusterInfo"]
    assert (
        info["NumberOfBrokerNodes"] == 3
        and info["CurrentBrokerSoftwareInfo"]["KafkaVersion"] == "3.6.0"
    ), info
    assert info["Tags"] == {"team": "data"} and info["CurrentVersion"] and info["CreationTime"], (
        info
    )
    assert info["BrokerNodeGroupInfo"]["ClientSubnets"] == NODES["ClientSubnets"], info
    bootstrap = client.get_bootstrap_brokers(ClusterArn=arn)["BootstrapBrokerString"]
    assert len(bootstrap.split(",")) == 3 and reachable(bootstrap), bootstrap
    config = broker_config(bootstrap)
    msk = {
        "auto.create.topics.enable": "false",
        "default.replication.factor": "3",
        "min.insync.replicas": "2",
    }
    assert {name: config[name] for name in msk} == msk, "MSK's defaults are in force"
    nodes = client.list_nodes(ClusterArn=arn)["NodeInfoList"]
    brokers = sorted(n["BrokerNodeInfo"]["BrokerId"] for n in nodes if "BrokerNodeInfo" in n)
    assert brokers == [1.0, 2.0, 3.0], nodes
    refused("ConflictException", client.create_cluster, ClusterName=name, KafkaVersion="3.6.0",
            NumberOfBrokerNodes=3, BrokerNodeGroupInfo=NODES, EncryptionInfo=PLAINTEXT)
    refused(
        "BadRequestException",
        client.delete_cluster,
        ClusterArn=arn,
        CurrentVersion="KNOTTHISONE000",
    )
    delete_and_wait(client, arn)


@feature("boto3", "cluster: V2 shapes")
def lifecycle_v2(client):
    name = fresh("v2")
    made = client.create_cluster_v2(
        ClusterName=name,
        Tags={"a": "1"},
        Provisioned={
            "KafkaVersion": "4.1.x.kraft",
            "NumberOfBrokerNodes": 3,
            "BrokerNodeGroupInfo": NODES,
            "EncryptionInfo": PLAINTEXT,
        },
    )
    arn = made["ClusterArn"]
    assert made["ClusterType"] == "PROVISIONED" and made["State"] == "CREATING", made
    until(
        lambda: client.describe_cluster_v2(ClusterArn=arn)["ClusterInfo"]["State"] == "ACTIVE",
        "ACTIVE",
    )
    info = client.describe_cluster_v2(ClusterArn=arn)["ClusterInfo"]
    assert info["Provisioned"]["NumberOfBrokerNodes"] == 3 and "Serverless" not in info, info
    listed = client.list_clusters_v2(ClusterNameFilter=name, ClusterTypeFilter="PROVISIONED")[
        "ClusterInfoList"
    ]
    assert [c["ClusterArn"] for c in listed] == [arn], listed
    assert (
        client.list_clusters_v2(ClusterNameFilter=name, ClusterTypeFilter="SERVERLESS")[
            "ClusterInfoList"
        ]
        == []
    )
    operations = client.list_cluster_operations_v2(ClusterArn=arn)
    assert isinstance(operations["ClusterOperationInfoList"], list), operations
    delete_and_wait(client, arn)


@feature("boto3", "lists: filters and pages")
def lists(client):
    names = sorted(fresh("page") for _ in range(3))
    arns = []
    for name in names:
        arns.append(
            client.create_cluster(
                ClusterName=name,
                KafkaVersion="3.9.x",
                NumberOfBrokerNodes=1 * 3,
                BrokerNodeGroupInfo=NODES,
                EncryptionInfo=PLAINTEXT,
            )["ClusterArn"]
        )
    pages = list(client.get_paginator("list_clusters").paginate(
        ClusterNameFilter="page-", PaginationConfig={"PageSize": 2}))
    found = [c["ClusterName"] for page in pages for c in page["ClusterInfoList"]]
    assert set(names) <= set(found) and len(found) == len(set(found)) and len(pages) >= 2, (
        names,
        found,
    )
    assert all(len(page["ClusterInfoList"]) <= 2 for page in pages)
    refused("BadRequestException", client.list_clusters, NextToken="no-such-token")
    for arn in arns:
        until(
            lambda: client.describe_cluster(ClusterArn=arn)["ClusterInfo"]["State"] == "ACTIVE",
            "ACTIVE",
        )
        delete_and_wait(client, arn)


@feature("boto3", "kafka versions")
def versions(client):
    found = {
        v["Version"]: v["Status"]
        for p in client.get_paginator("list_kafka_versions").paginate()
        for v in p["KafkaVersions"]
    }
    assert found.get("3.6.0") and found.get("4.1.x.kraft") == "ACTIVE", found
    matrix = client.get_compatible_kafka_versions()["CompatibleKafkaVersions"]
    row = next(r for r in matrix if r["SourceVersion"] == "3.6.0")
    assert "3.9.x" in row["TargetVersions"] and "3.5.1" not in row["TargetVersions"], row
    demo = client.list_clusters(ClusterNameFilter="demo")["ClusterInfoList"][0]["ClusterArn"]
    assert (
        len(client.get_compatible_kafka_versions(ClusterArn=demo)["CompatibleKafkaVersions"]) == 1
    )


@feature("boto3", "tags")
def tags(client):
    arn = client.list_clusters(ClusterNameFilter="demo")["ClusterInfoList"][0]["ClusterArn"]
    client.tag_resource(ResourceArn=arn, Tags={"a": "1", "b": "two words", "c": "3"})
    client.tag_resource(ResourceArn=arn, Tags={"a": "changed"})
    client.untag_resource(ResourceArn=arn, TagKeys=["b", "c"])
    found = client.list_tags_for_resource(ResourceArn=arn)["Tags"]
    assert found.get("a") == "changed" and "b" not in found and "c" not in found, found
    refused(
        "NotFoundException",
        client.list_tags_for_resource,
        ResourceArn=arn.replace("demo", "nodemo"),
    )
    configuration = client.create_configuration(Name=fresh("bare"), ServerProperties=b"")["Arn"]
    error = refused(
        "BadRequestException", client.tag_resource, ResourceArn=configuration, Tags={"a": "1"}
    )
    assert "configuration has no tags" in error.response["Error"]["Message"], error
    client.delete_configuration(Arn=configuration)


@feature("boto3", "operations")
def operations(client):
    arn = client.list_clusters(ClusterNameFilter="demo")["ClusterInfoList"][0]["ClusterArn"]
    for operation in client.list_cluster_operations(ClusterArn=arn)["ClusterOperationInfoList"]:
        found = client.describe_cluster_operation(ClusterOperationArn=operation["OperationArn"])[
            "ClusterOperationInfo"
        ]
        assert found["ClusterArn"] == arn and found["OperationType"], found
    unknown = arn.replace(":cluster/", ":cluster-operation/") + "/" + str(uuid.uuid4())
    refused("NotFoundException", client.describe_cluster_operation, ClusterOperationArn=unknown)
    refused("NotFoundException", client.describe_cluster_operation_v2, ClusterOperationArn=unknown)


@feature("boto3", "configurations")
def configurations(client):
    name = fresh("conf")
    made = client.create_configuration(
        Name=name,
        Description="first",
        KafkaVersions=["3.9.x.kraft"],
        ServerProperties=b"num.io.threads=9\n",
    )
    arn = made["Arn"]
    assert made["State"] == "ACTIVE" and made["LatestRevision"]["Revision"] == 1, made
    assert re.fullmatch(
        rf"arn:aws:kafka:[a-z0-9-]+:\d{{12}}:configuration/{name}/[0-9a-f-]{{36}}-\d+", arn
    ), arn
    second = client.update_configuration(
        Arn=arn, Description="second", ServerProperties=b"num.io.threads=7\n"
    )
    assert second["LatestRevision"]["Revision"] == 2, second
    found = client.describe_configuration(Arn=arn)
    assert (
        found["KafkaVersions"] == ["3.9.x.kraft"]
        and found["LatestRevision"]["Description"] == "second"
    ), found
    assert (
        client.describe_configuration_revision(Arn=arn, Revision=1)["ServerProperties"]
        == b"num.io.threads=9\n"
    )
    pages = list(
        client.get_paginator("list_configuration_revisions").paginate(
            Arn=arn, PaginationConfig={"PageSize": 1}
        )
    )
    assert [r["Revision"] for page in pages for r in page["Revisions"]] == [1, 2] and len(
        pages
    ) == 2, pages
    listed = client.get_paginator("list_configurations").paginate()
    assert name in [c["Name"] for page in listed for c in page["Configurations"]]
    refused("ConflictException", client.create_configuration, Name=name, ServerProperties=b"")
    for file, words in (
        (b"broker.id=5", "broker.id"),
        (b"num.io.threads=many", "num.io.threads"),
        (b"a=\\u12", "line 1"),
    ):
        error = refused(
            "BadRequestException", client.update_configuration, Arn=arn, ServerProperties=file
        )
        assert words in error.response["Error"]["Message"], error
    refused("NotFoundException", client.describe_configuration_revision, Arn=arn, Revision=3)
    refused("BadRequestException", client.list_configurations, NextToken="no-such-token")
    refused(
        "BadRequestException",
        client.create_cluster,
        ClusterName=fresh("no"),
        KafkaVersion="3.8.x",
        NumberOfBrokerNodes=3,
        BrokerNodeGroupInfo=NODES,
        ConfigurationInfo={"Arn": arn, "Revision": 1},
    )
    assert client.delete_configuration(Arn=arn)["State"] == "DELETING"
    # Terraform takes a configuration for deleted on these words.
    error = refused("BadRequestException", client.describe_configuration, Arn=arn)
    assert "Configuration ARN does not exist" in error.response["Error"]["Message"], error


@feature("boto3", "topics")
def topics(client):
    def configs(**values):
        return base64.b64encode(
            json.dumps({n.replace("_", "."): v for n, v in values.items()}).encode()
        ).decode()

    arn, name = create(client, "topics"), "orders"
    made = client.create_topic(
        ClusterArn=arn,
        TopicName=name,
        PartitionCount=3,
        ReplicationFactor=3,
        Configs=configs(retention_ms="3600000"),
    )
    assert (
        made["TopicArn"] == arn.replace(":cluster/", ":topic/") + "/" + name
        and made["Status"] == "CREATING"
    ), made

    def described():
        found = client.describe_topic(ClusterArn=arn, TopicName=name)
        return found, json.loads(base64.b64decode(found["Configs"]))
    until(lambda: described()[1]["retention.ms"] == "3600000", "the config given at creation")
    found, settings = described()
    assert (found["PartitionCount"], found["ReplicationFactor"], found["Status"]) == (
        3,
        3,
        "ACTIVE",
    ), found
    assert settings["cleanup.policy"] == "delete", settings
    client.update_topic(ClusterArn=arn, TopicName=name, PartitionCount=5)
    until(lambda: described()[0]["PartitionCount"] == 5, "two more partitions")
    client.update_topic(ClusterArn=arn, TopicName=name, Configs=configs(cleanup_policy="compact"))
    until(lambda: described()[1]["cleanup.policy"] == "compact", "the new config")
    assert described()[1]["retention.ms"] == "604800000", (
        "what is not named goes back to the default"
    )
    pages = list(client.get_paginator("describe_topic_partitions").paginate(
        ClusterArn=arn, TopicName=name, PaginationConfig={"PageSize": 2}))
    partitions = [p for page in pages for p in page["Partitions"]]
    assert [p["Partition"] for p in partitions] == [0, 1, 2, 3, 4] and len(pages) == 3, pages
    assert all(
        sorted(p["Isr"]) == sorted(p["Replicas"]) == [1, 2, 3] and p["Leader"] in p["Isr"]
        for p in partitions
    )
    client.create_topic(ClusterArn=arn, TopicName="other", PartitionCount=1, ReplicationFactor=1)
    listed = client.list_topics(ClusterArn=arn, TopicNameFilter="ord")["Topics"]
    assert [(t["TopicName"], t["PartitionCount"], t["OutOfSyncReplicaCount"]) for t in listed] == [
        (name, 5, 0)
    ], listed
    pages = list(
        client.get_paginator("list_topics").paginate(
            ClusterArn=arn, PaginationConfig={"PageSize": 1}
        )
    )
    assert {"orders", "other"} <= {t["TopicName"] for page in pages for t in page["Topics"]}, pages
    refused(
        "TopicExistsException",
        client.create_topic,
        ClusterArn=arn,
        TopicName=name,
        PartitionCount=1,
        ReplicationFactor=1,
    )
    refused(
        "BadRequestException",
        client.create_topic,
        ClusterArn=arn,
        TopicName="x",
        PartitionCount=1,
        ReplicationFactor=9,
    )
    refused(
        "BadRequestException",
        client.create_topic,
        ClusterArn=arn,
        TopicName="x",
        PartitionCount=1,
        ReplicationFactor=1,
        Configs=configs(no_such="1"),
    )
    refused(
        "BadRequestException", client.update_topic, ClusterArn=arn, TopicName=name, PartitionCount=2
    )
    refused("NotFoundException", client.describe_topic, ClusterArn=arn, TopicName="none")
    refused(
        "UnknownTopicOrPartitionException", client.delete_topic, ClusterArn=arn, TopicName="none"
    )
    assert client.delete_topic(ClusterArn=arn, TopicName=name)["Status"] == "DELETING"

    def gone():
        try:
            client.describe_topic(ClusterArn=arn, TopicName=name)
        except ClientError as error:
            assert error.response["Error"]["Code"] == "NotFoundException", error
            return True
    until(gone, "the topic is gone")
    delete_and_wait(client, arn)


class Load:
    """An idempotent producer in the background, and a check that all acknowledged records are
    there."""

    def __init__(self, bootstrap, topic, partitions):
        from confluent_kafka import Producer
        self.bootstrap, self.topic, self.partitions = bootstrap, topic, partitions
        self.acked, self.errors, self.over = {}, [], threading.Event()
        # Not a second is lost on a broker that was stopped, and a record may wait for as long as
        # the test does.
        self.producer = Producer(
            {
                "bootstrap.servers": bootstrap,
                "enable.idempotence": True,
                "linger.ms": 2,
                "message.timeout.ms": 120000,
                "reconnect.backoff.max.ms": 500,
                "log_level": 0,
            }
        )
        self.thread = threading.Thread(target=self.produce)
        self.thread.start()

    def produce(self):
        def delivered(error, message):
            if error:
                self.errors.append(str(error))
            else:
                self.acked[(message.partition(), message.offset())] = message.value()
        number = 0
        while not self.over.is_set():
            self.producer.produce(self.topic, str(number), on_delivery=delivered)
            number += 1
            self.producer.poll(0.002)
        self.left = self.producer.flush(60)

    def went_on(self, records=200):
        """Waits until it produces again."""
        before = len(self.acked)
        until(lambda: len(self.acked) >= before + records, "the producer goes on", 60)

    def check(self):
        from confluent_kafka import Consumer, TopicPartition
        self.over.set()
        self.thread.join()
        assert not self.errors and self.left == 0 and self.acked, (self.errors[:3], self.left)
        consumer = Consumer(
            {
                "bootstrap.servers": self.bootstrap,
                "group.id": fresh("check"),
                "log_level": 0,
                "auto.offset.reset": "earliest",
            }
        )
        consumer.assign([TopicPartition(self.topic, p, 0) for p in range(self.partitions)])
        found = {}

        def whole():
            for message in consumer.consume(1000, 0.5):
                assert not message.error(), message.error()
                found[(message.partition(), message.offset())] = message.value()
            return len(found) >= len(self.acked)
        until(whole, "as many records as were acknowledged are read", 60)
        consumer.close()
        lost = [place for place, value in self.acked.items() if found.get(place) != value]
        assert not lost, (
            f"{len(lost)} of {len(self.acked)} records are not where they were acknowledged: "
            f"{[(p, self.acked[p], found.get(p)) for p in lost[:5]]}"
        )
        assert len(set(found.values())) == len(found), "none is there twice"


def new_topic(bootstrap, topic, partitions):
    from confluent_kafka import admin
    kafka_admin = admin.AdminClient({"bootstrap.servers": bootstrap})
    kafka_admin.create_topics([admin.NewTopic(topic, partitions, 3)])[topic].result(30)
    return kafka_admin


def ended(client, answer, seconds=120):
    """Waits for an operation; returns it."""
    def over():
        arn = answer["ClusterOperationArn"]
        found = client.describe_cluster_operation(ClusterOperationArn=arn)["ClusterOperationInfo"]
        second = client.describe_cluster_operation_v2(ClusterOperationArn=arn)[
            "ClusterOperationInfo"
        ]
        assert (
            second["OperationType"] == found["OperationType"]
            and second["Provisioned"]["OperationSteps"]
        ), second
        return (
            found
            if found["OperationState"]
            not in ("PENDING", "UPDATE_IN_PROGRESS", "REBOOT_IN_PROGRESS")
            else None
        )

    found = until(over, "the operation ends", seconds)
    assert found["OperationState"] in ("UPDATE_COMPLETE", "REBOOT_COMPLETE"), found
    assert all(s["StepInfo"]["StepStatus"] == "COMPLETED" for s in found["OperationSteps"]), found
    return found


def version(client, arn):
    return state(client, arn)["CurrentVersion"]


@feature("boto3", "configuration: reaches the brokers, rolls under load")
def rolling(client):
    made = client.create_configuration(
        Name=fresh("roll"), ServerProperties=b"log.retention.hours=5\nnum.partitions=4\n"
    )
    configuration = made["Arn"]
    client.update_configuration(
        Arn=configuration, ServerProperties=b"num.partitions = 2\nnum.io.threads = 7\n"
    )
    arn = create(client, "rolling", ConfigurationInfo={"Arn": configuration, "Revision": 1})
    bootstrap = client.get_bootstrap_brokers(ClusterArn=arn)["BootstrapBrokerString"]
    from confluent_kafka import admin
    kafka_admin = new_topic(bootstrap, "load", 6)

    def settings(broker):
        resource = admin.ConfigResource(admin.ResourceType.BROKER, str(broker))
        return kafka_admin.describe_configs([resource])[resource].result(30)
    found = settings(1)
    static = admin.ConfigSource.STATIC_BROKER_CONFIG.value
    assert (found["num.partitions"].value, found["num.partitions"].source) == ("4", static), found[
        "num.partitions"
    ]
    assert found["log.retention.hours"].value == "5"
    refused("BadRequestException", client.delete_configuration, Arn=configuration)
    load = Load(bootstrap, "load", 6)
    try:
        load.went_on()
        before = version(client, arn)
        answer = client.update_cluster_configuration(
            ClusterArn=arn,
            CurrentVersion=before,
            ConfigurationInfo={"Arn": configuration, "Revision": 2},
        )
        done = ended(client, answer)
        assert done["OperationType"] == "UPDATE_CLUSTER_CONFIGURATION", done
        assert done["SourceClusterInfo"]["ConfigurationInfo"] == {
            "Arn": configuration,
            "Revision": 1,
        }, done
        assert done["TargetClusterInfo"]["ConfigurationInfo"] == {
            "Arn": configuration,
            "Revision": 2,
        }, done
        load.went_on()
        for broker in (1, 2, 3):
            found = settings(broker)
            assert {
                n: found[n].value
                for n in ("num.partitions", "num.io.threads", "log.retention.hours")
            } == {"num.partitions": "2", "num.io.threads": "7", "log.retention.hours": "168"}, (
                broker
            )
        info = client.describe_cluster(ClusterArn=arn)["ClusterInfo"]
        assert (
            info["CurrentBrokerSoftwareInfo"]["ConfigurationRevision"] == 2
            and info["CurrentVersion"] != before
        ), info
        refused(
            "BadRequestException",
            client.update_cluster_configuration,
            ClusterArn=arn,
            CurrentVersion=before,
            ConfigurationInfo={"Arn": configuration, "Revision": 1},
        )
        ended(client, client.reboot_broker(ClusterArn=arn, BrokerIds=["2"]))
        load.went_on()
    finally:
        load.over.set()
    load.check()
    delete_and_wait(client, arn)
    client.delete_configuration(Arn=configuration)


@feature("boto3", "kafka version: 3.6.0 to 3.9.x under load")
def upgrade(client):
    arn = create(client, "upgraded", KafkaVersion="3.6.0")
    bootstrap = client.get_bootstrap_brokers(ClusterArn=arn)["BootstrapBrokerString"]
    from confluent_kafka import admin
    kafka_admin = new_topic(bootstrap, "load", 6)

    def settings(broker):
        resource = admin.ConfigResource(admin.ResourceType.BROKER, str(broker))
        return kafka_admin.describe_configs([resource])[resource].result(30).keys()
    known = settings(1)
    load = Load(bootstrap, "load", 6)
    try:
        load.went_on()
        before = version(client, arn)
        for wrong in ("3.5.1", "3.9.x.kraft", "3.6.0"):
            arguments = {"ClusterArn": arn, "CurrentVersion": before, "TargetKafkaVersion": wrong}
            refused("BadRequestException", client.update_cluster_kafka_version, **arguments)
        targets = client.get_compatible_kafka_versions(ClusterArn=arn)["CompatibleKafkaVersions"]
        assert "3.9.x" in targets[0]["TargetVersions"], targets
        answer = client.update_cluster_kafka_version(
            ClusterArn=arn, CurrentVersion=before, TargetKafkaVersion="3.9.x"
        )
        done = ended(client, answer)
        assert done["OperationType"] == "UPDATE_CLUSTER_KAFKA_VERSION", done
        assert done["TargetClusterInfo"]["KafkaVersion"] == "3.9.x", done
        load.went_on()
        for broker in (1, 2, 3):
            new = settings(broker) - known
            assert new, f"broker {broker} has no name that came after 3.6"
        info = client.describe_cluster(ClusterArn=arn)["ClusterInfo"]
        assert info["CurrentBrokerSoftwareInfo"]["KafkaVersion"] == "3.9.x", info
    finally:
        load.over.set()
    load.check()
    delete_and_wait(client, arn)


@feature("boto3", "broker count: 3 to 6 to 3 under load")
def scaling(client):
    arn = create(client, "scaling")
    bootstrap = client.get_bootstrap_brokers(ClusterArn=arn)["BootstrapBrokerString"]
    kafka_admin = new_topic(bootstrap, "load", 12)
    load = Load(bootstrap, "load", 12)

    def brokers():
        """Who leads, and who is a replica."""
        partitions = kafka_admin.list_topics("load", timeout=30).topics["load"].partitions.values()
        return {p.leader for p in partitions}, {r for p in partitions for r in p.replicas}
    try:
        load.went_on()
        for target, ids in ((6, {1, 2, 3, 4, 5, 6}), (3, {1, 2, 3})):
            answer = client.update_broker_count(
                ClusterArn=arn,
                CurrentVersion=version(client, arn),
                TargetNumberOfBrokerNodes=target,
            )
            done = ended(client, answer)
            changed = done["TargetClusterInfo"]["BrokerCountUpdateInfo"]
            key = "CreatedBrokerIds" if target == 6 else "DeletedBrokerIds"
            assert (
                changed[key] == [4.0, 5.0, 6.0]
                and done["SourceClusterInfo"]["NumberOfBrokerNodes"] == 9 - target
            ), done
            until(
                lambda: brokers() == (ids, ids), f"brokers {ids} have their share: {brokers()}", 30
            )
            nodes = client.list_nodes(ClusterArn=arn)["NodeInfoList"]
            assert {n["BrokerNodeInfo"]["BrokerId"] for n in nodes} == ids, nodes
            load.went_on()
        for wrong in (3, 4, 0):
            try:
                client.update_broker_count(
                    ClusterArn=arn,
                    CurrentVersion=version(client, arn),
                    TargetNumberOfBrokerNodes=wrong,
                )
            except (ClientError, ParamValidationError):
                continue
            raise AssertionError(f"{wrong} brokers were accepted")
    finally:
        load.over.set()
    load.check()
    kinds = [
        o["OperationType"]
        for o in client.list_cluster_operations(ClusterArn=arn)["ClusterOperationInfoList"]
    ]
    assert kinds == ["DECREASE_BROKER_COUNT", "INCREASE_BROKER_COUNT"], kinds
    delete_and_wait(client, arn)


@feature("boto3", "broker storage and type")
def storage_and_type(client):
    arn = create(client, "sized")
    volumes = [{"KafkaBrokerNodeId": "All", "VolumeSizeGB": 20}]
    changes = {
        "UPDATE_BROKER_STORAGE": (
            client.update_broker_storage, {"TargetBrokerEBSVolumeInfo": volumes}
        ),
        "UPDATE_BROKER_TYPE": (
            client.update_broker_type, {"TargetInstanceType": "kafka.m7g.xlarge"}
        ),
    }
    for kind, (call, change) in changes.items():
        response = call(ClusterArn=arn, CurrentVersion=version(client, arn), **change)
        assert ended(client, response)["OperationType"] == kind, response
        again = {"ClusterArn": arn, "CurrentVersion": version(client, arn), **change}
        refused("BadRequestException", call, **again)
    group = client.describe_cluster(ClusterArn=arn)["ClusterInfo"]["BrokerNodeGroupInfo"]
    assert group["InstanceType"] == "kafka.m7g.xlarge", group
    assert group["StorageInfo"]["EbsStorageInfo"]["VolumeSize"] == 20, group
    error = refused(
        "BadRequestException",
        client.update_broker_type,
        ClusterArn=arn,
        CurrentVersion=version(client, arn),
        TargetInstanceType="kafka.z9.huge",
    )
    assert "kafka.m7g" in error.response["Error"]["Message"], error
    delete_and_wait(client, arn)


@feature("boto3", "monitoring and security: what can be had, and what not")
def monitoring_and_security(client):
    arn = create(client, "watched")
    logs = {"BrokerLogs": {"S3": {"Enabled": False, "Bucket": "logs"}}}
    access = {"Unauthenticated": {"Enabled": True}}
    changes = {
        "UPDATE_MONITORING": (client.update_monitoring, {"LoggingInfo": logs}),
        "UPDATE_SECURITY": (client.update_security, {"ClientAuthentication": access}),
    }
    for kind, (call, change) in changes.items():
        response = call(ClusterArn=arn, CurrentVersion=version(client, arn), **change)
        assert ended(client, response)["OperationType"] == kind, response
    info = client.describe_cluster(ClusterArn=arn)["ClusterInfo"]
    assert info["LoggingInfo"] == logs and info["ClientAuthentication"] == access, info
    for call, change, member in (
        (client.update_monitoring, {"EnhancedMonitoring": "PER_BROKER"}, "enhancedMonitoring"),
        (
            client.update_security,
            {"ClientAuthentication": {"Tls": {"CertificateAuthorityArnList": ["arn:x"]}}},
            "clientAuthentication.tls",
        ),
    ):
        now = version(client, arn)
        error = refused("BadRequestException", call, ClusterArn=arn, CurrentVersion=now, **change)
        assert error.response["InvalidParameter"] == member, error.response
        assert "not offered in this release" in error.response["Error"]["Message"], error
    delete_and_wait(client, arn)


@feature("boto3", "updates go on after kill -9")
def killed(_):
    """A milena of its own is killed in the middle of every kind of update, at moments spread over
    its duration."""
    import process
    with process.Milena(os.environ["MILENA_BINARY"]) as milena:
        places = milena.aws_environment()
        keys = configparser.ConfigParser()

        def connected():
            keys.read(places["AWS_SHARED_CREDENTIALS_FILE"])
            return boto3.client(
                "kafka",
                endpoint_url=places["AWS_ENDPOINT_URL_KAFKA"],
                region_name=places["AWS_DEFAULT_REGION"],
                aws_access_key_id=keys["default"]["aws_access_key_id"],
                aws_secret_access_key=keys["default"]["aws_secret_access_key"],
            )
        client = connected()
        arn = create(client, "killed")
        bootstrap = client.get_bootstrap_brokers(ClusterArn=arn)["BootstrapBrokerString"]
        new_topic(bootstrap, "load", 6)
        load = Load(bootstrap, "load", 6)
        configuration = client.create_configuration(
            Name="killed", ServerProperties=b"num.io.threads=7\n"
        )["Arn"]
        try:
            for pause in (0, 0.02, 0.06, 0.15):
                load.went_on(50)
                change = client.update_configuration(
                    Arn=configuration,
                    ServerProperties=f"num.io.threads={8 + int(pause * 100)}\n".encode(),
                )
                calls = [(client.update_cluster_configuration, {"ConfigurationInfo": {
                    "Arn": configuration, "Revision": change["LatestRevision"]["Revision"]}}),
                    (client.update_broker_count, {"TargetNumberOfBrokerNodes": 6}),
                    (client.update_broker_count, {"TargetNumberOfBrokerNodes": 3})]
                for call, arguments in calls:
                    answer = call(ClusterArn=arn, CurrentVersion=version(client, arn), **arguments)
                    time.sleep(pause)
                    milena.kill()
                    milena.start()
                    ended(client, answer)
                assert len(client.list_nodes(ClusterArn=arn)["NodeInfoList"]) == 3
        finally:
            load.over.set()
        load.check()
        kinds = [
            o["OperationState"]
            for o in client.list_cluster_operations(ClusterArn=arn)["ClusterOperationInfoList"]
        ]
        assert kinds == ["UPDATE_COMPLETE"] * 12, kinds


@feature("boto3", "wrong input")
def wrong_input(client):
    good = dict(
        ClusterName=fresh("bad"),
        KafkaVersion="3.6.0",
        NumberOfBrokerNodes=3,
        BrokerNodeGroupInfo=NODES,
        EncryptionInfo=PLAINTEXT,
    )
    cases = {
        "kafkaVersion": {"KafkaVersion": "9.9.9"},
        "numberOfBrokerNodes": {"NumberOfBrokerNodes": 4},
        "clusterName": {"ClusterName": "not a name!"},
        "clientSubnets": {"BrokerNodeGroupInfo": NODES | {"ClientSubnets": []}},
    }
    for field, change in cases.items():
        error = refused("BadRequestException", client.create_cluster, **good | change)
        assert error.response["Error"]["Message"], error
        said = json.dumps(error.response)
        assert field.lower() in said.lower(), f"{field} is not named in {said}"
    unknown = (
        "arn:aws:kafka:us-east-1:123456789012:cluster/none/00000000-0000-0000-0000-000000000000-1"
    )
    refused("NotFoundException", client.describe_cluster, ClusterArn=unknown)


@feature("boto3", "SigV4")
def signatures(client):
    wrong = boto3.client("kafka", aws_access_key_id="AKIDNOBODY", aws_secret_access_key="nothing")
    for bad in (
        wrong,
        boto3.client(
            "kafka",
            aws_access_key_id=client._get_credentials().access_key,
            aws_secret_access_key="x",
        ),
    ):
        try:
            bad.list_clusters()
        except ClientError as error:
            assert error.response["ResponseMetadata"]["HTTPStatusCode"] in (401, 403), error
        else:
            raise AssertionError("a wrong key was accepted")


@feature("boto3", "without signatures: --no-auth")
def unsigned(_):
    import process
    arguments = ["--no-auth", "--no-demo"]
    keys = {"aws_access_key_id": "any", "aws_secret_access_key": "any"}
    with process.Milena(os.environ["MILENA_BINARY"], arguments=arguments) as milena:
        url = f"http://{milena.listen}"
        for endpoint in (url, url.replace("127.0.0.1", "localhost")):
            client = boto3.client("kafka", endpoint_url=endpoint, **keys)
            made = client.create_configuration(Name=fresh("open"), ServerProperties=b"")["Arn"]
            assert client.delete_configuration(Arn=made)["State"] == "DELETING"
        environment = os.environ | {"AWS_ENDPOINT_URL_KAFKA": url}
        environment |= {name.upper(): value for name, value in keys.items()}
        create = ["create-configuration", "--name", "cli", "--server-properties", ""]
        for arguments in (create, ["list-configurations"]):
            command = [AWS, "kafka", *arguments]
            subprocess.run(command, check=True, capture_output=True, env=environment, timeout=60)
        # As a page on the web could send it.
        json_type = {"Content-Type": "application/json"}
        for headers in (
            {"Host": "rebound.example"} | json_type,
            {"Origin": "http://evil.example"} | json_type,
            {"Content-Type": "text/plain"},
        ):
            body = b'{"name": "evil", "serverProperties": ""}'
            request = urllib.request.Request(f"{url}/v1/configurations", body, headers)
            try:
                urllib.request.urlopen(request, timeout=10)
            except urllib.error.HTTPError as error:
                assert error.code == 403, error.code
            else:
                raise AssertionError(f"{headers}: accepted")
        assert [c["Name"] for c in client.list_configurations()["Configurations"]] == ["cli"]


@feature("boto3", "other services are not offered, in the words of their protocols")
def other_services(_):
    endpoint = os.environ["AWS_ENDPOINT_URL_KAFKA"]
    once = botocore.config.Config(retries={"max_attempts": 1})
    for service, operation in {
        "sts": "get_caller_identity",
        "ec2": "describe_instances",
        "dynamodb": "list_tables",
        "s3": "list_buckets",
        "kafkaconnect": "list_connectors",
        "cloudwatch": "list_metrics",
        "kms": "list_keys",
        "route53": "list_hosted_zones",
    }.items():
        client = boto3.client(service, endpoint_url=endpoint, config=once)
        try:
            getattr(client, operation)()
        except ClientError as error:
            said = error.response["Error"]
            assert "is not offered" in said.get("Message", ""), (service, error.response)
        else:
            raise AssertionError(f"{service} was accepted")


@feature("boto3", "every operation of the model")
def every_operation(client):
    """Offered operations were called and their responses checked; of resources that there are
    none of, lists are empty and descriptions find nothing; all others are refused by their names.
    """
    model, listed = msk_contract.operations(), msk_contract.listed()
    assert model.keys() == listed.keys(), model.keys() ^ listed.keys()
    some_cluster = client.list_clusters()["ClusterInfoList"][0]["ClusterArn"]
    for name, (method, path, offered) in listed.items():
        expected = re.sub(r"\{\w+\}", "{}", model[name].http["requestUri"])
        assert (model[name].http["method"], expected) == (method, path), (name, method, path)
        call = getattr(client, botocore.xform_name(name))
        inputs = model[name].input_shape
        arguments = msk_contract.example(inputs) if inputs else {}
        if offered == "finds none":
            if "ClusterArn" in arguments:
                arguments["ClusterArn"] = some_cluster
            if name.startswith("List") and name != "ListAssessmentFindings":
                found = [value for value in call(**arguments).values() if isinstance(value, list)]
                assert found == [[]], (name, found)
            else:
                refused("NotFoundException", call, **arguments)
        elif offered == "refused by name":
            error = refused("BadRequestException", call, **arguments)
            assert name in error.response["Error"]["Message"], error
    if not only:
        called = {name for name, (_, _, offered) in listed.items() if offered == "offered"}
        assert called <= witness.succeeded, f"never answered: {sorted(called - witness.succeeded)}"


@feature("boto3", "no member of a request is passed over")
def every_member(client):
    model = msk_contract.operations()
    for name, (_, _, offered) in msk_contract.listed().items():
        if offered == "offered" and model[name].input_shape:
            found = msk_contract.passed_over(client, model[name])
            assert not found, f"{name}: {found}"


@feature("aws cli", "cluster: create, describe, delete")
def cli_lifecycle(_):
    name = fresh("cli")
    made = aws(
        "create-cluster",
        "--cluster-name",
        name,
        "--kafka-version",
        "3.8.x",
        "--number-of-broker-nodes",
        "3",
        "--broker-node-group-info",
        json.dumps(NODES),
        "--encryption-info",
        json.dumps(PLAINTEXT),
    )
    arn = made["ClusterArn"]
    until(
        lambda: aws("describe-cluster", "--cluster-arn", arn)["ClusterInfo"]["State"] == "ACTIVE",
        "ACTIVE",
    )
    assert reachable(aws("get-bootstrap-brokers", "--cluster-arn", arn)["BootstrapBrokerString"])
    assert (
        len(
            [
                n
                for n in aws("list-nodes", "--cluster-arn", arn)["NodeInfoList"]
                if "BrokerNodeInfo" in n
            ]
        )
        == 3
    )
    assert aws("delete-cluster", "--cluster-arn", arn)["State"] == "DELETING"
    until(lambda: name not in str(aws("list-clusters")), "the cluster is gone")
    assert "NotFoundException" in aws("describe-cluster", "--cluster-arn", arn, ok=False)


@feature("aws cli", "configurations, updates and topics")
def cli_everyday(client):
    arn, name = create(client, "cli-day"), fresh("cli-conf")
    with tempfile.NamedTemporaryFile("w", suffix=".properties") as file:
        file.write("num.partitions=3\n")
        file.flush()
        made = aws("create-configuration", "--name", name, "--kafka-versions", "3.9.x.kraft",
                   "--server-properties", f"fileb://{file.name}")
    shown = aws("describe-configuration-revision", "--arn", made["Arn"], "--revision", "1")
    assert base64.b64decode(shown["ServerProperties"]) == b"num.partitions=3\n", shown
    answer = aws(
        "update-cluster-configuration",
        "--cluster-arn",
        arn,
        "--current-version",
        version(client, arn),
        "--configuration-info",
        json.dumps({"Arn": made["Arn"], "Revision": 1}),
    )
    ended(client, answer)
    bootstrap = client.get_bootstrap_brokers(ClusterArn=arn)["BootstrapBrokerString"]
    assert broker_config(bootstrap)["num.partitions"] == "3"
    aws(
        "create-topic",
        "--cluster-arn",
        arn,
        "--topic-name",
        "t",
        "--partition-count",
        "2",
        "--replication-factor",
        "3",
    )
    assert [
        t["TopicName"]
        for t in aws("list-topics", "--cluster-arn", arn, "--topic-name-filter", "t")["Topics"]
    ] == ["t"]
    assert aws("describe-topic", "--cluster-arn", arn, "--topic-name", "t")["PartitionCount"] == 2
    assert aws("delete-topic", "--cluster-arn", arn, "--topic-name", "t")["Status"] == "DELETING"
    answer = aws(
        "update-broker-count",
        "--cluster-arn",
        arn,
        "--current-version",
        version(client, arn),
        "--target-number-of-broker-nodes",
        "6",
    )
    assert ended(client, answer)["OperationType"] == "INCREASE_BROKER_COUNT"
    assert aws("list-vpc-connections") == {"VpcConnections": []}
    update = ["--cluster-arn", arn, "--current-version", version(client, arn)]
    error = aws("update-storage", *update, "--volume-size-gb", "99", ok=False)
    assert "UpdateStorage is not offered" in error and "docs/operations/msk-api.md" in error, error
    delete_and_wait(client, arn)
    aws("delete-configuration", "--arn", made["Arn"])


@feature("aws cli", "lists and tags")
def cli_lists(_):
    arn = aws("list-clusters-v2", "--cluster-name-filter", "demo")["ClusterInfoList"][0][
        "ClusterArn"
    ]
    aws("tag-resource", "--resource-arn", arn, "--tags", "cli=yes")
    assert aws("list-tags-for-resource", "--resource-arn", arn)["Tags"]["cli"] == "yes"
    aws("untag-resource", "--resource-arn", arn, "--tag-keys", "cli")
    assert "cli" not in aws("list-tags-for-resource", "--resource-arn", arn).get("Tags", {})
    assert aws("list-kafka-versions")["KafkaVersions"]
    aws("list-cluster-operations-v2", "--cluster-arn", arn)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument(
        "--bootstrap-of",
        metavar="CLUSTER",
        help="print the bootstrap string of this cluster and stop",
    )
    parser.add_argument("--only")
    options = parser.parse_args()
    global witness, only
    client, only = kafka(), options.only
    witness = msk_contract.Witness(client)
    if options.bootstrap_of:
        def bootstrap():
            for cluster in client.list_clusters(ClusterNameFilter=options.bootstrap_of)[
                "ClusterInfoList"
            ]:
                if cluster["ClusterName"] == options.bootstrap_of and cluster["State"] == "ACTIVE":
                    return client.get_bootstrap_brokers(ClusterArn=cluster["ClusterArn"])[
                        "BootstrapBrokerString"
                    ]

        print(until(bootstrap, f"cluster {options.bootstrap_of} is ACTIVE"))
        return
    cli = (
        subprocess.run([AWS, "--version"], capture_output=True, text=True)
        .stdout.split()[0]
        .partition("/")[2]
    )
    labels = {"boto3": f"boto3 {boto3.__version__}", "aws cli": f"aws cli {cli}"}
    failed = False
    for who, name, check in FEATURES:
        if options.only and options.only not in name:
            continue
        line = {"client": labels[who], "feature": name, "result": "pass", "detail": ""}
        started = time.monotonic()
        try:
            check(client)
        except Exception as error:
            failed = True
            line |= {"result": "fail", "detail": f"{type(error).__name__}: {error}"[:2000]}
            traceback.print_exc()
        line["seconds"] = round(time.monotonic() - started, 2)
        print(json.dumps(line), flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
