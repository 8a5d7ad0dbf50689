"""Terraform with the provider hashicorp/aws, both unmodified: a cluster with its configuration is
made, changed in every way that the provider has and Milena offers, imported, and destroyed. After
each step a plan must find nothing left to do.

Prints one JSON line per feature, as the Kafka clients do. Needs the directory of the provider as
its first argument, AWS_ENDPOINT_URL_KAFKA, AWS_SHARED_CREDENTIALS_FILE, AWS_DEFAULT_REGION and
MILENA_BINARY. Standard library only.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
import uuid
from pathlib import Path

PLUGINS = Path(sys.argv[1])
NAME = f"terraform-{uuid.uuid4().hex[:8]}"
MILENA = os.environ["MILENA_BINARY"]
DATA_DIR = Path(os.environ["AWS_SHARED_CREDENTIALS_FILE"]).parent
SKIPPED_CHECKS = (
    "skip_credentials_validation",
    "skip_requesting_account_id",
    "skip_metadata_api_check",
    "skip_region_validation",
)
OUTPUTS = {
    "cluster": "${aws_msk_cluster.one.arn}",
    "configuration": "${aws_msk_configuration.one.arn}",
    "bootstrap": "${aws_msk_cluster.one.bootstrap_brokers}",
}
FEATURES = []


def feature(name):
    def register(function):
        FEATURES.append((name, function))
        return function
    return register


def provider_version():
    versions = PLUGINS.glob("registry.terraform.io/hashicorp/aws/[0-9]*")
    names = (version.name for version in versions)
    return max(names, key=lambda name: [int(part) for part in name.split(".")])


class Project:
    """A directory with one configuration of Terraform."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.wanted = {
            "brokers": 3,
            "size": 10,
            "type": "kafka.m5.large",
            "properties": "num.io.threads = 9\n",
            "tags": {"team": "data", "stage": "test"},
            "version": "3.9.x.kraft",
            # Blocks of the cluster that only some steps have.
            "blocks": {},
        }
        mirror = f'filesystem_mirror {{\n    path = "{PLUGINS}"\n  }}'
        (self.folder / "terraform.rc").write_text(f"provider_installation {{\n  {mirror}\n}}\n")

    def cluster(self):
        group = {
            "instance_type": self.wanted["type"],
            "client_subnets": ["subnet-a", "subnet-b", "subnet-c"],
            "security_groups": ["sg-1"],
            "storage_info": [{"ebs_storage_info": [{"volume_size": self.wanted["size"]}]}],
        }
        info = {
            "arn": "${aws_msk_configuration.one.arn}",
            "revision": "${aws_msk_configuration.one.latest_revision}",
        }
        return {
            "cluster_name": NAME,
            "kafka_version": self.wanted["version"],
            "number_of_broker_nodes": self.wanted["brokers"],
            "broker_node_group_info": [group],
            "tags": self.wanted["tags"],
            "encryption_info": [{"encryption_in_transit": [{"client_broker": "PLAINTEXT"}]}],
            "configuration_info": [info],
        } | self.wanted["blocks"]

    def write(self, **changes):
        self.wanted |= changes
        provider = dict.fromkeys(SKIPPED_CHECKS, True) | {
            "region": os.environ["AWS_DEFAULT_REGION"],
            "endpoints": [{"kafka": os.environ["AWS_ENDPOINT_URL_KAFKA"]}],
        }
        configuration = {
            "name": NAME,
            "kafka_versions": ["3.9.x.kraft", "4.0.x.kraft"],
            "server_properties": self.wanted["properties"],
        }
        whole = {
            "terraform": {"required_providers": {"aws": {"source": "hashicorp/aws"}}},
            "provider": {"aws": provider},
            "resource": {
                "aws_msk_configuration": {"one": configuration},
                "aws_msk_cluster": {"one": self.cluster()},
            },
            "output": {name: {"value": value} for name, value in OUTPUTS.items()},
        }
        (self.folder / "main.tf.json").write_text(json.dumps(whole, indent=2))

    def run(self, command, *arguments, ok=(0,)):
        environment = os.environ | {
            "TF_CLI_CONFIG_FILE": str(self.folder / "terraform.rc"),
            "TF_IN_AUTOMATION": "1",
            "CHECKPOINT_DISABLE": "1",
        }
        done = subprocess.run(
            ["terraform", command, *arguments],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=300,
            env=environment,
            stdin=subprocess.DEVNULL,
        )
        said = done.stdout[-3000:] + done.stderr[-3000:]
        assert done.returncode in ok, f"terraform {command} ended with {done.returncode}: {said}"
        return done

    def nothing_to_do(self):
        plan = ["plan", "-detailed-exitcode", "-input=false", "-no-color"]
        planned = self.run(*plan, ok=(0, 2))
        assert planned.returncode == 0, f"the plan is not empty: {planned.stdout[-3000:]}"

    def apply(self, **changes):
        """Applies the changes; the cluster as the API then shows it."""
        self.write(**changes)
        self.run("apply", "-auto-approve", "-input=false", "-no-color")
        self.nothing_to_do()
        return cluster()

    def refused(self, words, **changes):
        """The changes cannot be applied, for a reason with these words, and are taken back."""
        before = dict(self.wanted)
        self.write(**changes)
        try:
            done = self.run("apply", "-auto-approve", "-input=false", "-no-color", ok=(1,))
        finally:
            self.write(**before)
        said = " ".join(done.stderr.replace("\N{BOX DRAWINGS LIGHT VERTICAL}", " ").split())
        assert words in said, f"{words!r} is not in {said[-2000:]}"
        self.nothing_to_do()

    def output(self, name):
        return json.loads(self.run("output", "-json").stdout)[name]["value"]


