"""Disks that are full, fail, hang or are slow, under a real process."""

import errno
import os
import subprocess
import time
import uuid

import wire
from harness import Bystander, Milena, client, make, no_panic, until
from smallfs import Ext4, MemoryWatch, Skipped, Tmpfs, hold_fault, rss_mib

LEADER_NOT_AVAILABLE, STORAGE_ERROR = 5, 56
PARTITIONS = 3  # of a topic that the small client makes
RESUMES_SECONDS = 10  # after there is space, on a busy machine


def full_disk(binary, work):
    """When the disk is full, produce fails with KAFKA_STORAGE_ERROR, reads work, nothing
    acknowledged is lost, and service resumes by itself when space is free again."""
    with Tmpfs(work / "small", 800) as small:
        filler = small.mount / "filler"
        with open(filler, "wb") as file:
            os.posix_fallocate(file.fileno(), 0, 400 << 20)
        with Milena(binary, make(small.mount / "data")) as milena:
            bootstrap = milena.bootstrap()
            lines = client(bootstrap, "fill", "full", work / "acked")
            assert any("KAFKA_STORAGE_ERROR" in line for line in lines), (
                f"no KAFKA_STORAGE_ERROR: {lines[-5:]}"
            )
            client(bootstrap, "verify", "full", work / "acked")
            filler.unlink()
            took, codes = answers_within(RESUMES_SECONDS, lambda: produce_each(bootstrap, "full"))
            print(f"  served again {took:.1f} s after there was space; met {codes or 'no errors'}")
            client(bootstrap, "resume", "full", work / "acked")
            client(bootstrap, "verify", "full", work / "acked")
            milena.kill()
            milena.start()
            client(milena.bootstrap(), "verify", "full", work / "acked")
            said = milena.log.read_text()
            assert "space" in said, f"the log says nothing of space: {said[-2000:]}"
            no_panic(milena)


def full_disk_at_the_start(binary, work):
    """A process that starts on a full disk waits for space and says so; when there is some it
    serves what was acknowledged."""
    with Tmpfs(work / "small", 500) as small:
        data = make(small.mount / "data")
        with Milena(binary, data, log=work / "log") as milena:
            bootstrap = milena.bootstrap()
            client(bootstrap, "produce", "early", work / "acked", 50)
            milena.kill()
            fillers = [small.mount / "filler", small.mount / "rest"]
            for filler, size in zip(fillers, (1 << 20, 512)):
                try:
                    with open(filler, "wb", buffering=0) as file:
                        while file.write(bytes(size)):
                            pass
                except OSError as error:
                    assert error.errno == errno.ENOSPC, error
            milena.start()
            until(
                lambda: "no space left" in milena.log.read_text().lower(),
                "the log says that there is no space",
            )
            for filler in fillers:
                filler.unlink()
            took, codes = answers_within(RESUMES_SECONDS, lambda: produce_each(bootstrap, "early"))
            print(f"  served {took:.1f} s after there was space; met {codes or 'no errors'}")
            client(milena.bootstrap(), "verify", "early", work / "acked")
            no_panic(milena)


def produce_each(bootstrap, topic):
    """A record to each partition of a topic that the small client made."""
    for partition in range(PARTITIONS):
        with wire.Connection(leader_now(bootstrap, topic, partition), 5) as connection:
            # As the small client's, which reads them.
            value = str(uuid.uuid4()).encode()
            connection.produce(topic, partition, wire.batch([value]), timeout_ms=3000)


def leader_now(bootstrap, topic, partition):
    """The address of the partition's leader, as the first broker that answers knows it."""
    for address in bootstrap.split(","):
        try:
            with wire.Connection(address, 5) as connection:
                return connection.leaders(topic)[partition]
        except (OSError, EOFError):
            continue
        except KeyError:
            break
    raise wire.Failed(LEADER_NOT_AVAILABLE)


def answers_within(seconds, action):
    """Runs a request until it succeeds; returns the seconds it took and the error codes it met."""
    started, codes = time.monotonic(), set()
    while True:
        try:
            action()
            return time.monotonic() - started, codes
        except wire.Failed as error:
            codes.add(error.code)
        except (OSError, EOFError) as error:
            codes.add(type(error).__name__)
        if time.monotonic() - started > seconds:
            raise AssertionError(f"not within {seconds} s; met {codes}")
        time.sleep(0.1)


