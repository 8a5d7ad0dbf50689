"""Records, batches and message sets written by hand, each field free to be wrong, in every codec. Standard library only:
what snappy, LZ4 and Zstandard have for bytes that do not compress is easily written."""

import gzip
import struct
import sys
import zlib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "faults"))
from wire import CRC_TABLE, crc32c, read_varint, varint  # noqa: E402, F401

NONE, GZIP, SNAPPY, LZ4, ZSTD = range(5)
CODECS = {NONE: "none", GZIP: "gzip", SNAPPY: "snappy", LZ4: "lz4", ZSTD: "zstd"}
HEADER = 61
MASK = 0xFFFFFFFF


def unsigned_varint(number):
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes(out) + bytes([number])


def xxhash32(data, seed=0):
    """XXH32, which LZ4 frames have over their header."""
    primes = 2654435761, 2246822519, 3266489917, 668265263, 374761393
    rotate = lambda value, bits: (value << bits | value >> 32 - bits) & MASK  # noqa: E731
    at = 0
    if len(data) >= 16:
        lanes = [seed + primes[0] + primes[1], seed + primes[1], seed, seed - primes[0]]
        lanes = [lane & MASK for lane in lanes]
        while at + 16 <= len(data):
            words = struct.unpack_from("<4I", data, at)
            lanes = [rotate(lane + word * primes[1] & MASK, 13) * primes[0] & MASK for lane, word in zip(lanes, words)]
            at += 16
        total = sum(rotate(lane, bits) for lane, bits in zip(lanes, (1, 7, 12, 18))) & MASK
    else:
        total = seed + primes[4] & MASK
    total = total + len(data) & MASK
    while at + 4 <= len(data):
        total = rotate(total + struct.unpack_from("<I", data, at)[0] * primes[2] & MASK, 17) * primes[3] & MASK
        at += 4
    for byte in data[at:]:
        total = rotate(total + byte * primes[4] & MASK, 11) * primes[0] & MASK
    total = (total ^ total >> 15) * primes[1] & MASK
    total = (total ^ total >> 13) * primes[2] & MASK
    return total ^ total >> 16


def snappy_block(data):
    """A raw block of literals of at most 60 bytes."""
    parts = [data[at:at + 60] for at in range(0, len(data), 60)]
    return unsigned_varint(len(data)) + b"".join(bytes([len(part) - 1 << 2]) + part for part in parts)


def snappy_framed(data):
    block = snappy_block(data)
    return b"\x82SNAPPY\0" + struct.pack(">iii", 1, 1, len(block)) + block


def lz4_frame(data, flags=0x60, wrong_checksum=False):
    """A frame of one block that is stored as it is."""
    descriptor = bytes([flags, 0x40])
    check = xxhash32(b"\x04\x22\x4d\x18" + descriptor if wrong_checksum else descriptor) >> 8 & 255
    block = struct.pack("<I", len(data) | 1 << 31) + data if data else b""
    return b"\x04\x22\x4d\x18" + descriptor + bytes([check]) + block + bytes(4)


def zstd_frame(data):
    """A frame of one raw block, with its content's size."""
    block = struct.pack("<I", len(data) << 3 | 1)[:3]
    return struct.pack("<IBI", 0xFD2FB528, 0b1010_0000, len(data)) + block + data


def compress(codec, data):
    return {NONE: lambda: data, GZIP: lambda: gzip.compress(data, mtime=0), SNAPPY: lambda: snappy_framed(data),
            LZ4: lambda: lz4_frame(data), ZSTD: lambda: zstd_frame(data)}[codec]()


def sized(data, length=None):
    """Bytes behind their length as a varint; -1 without bytes."""
    if length is None:
        length = -1 if data is None else len(data)
    return varint(length) + (data or b"")


def record(offset, key=b"k", value=b"v", time=0, headers=(), attributes=0, longer=0, count=None, key_length=None,
           value_length=None, rest=b""):
    body = bytes([attributes]) + varint(time) + varint(offset) + sized(key, key_length) + sized(value, value_length)
    body += varint(len(headers) if count is None else count)
    for name, content in headers:
        body += sized(name) + sized(content)
    body += rest
    return varint(len(body) + longer) + body


def records(count=3, **fields):
    return b"".join(record(offset, **fields) for offset in range(count))


NOW = 0  # Set by the test: the base timestamp of batches.


def batch(payload, codec=NONE, count=3, **fields):
    """A batch of magic 2. Fields: base, length, epoch, magic, crc, attributes, last, first_time, max_time, producer,
    producer_epoch, sequence, count, compressed (bytes in place of the compressed payload)."""
    compressed = fields.get("compressed")
    data = compress(codec, payload) if compressed is None else compressed
    attributes = fields.get("attributes", codec)
    last = fields.get("last", count - 1)
    first_time = fields.get("first_time", NOW)
    body = struct.pack(">Hiqqqhii", attributes & 0xFFFF, last, first_time, fields.get("max_time", first_time),
                       fields.get("producer", -1), fields.get("producer_epoch", -1), fields.get("sequence", -1), count) + data
    crc = fields.get("crc", crc32c(body))
    rest = struct.pack(">ibI", fields.get("epoch", -1), fields.get("magic", 2), crc & MASK) + body
    return struct.pack(">qi", fields.get("base", 0), fields.get("length", len(rest))) + rest


def with_checksum(data):
    """The batch with a checksum that is right for its bytes."""
    return data[:17] + struct.pack(">I", crc32c(data[21:])) + data[21:]


def message(magic, key=b"k", value=b"v", offset=0, time=None, attributes=0, crc=None, size=None, key_length=None,
            value_length=None, rest=b""):
    """A message of magic 0 or 1."""
    part = lambda data, length: struct.pack(">i", (-1 if data is None else len(data)) if length is None else length) + (data or b"")  # noqa: E731
    body = struct.pack(">bB", magic, attributes) + (struct.pack(">q", NOW if time is None else time) if magic else b"")
    body += part(key, key_length) + part(value, value_length) + rest
    body = struct.pack(">I", zlib.crc32(body) if crc is None else crc) + body
    return struct.pack(">qi", offset, len(body) if size is None else size) + body


def wrapper(magic, codec, inner, compressed=None, **fields):
    """A compressed message of others."""
    data = compressed
    if data is None:
        data = lz4_frame(inner, wrong_checksum=magic == 0) if codec == LZ4 else compress(codec, inner)
    return message(magic, key=None, value=data, attributes=fields.pop("attributes", codec), **fields)
