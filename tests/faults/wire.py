"""As much of the Kafka protocol as the fault tests speak byte by byte: requests that can be cut
anywhere, answers that can be left unread, thousands of connections at once. Standard library
only; versions without tagged fields."""

import socket
import struct
import time

PRODUCE, FETCH, LIST_OFFSETS, METADATA, API_VERSIONS, CREATE_TOPICS = 0, 1, 2, 3, 18, 19


def _crc_table():
    for byte in range(256):
        for _ in range(8):
            byte = (byte >> 1) ^ (0x82F63B78 if byte & 1 else 0)
        yield byte


CRC_TABLE = tuple(_crc_table())


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = (crc >> 8) ^ CRC_TABLE[(crc ^ byte) & 255]
    return crc ^ 0xFFFFFFFF


def varint(number):
    number = (number << 1) ^ (number >> 63)
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes(out) + bytes([number])


def read_varint(data, at):
    number = shift = 0
    while True:
        byte = data[at]
        number |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return (number >> 1) ^ -(number & 1), at


def values(records):
    """Offset and value of every record in uncompressed batches (magic 2), which must be whole and
    have the right sum; the last one may be cut off."""
    result, at = [], 0
    while len(records) - at >= 61:
        base, length = struct.unpack_from(">qi", records, at)
        if len(records) - at < 12 + length:
            break
        (crc,) = struct.unpack_from(">I", records, at + 17)
        assert crc == crc32c(records[at + 21 : at + 12 + length]), (
            f"the batch at offset {base} has another checksum"
        )
        (count,) = struct.unpack_from(">i", records, at + 57)
        place = at + 61
        for _ in range(count):
            size, place = read_varint(records, place)
            end = place + size
            _, place = read_varint(records, place + 1)
            delta, place = read_varint(records, place)
            key, place = read_varint(records, place)
            value, place = read_varint(records, place + max(key, 0))
            result.append((base + delta, records[place:place + value]))
            place = end
        at += 12 + length
    return result


def string(text):
    return struct.pack(">h", len(text)) + text.encode()


def batch(values, now_ms=None, producer=-1, sequence=-1):
    """One record batch (magic 2, not compressed) of these values, of an idempotent producer or of
    none."""
    now_ms = int(time.time() * 1000) if now_ms is None else now_ms
    records = b""
    for i, value in enumerate(values):
        record = b"\0" + varint(0) + varint(i) + varint(-1) + varint(len(value)) + value + varint(0)
        records += varint(len(record)) + record
    body = struct.pack(">hiqqqhii", 0, len(values) - 1, now_ms, now_ms, producer,
                       -1 if producer < 0 else 0, sequence, len(values)) + records
    return struct.pack(">qiibI", 0, len(body) + 9, -1, 2, crc32c(body)) + body


def frame(key, version, body, correlation=1):
    request = struct.pack(">hhi", key, version, correlation) + string("faults") + body
    return struct.pack(">i", len(request)) + request


def produce(topic, partition, records, acks=-1, timeout_ms=30_000):
    return frame(PRODUCE, 3, struct.pack(">hhii", -1, acks, timeout_ms, 1) + string(topic) +
                 struct.pack(">iii", 1, partition, len(records)) + records)


def fetch(topic, partition, offset, max_bytes, wait_ms=0, min_bytes=1, partition_max_bytes=None):
    return frame(
        FETCH,
        4,
        struct.pack(">iiiibi", -1, wait_ms, min_bytes, max_bytes, 0, 1)
        + string(topic)
        + struct.pack(">iiqi", 1, partition, offset, partition_max_bytes or max_bytes),
    )


class Failed(Exception):
    """The broker returned an error code."""

    def __init__(self, code):
        super().__init__(f"error code {code}")
        self.code = code


