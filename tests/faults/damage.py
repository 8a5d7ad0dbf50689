"""Damage to every structure on disk: torn, cut, emptied, removed, a bit flipped. Whatever it is, no
panic, and nothing acknowledged is silently gone: a read gives what was written or an error, the
log names the file, the rest goes on, and putting the file back makes everything well."""

import os
import re
import shutil
import subprocess
import time

import wire
from harness import Milena, make, no_panic, refused_start, until

SOUND_PARTITIONS = 3
# A manifest keeps 24 segments in its record, then the oldest go into a page.
LIVES_MIN = 25
# A stop may leave the flush to the next start, so it can take more lives than that.
LIVES_MAX = 60
# The least --flush-mib: a broker flushes at once when more than this waits.
FLUSH_MIB = 8
# Of three brokers each leads several of so many partitions.
FILLERS = 9
# An error that a reader met for OUTCOME_SECONDS is its outcome; if the log gives the reason, one
# that it met for LASTING seconds.
OUTCOME_SECONDS = 30
LASTING = 1


class Installation:
    """A data directory with something of everything in it, and what was acknowledged: topic and
    partition to values."""

    def __init__(self, binary, work):
        self.binary, self.data, self.acked, self.sequence = binary, make(work / "data"), {}, 0
        self.work = work

    def milena(self, data=None, arguments=()):
        return Milena(self.binary, data or self.data, arguments, log=self.work / "log")

    def produce(self, bootstrap, topic, partition, count=3):
        with wire.Connection(wire.leader(bootstrap, topic, partition)) as connection:
            for _ in range(count):
                value = f"{topic}-{partition}-{self.sequence}".encode() + b"." * 2000
                connection.produce(topic, partition, wire.batch([value]))
                self.acked.setdefault((topic, partition), []).append(value)
                self.sequence += 1

    def produce_everywhere(self, bootstrap, count=3):
        self.produce(bootstrap, "damaged", 0, count)
        for partition in range(SOUND_PARTITIONS):
            self.produce(bootstrap, "sound", partition, count)

    def create(self, bootstrap):
        wire.create(bootstrap, "damaged")
        wire.create(bootstrap, "sound", SOUND_PARTITIONS)

    def stopped(self):
        """The first topic's records in segments of their own, the others' elsewhere; stopped in
        good order."""
        with self.milena() as milena:
            self.bootstrap = milena.bootstrap()
            self.create(self.bootstrap)
            # More than what stands behind the records of a segment, so that its middle is theirs.
            self.produce(self.bootstrap, "damaged", 0, 20)
        for _ in range(LIVES_MAX):
            # A stop may leave the flush to the next start, and that to its stop.
            if objects(self, "segments"):
                break
            with self.milena():
                ready(self.bootstrap)
        (self.segment,) = objects(self, "segments")
        with self.milena():
            ready(self.bootstrap)
            for partition in range(SOUND_PARTITIONS):
                self.produce(self.bootstrap, "sound", partition)
        return self

    def paged(self):
        """Flushed many times, so that the first topic, and no other, has a page and a snapshot;
        stopped in good order.

        A stop flushes and leaves the manifest alone, so the lives leave many small segments; a
        flush while the broker runs then takes them all into the manifest."""
        for life in range(LIVES_MAX):
            with self.milena(arguments=["--flush-mib", str(FLUSH_MIB)]) as milena:
                if life == 0:
                    self.bootstrap = milena.bootstrap()
                    self.create(self.bootstrap)
                    wire.create(self.bootstrap, "filler", FILLERS)
                ready(self.bootstrap)
                with wire.Connection(wire.leader(self.bootstrap, "damaged")) as connection:
                    value = f"life {life}".encode() + b"." * 500
                    connection.produce("damaged", 0, wire.batch([value], producer=7, sequence=life))
                    self.acked.setdefault(("damaged", 0), []).append(value)
                if life % 9 == 0:
                    self.produce_everywhere(self.bootstrap, 1)
                if life >= LIVES_MIN:
                    # One flush after the other: when the second begins the first is in the
                    # manifest.
                    self.flush_damaged()
                    self.flush_damaged()
            if objects(self, "manifests") and objects(self, "producers"):
                return self
        raise AssertionError(
            f"no page and snapshot after {LIVES_MAX} lives: {objects(self, 'segments')}"
        )

    def flush_damaged(self):
        """Has the first topic's leader flush, by what others write to it, and waits until it
        does."""
        address = wire.leader(self.bootstrap, "damaged")
        with wire.Connection(address) as connection:
            led = until(
                lambda: [p for p, at in connection.leaders("filler").items() if at == address],
                "it leads a filler",
            )
            # Two take turns: a partition with this much in a flush would get a segment of its own.
            assert len(led) > 1, (
                f"the leader of the first topic leads only {led} of {FILLERS} partitions"
            )
            before, records = len(objects(self, "segments")), wire.batch([bytes(1_000_000)])
            for number in range(FLUSH_MIB + FLUSH_MIB // 2):
                connection.produce("filler", led[number % 2], records)
        until(lambda: len(objects(self, "segments")) > before, "what was produced is flushed", 60)

    def killed(self):
        """With records in the write-ahead logs only, as a kill leaves them."""
        milena = self.milena().start()
        self.bootstrap = milena.bootstrap()
        self.create(self.bootstrap)
        for _ in range(5):
            self.produce_everywhere(self.bootstrap)
        milena.kill()
        return self

    def outcome(self, topic, partition, lasts=lambda: False):
        """The outcome of reading a partition: None if everything acknowledged was read, else the
        error codes met until the deadline, or for `LASTING` where `lasts` says that the error is
        permanent. Anything missing or different fails."""
        expected, got, offset, codes = self.acked[topic, partition], [], 0, set()
        since = time.monotonic()
        while len(got) < len(expected):
            waited = time.monotonic() - since
            if waited > OUTCOME_SECONDS or codes and waited > LASTING and lasts():
                return codes or {"nothing"}
            try:
                address = wire.leader(self.bootstrap, topic, partition, 0.5)
                with wire.Connection(address, 10) as connection:
                    code, high, records = connection.fetch(topic, partition, offset, 1 << 20)
            except (OSError, EOFError, AssertionError) as error:
                codes.add(type(error).__name__)
                time.sleep(0.1)
                continue
            if code:
                codes.add(code)
                assert code in (3, 5, 6, 9, 56, 74, 75), (
                    f"{topic}-{partition} answers {code} at offset {offset}"
                )
                if code == 56:
                    return codes
                time.sleep(0.1)
                continue
            assert high >= len(expected), (
                f"the high watermark of {topic}-{partition} is {high} of {len(expected)}"
            )
            read = wire.values(records)
            assert read and read[0][0] <= offset, (
                f"nothing at offset {offset} of {high} of {topic}-{partition}"
            )
            got += [value for at, value in read if at >= offset]
            offset, since = read[-1][0] + 1, time.monotonic()
        assert got == expected, f"{topic}-{partition} has other records than were acknowledged"
        return None


def ready(bootstrap, seconds=30):
    def answers():
        try:
            wire.Connection(bootstrap.split(",")[0], 1).socket.close()
            return True
        except OSError:
            return False
    until(answers, "the brokers answer", seconds)
    for address in bootstrap.split(","):
        def answers_too(address=address):
            try:
                with wire.Connection(address, 2) as connection:
                    connection.api_versions()
                return True
            except (OSError, EOFError):
                return False
        until(answers_too, f"{address} answers", seconds)


def flip(path, at, bit=0x10):
    with open(path, "r+b") as file:
        file.seek(at, 2 if at < 0 else 0)
        byte = file.read(1)
        file.seek(at, 2 if at < 0 else 0)
        file.write(bytes([byte[0] ^ bit]))


def cut(path, size):
    with open(path, "r+b") as file:
        file.truncate(size)


def size(path):
    return path.stat().st_size


# How a file of any kind is damaged.
ANY = {
    "a bit at the front": lambda path: flip(path, 3),
    "a bit in the middle": lambda path: flip(path, size(path) // 2),
    "a bit at the end": lambda path: flip(path, -2),
    "half of it": lambda path: cut(path, size(path) // 2),
    "nothing of it": lambda path: cut(path, 0),
    "removed": lambda path: path.unlink(),
}


def copied(made, path):
    """A copy of the data directory, and where a file is in it."""
    copy = made.work / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    subprocess.run(["cp", "-a", "--sparse=always", made.data, copy], check=True)
    return copy, copy / path.relative_to(made.data)


def named(path, said):
    """Whether the log names the file; an object by its key."""
    return str(path).rpartition("/objects/")[2] in said


def read_damaged(made, path, how, what, sound=True, repaired=False, shows=False, may_refuse=False):
    """Damages one file of a copy, sees what readers get, puts the file back and sees that all is
    well. `shows`: readers of the first topic meet it. `repaired`: they do not."""
    copy, path = copied(made, path)
    original = path.read_bytes()
    how(path)
    label = f"{path.relative_to(copy)}, {what}"
    (made.work / "log").write_text("")
    milena = made.milena(copy)
    try:
        milena.start()
        started = True
    except AssertionError:
        started = False
    said = milena.log.read_text
    if started:
        outcome = made.outcome("damaged", 0, lambda: named(path, said()))
        assert outcome or not shows, f"{label}: no reader meets it: this tested nothing"
        if outcome:
            assert not repaired, f"{label}: not repaired: {outcome}; {said()[-1500:]}"
            until(
                lambda: named(path, said()),
                f"{label}: the log names the file: {said()[-1500:]}",
                10,
            )
        if sound:
            for partition in range(SOUND_PARTITIONS):
                other = made.outcome("sound", partition)
                assert other is None, (
                    f"{label}: sound-{partition} is disturbed: {other}; {said()[-1500:]}"
                )
        milena.stop()
    else:
        outcome = "refused"
        assert may_refuse, f"{label}: it did not start: {said()[-1500:]}"
        assert named(path, said()), f"{label}: the file is not named: {said()[-1500:]}"
    no_panic(milena)
    print(f"  {label}: {outcome or 'nothing is lost'}", flush=True)
    if started and path.name == "metadata":
        return  # It went on; an older copy would no longer fit the rest.
    path.write_bytes(original)
    milena.start()
    for topic, partition in made.acked:
        healed = made.outcome(topic, partition)
        assert healed is None, (
            f"{label}, put back: {topic}-{partition} gives {healed}; {said()[-1500:]}"
        )
    milena.stop()
    no_panic(milena)


def objects(made, kind):
    return sorted(path for path in made.data.rglob(f"{kind}/**/*") if path.is_file())


def segments(binary, work, long=False):
    """A damaged segment: an error for the partitions whose records it holds, and for no other."""
    made = Installation(binary, work).stopped()
    for what, how in ANY.items():
        if long or what in ("a bit in the middle", "a bit at the end", "removed"):
            # A segment's header is repeated at its end, and its trailer stands before its lists, too.
            repeated = what in ("a bit at the front", "a bit at the end")
            read_damaged(made, made.segment, how, what, shows=not repeated, repaired=repeated)


def pages_and_snapshots(binary, work, long=False):
    """A damaged manifest page makes its partition's oldest records unreadable, with an error that
    names it; a damaged snapshot of producer state is made again from the segments."""
    made = Installation(binary, work).paged()
    page, snapshot = objects(made, "manifests")[-1], objects(made, "producers")[-1]
    for what, how in ANY.items():
        if long or what in ("a bit in the middle", "nothing of it", "removed"):
            read_damaged(made, page, how, what, shows=True)
            read_damaged(made, snapshot, how, what, repaired=True)


def metadata_store(binary, work, long=False):
    """A damaged metadata store is refused, by name, or serves what is there; it never panics."""
    made = Installation(binary, work).killed()
    path = made.data / "metadata"
    length = size(path)
    places = range(0, length, max(length // (40 if long else 8), 1))
    for at in [9, 64, 128, 200, *places]:
        read_damaged(
            made,
            path,
            lambda path, at=at: flip(path, at),
            f"a bit at {at}",
            sound=False,
            may_refuse=True,
        )
    for what in ("half of it", "nothing of it", "removed"):
        read_damaged(made, path, ANY[what], what, sound=False, may_refuse=True)


def small_files(binary, work):
    """Damaged key, credentials and format files are refused by name, with what to do."""
    made = Installation(binary, work).killed()
    for name in ("key", "credentials", "FORMAT"):
        for what, how in ANY.items():
            copy, path = copied(made, made.data / name)
            original = path.read_bytes()
            how(path)
            (work / "log").write_text("")
            milena = made.milena(copy)
            try:
                milena.start()
                # A damaged value that is still valid may be accepted; then it must take effect.
                if name == "key":
                    until(
                        lambda: "key" in milena.log.read_text(),
                        f"key, {what}: the log says nothing",
                        15,
                    )
                milena.stop()
            except AssertionError:
                said = milena.log.read_text()
                assert name in said, f"{name}, {what}: it is not named: {said[-1000:]}"
            said = milena.log.read_text()
            no_panic(milena)
            path.write_bytes(original)
            milena.start()
            assert made.outcome("damaged", 0) is None, (
                f"{name}, {what}: {milena.log.read_text()[-1500:]}"
            )
            milena.stop()
            last = (said.strip().splitlines() or ["it starts"])[-1]
            print(f"  {name}, {what}: {last[-230:]}", flush=True)


def frames(path):
    """Where frames of a write-ahead file begin."""
    data, found = path.read_bytes(), []
    for at in range(0, len(data), 4096):
        if data[at:at + 4] == b"MWAL":
            found.append(at)
    return found


def write_ahead_log(binary, work, long=False):
    """Damage before the last frame is reported with file and position, and that broker does not
    start over it; the others serve. A frame at the end that is not whole is cut, and that is
    said."""
    made = Installation(binary, work).killed()
    with_frames = [path for path in sorted(made.data.rglob("*.wal")) if frames(path)]
    path = max(with_frames, key=lambda path: len(frames(path)))
    first, middle, last = frames(path)[0], frames(path)[len(frames(path)) // 2], frames(path)[-1]
    for what, at in (("the first header", first + 20), ("a header in the middle", middle + 33),
                     ("a payload in the middle", middle + 100)):
        damaged_log(made, path, lambda path, at=at: flip(path, at), what)
    damaged_log(made, path, lambda path: cut(path, middle + 50), "cut in the middle of a frame")
    for what, at in (("the last header", last + 20), ("the last payload", last + 100)):
        damaged_log(made, path, lambda path, at=at: flip(path, at), what, last=True)
    # Behind the last frame: what a write leaves that did not come to its end.
    damaged_log(
        made, path, lambda path: append_torn(path, last), "a torn frame at the end", whole=True
    )
    for what, how in ANY.items():
        if long or what in ("a bit in the middle", "removed"):
            damaged_log(made, path.parent / "FORMAT", how, what, whole=what == "removed")
    damaged_log(
        made,
        path.parent / "LOCK",
        lambda path: path.write_bytes(b"\xff" * 100),
        "garbage",
        whole=True,
    )


def append_torn(path, last):
    data = path.read_bytes()
    end = len(data.rstrip(b"\0"))
    with open(path, "r+b") as file:
        file.seek((end + 4095) // 4096 * 4096)
        file.write(b"MWAL" + data[last + 4:last + 40] + bytes(range(256)) * 3)


def damaged_log(made, path, how, what, whole=False, last=False):
    """Damages a file of one broker's log. `whole`: nothing is lost by it. `last`: the last frame,
    which looks like one that was being written: it is cut, and the log names the place."""
    copy, path = copied(made, path)
    original = path.read_bytes()
    how(path)
    (made.work / "log").write_text("")
    milena = made.milena(copy).start()
    label = f"{path.relative_to(copy)}, {what}"
    outcomes = {}
    for place in made.acked:
        try:
            outcomes[place] = made.outcome(*place, lambda: named(path, milena.log.read_text()))
        except AssertionError:
            if not last:
                raise
            outcomes[place] = {"cut"}
    said = milena.log.read_text()
    disturbed = [f"{topic}-{partition}" for (topic, partition), codes in outcomes.items() if codes]
    if whole:
        assert not disturbed, f"{label}: {outcomes}; {said[-2000:]}"
    else:
        assert named(path, said), f"{label}: the log does not name the file: {said[-2000:]}"
        assert len(disturbed) < len(outcomes), (
            f"{label}: others are disturbed too: {outcomes}; {said[-2000:]}"
        )
    milena.stop()
    no_panic(milena)
    print(f"  {label}: {', '.join(disturbed) or 'nobody'} disturbed", flush=True)
    if whole or last:
        return
    path.write_bytes(original)
    milena.start()
    for place in made.acked:
        healed = made.outcome(*place)
        assert healed is None, (
            f"{label}, put back: {place} gives {healed}; {milena.log.read_text()[-2000:]}"
        )
    milena.stop()
    no_panic(milena)


def lost_log(binary, work, long=False):
    """A broker whose write-ahead directory is missing does not start, with an error that names the
    directory; the others serve, and the cluster's state shows it. Once the directory is back the
    broker starts by itself and nothing is lost; if the operator accepts its loss, it starts
    without."""
    made = Installation(binary, work).killed()
    dirs = {path.parent for path in made.data.rglob("*.wal") if frames(path)}
    path = max(dirs, key=lambda path: sum(len(frames(file)) for file in path.glob("*.wal")))
    number = int(path.parent.name)
    for what, restored in (
        ("the log's directory", True),
        ("the broker's directory", True),
        ("its content", False),
    ):
        if what == "the log's directory" and not long:
            continue
        copy, aside = work / "copy", work / "aside"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.rmtree(aside, ignore_errors=True)
        subprocess.run(["cp", "-a", "--sparse=always", made.data, copy], check=True)
        lost = copy / path.relative_to(made.data)
        if what == "the broker's directory":
            lost = lost.parent
        shutil.copytree(lost, aside) if what == "its content" else lost.rename(aside)
        if what == "its content":
            for file in lost.iterdir():
                file.unlink()
        (work / "log").write_text("")
        milena = made.milena(copy).start()
        said = milena.log.read_text
        until(
            lambda: "milena broker accept-lost-log demo" in said(),
            f"{what}: the start is refused: {said()}",
            20,
        )
        word = re.search(r"milena (broker accept-lost-log demo (\d+) (\d+))", said())
        assert int(word[2]) == number and str(copy / path.relative_to(made.data)) in said(), said()
        until(
            lambda: milena.command("broker", "list", "demo").count("SERVING") == 2,
            "the other brokers serve",
            20,
        )
        described = milena.command("cluster", "describe", "demo", "--json")
        assert "HEALING" in described and "accept-lost-log" in described, described
        outcomes = {place: made.outcome(*place, lambda: True) for place in made.acked}
        disturbed = [place for place, codes in outcomes.items() if codes]
        assert 0 < len(disturbed) < len(outcomes), f"{what}: {outcomes}; {said()[-2000:]}"
        if restored:
            assert not lost.exists() or not any(lost.rglob("*")), f"something was made in {lost}"
            aside.rename(lost)
            for place in made.acked:
                healed = made.outcome(*place)
                assert healed is None, f"{what}, put back: {place} gives {healed}; {said()[-2000:]}"
        else:
            print(f"  {milena.command(*word[1].split()).strip()}", flush=True)
            assert "as the operator accepted" in said(), said()[-2000:]
            for place in made.acked:
                if place not in disturbed:
                    assert made.outcome(*place) is None, f"{place} is disturbed"
                    continue
                with wire.Connection(wire.leader(made.bootstrap, *place)) as connection:
                    assert connection.produce(*place, wire.batch([b"after"])) == 0, (
                        f"{place} begins anew"
                    )
            milena.kill()
            milena.start()
            for place in disturbed:
                with wire.Connection(wire.leader(made.bootstrap, *place)) as connection:
                    assert wire.values(connection.fetch(*place, 0, 1 << 20)[2]) == [
                        (0, b"after")
                    ], place
        milena.stop()
        no_panic(milena)
        print(
            f"  {what} of broker {number} gone: {len(disturbed)} of {len(outcomes)} partitions "
            "disturbed",
            flush=True,
        )


def in_use(binary, work):
    """A second process on a data directory is refused, with the reason."""
    with Milena(binary, make(work / "data")) as milena:
        said = refused_start(binary, work / "data")
        assert str(work / "data") in said and "use" in said, said
        assert milena.answers()


def newer_format(binary, work):
    """A directory of a later release is refused, with both levels named."""
    Milena(binary, make(work / "data")).start().stop()
    form = work / "data" / "FORMAT"
    form.write_text(re.sub(r"\d+", "999", form.read_text()))
    said = refused_start(binary, work / "data")
    assert "999" in said and "newer release" in said, said


def release_before(binary, work):
    """A directory of the release before, whose binary MILENA_BINARY_BEFORE names, is served at once,
    its segments are read as they are, and that release then refuses it, with both formats named."""
    before = os.environ["MILENA_BINARY_BEFORE"]
    made = Installation(before, work).stopped()
    form, was = made.data / "FORMAT", made.segment.read_bytes()
    assert form.read_text().endswith("format 1\n"), form.read_text()
    made.binary = binary

    def read_everything():
        for place in made.acked:
            outcome = made.outcome(*place)
            assert outcome is None, f"{place} gives {outcome}"

    for _ in range(LIVES_MAX):
        with made.milena() as milena:
            assert form.read_text().endswith("format 2\n"), form.read_text()
            ready(made.bootstrap)
            read_everything()
            made.produce_everywhere(made.bootstrap)
        no_panic(milena)
        # The level is the second half of the word behind the magic.
        levels = {path.read_bytes()[9] for path in objects(made, "segments")}
        if levels == {1, 2}:
            break
    assert levels == {1, 2} and made.segment.read_bytes() == was
    with made.milena():
        ready(made.bootstrap)
        read_everything()
    said = refused_start(before, made.data)
    assert "has format 2, written by a newer release" in said and "formats up to 1" in said, said


CASES = (
    write_ahead_log,
    lost_log,
    segments,
    pages_and_snapshots,
    metadata_store,
    small_files,
    in_use,
    newer_format,
)
if "MILENA_BINARY_BEFORE" in os.environ:
    CASES += (release_before,)
