"""Attacks over Kafka's protocol: each takes what is attacked and returns when it is over. None needs anything that a
client could not have."""

import gzip
import os
import random
import socket
import struct
import threading
import time

import process
import wire

LIST_OFFSETS, JOIN_GROUP, DELETE_TOPICS, ELECT_LEADERS = 2, 11, 20, 43
REQUEST_MAX = 100 << 20


def at_once(number, work, seconds=180):
    """Runs `work(n)` in so many threads. What the broker does to them is not asked here."""
    def one(n):
        try:
            work(n)
        except (OSError, EOFError, wire.Failed):
            pass
    threads = [threading.Thread(target=one, args=(n,), daemon=True) for n in range(number)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(deadline - time.monotonic(), 0))
    assert not any(thread.is_alive() for thread in threads), f"an attacker has no answer after {seconds} s"


def compressed(expanded_bytes):
    """One batch with one record of zeros, packed by gzip."""
    value = bytes(expanded_bytes)
    record = b"\0" + wire.varint(0) + wire.varint(0) + wire.varint(1) + b"k" + wire.varint(len(value)) + value + b"\0"
    packed = gzip.compress(wire.varint(len(record)) + record, 6)
    now_ms = int(time.time() * 1000)
    body = struct.pack(">hiqqqhii", 1, 0, now_ms, now_ms, -1, -1, -1, 1) + packed
    return struct.pack(">qiibI", 0, len(body) + 9, -1, 2, wire.crc32c(body)) + body


BOMB_BYTES = 100_000_000


def bombs(target):
    """Records that expand a thousand times, to a topic whose rules have the broker look into them."""
    bomb = compressed(BOMB_BYTES)
    address = wire.create(target.bootstrap, "bombs", 1, [("cleanup.policy", "compact")])[0]

    def work(_):
        with wire.Connection(address, 120) as connection:
            for _ in range(6 if target.long else 3):
                connection.produce("bombs", 0, bomb)
    at_once(10, work)


def bombs_read(target):
    """The same, stored where they are not looked into, and read by those for whom they are converted or searched."""
    bomb = compressed(BOMB_BYTES)
    address = wire.create(target.bootstrap, "bombs-read", 1, [("compression.type", "producer")])[0]
    with wire.Connection(address, 120) as connection:
        try:
            connection.produce("bombs-read", 0, bomb)
        except wire.Failed:
            return  # They are looked into after all.

    def by_time(times):
        one = struct.pack(">iq", 0, 1)
        body = struct.pack(">ii", -1, 1) + wire.string("bombs-read") + struct.pack(">i", times) + one * times
        return wire.frame(LIST_OFFSETS, 1, body)

    old = struct.pack(">iiiii", -1, 0, 1, 1 << 20, 1) + wire.string("bombs-read") + struct.pack(">iiqi", 1, 0, 0, 1 << 20)

    def work(n):
        with wire.Connection(address, 120) as connection:
            for _ in range(3):
                connection.ask(by_time(200) if n % 2 else wire.frame(wire.FETCH, 3, old))
    at_once(6, work)


def elections(target):
    """Elections of four million partitions that do not exist: answers are ten times the request."""
    partitions = struct.pack(">i", 2001) + bytes(4 * 2001)
    body = b"\0" + struct.pack(">i", 2001) + (wire.string("g1") + partitions) * 2001 + struct.pack(">i", 1000)

    def work(n):
        with wire.Connection(target.addresses[n % len(target.addresses)], 120) as connection:
            connection.socket.sendall(wire.frame(ELECT_LEADERS, 1, body))
            connection.skip_answer()
    at_once(6, work)


def wide_fetches(target):
    """A partition named three million times in one Fetch."""
    address = wire.create(target.bootstrap, "wide", 1)[0]
    number = 3_000_000
    body = struct.pack(">iiiibi", -1, 0, 1, 1 << 30, 0, 1) + wire.string("wide")
    body += struct.pack(">i", number) + struct.pack(">iqi", 0, 0, 1000) * number

    def work(_):
        with wire.Connection(address, 120) as connection:
            for _ in range(2):
                connection.socket.sendall(wire.frame(wire.FETCH, 4, body))
                connection.skip_answer()
    at_once(3, work)


def sessions(target):
    """Fetch sessions of a million partitions, whose clients leave."""
    address = wire.create(target.bootstrap, "sessions", 1)[0]
    number = 1_000_000
    entries = b"".join(struct.pack(">iqqi", n, 0, -1, 1000) for n in range(number))
    body = struct.pack(">iiiibii", -1, 0, 1, 1 << 30, 0, 0, 0) + struct.pack(">i", 1) + wire.string("sessions")
    body += struct.pack(">i", number) + entries + struct.pack(">i", 0)

    def work(_):
        with wire.Connection(address, 120) as connection:
            connection.socket.sendall(wire.frame(wire.FETCH, 7, body))
            connection.skip_answer()
    for _ in range(6 if target.long else 3):
        at_once(1, work)