def full_disk_in_time(binary, work):
    """On a full disk every request has its response within its own timeout: a produce
    KAFKA_STORAGE_ERROR, the creation of a topic an error or success."""
    with Tmpfs(work / "small", 700) as small, Milena(binary, make(small.mount / "data")) as milena:
        bootstrap = milena.bootstrap()
        leader = wire.create(bootstrap, "full")[0]
        records, codes, taken = wire.batch([b"x" * 900_000]), [], 0
        deadline = time.monotonic() + 120
        with wire.Connection(leader, seconds=10) as connection:
            # Until it was full for a while: what is acknowledged at first fits into memory and log.
            while codes.count(STORAGE_ERROR) < 5:
                assert time.monotonic() < deadline, f"not full: {taken} were taken, {codes[-5:]}"
                started = time.monotonic()
                try:
                    connection.produce("full", 0, records, timeout_ms=3000)
                    taken += 1
                except wire.Failed as error:
                    codes.append(error.code)
                took = time.monotonic() - started
                assert took < 4.5, f"a produce took {took:.1f} s of 3 after {taken} that were taken"
        assert set(codes) == {STORAGE_ERROR}, f"{set(codes)} after {taken} that were taken"
        for number in range(5):
            started = time.monotonic()
            with wire.Connection(leader, seconds=10) as connection:
                try:
                    connection.create_topic(f"another{number}", 3, timeout_ms=3000)
                except wire.Failed:
                    pass
            took = time.monotonic() - started
            assert took < 4.5, f"the creation of a topic took {took:.1f} s of 3"
        no_panic(milena)


def failing_writes(binary, work):
    """While writes and syncs fail with EIO every produce is refused and none is acknowledged;
    records acknowledged before can be read; when the disk is repaired the same process serves
    again, and all records are there after a kill."""
    with Ext4(work) as disk:
        (work / "elsewhere").mkdir()
        with Milena(binary, make(disk.mount / "data"), log=work / "log") as milena:
            bootstrap = milena.bootstrap()
            client(bootstrap, "produce", "failing", work / "acked", 200)
            address = wire.leader(bootstrap, "failing")
            disk.fail()
            with wire.Connection(address, 40) as connection:
                try:
                    connection.produce("failing", 0, wire.batch([b"x" * 1000]))
                    raise AssertionError("a produce was acknowledged while no sync could succeed")
                except wire.Failed as error:
                    assert error.code == STORAGE_ERROR, (
                        f"the error is {error.code}, not KAFKA_STORAGE_ERROR"
                    )
                except (EOFError, OSError):
                    pass  # The broker restarts itself.
            until(
                lambda: "Input/output error" in milena.log.read_text(),
                "the log names the I/O error",
            )
            disk.heal()

            def again():
                with wire.Connection(wire.leader(bootstrap, "failing"), 10) as connection:
                    connection.produce("failing", 0, wire.batch([b"after"]))
            took, codes = answers_within(60, again)
            print(
                f"  served again {took:.1f} s after the disk was well; met {codes or 'no errors'}"
            )
            client(bootstrap, "verify", "failing", work / "acked", "others")
            milena.kill()
            milena.start()
            client(milena.bootstrap(), "verify", "failing", work / "acked", "others")
            no_panic(milena)


