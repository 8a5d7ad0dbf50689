"""The suites of this folder: what each needs, how it is built once, and the command that asks a
cluster its questions.

A suite is given `--bootstrap`, `--cluster-version` and perhaps `--only`, and prints one JSON line
per feature: {"client", "feature", "result": "pass" | "fail" | "n/a", "detail", "seconds"}. Its
build goes to `.cache/`, once for each content of the files that pin it. Standard library only.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import process  # noqa: E402


JVM = ["java", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp"]


@dataclass(frozen=True)
class Suite:
    """`needs` are runtimes as `LACKS` names them; `build` makes the suite and returns the head of
    its command."""

    name: str
    needs: tuple
    build: Callable
    arguments: Callable = (
        None  # (bootstrap, version, only) -> the rest of the command, where it is not the usual one
    )
    kafka: bool = True  # False: the suite asks the AWS API, once, and not the clusters
    selects: bool = True  # False: the suite has no --only
    short: tuple = ()  # what it asks without --all, where that is not the default version

    def command(self, head, bootstrap, version, only):
        if self.arguments:
            return [*head, *self.arguments(bootstrap, version, only)]
        extra = ["--only", only] if only else []
        return (
            [*head, "--bootstrap", bootstrap, "--cluster-version", version, *extra]
            if self.kafka
            else [*head, *extra]
        )


TERRAFORM = "Terraform with hashicorp/aws"
LACKS = {
    **process.RUNTIMES,
    "Go": ["go", "version"],
    "Node": ["npm", "--version"],
    "Rust": ["cargo", "--version"],
    "C compiler": ["cc", "--version"],
}


def missing(names):
    """Those of these runtimes that are not on this machine."""
    result = set()
    for name in names:
        if name == TERRAFORM:
            if not shutil.which("terraform") or not terraform_plugins():
                result.add(name)
            continue
        if name == "kcat":
            if not shutil.which("kcat") and not installed_kcat():
                result.add(name)
            continue
        try:
            subprocess.run(LACKS[name], check=True, capture_output=True, timeout=60)
        except (OSError, subprocess.SubprocessError):
            result.add(name)
    return result


def terraform_plugins():
    """The directory that has the provider, as a mirror of the registry; nothing is fetched."""
    folders = [
        os.environ.get("TERRAFORM_PLUGINS"),
        "~/.terraform.d/plugins",
        "~/.local/share/terraform/plugins",
        "/usr/local/share/terraform/plugins",
        "/usr/share/terraform/plugins",
        "/opt/tf-plugins",
    ]
    for folder in filter(None, folders):
        folder = Path(folder).expanduser()
        if (folder / "registry.terraform.io/hashicorp/aws").is_dir():
            return folder
    return None


def installed_kcat():
    """Debian's kcat, installed where this process may."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    command = ["apt-get", "install", "-y", "-q", "--no-install-recommends", "kcat"]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for attempt in (command, ["apt-get", "update", "-q"], command):
        try:
            subprocess.run(attempt, capture_output=True, timeout=300, env=environment)
        except subprocess.TimeoutExpired:
            return False
        if shutil.which("kcat"):
            return True
    return False


def content(folder, *patterns):
    """The text of all matching files, as a stamp of what is built from them."""
    paths = sorted(path for pattern in patterns for path in folder.glob(pattern))
    return "\n".join(f"{path.name}\n{path.read_text()}" for path in paths)


def python_suite(name):
    return Suite(
        name, ("Python venv",), lambda: [process.python(), HERE / f"python/{name}_client.py"]
    )


def driven(name, needs, build):
    """A client in another language: a driver of its own, asked the questions of
    python/contract.py."""
    return Suite(
        name,
        needs,
        lambda: [sys.executable, HERE / "python/driven.py", "--driver", *map(str, build())],
    )


def go(client):
    def build():
        def install(target):
            process.downloads(
                "go",
                "build",
                "-mod=readonly",
                "-o",
                target,
                "./...",
                cwd=HERE / "go",
                env={**os.environ, "CGO_ENABLED": "0"},
            )
        stamp = content(HERE / "go", "go.mod", "go.sum", "*/*.go")
        return [process.fetched(process.CACHE / "go", stamp, install) / client]
    return build


def node():
    def install(target):
        for name in ("package.json", "package-lock.json", "driver.js"):
            shutil.copy(HERE / "node" / name, target)
        process.downloads(
            "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent", cwd=target
        )

    stamp = content(HERE / "node", "package*.json", "driver.js")
    return ["node", process.fetched(process.CACHE / "node", stamp, install) / "driver.js"]


def rust():
    # No stamp: Cargo detects changes itself.
    target = process.CACHE / "rust-target"
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CARGO_")} | {
        "CARGO_TARGET_DIR": str(target)
    }
    if "CARGO_HOME" in os.environ:
        environment["CARGO_HOME"] = os.environ["CARGO_HOME"]
    subprocess.run(
        ["cargo", "build", "--locked", "--quiet"], check=True, cwd=HERE / "rust", env=environment
    )
    return [target / "debug/milena-client-rust"]


def java(version):
    return lambda: [*JVM, process.java_client(version), "Contract"]


def java_arguments(bootstrap, version, only):
    return [bootstrap, *([only] if only else []), "--cluster-version", version]


def java_old():
    return [*JVM, process.java_client(process.JAVA_CLIENTS[-1]), "Legacy",
            *(process.java_old_client(version) for version in process.JAVA_OLD_CLIENTS)]


def tools():
    classpath, version = process.java_contract()
    return [sys.executable, HERE / "tools/kafka_tools.py", classpath, version]


SUITES = [
    # Newest first; in a short run each asks another version, so that each version is asked by one.
    *(
        Suite(name, ("Java 17", "Maven"), java(client), java_arguments, short=short)
        for name, client, short in zip(
            ("java", "java-3.9", "java-2.8"),
            reversed(process.JAVA_CLIENTS),
            (("3.9.x.kraft", "4.1.x.kraft"), ("3.6.0",), ("2.8.1",)),
        )
    ),
    Suite("java-old", ("Java 17", "Maven"), java_old, short=("2.8.1", "4.1.x.kraft")),
    python_suite("confluent"),
    python_suite("kafka_python"),
    python_suite("aiokafka"),
    driven("franz-go", ("Go",), go("franz")),
    driven("sarama", ("Go",), go("sarama")),
    driven("kafkajs", ("Node",), node),
    driven("rdkafka", ("Rust", "C compiler"), rust),
    Suite("kcat", ("kcat", "Python venv"), lambda: [process.python(), HERE / "c/kcat_client.py"]),
    Suite(
        "tools",
        ("Java 17", "Maven"),
        tools,
        lambda bootstrap, version, only: [bootstrap],
        selects=False,
    ),
    Suite(
        "aws", ("Python venv",), lambda: [process.python(), HERE / "aws/msk_client.py"], kafka=False
    ),
    Suite(
        "terraform",
        (TERRAFORM,),
        lambda: [sys.executable, HERE / "terraform/terraform_client.py", terraform_plugins()],
        kafka=False,
        selects=False,
    ),
]
