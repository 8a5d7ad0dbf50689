"""A client that nothing should disturb: twenty times a second it produces a record and reads it
back, each from its own connection, and notes how long that took.

    bystander.py BOOTSTRAP TOPIC     once at least, until it reads an empty line; then prints
                                     "ROUNDS WORST_MS MEDIAN_MS ERRORS". When it reads a number it
                                     prints "done" after so many more rounds.
"""

import select
import sys
import time

import wire


def main():
    bootstrap, topic = sys.argv[1:3]
    address = wire.create(bootstrap, topic)[0]
    took, errors, connection = [], 0, wire.Connection(address)
    ends, asked_for = False, 0
    print("ready", flush=True)
    while not took or not ends:
        if not ends and select.select([sys.stdin], [], [], 0.05)[0]:
            line = sys.stdin.readline().strip()
            ends, asked_for = not line, len(took) + int(line or 0)
            continue
        started = time.monotonic()
        try:
            offset = connection.produce(topic, 0, wire.batch([b"bystander"]))
            code, _, records = connection.fetch(topic, 0, offset, 1 << 16)
            assert code == 0 and records, f"fetch answered {code}"
        except Exception as error:  # Whatever it is, the client was disturbed.
            errors += 1
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
            connection.socket.close()
            connection = wire.Connection(address)
        took.append((time.monotonic() - started) * 1000)
        if len(took) == asked_for:
            print("done", flush=True)
    took.sort()
    print(len(took), round(took[-1], 1), round(took[len(took) // 2], 1), errors, flush=True)


main()