class Connection:
    def __init__(self, address, seconds=30, receive_buffer=None):
        host, port = address.rsplit(":", 1)
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(seconds)
        self.socket.connect((host, int(port)))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def exactly(self, count):
        parts = []
        while count:
            part = self.socket.recv(min(count, 1 << 20))
            if not part:
                raise EOFError("the broker closed the connection")
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    def answer(self):
        """The next response without length and correlation id."""
        (length,) = struct.unpack(">i", self.exactly(4))
        return self.exactly(length)[4:]

    def skip_answer(self):
        """Reads the next response and keeps nothing of it; returns its length."""
        (length,) = struct.unpack(">i", self.exactly(4))
        left, room = length, memoryview(bytearray(1 << 20))
        while left:
            got = self.socket.recv_into(room[:min(left, len(room))])
            if not got:
                raise EOFError("the broker closed the connection")
            left -= got
        return length

    def ask(self, request):
        self.socket.sendall(request)
        return self.answer()

    def api_versions(self):
        return self.ask(frame(API_VERSIONS, 0, b""))

    def create_topic(self, name, partitions, configs=(), timeout_ms=30_000):
        """Makes a topic; it may be there already."""
        body = (
            struct.pack(">i", 1)
            + string(name)
            + struct.pack(">ihii", partitions, -1, 0, len(configs))
        )
        body += b"".join(string(key) + string(value) for key, value in configs) + struct.pack(
            ">ib", timeout_ms, 0
        )
        answer = self.ask(frame(CREATE_TOPICS, 2, body))
        code = struct.unpack_from(">h", answer, 4 + 4 + 2 + len(name))[0]
        if code not in (0, 36):
            raise Failed(code)

    def leaders(self, topic):
        """Partition to address of its leader, of those that have one."""
        answer, at = self.ask(frame(METADATA, 1, struct.pack(">i", 1) + string(topic))), 0

        def take(form):
            nonlocal at
            value = struct.unpack_from(">" + form, answer, at)[0]
            at += struct.calcsize(form)
            return value

        def text():
            nonlocal at
            length = take("h")
            at += max(length, 0)
            return answer[at - max(length, 0):at].decode()
        brokers, result = {}, {}
        for _ in range(take("i")):
            number, host, port = take("i"), text(), take("i")
            text()
            brokers[number] = f"{host}:{port}"
        take("i")
        for _ in range(take("i")):
            take("h"), text(), take("b")
            for _ in range(take("i")):
                take("h")
                partition, leader = take("i"), take("i")
                for _ in range(2):
                    count = take("i")
                    at += 4 * count
                if leader in brokers:
                    result[partition] = brokers[leader]
        return result

    def produce(self, topic, partition, records, **options):
        """The base offset that the batch got."""
        answer = self.ask(produce(topic, partition, records, **options))
        code, offset = struct.unpack_from(">hq", answer, 4 + 2 + len(topic) + 4 + 4)
        if code:
            raise Failed(code)
        return offset

    def fetch(self, topic, partition, offset, max_bytes, **options):
        """Error code, high watermark and record bytes."""
        answer = self.ask(fetch(topic, partition, offset, max_bytes, **options))
        at = 4 + 4 + 2 + len(topic) + 4 + 4
        code, high_watermark, _, aborted = struct.unpack_from(">hqqi", answer, at)
        at += struct.calcsize(">hqqi") + 16 * max(aborted, 0)
        (length,) = struct.unpack_from(">i", answer, at)
        return code, high_watermark, answer[at + 4:at + 4 + max(length, 0)]


def leader(bootstrap, topic, partition=0, seconds=30):
    """The address of a partition's leader, as soon as there is one."""
    deadline = time.monotonic() + seconds
    while True:
        for address in bootstrap.split(","):
            try:
                with Connection(address) as connection:
                    found = connection.leaders(topic).get(partition)
            except (OSError, EOFError):
                continue  # Another broker may be there.
            if found:
                return found
        if time.monotonic() > deadline:
            raise AssertionError(f"{topic}-{partition} has no leader")
        time.sleep(0.05)


def create(bootstrap, topic, partitions=1, configs=()):
    """Creates a topic and returns the leaders of its partitions, once each serves requests."""
    with Connection(bootstrap.split(",")[0]) as connection:
        connection.create_topic(topic, partitions, configs)
    found = {}
    for partition in range(partitions):
        deadline = time.monotonic() + 30
        while True:
            found[partition] = leader(bootstrap, topic, partition)
            with Connection(found[partition]) as connection:
                code, _, _ = connection.fetch(topic, partition, 0, 1)
            if code == 0:
                break
            if time.monotonic() > deadline:
                raise AssertionError(f"{topic}-{partition} answers {code}")
            time.sleep(0.05)
    return found