def members(target):
    """Members of a group with metadata of 20 MB each, which never leave."""
    metadata = os.urandom(20_000_000)

    def work(n):
        body = wire.string(f"group-{n % 3}") + struct.pack(">i", 30_000) + wire.string("") + wire.string("consumer")
        body += struct.pack(">i", 1) + wire.string("range") + struct.pack(">i", len(metadata)) + metadata
        with wire.Connection(target.addresses[n % len(target.addresses)], 20) as connection:
            connection.ask(wire.frame(JOIN_GROUP, 0, body))
    at_once(60 if target.long else 24, work)


def claims(target):
    """Requests of which a length of 100 MB is claimed and a little sent, while another client sends large ones."""
    address = wire.create(target.bootstrap, "claims", 1)[0]
    connections = []
    for n in range(200 if target.long else 60):
        connection = wire.Connection(target.addresses[n % len(target.addresses)], 5)
        connections.append(connection)
        try:
            connection.socket.sendall(struct.pack(">i", REQUEST_MAX) + bytes(random.choice((0, 100, 70_000, 3_000_000))))
        except OSError:
            pass
    worst = 0
    with wire.Connection(address, 60) as other:
        for _ in range(50):
            started = time.monotonic()
            other.produce("claims", 0, wire.batch([os.urandom(200_000)]))
            worst = max(worst, time.monotonic() - started)
    for connection in connections:
        connection.socket.close()
    assert worst < 5, f"a request of 200 KB took {worst:.1f} s"


def unread(target):
    """Responses of 50 MB that nobody reads."""
    address = wire.create(target.bootstrap, "unread", 1)[0]
    with wire.Connection(address, 60) as connection:
        value = os.urandom(900_000)
        offsets = [connection.produce("unread", 0, wire.batch([value])) for _ in range(120)]
    connections = []
    for n in range(40):
        connection = wire.Connection(address, 10, receive_buffer=4096)
        connections.append(connection)
        connection.socket.sendall(wire.fetch("unread", 0, offsets[n % 60], 0x7FFFFFFF))
    target.bystander.rounds(1800 if target.long else 300, 180)
    for connection in connections:
        connection.socket.close()


def abandoned_waits(target):
    """Fetches that wait for 24 days, of clients that are gone."""
    address = wire.create(target.bootstrap, "waits", 1)[0]
    before = target.descriptors()
    for _ in range(300):
        with wire.Connection(address, 5) as connection:
            connection.socket.sendall(wire.fetch("waits", 0, 0, 1000, wait_ms=0x7FFFFFFF))
            # Bytes behind the request keep the end of the stream from being read.
            connection.socket.sendall(wire.fetch("waits", 0, 0, 1000) * 300)
    process.until(
        lambda: target.descriptors() <= before + 20,
        f"no more than {before} descriptors are open",
        10,
    )


def idle_connections(target):
    """Connections to one broker, as many as it takes."""
    connections = []
    for _ in range(8000 if target.long else 1500):
        try:
            connections.append(wire.Connection(target.addresses[0], 5))
        except OSError:
            break
    try:
        # They are accepted in order.
        connections[-1].api_versions()
    except (OSError, EOFError):
        pass
    for address in target.addresses[1:]:
        with wire.Connection(address, 5) as connection:
            connection.api_versions()
    for connection in connections:
        connection.socket.close()


def unknown_topics(target):
    """Metadata and deletions of many topics that do not exist."""
    names = [f"nothing-{n:06d}" for n in range(100_000)]
    list_of_names = struct.pack(">i", len(names)) + b"".join(map(wire.string, names))

    def work(n):
        with wire.Connection(target.addresses[n % len(target.addresses)], 120) as connection:
            for _ in range(3):
                # Version 4: not to be created.
                connection.socket.sendall(wire.frame(wire.METADATA, 4, list_of_names + b"\0"))
                connection.skip_answer()
                connection.socket.sendall(wire.frame(DELETE_TOPICS, 1, list_of_names + struct.pack(">i", 1000)))
                connection.skip_answer()
    at_once(4, work)


def garbage(target):
    """Connections that say nothing that can be read."""
    dice = random.Random(1)

    def work(_):
        for _ in range(300):
            with wire.Connection(dice.choice(target.addresses), 5) as connection:
                body = dice.randbytes(dice.randrange(200))
                lies = struct.pack(">hhi", dice.randrange(60), dice.randrange(12), 1) + wire.string("x") + body
                connection.socket.sendall(struct.pack(">i", len(lies)) + lies)
                connection.socket.shutdown(socket.SHUT_WR)
                connection.skip_answer()
    log_before = target.milena.log.stat().st_size

    def one(n):
        for _ in range(20):
            try:
                work(n)
            except (OSError, EOFError):
                pass
    at_once(4, one)
    written = target.milena.log.stat().st_size - log_before
    assert written < 200_000, f"{written} bytes of log"


ATTACKS = {attack.__name__.replace("_", " "): attack for attack in (
    bombs, bombs_read, elections, wide_fetches, sessions, members, claims, unread, abandoned_waits, idle_connections,
    unknown_topics, garbage)}
