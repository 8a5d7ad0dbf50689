"""What is sent: hundreds of batches by hand, one thing wrong in each, and as many as are asked for with bytes changed at
random."""

import struct

import records as make
from records import CODECS, GZIP, LZ4, NONE, SNAPPY, ZSTD, batch, compress, message, record, records, varint, wrapper

MAX32, MIN32, MAX64, MIN64 = 2**31 - 1, -2**31, 2**63 - 1, -2**63
DAY = 24 * 3600 * 1000

# Topics by their configuration; each case has a partition of its own.
TOPICS = {
    # Both brokers' clocks are read minutes apart: no byte that is changed comes near this.
    "plain": {"message.timestamp.after.max.ms": str(MAX64 // 4)},
    "compact": {"cleanup.policy": "compact"},
    "append-time": {"message.timestamp.type": "LogAppendTime"},
    "times": {"message.timestamp.before.max.ms": str(DAY), "message.timestamp.after.max.ms": str(DAY)},
    "small": {"max.message.bytes": "150"},
    "gzip": {"compression.type": "gzip"},
}


class Case:
    """Records for one partition of a topic of one configuration, in a version of Produce."""

    def __init__(self, name, sent, topic="plain", version=9):
        self.name, self.sent, self.topic, self.version = name, sent, topic, version


def header_fields(codec):
    """(name, fields of `batch`) for each header field that can be wrong, or odd."""
    for value in (1, -1, MAX64):
        yield f"base offset {value}", {"base": value}
    for value in (-7, 5):
        yield f"leader epoch {value}", {"epoch": value}
    for value in (5, 6, 7, codec | 8, codec | 16, codec | 32, codec | 48, codec | 64, codec | 128, codec | 0x100, codec | 0x8000):
        yield f"attributes {value:#x}", {"attributes": value}
    for value in (0, 1, 3, -1, -2, MAX32, MIN32):
        yield f"last offset delta {value}", {"last": value}
    for value in (-1, 0, -5, MIN64, MAX64):
        yield f"base timestamp {value}", {"first_time": value}
    for value in (-1, 0, 1, MIN64, MAX64):
        yield f"max timestamp {value}", {"max_time": value}
    for value in ((-1, -1, -1), (-2, 0, 0), (MIN64, 0, 0), (-1, 0, 0), (-1, -1, 5), (7, 0, 0), (7, 0, -1), (7, 0, -2), (7, -1, 0),
                  (7, -2, 0), (7, 0, 5), (7, 5, 0), (7, 0, MAX32), (7, 0, MIN32), (0, 0, 0), (MAX64, 32767, 0)):
        yield f"producer {value}", dict(zip(("producer", "producer_epoch", "sequence"), value))
    for value in (0, -1, 1, 2, 4, MAX32, MIN32):
        yield f"count {value}", {"count": value, "last": 2}
        yield f"count and last offset for {value}", {"count": value, "last": max(value - 1, MIN32)}


def payloads():
    """(name, records) where a record is wrong, or odd."""
    good = records()
    yield "none", b""
    yield "garbage", bytes(range(130, 180))
    yield "zeros", bytes(30)
    for length in (1, 2, len(good) - 1, len(good) - 5):
        yield f"cut after {length} bytes", good[:length]
    for rest in (b"\0", b"\2\0", record(3)):
        yield f"{len(rest)} bytes more", good + rest
    for offsets in ((7, 7, 7), (2, 1, 0), (0, 2, 4), (1, 2, 3), (0, 0, 0), (0, 1, 5), (-1, 0, 1), (0, 1, MAX32)):
        yield f"offset deltas {offsets}", b"".join(map(record, offsets))
    for delta in (1, -1, 5, -5, DAY, -DAY, 100 * 365 * DAY, MAX64, MIN64):
        yield f"one timestamp delta {delta}", record(0) + record(1, time=delta) + record(2)
    for longer in (1, -1, 3, -3, 100, -100, MAX32 - 100):
        yield f"a length off by {longer}", record(0) + record(1, longer=longer) + record(2)
    for value in (1, 7, 255):
        yield f"record attributes {value}", records(attributes=value)
    for part in ("key", "value"):
        yield f"null {part}s", records(**{part: None})
        yield f"empty {part}s", records(**{part: b""})
        for length in (-1, -2, MIN32, 0, 2, 5, 100, MAX32):
            yield f"one {part} length {length}", record(0) + record(1, **{f"{part}_length": length}) + record(2)
            yield f"one {part} length {length} and no bytes", record(0) + record(1, **{part: None, f"{part}_length": length}) + record(2)
    yield "one null key", record(0) + record(1, key=None) + record(2)
    yield "headers", records(headers=[(b"h", b"x"), (b"", b""), (b"h", None)])
    yield "a null header key", records(headers=[(None, b"x")])
    for count in (-1, MIN32, 1, 2, 100, MAX32):
        yield f"header count {count}", b"".join(record(offset, count=count) for offset in range(3))
    for key, value in ((-2, 0), (0, -2), (MIN32, 0), (100, 0), (0, 100), (MAX32, 0), (0, MAX32), (0, MIN32)):
        tail = varint(key) + varint(value)
        yield f"header lengths {key}, {value}", b"".join(record(offset, count=1, rest=tail) for offset in range(3))
    yield "a varint of six bytes", record(0) + b"\x80\x80\x80\x80\x80\x00" + record(1) + record(2)
    yield "large values", records(value=b"v" * 100_000)


def compressed():
    """(name, codec, bytes) where it is the compression that is wrong, or odd."""
    good = records()
    for codec in (GZIP, SNAPPY, LZ4, ZSTD):
        whole = compress(codec, good)
        yield "garbage", codec, bytes(range(130, 180))
        yield "nothing", codec, b""
        yield "no records", codec, compress(codec, b"")
        for length in (1, 4, 8, len(whole) // 2, len(whole) - 8, len(whole) - 4, len(whole) - 1):
            yield f"cut after {length} of {len(whole)} bytes", codec, whole[:length]
        for rest in (b"\0", b"abcd", bytes(40), whole):
            yield f"{len(rest)} bytes more", codec, whole + rest
        yield "two streams", codec, compress(codec, good[:9]) + compress(codec, good[9:])
        for other in (GZIP, SNAPPY, LZ4, ZSTD):
            if other != codec:
                yield f"{CODECS[other]} in it", codec, compress(other, good)
        yield "not compressed", codec, good
    yield "a raw block", SNAPPY, make.snappy_block(good)
    yield "a raw block and a byte", SNAPPY, make.snappy_block(good) + b"\0"
    yield "a raw block of another length", SNAPPY, make.unsigned_varint(len(good) + 1) + make.snappy_block(good)[1:]
    yield "a header checksum of magic 0", LZ4, make.lz4_frame(good, wrong_checksum=True)
    for flags in (0x40, 0x61, 0x62, 0x20, 0xA0):
        yield f"flags {flags:#x}", LZ4, make.lz4_frame(good, flags=flags)
    yield "a frame without its end", LZ4, make.lz4_frame(good)[:-4]
    yield "a window of 2^31", ZSTD, struct.pack("<IBB", 0xFD2FB528, 0, 21 << 3) + struct.pack("<I", len(good) << 3 | 1)[:3] + good
    yield "a skippable frame before", ZSTD, struct.pack("<II", 0x184D2A50, 3) + b"abc" + make.zstd_frame(good)


def by_hand():
    good = records()
    for codec, codec_name in CODECS.items():
        for name, fields in header_fields(codec):
            yield Case(f"{codec_name}: {name}", batch(good, codec, **fields))
        for name, payload in payloads():
            yield Case(f"{codec_name}: records: {name}", batch(payload, codec))
        whole = batch(good, codec)
        for version in range(3, 13):
            yield Case(f"{codec_name}: as it should be, version {version}", whole, version=version)
        for name, topic in (("null keys", "compact"), ("one null key", "compact"), ("empty keys", "compact")):
            yield Case(f"{codec_name}: {name} where keys are needed", batch(dict(payloads())[name], codec), topic)
        for name, payload in payloads():
            if name.startswith("one timestamp"):
                yield Case(f"{codec_name}: {name} where times are limited", batch(payload, codec), "times")
                yield Case(f"{codec_name}: {name} where time is the broker's", batch(payload, codec), "append-time")
        for name, fields in header_fields(codec):
            if "timestamp" in name or name.startswith("attributes"):
                yield Case(f"{codec_name}: {name} where times are limited", batch(good, codec, **fields), "times")
                yield Case(f"{codec_name}: {name} where time is the broker's", batch(good, codec, **fields), "append-time")
        yield Case(f"{codec_name}: larger than allowed", batch(records(value=b"v" * 200), codec), "small")
        yield Case(f"{codec_name}: larger than allowed, wrong checksum", batch(records(value=b"v" * 200), codec, crc=1), "small")
        yield Case(f"{codec_name}: larger than allowed, base offset 1", batch(records(value=b"v" * 200), codec, base=1), "small")
        for name in ("none", "garbage", "headers", "one null key", "offset deltas (0, 2, 4)", "one timestamp delta 5"):
            yield Case(f"{codec_name}: records: {name}, to gzip", batch(dict(payloads())[name], codec), "gzip")
    yield from framing(batch(good), "none")
    yield from framing(batch(good, GZIP), "gzip")
    for name, codec, data in compressed():
        yield Case(f"{CODECS[codec]}: compression: {name}", batch(b"", codec, compressed=data))


def framing(whole, codec):
    size = len(whole) - 12
    for length in (0, 1, 13, 14, 20, 48, 49, size - 1, size + 1, -1, MIN32, MAX32):
        yield Case(f"{codec}: length {length} of {size}", whole[:8] + struct.pack(">i", length) + whole[12:])
    for magic in (0, 1, 3, 127, -1, -128):
        yield Case(f"{codec}: magic {magic}", whole[:16] + struct.pack(">b", magic) + whole[17:])
    yield Case(f"{codec}: wrong checksum", whole[:17] + b"\1\2\3\4" + whole[21:])
    for length in (1, 11, 12, 16, 17, 40, 61, len(whole) - 1):
        yield Case(f"{codec}: cut after {length} bytes", whole[:length])
    for rest in (b"\0", bytes(11), bytes(12), bytes(17), bytes(100), b"\xff" * 11, b"\xff" * 40, whole[:-1], whole[:20], whole):
        yield Case(f"{codec}: {len(rest)} bytes of {rest[:1].hex()} after it", whole + rest)
    if codec == "none":
        yield Case("no bytes", b"")
        yield Case("null", None)


def mutated(random, number):
    """A good batch with bytes changed: mostly with a right checksum, so that what is behind it is reached."""
    codec = random.choice(list(CODECS))
    payload = random.choice([records(), records(headers=[(b"h", b"x")]), records(count=1, value=b"v" * 300), records(value=bytes(70))])
    count = 1 if b"v" * 300 in payload else 3
    data = bytearray(batch(payload, codec, count=count))
    changes = []
    for _ in range(random.choice((1, 1, 2, 4))):
        place = random.choice((random.randrange(len(data)), random.randrange(min(len(data), 90)), random.randrange(12, len(data))))
        value = random.choice((random.randrange(256), data[place] ^ 1 << random.randrange(8), 0, 255, 127, 128))
        data[place] = value
        changes.append(f"{place}={value:#x}")
    data = bytes(data)
    if random.random() < 0.9:
        data = make.with_checksum(data)
    return Case(f"mutated {number}: {CODECS[codec]}: {' '.join(changes)}", data)


def legacy_by_hand():
    """Message sets of magic 0 and 1, for Produce 0 to 2."""
    for magic in (0, 1):
        version = 2 if magic else 1
        for sent_in in (0, 1, 2):
            yield Case(f"magic {magic}: as it should be, version {sent_in}", message(magic) * 3, version=sent_in)
        fields = [("wrong checksum", {"crc": 1}), ("null key", {"key": None}), ("null value", {"value": None}), ("attributes 0x8", {"attributes": 8}),
                  ("attributes 0x10", {"attributes": 16}), ("attributes 0x5", {"attributes": 5}), ("attributes 0x4", {"attributes": 4}),
                  ("offset 7", {"offset": 7}), ("bytes after the value", {"rest": b"abc"})]
        fields += [(f"size {size}", {"size": size}) for size in (-1, 0, 5, 13, 14, 1000, MAX32)]
        fields += [(f"{part} length {length}", {f"{part}_length": length}) for part in ("key", "value") for length in (-2, 0, 100, MAX32, MIN32)]
        fields += [(f"time {time}", {"time": time}) for time in (-1, 0, MIN64, MAX64) if magic]
        for name, field in fields:
            yield Case(f"magic {magic}: one message: {name}", message(magic) + message(magic, **field) + message(magic), version=version)
            yield Case(f"magic {magic}: first message: {name}", message(magic, **field), version=version)
        yield Case(f"magic {magic}: no key where keys are needed", message(magic, key=None), "compact", version)
        yield Case(f"magic {magic}: with the other", message(magic) + message(1 - magic), version=version)
        inner = b"".join(message(magic, offset=offset) for offset in range(3))
        for codec in (GZIP, SNAPPY, LZ4, ZSTD):
            of = f"magic {magic}, {CODECS[codec]}"
            outer = lambda data, **more: wrapper(magic, codec, data, offset=more.pop("offset", 2), **more)  # noqa: B023, E731
            yield Case(f"{of}: as it should be", outer(inner), version=version)
            yield Case(f"{of}: outer offset 0", outer(inner, offset=0), version=version)
            yield Case(f"{of}: outer offset 1", outer(inner, offset=1), version=version)
            yield Case(f"{of}: two wrappers", outer(inner) * 2, version=version)
            yield Case(f"{of}: a wrapper and a message", outer(inner) + message(magic), version=version)
            yield Case(f"{of}: a message and a wrapper", message(magic) + outer(inner), version=version)
            yield Case(f"{of}: nothing inside", outer(b""), version=version)
            yield Case(f"{of}: garbage", outer(b"", compressed=bytes(range(130, 180))), version=version)
            yield Case(f"{of}: no value", message(magic, key=None, value=None, attributes=codec), version=version)
            yield Case(f"{of}: inner checksum wrong", outer(message(magic, crc=1) + inner), version=version)
            yield Case(f"{of}: inner of the other magic", outer(message(1 - magic)), version=version)
            yield Case(f"{of}: a wrapper inside", outer(outer(inner)), version=version)
            yield Case(f"{of}: inner cut", outer(inner[:-3]), version=version)
            yield Case(f"{of}: inner offsets 0, 0, 0", outer(message(magic) * 3), version=version)
            yield Case(f"{of}: inner offsets 5, 6, 7", outer(b"".join(message(magic, offset=o) for o in (5, 6, 7)), offset=7), version=version)
        if magic:
            yield Case("magic 1: too late", message(1, time=make.NOW + 3 * DAY), "times", 2)
            yield Case("magic 1: log append time where time is the broker's", message(1, attributes=8), "append-time", 2)
            yield Case("magic 1: where time is the broker's", message(1) * 3, "append-time", 2)
        yield Case(f"magic {magic}: larger than allowed", message(magic, value=b"v" * 200), "small", version)
        whole = message(magic) * 2
        for length in (1, 12, 20, len(whole) - 1):
            yield Case(f"magic {magic}: cut after {length} bytes", whole[:length], version=version)
    for version in (0, 1, 2):
        for codec, name in CODECS.items():
            yield Case(f"magic 2, {name}, version {version}", batch(records(), codec), version=version)
    yield Case("no bytes, version 2", b"", version=2)


def legacy_mutated(random, number):
    magic, codec = random.choice((0, 1)), random.choice((NONE, GZIP, SNAPPY, LZ4))
    inner = b"".join(message(magic, offset=offset) for offset in range(3))
    data = bytearray(inner if codec == NONE else wrapper(magic, codec, inner, offset=2))
    changes = []
    for _ in range(random.choice((1, 2, 3))):
        place = random.randrange(len(data))
        data[place] = random.choice((random.randrange(256), data[place] ^ 1 << random.randrange(8), 0, 255))
        changes.append(f"{place}={data[place]:#x}")
    return Case(f"mutated {number}: magic {magic}, {CODECS[codec]}: {' '.join(changes)}", bytes(data), version=2)
