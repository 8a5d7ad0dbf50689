"""The few requests that the comparison needs, at versions that Apache Kafka 3.9 and 4.1 both have."""

import gzip
import hashlib
import socket
import struct
import time
import zlib

from records import HEADER, crc32c, unsigned_varint

PRODUCE, FETCH, LIST_OFFSETS, METADATA, CREATE_TOPICS = 0, 1, 2, 3, 19
ERRORS = {-1: "UNKNOWN_SERVER_ERROR", 0: "NONE", 2: "CORRUPT_MESSAGE", 3: "UNKNOWN_TOPIC_OR_PARTITION", 6: "NOT_LEADER_OR_FOLLOWER",
          7: "REQUEST_TIMED_OUT", 10: "MESSAGE_TOO_LARGE", 18: "RECORD_LIST_TOO_LARGE", 32: "INVALID_TIMESTAMP",
          35: "UNSUPPORTED_VERSION", 42: "INVALID_REQUEST", 43: "UNSUPPORTED_FOR_MESSAGE_FORMAT",
          45: "OUT_OF_ORDER_SEQUENCE_NUMBER", 47: "INVALID_PRODUCER_EPOCH", 48: "INVALID_TXN_STATE",
          53: "TRANSACTIONAL_ID_AUTHORIZATION_FAILED", 59: "UNKNOWN_PRODUCER_ID", 74: "FENCED_LEADER_EPOCH",
          76: "UNSUPPORTED_COMPRESSION_TYPE", 87: "INVALID_RECORD"}


def string(text):
    return struct.pack(">h", -1) if text is None else struct.pack(">h", len(text)) + text.encode()


class Reader:
    def __init__(self, data, flexible=False):
        self.data, self.at, self.flexible = data, 0, flexible

    def take(self, form):
        values = struct.unpack_from(form, self.data, self.at)
        self.at += struct.calcsize(form)
        return values[0] if len(values) == 1 else values

    def unsigned(self):
        value = shift = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def count(self):
        return self.unsigned() - 1 if self.flexible else self.take(">i")

    def text(self):
        length = self.unsigned() - 1 if self.flexible else self.take(">h")
        if length < 0:
            return None
        self.at += length
        return self.data[self.at - length:self.at].decode()

    def tags(self):
        if self.flexible:
            for _ in range(self.unsigned()):
                self.unsigned()
                self.at += self.unsigned()


