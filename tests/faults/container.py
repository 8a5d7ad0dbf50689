"""A process whose container gives it little memory: a control group of the kernel, version 1 or
2."""

import contextlib
import os
from pathlib import Path

import wire
from harness import Bystander, Milena, client, make, no_panic
from smallfs import MemoryWatch, Skipped

GROUPS = Path("/sys/fs/cgroup")


@contextlib.contextmanager
def memory_group(mebibytes):
    """A control group that may use so much memory."""
    is_first = (GROUPS / "memory").is_dir()
    group = (GROUPS / "memory" if is_first else GROUPS) / f"milena-faults-{os.getpid()}"
    limit = group / ("memory.limit_in_bytes" if is_first else "memory.max")
    try:
        group.mkdir()
        try:
            limit.write_text(str(mebibytes << 20))
        except OSError:
            group.rmdir()
            raise
    except OSError as error:
        raise Skipped(f"a control group for memory is not permitted here ({error})") from None
    try:
        yield group
    finally:
        group.rmdir()


def kills(group):
    """How many processes the kernel ended for want of memory; older kernels do not count them."""
    for name in ("memory.oom_control", "memory.events"):
        if (group / name).exists():
            lines = (group / name).read_text().splitlines()
            return int(dict(line.split() for line in lines).get("oom_kill", 0))
    return 0


def small_container(binary, work):
    """In a container of 1 GiB the process divides these, not the machine's memory, and lives
    through producers and consumers that are as fast as they can."""
    with memory_group(1024) as group:
        join = ["sh", "-c", f'echo $$ > {group}/cgroup.procs && exec "$@"', "sh"]
        environment = {"MILENA_LOG": "info,milena=debug"}
        with Milena(
            binary, make(work / "data"), log=work / "log", prefix=join, environment=environment
        ) as milena:
            bootstrap, memory = milena.bootstrap(), MemoryWatch(milena.process.pid)
            said = milena.log.read_text()
            assert "division=1024 MiB" in said, f"the memory is not divided: {said[-2000:]}"
            with Bystander(bootstrap, "watched") as bystander:
                rushed = client(bootstrap, "rush", "rush", work / "acked", 10)[0]
                client(bootstrap, "verify", "rush", work / "acked", "others")
                with wire.Connection(wire.leader(bootstrap, "rush")) as connection:
                    for _ in range(20):
                        code, _, records = connection.fetch("rush", 0, 0, 50 << 20)
                        assert code == 0 and records, f"a large fetch returns {code}"
            print(f"  {rushed}; at most {memory.peak():.0f} MiB resident")
            bystander.undisturbed(10_000)
            assert kills(group) == 0, "the kernel ended a process"
            assert memory.peak() < 1024, f"{memory.peak():.0f} MiB resident"
            no_panic(milena)


CASES = (small_container,)