def failing_reads(binary, work):
    """A segment that fails with EIO gives an error to its reader only; when the disk is repaired
    it is read."""
    with Ext4(work) as disk:
        data = make(disk.mount / "data")
        with Milena(binary, data, ["--cache-mib", "16"], log=work / "log") as milena:
            bootstrap = milena.bootstrap()
            address = wire.create(bootstrap, "cold")[0]
            client(bootstrap, "load", "cold", work / "unused", 160)
            until(lambda: list(data.rglob("segments/*")), "something is flushed", 60)
            milena.stop()
            milena.start()
            address = wire.leader(milena.bootstrap(), "cold")
            with wire.Connection(address) as connection:
                code, high, records = connection.fetch("cold", 0, 0, 1 << 20)
                assert code == 0 and records, f"fetch answered {code}"
            with Bystander(milena.bootstrap(), "warm"):
                disk.drop_caches()
            before = milena.log.stat().st_size
            disk.drop_caches()
            disk.fail()
            met = set()
            with wire.Connection(address, 40) as connection:
                for offset in range(0, high, max(high // 40, 1)):
                    code, _, records = connection.fetch("cold", 0, offset, 1 << 20)
                    met.add(code)
            assert met - {0}, "no read met the failing disk: this tested nothing"
            assert met <= {0, STORAGE_ERROR}, f"error codes {met}"
            disk.heal()
            said = milena.log.read_text()[before:]
            assert "object" in said and "nput/output" in said, (
                f"the log does not name the object: {said[-1500:]}"
            )

            def read():
                with wire.Connection(wire.leader(bootstrap, "cold"), 10) as connection:
                    for offset in range(0, high, max(high // 40, 1)):
                        code, _, records = connection.fetch("cold", 0, offset, 1 << 20)
                        if code:
                            raise wire.Failed(code)
            answers_within(60, read)
            no_panic(milena)


def hung_disk(binary, work):
    """While every write hangs, produce requests wait, nothing is acknowledged, cached records can
    be read, and another data directory's process is undisturbed; service resumes by itself."""
    with Ext4(work) as disk:
        with Milena(binary, make(disk.mount / "data"), log=work / "log") as milena:
            bootstrap = milena.bootstrap()
            address = wire.create(bootstrap, "hung")[0]
            with wire.Connection(address, 60) as connection, wire.Connection(address, 5) as reader:
                connection.produce("hung", 0, wire.batch([b"before"]))
                disk.freeze()
                try:
                    connection.socket.sendall(wire.produce("hung", 0, wire.batch([b"during"])))
                    started = time.monotonic()
                    while time.monotonic() - started < 4:
                        code, high, records = reader.fetch("hung", 0, 0, 1 << 16)
                        assert (code, high) == (0, 1) and records, (
                            f"reading answers {code}, high watermark {high}"
                        )
                        reader.api_versions()
                        reader.leaders("hung")
                        time.sleep(0.05)
                    connection.socket.settimeout(0.2)
                    try:
                        connection.answer()
                        raise AssertionError("a produce was answered while the disk hung")
                    except TimeoutError:
                        pass
                finally:
                    disk.thaw()

                def high_watermark():
                    return reader.fetch("hung", 0, 0, 1 << 16)[1] >= 2
                until(high_watermark, "what waited is committed", 30)
            no_panic(milena)


def stop_on_a_hung_disk(binary, work):
    """A stop with a disk that hangs: the API and the brokers end at once and the process ends
    within 2 s of the disk's return; nothing acknowledged is lost."""
    with Ext4(work) as disk:
        milena = Milena(binary, make(disk.mount / "data"), log=work / "log").start()
        try:
            bootstrap = milena.bootstrap()
            client(bootstrap, "produce", "stop", work / "acked", 200)
            address = wire.leader(bootstrap, "stop")
            disk.freeze()
            try:
                with wire.Connection(address) as connection:
                    connection.socket.sendall(wire.produce("stop", 0, wire.batch([b"during"])))
                    hold_fault(0.5)
                    milena.process.terminate()
                    started = time.monotonic()
                    # The kernel keeps a process whose thread is inside a system call that hangs,
                    # but not its service.
                    until(
                        lambda: not listens(address) and not milena_listens(milena),
                        "it serves no more",
                        5,
                    )
                    print(f"  served no more after {time.monotonic() - started:.1f} s")
                    assert time.monotonic() - started < 4, (
                        "it took longer than its 2 s to stop serving"
                    )
            finally:
                disk.thaw()
            milena.process.wait(timeout=6)
            milena.start()
            client(milena.bootstrap(), "verify", "stop", work / "acked", "others")
            no_panic(milena)
        finally:
            if milena.process.poll() is None:
                milena.kill()


def milena_listens(milena):
    return listens(milena.listen)


def listens(address):
    try:
        wire.Connection(address, 1).socket.close()
        return True
    except OSError:
        return False


def producers_faster_than_the_disk(binary, work):
    """Producers that could write far more than the disk are slowed, not refused; memory stays
    bounded, and a client that produces little is still served."""
    with Ext4(work, 4096) as disk:
        if not disk.slow(20 << 20):
            raise Skipped("this kernel offers no limit of a device's speed")
        with Milena(
            binary, make(disk.mount / "data"), ["--cache-mib", "64"], log=work / "log"
        ) as milena:
            bootstrap = milena.bootstrap()
            memory = MemoryWatch(milena.process.pid)
            with Bystander(bootstrap, "small") as bystander:
                lines = client(bootstrap, "rush", "rush", work / "acked", 25)
            peak = memory.peak()
            print(f"  {lines[0]}; at most {peak:.0f} MiB resident; bystander {bystander}")
            assert bystander.errors == 0, f"the small producer met errors: {bystander.said}"
            # It waits for its turn, which is a second or so, not behind all that the others have to
            # write.
            assert bystander.median_ms < 2000, (
                f"the small producer waited {bystander.median_ms} ms most of the time"
            )
            assert bystander.worst_ms < 8000, f"the small producer waited {bystander.worst_ms} ms"
            assert peak < 1024, f"{peak:.0f} MiB resident"
            disk.slow(0)
            client(bootstrap, "verify", "rush", work / "acked", "others")
            no_panic(milena)


CASES = (
    full_disk,
    full_disk_at_the_start,
    full_disk_in_time,
    failing_writes,
    failing_reads,
    hung_disk,
    stop_on_a_hung_disk,
    producers_faster_than_the_disk,
)
