"""Attacks on memory: little that is sent or kept, much that a broker holds for it."""

import gzip
import os
import socket
import struct
import subprocess
import threading
import time

import wire
from attacks import JOIN_GROUP, REQUEST_MAX, at_once

OFFSET_COMMIT, OFFSET_FETCH = 8, 9
KIB, MIB = 1 << 10, 1 << 20


def sealed_batch(codec, records):
    """A batch of one record whose records are compressed already."""
    now_ms = int(time.time() * 1000)
    body = struct.pack(">hiqqqhii", codec, 0, now_ms, now_ms, -1, -1, -1, 1) + records
    return struct.pack(">qiibI", 0, len(body) + 9, -1, 2, wire.crc32c(body)) + body


def record_of_zeros(length):
    """What stands before and behind the zeros of a record without a key."""
    head = b"\0" + wire.varint(0) + wire.varint(0) + wire.varint(-1) + wire.varint(length)
    return wire.varint(len(head) + length + 1) + head, b"\0"


def zstd_frame(before, zeros, after, window_log):
    """A zstd frame of raw and run-length blocks: four bytes for each 128 KiB of zeros."""
    frame = b"\x28\xb5\x2f\xfd\0" + bytes([window_log - 10 << 3])

    def block(kind, length, content, last=False):
        return (length << 3 | kind << 1 | last).to_bytes(3, "little") + content
    frame += block(0, len(before), before)
    while zeros:
        run = min(zeros, 128 * KIB)
        frame += block(1, run, b"\0")
        zeros -= run
    return frame + block(0, len(after), after, last=True)


def idle_after_large(target):
    """Connections that send one request of 90 MB each, one after the other, and then nothing."""
    request = wire.frame(wire.API_VERSIONS, 0, bytes(90 * MIB))
    connections = []
    for n in range(40 if target.long else 16):
        connection = wire.Connection(target.addresses[n % len(target.addresses)], 60)
        connections.append(connection)
        try:
            connection.socket.sendall(request)
            connection.answer()
        except (OSError, EOFError):
            pass
    for connection in connections:
        connection.socket.close()


def empty_entries(target):
    """Requests of ten million entries of a few bytes each."""
    number = 10_000_000
    produce = struct.pack(">hhii", -1, -1, 1000, 1) + wire.string("nothing")
    produce += struct.pack(">i", number)
    produce += struct.pack(">ii", 0, 0) * number
    join = wire.string("entries") + struct.pack(">i", 30_000) + wire.string("")
    join += wire.string("consumer")
    join += struct.pack(">i", number) + (wire.string("") + struct.pack(">i", 0)) * number

    def work(n):
        body = wire.frame(wire.PRODUCE, 3, produce) if n % 2 else wire.frame(JOIN_GROUP, 0, join)
        with wire.Connection(target.addresses[n % len(target.addresses)], 90) as connection:
            connection.socket.sendall(body)
            connection.skip_answer()
    at_once(6 if target.long else 4, work)


def nameless_members(target):
    """Members that ask for an id again and again and never use it; each says much about itself."""
    client = "c" * 32_000

    address = coordinator_of(target, "nameless")

    def request(n):
        body = wire.string("nameless") + struct.pack(">ii", 30_000, 1_800_000) + wire.string("")
        body += wire.string("consumer") + struct.pack(">i", 1) + wire.string("range")
        body += struct.pack(">i", 0)
        framed = struct.pack(">hhi", JOIN_GROUP, 4, n) + wire.string(client) + body
        return struct.pack(">i", len(framed)) + framed

    def work(n):
        with wire.Connection(address, 30) as connection:
            for i in range(12_000 if target.long else 7000):
                answer = connection.ask(request(i))
                codes.add(struct.unpack_from(">h", answer, 4)[0])
    codes = set()
    at_once(6, work)
    print(f"  codes of the responses: {codes}", flush=True)


def stopped_senders(target):
    """Requests of which 99 MB come at once and the last megabyte never, while another client sends
    large ones."""
    address = wire.create(target.bootstrap, "stopped", 1)[0]
    connections = []

    def stop(n):
        connection = wire.Connection(target.addresses[n % len(target.addresses)], 40)
        connections.append(connection)
        connection.socket.sendall(struct.pack(">i", REQUEST_MAX) + bytes(99 * MIB))

    senders = [threading.Thread(target=lambda n=n: quietly(stop, n), daemon=True) for n in range(6)]
    for sender in senders:
        sender.start()
    deadline = time.monotonic() + 2
    for sender in senders:  # Those that the broker does not read from do not end.
        sender.join(max(deadline - time.monotonic(), 0))
    worst = 0
    with wire.Connection(address, 120) as other:
        for _ in range(30):
            started = time.monotonic()
            other.produce("stopped", 0, wire.batch([os.urandom(100_000)]))
            worst = max(worst, time.monotonic() - started)
    for connection in connections:
        connection.socket.close()
    print(f"  a request of 100 KB took at most {worst:.1f} s", flush=True)
    assert worst < 35, f"a request of 100 KB took {worst:.1f} s"


def quietly(work, n):
    try:
        work(n)
    except OSError:
        pass


def windows(target):
    """Batches of 5 KB whose decoders want a window of 128 MiB."""
    zeros = 127 * MIB
    before, after = record_of_zeros(zeros)
    bomb = sealed_batch(4, zstd_frame(before, zeros, after, 27))
    address = wire.create(target.bootstrap, "windows", 1)[0]

    # The fields of version 7, the first that takes zstd, are those of version 3.
    request = wire.produce("windows", 0, bomb, timeout_ms=20_000)
    request = request[:6] + struct.pack(">h", 7) + request[8:]

    def work(_):
        with wire.Connection(address, 90) as connection:
            for _ in range(3):
                connection.ask(request)
    at_once(40 if target.long else 20, work)


