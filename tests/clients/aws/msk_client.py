"""The AWS MSK API through boto3 and the aws command line, both unmodified.

Requests and responses are validated by botocore against the service model it ships. Prints one JSON line per
feature, as the Kafka clients do. Needs AWS_ENDPOINT_URL_KAFKA, AWS_SHARED_CREDENTIALS_FILE and AWS_DEFAULT_REGION.
"""

import argparse
import json
import os
import re
import socket
import subprocess
import sys
import time
import traceback
import uuid

import boto3
import botocore
import botocore.config
from botocore.exceptions import ClientError, ParamValidationError

FEATURES = []
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
    return boto3.client("kafka", config=botocore.config.Config(retries={"max_attempts": 1}, **config))


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
    done = subprocess.run([AWS, "kafka", *arguments, "--output", "json"], capture_output=True, text=True, timeout=60)
    assert (done.returncode == 0) == ok, f"aws kafka {' '.join(arguments)}: {done.stdout}{done.stderr}"
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
    assert re.fullmatch(rf"arn:aws:kafka:[a-z0-9-]+:\d{{12}}:cluster/{name}/[0-9a-f-]{{36}}-\d+", arn), arn
    until(lambda: client.describe_cluster(ClusterArn=arn)["ClusterInfo"]["State"] == "ACTIVE", "ACTIVE")
    info = client.describe_cluster(ClusterArn=arn)["ClusterInfo"]
    assert info["NumberOfBrokerNodes"] == 3 and info["CurrentBrokerSoftwareInfo"]["KafkaVersion"] == "3.6.0", info
    assert info["Tags"] == {"team": "data"} and info["CurrentVersion"] and info["CreationTime"], info
    assert info["BrokerNodeGroupInfo"]["ClientSubnets"] == NODES["ClientSubnets"], info
    bootstrap = client.get_bootstrap_brokers(ClusterArn=arn)["BootstrapBrokerString"]
    assert len(bootstrap.split(",")) == 3 and reachable(bootstrap), bootstrap
    config = broker_config(bootstrap)
    msk = {"auto.create.topics.enable": "false", "default.replication.factor": "3", "min.insync.replicas": "2"}
    assert {name: config[name] for name in msk} == msk, "MSK's defaults are in force"
    nodes = client.list_nodes(ClusterArn=arn)["NodeInfoList"]
    brokers = sorted(n["BrokerNodeInfo"]["BrokerId"] for n in nodes if "BrokerNodeInfo" in n)
    assert brokers == [1.0, 2.0, 3.0], nodes
    refused("ConflictException", client.create_cluster, ClusterName=name, KafkaVersion="3.6.0",
            NumberOfBrokerNodes=3, BrokerNodeGroupInfo=NODES, EncryptionInfo=PLAINTEXT)
    refused("BadRequestException", client.delete_cluster, ClusterArn=arn, CurrentVersion="KNOTTHISONE000")
    delete_and_wait(client, arn)


@feature("boto3", "cluster: V2 shapes")
def lifecycle_v2(client):
    name = fresh("v2")
    made = client.create_cluster_v2(ClusterName=name, Tags={"a": "1"}, Provisioned={
        "KafkaVersion": "4.1.x.kraft", "NumberOfBrokerNodes": 3, "BrokerNodeGroupInfo": NODES, "EncryptionInfo": PLAINTEXT})
    arn = made["ClusterArn"]
    assert made["ClusterType"] == "PROVISIONED" and made["State"] == "CREATING", made
    until(lambda: client.describe_cluster_v2(ClusterArn=arn)["ClusterInfo"]["State"] == "ACTIVE", "ACTIVE")
    info = client.describe_cluster_v2(ClusterArn=arn)["ClusterInfo"]
    assert info["Provisioned"]["NumberOfBrokerNodes"] == 3 and "Serverless" not in info, info
    listed = client.list_clusters_v2(ClusterNameFilter=name, ClusterTypeFilter="PROVISIONED")["ClusterInfoList"]
    assert [c["ClusterArn"] for c in listed] == [arn], listed
    assert client.list_clusters_v2(ClusterNameFilter=name, ClusterTypeFilter="SERVERLESS")["ClusterInfoList"] == []
    operations = client.list_cluster_operations_v2(ClusterArn=arn)
    assert isinstance(operations["ClusterOperationInfoList"], list), operations
    delete_and_wait(client, arn)


@feature("boto3", "lists: filters and pages")
def lists(client):
    names = sorted(fresh("page") for _ in range(3))
    arns = []
    for name in names:
        arns.append(client.create_cluster(
            ClusterName=name, KafkaVersion="3.9.x", NumberOfBrokerNodes=1 * 3, BrokerNodeGroupInfo=NODES,
            EncryptionInfo=PLAINTEXT)["ClusterArn"])
    pages = list(client.get_paginator("list_clusters").paginate(
        ClusterNameFilter="page-", PaginationConfig={"PageSize": 2}))
    found = [c["ClusterName"] for page in pages for c in page["ClusterInfoList"]]
    assert set(names) <= set(found) and len(found) == len(set(found)) and len(pages) >= 2, (names, found)
    assert all(len(page["ClusterInfoList"]) <= 2 for page in pages)
    refused("BadRequestException", client.list_clusters, NextToken="no-such-token")
    for arn in arns:
        until(lambda: client.describe_cluster(ClusterArn=arn)["ClusterInfo"]["State"] == "ACTIVE", "ACTIVE")
        delete_and_wait(client, arn)


