//! How much memory this process may use, and what of it each use gets.

use std::{
    fmt, fs,
    ops::RangeInclusive,
    path::{Path, PathBuf},
};

use milena_broker::MemoryShares;
use milena_storage::RecordPoolLimits;

/// Taken where the system does not tell.
const UNKNOWN_MIB: u64 = 1024;
const MIB: u64 = 1 << 20;

/// A use of memory: its part of all there is, in 64ths, and what it gets at least and at most.
///
/// A quarter is left for what is not divided: code, stacks, the metadata store, segments while they
/// are built, and what the allocator holds in reserve.
struct Share {
    part: u64,
    mib: RangeInclusive<u64>,
}

const UNFLUSHED: Share = Share { part: 12, mib: 48..=4096 };
/// Includes what is not flushed, so that it takes less than it seems.
const TAIL: Share = Share { part: 12, mib: 32..=2048 };
/// Reading from memory costs a third of reading from a disk, and unlike a page cache this one is not
/// given back when others need it.
const CACHE: Share = Share { part: 8, mib: 16..=4096 };
const REQUESTS: Share = Share { part: 6, mib: 32..=512 };
const DECODED: Share = Share { part: 4, mib: 24..=512 };
const DECODERS: Share = Share { part: 4, mib: 16..=512 };
const RESPONSES: Share = Share { part: 6, mib: 32..=512 };
const GROUPS: Share = Share { part: 3, mib: 16..=512 };
const SESSIONS: Share = Share { part: 1, mib: 4..=64 };
const CONNECTIONS: Share = Share { part: 4, mib: 16..=1024 };

/// What each broker may hold of unflushed records in any case.
const UNFLUSHED_FLOOR_MIB: u64 = 8;
/// What a connection may hold that is counted nowhere else: requests and responses that are small.
const CONNECTION_KIB: u64 = 64;

impl Share {
    fn mib_of(&self, memory_mib: u64) -> u64 {
        (memory_mib * self.part / 64).clamp(*self.mib.start(), *self.mib.end())
    }
}

/// The memory of the process, divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Division {
    memory_mib: u64,
}

impl Division {
    pub(crate) const fn new(memory_mib: u64) -> Self {
        Self { memory_mib }
    }

    /// Of what the system says that there is.
    pub(crate) fn of_this_process() -> Self {
        Self { memory_mib: memory_mib(Path::new("/")).unwrap_or(UNKNOWN_MIB) }
    }

    /// What is read from segments, by default.
    pub(crate) fn cache_mib(self) -> u64 {
        CACHE.mib_of(self.memory_mib)
    }

    /// How many bytes of records a broker has when it flushes them: half of what one of three may
    /// hold, if that is less than `wanted_bytes`.
    pub(crate) fn flush_bytes(self, wanted_bytes: u64) -> u64 {
        let share = UNFLUSHED.mib_of(self.memory_mib) * MIB;
        wanted_bytes.min((share / 6).max(UNFLUSHED_FLOOR_MIB * MIB))
    }

    /// How many connections of clients there may be.
    pub(crate) fn connections(self) -> usize {
        (CONNECTIONS.mib_of(self.memory_mib) * 1024 / CONNECTION_KIB) as usize
    }

    pub(crate) fn shares(self) -> MemoryShares {
        let bytes = |share: Share| share.mib_of(self.memory_mib) * MIB;
        let size = |share: Share| usize::try_from(bytes(share)).unwrap_or(usize::MAX);
        MemoryShares {
            request_bytes: size(REQUESTS),
            decoded_bytes: size(DECODED),
            decoder_bytes: size(DECODERS),
            response_bytes: size(RESPONSES),
            session_bytes: size(SESSIONS),
            group_bytes: size(GROUPS),
            records: Some(RecordPoolLimits {
                unflushed_bytes: bytes(UNFLUSHED),
                unflushed_floor_bytes: UNFLUSHED_FLOOR_MIB * MIB,
                tail_bytes: bytes(TAIL),
            }),
        }
    }
}