def empty_members(target):
    """A gzip stream of tens of thousands of empty members."""
    empty = gzip.compress(b"")
    before, after = record_of_zeros(0)
    bomb = sealed_batch(1, empty * (500_000 // len(empty)) + gzip.compress(before + after))
    address = wire.create(target.bootstrap, "members", 1)[0]

    def work(_):
        with wire.Connection(address, 60) as connection:
            for _ in range(20):
                try:
                    connection.produce("members", 0, bomb)
                except wire.Failed:
                    pass
    at_once(6, work)


def offsets_again(target):
    """One group with many offsets, asked for thousands of times in one request."""
    address = coordinator_of(target, "again")
    topic = wire.string("again") + struct.pack(">i", 1000)
    topic += b"".join(struct.pack(">iq", n, 5) + wire.string("") for n in range(1000))
    wire.create(target.bootstrap, "again", 1000)
    commit = wire.string("again") + struct.pack(">i", -1) + wire.string("") + struct.pack(">q", -1)
    commit += struct.pack(">i", 1) + topic
    group = compact("again") + b"\0" + b"\0"
    body = unsigned(5001) + group * 5000 + b"\0\0"

    def work(_):
        with wire.Connection(address, 90) as connection:
            framed = struct.pack(">hhi", OFFSET_FETCH, 8, 7) + wire.string("hostile") + b"\0" + body
            connection.socket.sendall(struct.pack(">i", len(framed)) + framed)
            connection.skip_answer()
    with wire.Connection(address, 60) as connection:
        answer = connection.ask(wire.frame(OFFSET_COMMIT, 2, commit))
    codes = {code for _, code in struct.iter_unpack(">ih", answer[4 + 2 + len("again") + 4:])}
    assert codes == {0}, f"offsets are not committed: {codes}"
    at_once(6, work)


def coordinator_of(target, group):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with wire.Connection(target.addresses[0], 10) as connection:
            answer = connection.ask(wire.frame(10, 0, wire.string(group)))
        code, _, length = struct.unpack_from(">hih", answer)
        if code == 0:
            host = answer[8:8 + length].decode()
            return f"{host}:{struct.unpack_from('>i', answer, 8 + length)[0]}"
        time.sleep(0.2)
    raise AssertionError(f"{group} has no coordinator")


def unsigned(number):
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes(out) + bytes([number])


def compact(text):
    return unsigned(len(text) + 1) + text.encode()


def long_polls_that_read(target):
    """Fetches that read all they can and wait for more, for a minute; nobody reads their
    responses."""
    address = wire.create(target.bootstrap, "polls", 1)[0]
    with wire.Connection(address, 60) as connection:
        value = os.urandom(900_000)
        for _ in range(60):
            connection.produce("polls", 0, wire.batch([value]))
    connections = []
    for _ in range(60):
        connection = wire.Connection(address, 90)
        connections.append(connection)
        connection.socket.sendall(
            wire.fetch("polls", 0, 0, 0x7FFFFFFF, wait_ms=60_000, min_bytes=0x7FFFFFFF))
    worst = 0
    with wire.Connection(address, 60) as other:
        for _ in range(10):
            started = time.monotonic()
            code, _, records = other.fetch("polls", 0, 0, 5 * MIB, wait_ms=500)
            worst = max(worst, time.monotonic() - started)
            # Responses that are not read hold room too; it gets a part of what is left.
            assert code == 0 and len(records) > 2 * MIB, f"another fetch got {len(records)} bytes"
    for connection in connections:
        connection.socket.close()
    assert worst < 2, f"another fetch took {worst:.1f} s"


def api_bodies(target):
    """Requests to the API without a valid signature, with bodies, that never end or are never read."""
    host, port = target.milena.listen.split(":")
    credentials = (target.milena.data_dir / "credentials").read_text().splitlines()
    key = next(line.split("=")[1].strip() for line in credentials if "aws_access_key_id" in line)
    head = (f"POST /v1/clusters HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
            "X-Amz-Date: 20261128T000000Z\r\nAuthorization: AWS4-HMAC-SHA256 "
            f"Credential={key}/20261128/us-east-1/kafka/aws4_request, SignedHeaders=host;x-amz-date, "
            f"Signature={'0' * 64}\r\nContent-Length: {MIB}\r\n\r\n")
    unread = f"GET /v1/clusters HTTP/1.1\r\nHost: {host}\r\n\r\n".encode() * 500
    connections = []
    for n in range(256):
        connection = socket.socket()
        connection.settimeout(0.5)
        connections.append(connection)
        try:
            connection.connect((host, int(port)))
            connection.sendall(unread if n % 2 else head.encode() + bytes(MIB - 1))
        except OSError:
            pass
    worst = 0
    for _ in range(20 if target.long else 8):
        started = time.monotonic()
        command = [target.milena.binary, "--data-dir", target.milena.data_dir, "cluster", "list"]
        environment = os.environ | target.milena.aws_environment()
        subprocess.run(command, check=True, capture_output=True, timeout=60, env=environment)
        worst = max(worst, time.monotonic() - started)
    for connection in connections:
        connection.close()
    print(f"  a signed request took at most {worst:.1f} s", flush=True)
    assert worst < 5, f"a signed request took {worst:.1f} s"


ATTACKS = {attack.__name__.replace("_", " "): attack for attack in (
    idle_after_large, empty_entries, nameless_members, stopped_senders, windows, empty_members, offsets_again,
    long_polls_that_read, api_bodies)}