@feature("boto3", "kafka versions")
def versions(client):
    found = {v["Version"]: v["Status"] for p in client.get_paginator("list_kafka_versions").paginate() for v in p["KafkaVersions"]}
    assert found.get("3.6.0") and found.get("4.1.x.kraft") == "ACTIVE", found
    matrix = client.get_compatible_kafka_versions()["CompatibleKafkaVersions"]
    row = next(r for r in matrix if r["SourceVersion"] == "3.6.0")
    assert "3.9.x" in row["TargetVersions"] and "3.5.1" not in row["TargetVersions"], row
    demo = client.list_clusters(ClusterNameFilter="demo")["ClusterInfoList"][0]["ClusterArn"]
    assert len(client.get_compatible_kafka_versions(ClusterArn=demo)["CompatibleKafkaVersions"]) == 1


@feature("boto3", "tags")
def tags(client):
    arn = client.list_clusters(ClusterNameFilter="demo")["ClusterInfoList"][0]["ClusterArn"]
    client.tag_resource(ResourceArn=arn, Tags={"a": "1", "b": "two words", "c": "3"})
    client.tag_resource(ResourceArn=arn, Tags={"a": "changed"})
    client.untag_resource(ResourceArn=arn, TagKeys=["b", "c"])
    found = client.list_tags_for_resource(ResourceArn=arn)["Tags"]
    assert found.get("a") == "changed" and "b" not in found and "c" not in found, found
    refused("NotFoundException", client.list_tags_for_resource, ResourceArn=arn.replace("demo", "nodemo"))


@feature("boto3", "operations")
def operations(client):
    arn = client.list_clusters(ClusterNameFilter="demo")["ClusterInfoList"][0]["ClusterArn"]
    for operation in client.list_cluster_operations(ClusterArn=arn)["ClusterOperationInfoList"]:
        found = client.describe_cluster_operation(ClusterOperationArn=operation["OperationArn"])["ClusterOperationInfo"]
        assert found["ClusterArn"] == arn and found["OperationType"], found
    unknown = arn.replace(":cluster/", ":cluster-operation/") + "/" + str(uuid.uuid4())
    refused("NotFoundException", client.describe_cluster_operation, ClusterOperationArn=unknown)
    refused("NotFoundException", client.describe_cluster_operation_v2, ClusterOperationArn=unknown)


@feature("boto3", "wrong input")
def wrong_input(client):
    good = dict(ClusterName=fresh("bad"), KafkaVersion="3.6.0", NumberOfBrokerNodes=3, BrokerNodeGroupInfo=NODES,
                EncryptionInfo=PLAINTEXT)
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
    unknown = "arn:aws:kafka:us-east-1:123456789012:cluster/none/00000000-0000-0000-0000-000000000000-1"
    refused("NotFoundException", client.describe_cluster, ClusterArn=unknown)


@feature("boto3", "SigV4")
def signatures(client):
    wrong = boto3.client("kafka", aws_access_key_id="AKIDNOBODY", aws_secret_access_key="nothing")
    for bad in (wrong, boto3.client("kafka", aws_access_key_id=client._get_credentials().access_key, aws_secret_access_key="x")):
        try:
            bad.list_clusters()
        except ClientError as error:
            assert error.response["ResponseMetadata"]["HTTPStatusCode"] in (401, 403), error
        else:
            raise AssertionError("a wrong key was accepted")


@feature("aws cli", "cluster: create, describe, delete")
def cli_lifecycle(_):
    name = fresh("cli")
    made = aws("create-cluster", "--cluster-name", name, "--kafka-version", "3.8.x", "--number-of-broker-nodes", "3",
               "--broker-node-group-info", json.dumps(NODES), "--encryption-info", json.dumps(PLAINTEXT))
    arn = made["ClusterArn"]
    until(lambda: aws("describe-cluster", "--cluster-arn", arn)["ClusterInfo"]["State"] == "ACTIVE", "ACTIVE")
    assert reachable(aws("get-bootstrap-brokers", "--cluster-arn", arn)["BootstrapBrokerString"])
    assert len([n for n in aws("list-nodes", "--cluster-arn", arn)["NodeInfoList"] if "BrokerNodeInfo" in n]) == 3
    assert aws("delete-cluster", "--cluster-arn", arn)["State"] == "DELETING"
    until(lambda: name not in str(aws("list-clusters")), "the cluster is gone")
    assert "NotFoundException" in aws("describe-cluster", "--cluster-arn", arn, ok=False)


@feature("aws cli", "lists and tags")
def cli_lists(_):
    arn = aws("list-clusters-v2", "--cluster-name-filter", "demo")["ClusterInfoList"][0]["ClusterArn"]
    aws("tag-resource", "--resource-arn", arn, "--tags", "cli=yes")
    assert aws("list-tags-for-resource", "--resource-arn", arn)["Tags"]["cli"] == "yes"
    aws("untag-resource", "--resource-arn", arn, "--tag-keys", "cli")
    assert "cli" not in aws("list-tags-for-resource", "--resource-arn", arn).get("Tags", {})
    assert aws("list-kafka-versions")["KafkaVersions"]
    aws("list-cluster-operations-v2", "--cluster-arn", arn)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bootstrap-of", metavar="CLUSTER", help="print the bootstrap string of this cluster and stop")
    parser.add_argument("--only")
    options = parser.parse_args()
    client = kafka()
    if options.bootstrap_of:
        def bootstrap():
            for cluster in client.list_clusters(ClusterNameFilter=options.bootstrap_of)["ClusterInfoList"]:
                if cluster["ClusterName"] == options.bootstrap_of and cluster["State"] == "ACTIVE":
                    return client.get_bootstrap_brokers(ClusterArn=cluster["ClusterArn"])["BootstrapBrokerString"]
        print(until(bootstrap, f"cluster {options.bootstrap_of} is ACTIVE"))
        return
    cli = subprocess.run([AWS, "--version"], capture_output=True, text=True).stdout.split()[0].partition("/")[2]
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