class Connection:
    def __init__(self, host, port):
        self.socket = socket.create_connection((host, port), 60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def call(self, key, version, body, flexible=False):
        head = struct.pack(">hhi", key, version, 1) + string("differential") + (b"\0" if flexible else b"")
        self.socket.sendall(struct.pack(">i", len(head + body)) + head + body)
        size = struct.unpack(">i", self.exactly(4))[0]
        reader = Reader(self.exactly(size), flexible)
        reader.take(">i")
        reader.tags()
        return reader

    def exactly(self, size):
        data = bytearray()
        while len(data) < size:
            part = self.socket.recv(size - len(data))
            if not part:
                raise ConnectionError("closed")
            data += part
        return bytes(data)


class Broker:
    """A cluster, Milena's or Apache Kafka's: connections to the leaders of its partitions."""

    def __init__(self, bootstrap):
        host, port = bootstrap.split(",")[0].rsplit(":", 1)
        self.any = Connection(host, int(port))
        self.leaders, self.connections = {}, {}

    def create(self, topics):
        """Makes topics: name, partitions, configuration; waits for their leaders."""
        body = struct.pack(">i", len(topics))
        for name, partitions, configuration in topics:
            body += string(name) + struct.pack(">ihii", partitions, 1, 0, len(configuration))
            body += b"".join(string(key) + string(value) for key, value in configuration.items())
        reader = self.any.call(CREATE_TOPICS, 2, body + struct.pack(">i?", 60000, False))
        reader.take(">i")
        for _ in range(reader.count()):
            name, code, message = reader.text(), reader.take(">h"), reader.text()
            assert code == 0, f"{name}: {code} {message}"
        deadline = time.monotonic() + 120
        while not self.all_led([name for name, _, _ in topics]):
            assert time.monotonic() < deadline, "all partitions have leaders"
            time.sleep(0.2)

    def all_led(self, names):
        reader = self.any.call(METADATA, 1, struct.pack(">i", len(names)) + b"".join(map(string, names)))
        nodes, led = {}, True
        for _ in range(reader.count()):
            node, host, port, _ = reader.take(">i"), reader.text(), reader.take(">i"), reader.text()
            nodes[node] = (host, port)
        reader.take(">i")
        for _ in range(reader.count()):
            code, name, _ = reader.take(">h"), reader.text(), reader.take(">b")
            led &= code == 0
            for _ in range(reader.count()):
                code, partition, leader = reader.take(">hii")
                for _ in range(2):
                    for _ in range(reader.count()):
                        reader.take(">i")
                led &= leader in nodes and code == 0
                self.leaders[name, partition] = nodes.get(leader)
        return led

    def call(self, topic, partition, *arguments):
        address = self.leaders[topic, partition]
        if address not in self.connections:
            self.connections[address] = Connection(*address)
        try:
            return self.connections[address].call(*arguments)
        except OSError:
            del self.connections[address]
            raise

    def produce(self, topic, partition, sent, version):
        """(code, base offset, indexes of refused records, message)"""
        flexible = version >= 9
        size = (lambda n: unsigned_varint(n + 1)) if flexible else (lambda n: struct.pack(">i", n))
        name = unsigned_varint(len(topic) + 1) + topic.encode() if flexible else string(topic)
        tags = b"\0" if flexible else b""
        body = (unsigned_varint(0) if flexible else string(None)) if version >= 3 else b""
        body += struct.pack(">hi", -1, 30000) + size(1) + name + size(1) + struct.pack(">i", partition)
        body += (size(-1) if sent is None else size(len(sent)) + sent) + tags * 3
        reader = self.call(topic, partition, PRODUCE, version, body, flexible)
        reader.count()
        reader.text()
        reader.count()
        _, code, base = reader.take(">ihq")
        refused, message = [], None
        if version >= 2:
            reader.take(">q")
        if version >= 5:
            reader.take(">q")
        if version >= 8:
            for _ in range(max(reader.count(), 0)):
                refused.append(reader.take(">i"))
                reader.text()
                reader.tags()
            message = reader.text()
        return ERRORS.get(code, code), base, refused, message

    def end(self, topic, partition):
        body = struct.pack(">ii", -1, 1) + string(topic) + struct.pack(">iiq", 1, partition, -1)
        reader = self.call(topic, partition, LIST_OFFSETS, 1, body)
        reader.count()
        reader.text()
        reader.count()
        return reader.take(">ihqq")[3]

    def fetch(self, topic, partition, offset):
        """At version 10, the first that is given zstd."""
        body = struct.pack(">iiiibii", -1, 100, 1, 1 << 26, 0, 0, -1) + struct.pack(">i", 1) + string(topic)
        body += struct.pack(">iiiqqi", 1, partition, -1, offset, -1, 1 << 26) + struct.pack(">i", 0)
        reader = self.call(topic, partition, FETCH, 10, body)
        reader.take(">ihi")
        reader.count()
        reader.text()
        reader.count()
        _, code, *_ = reader.take(">ihqqq")
        for _ in range(max(reader.count(), 0)):
            reader.take(">qq")
        size = max(reader.take(">i"), 0)
        return ERRORS.get(code, code), reader.data[reader.at:reader.at + size]


def stored(data, own_time):
    """What consumers see of stored batches, comparable: not the leader's epoch, and not the broker's own time."""
    found, at = [], 0
    while len(data) - at >= HEADER:
        base, length, _, magic, crc = struct.unpack_from(">qiibI", data, at)
        whole = data[at:at + 12 + length]
        if magic != 2 or len(whole) < 12 + length or length < HEADER - 12:
            return [*found, f"magic {magic} or cut"]
        attributes, last, first, largest, *producer, count = struct.unpack_from(">Hiqqqhii", whole, 21)
        payload = whole[HEADER:]
        if attributes & 7 == 1 and count:
            try:
                payload = gzip.decompress(payload)
            except (OSError, EOFError, zlib.error):
                pass  # Other compressors write other bytes; what is no gzip is compared as it is.
        largest = "now" if own_time and attributes & 8 else largest
        sum_is = "" if crc32c(whole[21:]) == crc else ", WRONG CHECKSUM"
        digest = hashlib.sha256(payload).hexdigest()[:8]
        found.append(f"{base}..{base + last} attributes {attributes:#x}, {first} to {largest}, producer {producer}, "
                     f"{count} records {digest}{sum_is}")
        at += len(whole)
    return found


__all__ = ["Broker", "stored"]
