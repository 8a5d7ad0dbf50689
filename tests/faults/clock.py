"""A wall clock that jumps, in a real process: leases, timeouts and groups go by the monotonic
clock."""

import shutil
import struct
import subprocess
import time

import wire
from damage import ready
from harness import HERE, Bystander, Milena, client, make, no_panic, until
from smallfs import Skipped, hold_fault

DAY = 24 * 3600


class WallClock:
    """The wall clock of a process, moved by a file (clock.c)."""

    def __init__(self, work):
        compiler = shutil.which("cc") or shutil.which("gcc")
        if not compiler:
            raise Skipped("no C compiler on this machine")
        library, self.file = work / "clock.so", work / "offset"
        subprocess.run(
            [compiler, "-shared", "-fPIC", "-O1", "-o", library, HERE / "clock.c", "-ldl"],
            check=True,
        )
        self.jump_to(0)
        self.environment = {"LD_PRELOAD": str(library), "CLOCK_OFFSET_FILE": str(self.file)}

    def jump_to(self, seconds):
        """Moves the clock so far from the real one."""
        if not self.file.exists():
            self.file.write_bytes(bytes(8))
        with open(self.file, "r+b") as file:
            file.write(struct.pack("=q", seconds))


def clock_jumps(binary, work):
    """The wall clock jumps forward and backward, by hours and days, under a working broker: no
    client is disturbed, no broker loses its lease, a group keeps its members, and all records are
    there after a start in the past."""
    clock = WallClock(work)
    milena = Milena(binary, make(work / "data"), environment=clock.environment)
    with milena:
        bootstrap = milena.bootstrap()
        client(bootstrap, "produce", "jumps", work / "acked", 60)
        with GroupMember(bootstrap, "jumps") as member:
            with Bystander(bootstrap, "watched") as bystander:
                for seconds in (3600, -3600, 2 * DAY, -30 * DAY, 0, 11):
                    clock.jump_to(seconds)
                    hold_fault(3)
            bystander.undisturbed(3000)
        assert member.assignments == 1, (
            f"the group rebalanced {member.assignments - 1} times: {member.said}"
        )
        client(bootstrap, "verify", "jumps", work / "acked")
        seen = until(
            lambda: shown_time(bootstrap) and shown_time(bootstrap),
            "a record with the broker's time",
        )
        assert abs(seen - time.time() - 11) < 60, (
            f"the process does not see the moved clock: {seen - time.time()} s off"
        )
        said = milena.log.read_text()
        for word in ("registration", "lease", "sealed", "restart"):
            assert word not in said.lower(), f"the log speaks of a {word}: {said[-2000:]}"
        clock.jump_to(-2 * DAY)
        milena.kill()
        milena.start()
        # The API is not asked: it rightly refuses what was signed at another time.
        ready(bootstrap)
        client(bootstrap, "verify", "jumps", work / "acked")
        client(bootstrap, "resume", "jumps", work / "acked")
        no_panic(milena)


def shown_time(bootstrap):
    """The time that a broker gives a record of a topic with LogAppendTime, in seconds."""
    address = wire.create(bootstrap, "stamped", 1, [("message.timestamp.type", "LogAppendTime")])[0]
    with wire.Connection(address) as connection:
        offset = connection.produce("stamped", 0, wire.batch([b"x"]))
        _, _, records = connection.fetch("stamped", 0, offset, 1 << 16)
    return struct.unpack_from(">q", records, 35)[0] / 1000 if records else None


class GroupMember:
    """A consumer of a group in a process of its own; after the block, how often it was given
    partitions."""

    def __init__(self, bootstrap, topic):
        self.command = [bootstrap, topic]

    def __enter__(self):
        import process

        self.process = subprocess.Popen(
            [process.python(), HERE / "client.py", self.command[0], "member", self.command[1], "-"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout.readline() == "assigned\n", self.process.stderr.read()
        return self

    def __exit__(self, *_):
        out, self.said = self.process.communicate("\n", timeout=60)
        self.assignments = 1 + out.count("assigned")


CASES = (clock_jumps,)
