"""Clients that are too many, too slow, ask for too much, or disconnect in the middle of a request;
with another client that must not be disturbed."""

import itertools
import os
import random
import resource
import select
import socket
import struct
import threading
import time

import wire
from harness import Bystander, Milena, client, make, no_panic, until
from smallfs import MemoryWatch, Skipped, hold_fault, rss_mib

# The bystander's longest wait. Generous: two cores run the faults, the broker and the bystander.
WORST_MS = 3000
# A fault that is over at once on a fast machine is repeated for this many seconds, so that the
# bystander meets it.
FAULT_SECONDS = 3


def open_files(wanted):
    """Allows this process, and what it starts, so many open files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, wanted))
        except (ValueError, OSError):
            raise Skipped(f"this machine allows {hard} open files, not {wanted}") from None
    elif soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def idle_connections(binary, work):
    """10,000 idle connections take little memory each, disturb no other client, and all of them
    still serve requests."""
    count = 10_000
    open_files(count + 1500)
    with Milena(binary, make(work / "data")) as milena:
        bootstrap = milena.bootstrap()
        address = wire.create(bootstrap, "idle")[0]
        with Bystander(bootstrap, "watched") as bystander:
            hold_fault(1)
            before, connections = rss_mib(milena.process.pid), []
            for _ in range(count):
                connections.append(wire.Connection(address))
                connections[-1].api_versions()
            hold_fault(1)
            grown = rss_mib(milena.process.pid) - before
            print(
                f"  {count} idle connections take {grown:.0f} MiB, {grown * 1024 / count:.1f} KiB "
                "each"
            )
            for connection in random.sample(connections, 200):
                connection.api_versions()
            for connection in connections:
                connection.socket.close()
        bystander.undisturbed(WORST_MS)
        assert grown * 1024 / count < 32, f"{grown * 1024 / count:.1f} KiB a connection"
        until(lambda: sockets(milena.process.pid) < 500, "closed connections are let go of", 30)
        no_panic(milena)


def sockets(pid):
    """How many file descriptors a process has open."""
    return len(os.listdir(f"/proc/{pid}/fd"))


def loaded(milena, work, topic, mebibytes):
    """A topic of so many MiB in partition 0; bootstrap and the address of its leader."""
    bootstrap = milena.bootstrap()
    wire.create(bootstrap, topic, 1, [("max.message.bytes", "2000000")])
    client(bootstrap, "load", topic, work / "unused", mebibytes)
    return bootstrap, wire.leader(bootstrap, topic)


def slow_readers(binary, work, long=False):
    """Consumers that ask for 50 MiB and read a byte a second: what is held for them is bounded, and
    others go on."""
    readers = 60 if long else 24
    with Milena(binary, make(work / "data"), ["--cache-mib", "64"]) as milena:
        bootstrap, address = loaded(milena, work, "slow", 160)
        memory = MemoryWatch(milena.process.pid)
        with Bystander(bootstrap, "watched") as bystander:
            connections = [wire.Connection(address, receive_buffer=4096) for _ in range(readers)]
            for number, connection in enumerate(connections):
                connection.socket.sendall(wire.fetch("slow", 0, number % 100, 50 << 20))
            ends = time.monotonic() + (30 if long else 8)
            while time.monotonic() < ends:
                for connection in connections:
                    connection.socket.recv(1)
                hold_fault(1)
            with wire.Connection(address) as fast:
                # With little room left each response is shorter.
                received = 0
                while received <= 19 << 20:
                    received += len(fast.ask(wire.fetch("slow", 0, 0, 20 << 20)))
        bystander.undisturbed(WORST_MS)
        peak = memory.peak()
        print(
            f"  {readers} readers of a byte a second, 50 MiB each: {memory.before:.0f} MiB before, "
            f"at most {peak:.0f} MiB"
        )
        assert peak - memory.before < 700, f"from {memory.before:.0f} to {peak:.0f} MiB"
        for connection in connections:
            connection.socket.close()
        no_panic(milena)


def big_fetches(binary, work, long=False):
    """Many fetches of 100 MiB at once: everybody gets at least a block, memory stays bounded."""
    with Milena(binary, make(work / "data"), ["--cache-mib", "64"]) as milena:
        bootstrap, address = loaded(milena, work, "big", 220)
        memory, got, failures = MemoryWatch(milena.process.pid), [], []

        def fetch(rounds):
            try:
                with wire.Connection(address, 120) as connection:
                    while rounds > 0 or time.monotonic() - started < FAULT_SECONDS:
                        connection.socket.sendall(wire.fetch("big", 0, 0, 100 << 20))
                        got.append(connection.skip_answer())
                        rounds -= 1
            except Exception as error:  # Counted, and fails the case.
                failures.append(error)
        with Bystander(bootstrap, "watched") as bystander:
            threads = [threading.Thread(target=fetch, args=(4 if long else 2,)) for _ in range(12)]
            started = time.monotonic()
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            seconds = time.monotonic() - started
        bystander.undisturbed(10_000)
        peak = memory.peak()
        total = sum(got) / 2**30
        print(
            f"  {len(got)} fetches, {min(got) >> 20} to {max(got) >> 20} MiB each, {total:.1f} GiB "
            f"in {seconds:.1f} s; "
            f"{memory.before:.0f} MiB before, at most {peak:.0f} MiB"
        )
        assert not failures, failures[:3]
        assert min(got) > 1 << 19, f"a fetch of 100 MiB got {min(got)} bytes"
        assert peak - memory.before < 1500, f"from {memory.before:.0f} to {peak:.0f} MiB"
        no_panic(milena)


def disconnecting_clients(binary, work, long=False):
    """Clients that disconnect in the middle of a request or a response, in an orderly way or with a
    reset: nothing of a half request is written, nothing is held for them, others are served."""
    chance = random.Random(7)
    with Milena(binary, make(work / "data")) as milena:
        bootstrap, address = loaded(milena, work, "gone", 40)
        value = b"half" * 5000
        request = wire.produce("gone", 0, wire.batch([value]))
        with wire.Connection(address) as reader, Bystander(bootstrap, "watched") as bystander:
            end = reader.fetch("gone", 0, 0, 1)[1]
            fds = sockets(milena.process.pid)
            started = time.monotonic()
            for number in itertools.count():
                long_enough = time.monotonic() - started >= FAULT_SECONDS
                if long_enough and number >= (1500 if long else 300):
                    break
                connection = wire.Connection(address)
                if number % 3 == 0:
                    connection.socket.sendall(request[:chance.randrange(1, len(request))])
                elif number % 3 == 1:
                    connection.socket.sendall(wire.fetch("gone", 0, 0, 30 << 20))
                    connection.socket.recv(chance.randrange(1, 100_000))
                else:
                    connection.socket.sendall(wire.fetch("gone", 0, end, 1 << 20, wait_ms=10_000))
                if chance.random() < 0.5:
                    connection.socket.setsockopt(
                        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
                    )
                connection.socket.close()
            until(
                lambda: sockets(milena.process.pid) <= fds + 20,
                "their connections are let go of",
                30,
            )
            after = reader.fetch("gone", 0, 0, 1)[1]
        bystander.undisturbed(WORST_MS)
        assert after == end, f"{after - end} half requests were written"
        no_panic(milena)


def half_open_connections(binary, work):
    """A client that shut its sending side gets its responses; one whose machine disappeared, with
    a response half sent, delays no other."""
    with Milena(binary, make(work / "data")) as milena:
        bootstrap, address = loaded(milena, work, "half", 40)
        with Bystander(bootstrap, "watched") as bystander:
            with wire.Connection(address) as connection:
                connection.socket.sendall(wire.produce("half", 0, wire.batch([b"last words"])))
                connection.socket.shutdown(socket.SHUT_WR)
                code = struct.unpack_from(">h", connection.answer(), 4 + 2 + 4 + 4 + 4)[0]
                assert code == 0, f"the produce answers {code}"
            silent = [wire.Connection(address, receive_buffer=4096) for _ in range(50)]
            for connection in silent:
                connection.socket.sendall(wire.fetch("half", 0, 0, 30 << 20) * 4)
            hold_fault(3)
        bystander.undisturbed(WORST_MS)
        took = milena.stop()
        assert took < 4, f"connections that read nothing held up the stop for {took:.1f} s"
        for connection in silent:
            connection.socket.close()
        no_panic(milena)


def bad_bytes(binary, work, long=False):
    """Garbage on the Kafka port and on the API's port disturbs no other client."""
    chance = random.Random(3)
    with Milena(binary, make(work / "data")) as milena:
        bootstrap = milena.bootstrap()
        client(bootstrap, "produce", "garbage", work / "acked", 100)
        memory = MemoryWatch(milena.process.pid)
        fixed = [
            b"\x7f\xff\xff\xff" + b"x" * 100,
            b"\x00\x00\x00\x08\x00\x03\x00\x0c\xff\xff\xff\xff",
            b"\x80" * 64,
            b"GET / HTTP/1.1\r\n\r\n",
            b"\x00\x00\x00\x10\x00\x00\x7f\xff" + b"\xff" * 12,
            b"POST /v1/clusters HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n{",
        ]
        # Some stay valid and are accepted; shorter than the records the client looks for.
        valid = [
            wire.produce("garbage", 0, wire.batch([b"x" * 30])),
            wire.fetch("garbage", 0, 0, 1 << 20),
            wire.frame(wire.API_VERSIONS, 0, b""),
            wire.frame(wire.METADATA, 1, struct.pack(">i", -1)),
        ]
        with Bystander(bootstrap, "watched") as bystander:
            left, ends = 2000 if long else 500, time.monotonic() + FAULT_SECONDS
            while left > 0 or time.monotonic() < ends:
                altered = []
                for _ in range(100):
                    bytes_ = bytearray(chance.choice(valid))
                    for _ in range(chance.randrange(1, 6)):
                        bytes_[chance.randrange(4, len(bytes_))] = chance.randrange(256)
                    altered.append(bytes(bytes_))
                left -= len(altered)
                for garbage in [*fixed, os.urandom(4096), *altered]:
                    for place in (bootstrap.split(",")[0], milena.listen):
                        answered(place, garbage)
        bystander.undisturbed(WORST_MS)
        client(bootstrap, "verify", "garbage", work / "acked", "others")
        assert memory.peak() - memory.before < 200, (
            f"from {memory.before:.0f} to {memory.peak():.0f} MiB"
        )
        no_panic(milena)


def answered(place, garbage):
    """Sends bytes and waits for a response, if any."""
    with wire.Connection(place, 10) as connection:
        connection.socket.sendall(garbage)
        connection.socket.settimeout(0.02)
        try:
            connection.socket.recv(4096)
        except OSError:
            pass


CASES = (
    idle_connections,
    slow_readers,
    big_fetches,
    disconnecting_clients,
    half_open_connections,
    bad_bytes,
)