impl fmt::Display for Division {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let memory = self.memory_mib;
        write!(f, "{memory} MiB:")?;
        let shares = [
            ("unflushed records", UNFLUSHED),
            ("tail", TAIL),
            ("block cache", CACHE),
            ("requests", REQUESTS),
            ("decoded requests", DECODED),
            ("decoders", DECODERS),
            ("responses", RESPONSES),
            ("groups", GROUPS),
            ("fetch sessions", SESSIONS),
            ("connections", CONNECTIONS),
        ];
        for (name, share) in shares {
            write!(f, " {name} {}", share.mib_of(memory))?;
        }
        Ok(())
    }
}

/// The machine's memory, or what the control groups of this process allow of it, in MiB. `root` is
/// the root of the file system.
fn memory_mib(root: &Path) -> Option<u64> {
    let machine = fs::read_to_string(root.join("proc/meminfo")).ok();
    let machine = machine.and_then(|meminfo| total_kib(&meminfo)).map(|kib| kib << 10);
    let allowed = cgroup_limit(root);
    Some(machine.into_iter().chain(allowed).min()? / MIB)
}

/// The line `MemTotal: 24689764 kB`.
fn total_kib(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

/// The smallest limit of the control groups that this process is in, of either version, and of
/// those above them.
fn cgroup_limit(root: &Path) -> Option<u64> {
    let groups = fs::read_to_string(root.join("proc/self/cgroup")).ok()?;
    let mounts = fs::read_to_string(root.join("proc/self/mountinfo")).ok()?;
    let mut smallest = None;
    for mount in mounts.lines().filter_map(Mount::parse) {
        let Some(group) = groups.lines().find_map(|line| mount.group_of(line)) else { continue };
        let top = root.join(mount.point.trim_start_matches('/'));
        let mut folder = top.join(group);
        loop {
            let limit = fs::read_to_string(folder.join(mount.file)).ok();
            // "max" is no number.
            let limit = limit.and_then(|text| text.trim().parse::<u64>().ok());
            smallest = smallest.into_iter().chain(limit).min();
            if folder == top || !folder.pop() {
                break;
            }
        }
    }
    smallest
}

/// Where a hierarchy of control groups that limits memory is mounted.
struct Mount {
    /// What of the hierarchy is mounted.
    top: String,
    point: String,
    is_v2: bool,
    /// Which file of a group has its limit.
    file: &'static str,
}

impl Mount {
    /// A line of `mountinfo`: number, parent, device, top, point, options, and behind a dash type,
    /// source and options of the file system.
    fn parse(line: &str) -> Option<Self> {
        let (mount, system) = line.split_once(" - ")?;
        let mut fields = mount.split(' ').skip(3);
        let (top, point) = (unescaped(fields.next()?), unescaped(fields.next()?));
        let mut system = system.split(' ');
        let (is_v2, file) = match system.next()? {
            "cgroup2" => (true, "memory.max"),
            "cgroup" if system.nth(1)?.split(',').any(|option| option == "memory") => {
                (false, "memory.limit_in_bytes")
            }
            _ => return None,
        };
        Some(Self { top, point, is_v2, file })
    }

    /// The group of a line of `/proc/self/cgroup` (`0::/a/b`, `4:memory:/a/b`), relative to the
    /// mount, if it is of this hierarchy.
    fn group_of(&self, line: &str) -> Option<PathBuf> {
        let mut fields = line.splitn(3, ':');
        let (_number, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
        let is_this = match self.is_v2 {
            true => controllers.is_empty(),
            false => controllers.split(',').any(|name| name == "memory"),
        };
        // A path that is not below what is mounted is seen from another namespace: the mount is
        // the group.
        let below = Path::new(path).strip_prefix(&self.top).unwrap_or(Path::new(""));
        let is_plain =
            below.components().all(|part| matches!(part, std::path::Component::Normal(_)));
        is_this.then(|| if is_plain { below.to_owned() } else { PathBuf::new() })
    }
}

/// Spaces are written as `\040`.
fn unescaped(field: &str) -> String {
    field.replace("\\040", " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    /// A file system with these files.
    fn root(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    const MEMINFO: (&str, &str) = ("proc/meminfo", "MemFree: 1 kB\nMemTotal:       16777216 kB\n");

    #[test]
    fn the_smallest_limit_of_nested_groups_counts() {
        let v2 = "30 1 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n";
        let files = [
            MEMINFO,
            ("proc/self/cgroup", "0::/a.slice/b.service\n"),
            ("proc/self/mountinfo", v2),
            ("sys/fs/cgroup/a.slice/memory.max", "536870912\n"),
            ("sys/fs/cgroup/a.slice/b.service/memory.max", "max\n"),
        ];
        assert_eq!(memory_mib(root(&files).path()), Some(512));
        let v1 = "29 1 0:25 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n\
                  31 1 0:27 / /sys/fs/cgroup/memory rw shared:9 - cgroup cgroup rw,memory\n";
        let files = [
            MEMINFO,
            ("proc/self/cgroup", "5:cpu:/x\n4:memory:/docker/1\n0::/\n"),
            ("proc/self/mountinfo", v1),
            ("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"),
            ("sys/fs/cgroup/memory/docker/1/memory.limit_in_bytes", "268435456\n"),
        ];
        assert_eq!(memory_mib(root(&files).path()), Some(256));
    }

    #[test]
    fn in_a_container_the_mount_is_the_group() {
        // Version 1 without a namespace of its own: the path is the host's, and so is the mount's.
        let v1 = "31 1 0:27 /docker/1 /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n";
        let files = [
            MEMINFO,
            ("proc/self/cgroup", "4:memory:/docker/1\n"),
            ("proc/self/mountinfo", v1),
            ("sys/fs/cgroup/memory/memory.limit_in_bytes", "134217728\n"),
        ];
        assert_eq!(memory_mib(root(&files).path()), Some(128));
        // Version 2 seen from below the namespace's root.
        let files = [
            MEMINFO,
            ("proc/self/cgroup", "0::/../other\n"),
            ("proc/self/mountinfo", "30 1 0:26 / /sys/fs/cg\\040roup rw - cgroup2 none rw\n"),
            ("sys/fs/cg roup/memory.max", "1073741824\n"),
        ];
        assert_eq!(memory_mib(root(&files).path()), Some(1024));
    }

    #[test]
    fn without_groups_it_is_the_machines_memory() {
        assert_eq!(memory_mib(root(&[MEMINFO]).path()), Some(16 << 10));
        assert_eq!(memory_mib(root(&[("proc/meminfo", "nothing of use")]).path()), None);
    }

    #[test]
    fn the_shares_leave_a_quarter_and_stay_between_floor_and_ceiling() {
        for memory_mib in [512, 2048, 16 << 10, 1 << 20] {
            let division = Division { memory_mib };
            let shares = division.shares();
            let records = shares.records.unwrap();
            let sum = records.unflushed_bytes.max(records.tail_bytes)
                + division.cache_mib() * MIB
                + (shares.request_bytes + shares.decoded_bytes + shares.decoder_bytes) as u64
                + shares.response_bytes as u64
                + (shares.group_bytes + shares.session_bytes) as u64
                + division.connections() as u64 * CONNECTION_KIB * 1024;
            assert!(sum <= memory_mib * MIB * 3 / 4, "{division}: {} MiB", sum / MIB);
            assert!(division.flush_bytes(64 * MIB) * 3 <= records.unflushed_bytes);
        }
        let large = Division { memory_mib: 1 << 20 }.shares();
        assert_eq!(large.response_bytes as u64, GIB / 2, "no more than is of use");
        assert_eq!(Division { memory_mib: 64 }.shares().request_bytes as u64, 32 * MIB);
        assert_eq!(Division { memory_mib: 16 << 10 }.flush_bytes(64 * MIB), 64 * MIB);
    }

    #[test]
    fn the_division_of_this_machine_is_said() {
        let said = Division::of_this_process().to_string();
        assert!(said.contains("MiB: unflushed records ") && said.contains(" responses "), "{said}");
    }
}
