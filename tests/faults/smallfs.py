"""Small real file systems that fill up, fail, hang or are slow: tmpfs with a size, and ext4 on a
loop device whose end can be moved so that what lies beyond answers EIO, and back again."""

import fcntl
import os
import struct
import subprocess
import time
from pathlib import Path

LOOP_SET_STATUS64, LOOP_GET_STATUS64 = 0x4C04, 0x4C05
SIZE_LIMIT_AT = 32  # lo_sizelimit in struct loop_info64
THROTTLE = Path("/sys/fs/cgroup/blkio/blkio.throttle.write_bps_device")


class Skipped(Exception):
    """This machine cannot show it."""


def command(*words, seconds=60):
    done = subprocess.run(
        [str(word) for word in words], capture_output=True, text=True, timeout=seconds
    )
    if done.returncode:
        raise OSError(f"{words[0]}: {done.stderr.strip() or done.returncode}")
    return done.stdout.strip()


def unmount(mount):
    subprocess.run(["umount", "-l", str(mount)], check=True, timeout=60)


class Tmpfs:
    def __init__(self, mount, mebibytes):
        self.mount, self.mebibytes = Path(mount), mebibytes

    def __enter__(self):
        self.mount.mkdir(parents=True)
        try:
            command("mount", "-t", "tmpfs", "-o", f"size={self.mebibytes}m", "tmpfs", self.mount)
        except OSError as error:
            raise Skipped(f"mounting a small file system is not permitted here ({error})") from None
        return self

    def __exit__(self, *_):
        unmount(self.mount)


# Tells where a block of a file lies on its device.
FIBMAP = 1


class Ext4:
    """ext4 on a loop device over a sparse file. The first part of the device is kept for the file
    system's own structures and fillers, so that everything a test writes lies beyond `HEALTHY`
    bytes."""

    HEALTHY = 192 << 20

    def __init__(self, work, mebibytes=2048):
        self.image, self.mount, self.bytes = (
            Path(work) / "image",
            Path(work) / "ext4",
            mebibytes << 20,
        )
        self.device, self.frozen = None, False

    def __enter__(self):
        try:
            with open(self.image, "wb") as file:
                file.truncate(self.bytes)
            # No journal: a journal that cannot be written makes the whole file system read-only,
            # which is another fault.
            command("mkfs.ext4", "-q", "-F", "-O", "^has_journal,flex_bg", "-G", "256",
                    "-E", "lazy_itable_init=0", self.image)
            self.device = command("losetup", "-f", "--show", self.image)
            self.mount.mkdir()
            command("mount", "-o", "errors=continue", self.device, self.mount)
            self.fill()
            command("sync", "-f", self.mount)
        except OSError as error:
            self.close()
            raise Skipped(f"no loop device with ext4 can be had here ({error})") from None
        return self

    def __exit__(self, *_):
        self.close()

    def fill(self):
        """Takes every gap of the first part, large ones first."""
        for size in (4 << 20, 256 << 10, 16 << 10, 4 << 10):
            number, beyond = 0, 0
            while beyond < 4:
                assert number < 20_000, f"gaps of {size} bytes are left"
                with open(self.mount / f"filler-{size}-{number}", "wb") as file:
                    # Blocks that are only set aside have no place yet.
                    file.write(bytes(size))
                    file.flush()
                    os.fdatasync(file.fileno())
                    place = bytearray(struct.pack("=i", 0))
                    fcntl.ioctl(file, FIBMAP, place)
                first = struct.unpack("=i", place)[0] * os.statvfs(self.mount).f_bsize
                number, beyond = number + 1, beyond + 1 if first >= self.HEALTHY else 0

    def close(self):
        if self.frozen:
            self.thaw()
        if self.device:
            self.limit(0)
            self.slow(0)
            if os.path.ismount(self.mount):
                unmount(self.mount)
            subprocess.run(["losetup", "-d", self.device], timeout=60, check=False)
        self.image.unlink(missing_ok=True)

    def limit(self, size):
        """Makes reads and writes of the device behind this byte fail with EIO; 0: none."""
        fd = os.open(self.device, os.O_RDWR)
        try:
            info = bytearray(232)
            fcntl.ioctl(fd, LOOP_GET_STATUS64, info)
            struct.pack_into("=Q", info, SIZE_LIMIT_AT, size)
            fcntl.ioctl(fd, LOOP_SET_STATUS64, info)
        finally:
            os.close(fd)

    def fail(self):
        self.limit(self.HEALTHY)

    def heal(self):
        self.limit(0)

    def freeze(self):
        """From here on every write and sync hangs."""
        command("fsfreeze", "-f", self.mount)
        self.frozen = True

    def thaw(self):
        command("fsfreeze", "-u", self.mount)
        self.frozen = False

    def slow(self, bytes_per_second):
        """Limits writing; 0: no limit. False where the kernel has no such limit to offer."""
        number = os.stat(self.device).st_rdev
        try:
            THROTTLE.write_text(f"{os.major(number)}:{os.minor(number)} {bytes_per_second}\n")
        except OSError:
            return False
        return True

    def drop_caches(self):
        """Makes later reads come from the device."""
        command("sync")
        Path("/proc/sys/vm/drop_caches").write_text("1\n")


def rss_mib(pid, field="VmRSS"):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) / 1024
    raise AssertionError(f"process {pid} has no {field}")


class MemoryWatch:
    """The most memory a process had resident since it was started or `reset`."""

    def __init__(self, pid):
        self.pid = pid
        self.reset()

    def reset(self):
        self.before = rss_mib(self.pid)
        Path(f"/proc/{self.pid}/clear_refs").write_text("5\n")

    def peak(self):
        return rss_mib(self.pid, "VmHWM")


def hold_fault(seconds):
    """Keeps a fault in place for a fixed time: not a wait for a state."""
    time.sleep(seconds)