def milena(*arguments):
    command = [MILENA, *arguments, "--data-dir", str(DATA_DIR)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"milena {' '.join(arguments)}: {done.stderr}"
    return done.stdout


def cluster():
    return json.loads(milena("cluster", "describe", NAME, "--json"))


def io_threads():
    """What a broker of the cluster really runs with."""
    configs = json.loads(milena("broker", "config", NAME, "1", "--all", "--json"))["configs"]
    return configs["num.io.threads"]


@feature("apply, and an empty plan after it")
def create(project):
    project.write()
    project.run("init", "-input=false", "-no-color")
    made = project.apply()
    assert made["state"] == "ACTIVE" and made["numberOfBrokerNodes"] == 3, made
    assert len(project.output("bootstrap").split(",")) == 3
    assert io_threads() == "9"


@feature("update: volumes")
def storage(project):
    made = project.apply(size=20)
    assert made["brokerNodeGroupInfo"]["storageInfo"]["ebsStorageInfo"]["volumeSize"] == 20, made


@feature("update: broker type")
def broker_type(project):
    made = project.apply(type="kafka.m7g.xlarge")
    assert made["brokerNodeGroupInfo"]["instanceType"] == "kafka.m7g.xlarge", made


@feature("update: broker count")
def broker_count(project):
    assert project.apply(brokers=6)["numberOfBrokerNodes"] == 6


@feature("update: configuration")
def configuration(project):
    made = project.apply(properties="num.io.threads = 11\n")
    assert made["currentBrokerSoftwareInfo"]["configurationRevision"] == 2, made
    assert io_threads() == "11"


@feature("update: kafka version")
def kafka_version(project):
    made = project.apply(version="4.0.x.kraft")
    assert made["currentBrokerSoftwareInfo"]["kafkaVersion"] == "4.0.x.kraft", made
    assert io_threads() == "11"


@feature("update: tags")
def tags(project):
    wanted = {"team": "ledger", "owner": "me"}
    assert project.apply(tags=wanted)["tags"] == wanted


@feature("update: monitoring, logging and security that are off")
def switched_off(project):
    off = {"jmx_exporter": [{"enabled_in_broker": False}]}
    logs = {"s3": [{"enabled": False, "bucket": "logs"}]}
    blocks = {
        "enhanced_monitoring": "DEFAULT",
        "open_monitoring": [{"prometheus": [off]}],
        "logging_info": [{"broker_logs": [logs]}],
        "client_authentication": [{"unauthenticated": True}],
    }
    made = project.apply(blocks=blocks)
    assert made["loggingInfo"]["brokerLogs"]["s3"]["bucket"] == "logs", made


@feature("what is not offered is refused by its name, and can be taken back")
def not_offered(project):
    off = "is not offered in this release of Milena"
    blocks = dict(project.wanted["blocks"])
    project.refused("and not for 4.1.x.kraft", version="4.1.x.kraft")
    for name, value, words in (
        ("enhanced_monitoring", "PER_BROKER", f"a level beyond DEFAULT {off}"),
        ("client_authentication", [{"sasl": [{"iam": True}]}], f"client authentication {off}"),
    ):
        project.refused(words, blocks=blocks | {name: value})


@feature("update: several at once")
def several(project):
    threads = "num.io.threads = 12\n"
    made = project.apply(size=30, type="kafka.m5.large", properties=threads, tags={})
    assert made["brokerNodeGroupInfo"]["instanceType"] == "kafka.m5.large", made
    assert "tags" not in made or made["tags"] == {}, made
    assert io_threads() == "12"


@feature("import")
def imported(project):
    arns = {kind: project.output(kind) for kind in ("cluster", "configuration")}
    for kind, arn in arns.items():
        project.run("state", "rm", f"aws_msk_{kind}.one")
        project.run("import", "-input=false", "-no-color", f"aws_msk_{kind}.one", arn)
    project.nothing_to_do()


@feature("destroy")
def destroy(project):
    project.run("destroy", "-auto-approve", "-input=false", "-no-color")
    assert NAME not in milena("cluster", "list") and NAME not in milena("config", "list")
    assert project.run("state", "list").stdout.strip() == ""


def main():
    client, failed = f"Terraform, aws {provider_version()}", False
    folder = tempfile.mkdtemp(prefix="milena-terraform-")
    project = Project(folder)
    for name, check in FEATURES:
        line = {"client": client, "feature": name, "result": "pass", "detail": ""}
        started = time.monotonic()
        try:
            check(project)
        except Exception as error:
            failed = True
            line |= {"result": "fail", "detail": f"{type(error).__name__}: {error}"[:4000]}
            traceback.print_exc()
        line["seconds"] = round(time.monotonic() - started, 2)
        print(json.dumps(line), flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
