"""Fixtures of the fault tests: a process, the small client beside this file, and a client that must
not be disturbed."""

import select
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import process  # noqa: E402
from process import Milena, until  # noqa: E402, F401


def make(directory):
    directory.mkdir()
    return directory


def client(bootstrap, mode, *arguments, seconds=300):
    """Runs the small client beside this file; returns its lines."""
    done = subprocess.run(
        [process.load_python(), HERE / "client.py", bootstrap, mode, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=seconds,
    )
    assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-3000:]
    return done.stdout.split("\n")


def no_panic(milena):
    said = milena.log.read_text(errors="replace")
    assert "panicked" not in said, said[max(said.index("panicked") - 300, 0):][:3000]


def refused_start(binary, data_dir):
    """Starts milena on a directory that it must refuse; returns what it said."""
    done = subprocess.run(
        [binary, "serve", "--data-dir", data_dir, "--listen", f"127.0.0.1:{process.free_port()}"],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode != 0, f"it was accepted: {done.stdout}"
    assert "panicked" not in done.stderr, done.stderr
    return done.stdout + done.stderr


class Bystander:
    """A client in a process of its own that does a little all the time. After the block: how it
    fared."""

    def __init__(self, bootstrap, topic):
        self.command = [sys.executable, str(HERE / "bystander.py"), bootstrap, topic]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        assert line == "ready\n", line + self.process.stderr.read()
        return self

    def rounds(self, number, seconds=60):
        """Waits until it has done so many more."""
        self.process.stdin.write(f"{number}\n")
        self.process.stdin.flush()
        readable, _, _ = select.select([self.process.stdout], [], [], seconds)
        assert readable, f"the bystander did not do {number} rounds in {seconds} s"
        line = self.process.stdout.readline()
        assert line == "done\n", line + self.process.stderr.read()

    def __exit__(self, kind, error, trace):
        try:
            out, self.said = self.process.communicate("\n", timeout=60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        assert self.process.returncode == 0, self.said
        rounds, worst, median, errors = out.split()
        self.rounds, self.worst_ms, self.median_ms, self.errors = (
            int(rounds),
            float(worst),
            float(median),
            int(errors),
        )

    def __str__(self):
        return (
            f"{self.rounds} rounds, median {self.median_ms} ms, worst {self.worst_ms} ms, "
            f"{self.errors} errors"
        )

    def undisturbed(self, worst_ms):
        """It never met an error and never waited longer than this."""
        print(f"  bystander: {self}", flush=True)
        assert self.errors == 0, f"the bystander met errors: {self.said[-1000:]}"
        assert self.rounds > 0, "the bystander did not run"
        assert self.worst_ms <= worst_ms, f"the bystander waited {self.worst_ms} ms"
