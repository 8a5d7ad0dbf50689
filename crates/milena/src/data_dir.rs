//! The data directory: its lock and the layout of its files.
//!
//! `LAYOUT` lists the files; `cargo xtask docs` makes the tables in README.md and
//! docs/operations/running.md from it.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use milena_types::{BrokerId, ClusterId};

/// The newest format that this release knows, and the one it writes. 1: segments of level 1. 2: those
/// of level 2, too, so that an earlier release refuses the directory as a whole.
const FORMAT: u32 = 2;
const FORMAT_TEXT: &str = "milena data directory, format ";

const FORMAT_FILE: &str = "FORMAT";
const LOCK_FILE: &str = "LOCK";
const CREDENTIALS_FILE: &str = "credentials";
const KEY_FILE: &str = "key";
const METADATA_FILE: &str = "metadata";
#[cfg(test)]
const METADATA_UNSYNCED_FILE: &str = "metadata.unsynced";
const ENDPOINT_FILE: &str = "endpoint";
const CLUSTERS: &str = "clusters";
const WAL: &str = "wal";
const OBJECTS: &str = "objects";

/// Every file: its path (capitals stand for a value) and its content. Storage defines the files
/// below a cluster's `wal` and `objects`.
#[cfg(test)]
const LAYOUT: [(&[&str], &str); 15] = [
    (
        &[CREDENTIALS_FILE],
        "access keys of the API, as an AWS credentials file: every section's key is accepted",
    ),
    (
        &[KEY_FILE],
        "the local key, which wraps the data keys of all clusters: **without it no record can be \
         read**; keep a copy elsewhere",
    ),
    (&[METADATA_FILE], "the metadata store: clusters, topics, configuration, lists of segments"),
    (
        &[METADATA_UNSYNCED_FILE],
        "a sync of the metadata store failed: the store is written anew before it is used again",
    ),
    (
        &[ENDPOINT_FILE],
        "URL and region of the API, for the commands of this machine; only while it is served",
    ),
    (&[FORMAT_FILE], "the layout's version"),
    (&[LOCK_FILE], "locked by the process that uses the directory"),
    (
        &[CLUSTERS, "ID"],
        "a cluster's write-ahead logs (1 MiB and more a broker, set aside at its first start) and \
         segments",
    ),
    (
        &[CLUSTERS, "ID", WAL, "BROKER", "wal", "epoch-EPOCH"],
        "this broker epoch began, and may have chunks here",
    ),
    (&[CLUSTERS, "ID", WAL, "BROKER", "wal", "NUMBER.wal"], "chunks"),
    (&[CLUSTERS, "ID", WAL, "BROKER", "wal", "FORMAT"], "the version of the log's format"),
    (&[CLUSTERS, "ID", WAL, "BROKER", "wal", "LOCK"], "locked by the broker that writes the log"),
    (
        &[CLUSTERS, "ID", OBJECTS, "INCARNATION", "segments", "BROKER", "EPOCH", "NUMBER"],
        "record batches",
    ),
    (
        &[CLUSTERS, "ID", OBJECTS, "INCARNATION", "manifests", "BROKER", "EPOCH", "NUMBER"],
        "pages of long manifests",
    ),
    (
        &[CLUSTERS, "ID", OBJECTS, "INCARNATION", "producers", "BROKER", "EPOCH", "NUMBER"],
        "snapshots of producer state",
    ),
];

/// A data directory that this process has to itself.
#[derive(Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
    /// Locked as long as it is open.
    _lock: File,
}

impl DataDir {
    /// Creates the directory if there is none, and locks it.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        create_private(path).with_context(|| {
            format!("cannot make the data directory {shown}; choose another with --data-dir")
        })?;
        let path = path
            .canonicalize()
            .with_context(|| format!("cannot open the data directory {shown}"))?;
        // Nothing is written into a directory that is not Milena's.
        check_format(&path, FORMAT)?;
        let lock = lock(&path)?;
        let found = check_format(&path, FORMAT)?;
        check_metadata(&path)?;
        if found != Some(FORMAT) {
            // Durable before anything of this format is written.
            write_format(&path).with_context(|| cannot_write(&path))?;
        }
        if let Some(found) = found.filter(|&found| found < FORMAT) {
            tracing::info!(
                "the data directory {shown} had format {found} and has format {FORMAT} from now \
                 on: earlier releases refuse it"
            );
        }
        Ok(Self { path, _lock: lock })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn credentials(&self) -> PathBuf {
        credentials(&self.path)
    }

    pub(crate) fn key(&self) -> PathBuf {
        self.path.join(KEY_FILE)
    }

    pub(crate) fn metadata(&self) -> PathBuf {
        self.path.join(METADATA_FILE)
    }

    /// Everything of one cluster but its metadata.
    pub(crate) fn cluster(&self, cluster: &ClusterId) -> PathBuf {
        self.path.join(CLUSTERS).join(cluster.as_str())
    }

    pub(crate) fn wal(&self, cluster: &ClusterId, broker: BrokerId) -> PathBuf {
        self.cluster(cluster).join(WAL).join(broker.to_string())
    }

    pub(crate) fn objects(&self, cluster: &ClusterId) -> PathBuf {
        self.cluster(cluster).join(OBJECTS)
    }

    /// Writes where the API is, for the commands of this machine.
    pub(crate) fn publish_endpoint(&self, url: &str, region: &str) -> io::Result<()> {
        let draft = self.path.join("endpoint.new");
        let mut file = own_file(OpenOptions::new().create(true).truncate(true)).open(&draft)?;
        write!(file, "{url}\n{region}\n")?;
        fs::rename(draft, self.path.join(ENDPOINT_FILE))
    }

    /// Removes what [`Self::publish_endpoint`] wrote.
    pub(crate) fn withdraw_endpoint(&self) {
        // A file that stays only makes a command fail to connect.
        let _ = fs::remove_file(self.path.join(ENDPOINT_FILE));
    }
}

/// The credentials file of a data directory.
pub(crate) fn credentials(path: &Path) -> PathBuf {
    path.join(CREDENTIALS_FILE)
}

/// URL and region of the API that serves from a data directory, if one does.
pub(crate) fn published_endpoint(path: &Path) -> Option<(String, String)> {
    let text = fs::read_to_string(path.join(ENDPOINT_FILE)).ok()?;
    let (url, region) = text.trim_end().split_once('\n')?;
    Some((url.to_owned(), region.to_owned()))
}

fn create_private(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// To write a file of the directory itself: where others may write into it too, a link that they put
/// there is not followed.
fn own_file(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        let no_follow = rustix::fs::OFlags::NOFOLLOW.bits();
        options.custom_flags(i32::try_from(no_follow).unwrap_or_default()).mode(0o600);
    }
    options.write(true)
}

fn lock(path: &Path) -> anyhow::Result<File> {
    let shown = path.display();
    let file = path.join(LOCK_FILE);
    let opened = own_file(OpenOptions::new().read(true).create(true).truncate(false)).open(&file);
    let mut lock = opened.with_context(|| cannot_write(path))?;
    match lock.try_lock() {
        Ok(()) => {
            // Only for the error of the next process: a full disk may refuse it.
            let _ = lock.set_len(0).and_then(|()| writeln!(lock, "{}", std::process::id()));
            Ok(lock)
        }
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            // On systems where a lock also forbids reading, the number is left out.
            let _ = lock.read_to_string(&mut holder);
            let holder = holder.trim();
            let process = if holder.is_empty() {
                "another process".to_owned()
            } else {
                format!("process {holder}")
            };
            bail!(
                "the data directory {shown} is in use by {process}; stop it, or choose another \
                 with --data-dir"
            )
        }
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock the data directory {shown}"))
        }
    }
}

/// Refuses a directory of a newer format than `newest`, and one with other things in it. Returns its
/// format; none if it is new.
fn check_format(path: &Path, newest: u32) -> anyhow::Result<Option<u32>> {
    let shown = path.display();
    let text = match fs::read_to_string(path.join(FORMAT_FILE)) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let entries = fs::read_dir(path)
                .with_context(|| format!("cannot read the data directory {shown}"))?;
            for entry in entries {
                let name = entry?.file_name();
                if name != LOCK_FILE && name != "FORMAT.new" {
                    bail!(
                        "{shown} is not empty and has no file FORMAT, as a data directory of \
                         milena has; choose another with --data-dir, or put the file back: \
                         '{FORMAT_TEXT}{FORMAT}'"
                    );
                }
            }
            return Ok(None);
        }
        Err(error) => {
            return Err(error).with_context(|| {
                format!(
                    "cannot read {shown}/FORMAT; run as the user who owns it, or choose another \
                     with --data-dir"
                )
            });
        }
    };
    let format =
        text.trim_end().strip_prefix(FORMAT_TEXT).and_then(|number| number.parse::<u32>().ok());
    match format {
        Some(format) if (1..=newest).contains(&format) => Ok(Some(format)),
        Some(format) if format > newest => bail!(
            "the data directory {shown} has format {format}, written by a newer release, and this \
             one knows formats up to {newest}; start the newer release, or choose another \
             directory with --data-dir"
        ),
        _ => bail!("{shown}/FORMAT is damaged; it should say '{FORMAT_TEXT}{FORMAT}'"),
    }
}

/// Refuses to create a metadata store where clusters have data, which cannot be read without the
/// former one.
fn check_metadata(path: &Path) -> anyhow::Result<()> {
    let empty = fs::metadata(path.join(METADATA_FILE)).is_ok_and(|file| file.len() == 0);
    let missing = empty || !path.join(METADATA_FILE).exists();
    let clusters = path.join(CLUSTERS);
    if missing && fs::read_dir(&clusters).is_ok_and(|mut entries| entries.next().is_some()) {
        bail!(
            "the metadata store {} is {}, but {} holds clusters that it describes; put it back \
             from a copy, or move that directory away to begin anew without them",
            path.join(METADATA_FILE).display(),
            if empty { "empty" } else { "missing" },
            clusters.display()
        );
    }
    Ok(())
}

fn cannot_write(path: &Path) -> String {
    let shown = path.display();
    format!(
        "cannot write into the data directory {shown}; make it writable, or choose another with \
         --data-dir"
    )
}

fn write_format(path: &Path) -> io::Result<()> {
    let draft = path.join("FORMAT.new");
    let mut file = own_file(OpenOptions::new().create(true).truncate(true)).open(&draft)?;
    writeln!(file, "{FORMAT_TEXT}{FORMAT}")?;
    file.sync_all()?;
    fs::rename(draft, path.join(FORMAT_FILE))?;
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use milena_testkit::documents::check_part;

    use super::*;

    #[test]
    fn document_lists_the_layout() {
        let table = |depth_max: usize| {
            let mut table = "| Name | What it is |\n|---|---|\n".to_owned();
            for (path, text) in LAYOUT.iter().filter(|(path, _)| path.len() <= depth_max) {
                table += &format!("| `{}` | {text} |\n", path.join("/"));
            }
            table
        };
        check_part("README.md", "data directory", &table(2));
        check_part("docs/operations/running.md", "data directory", &table(usize::MAX));
    }

    #[test]
    fn one_process_has_the_directory_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b");
        let first = DataDir::open(&path).unwrap();
        let second = DataDir::open(&path).unwrap_err().to_string();
        assert!(second.contains(&format!("in use by process {}", std::process::id())), "{second}");
        drop(first);
        DataDir::open(&path).unwrap();
    }

    #[test]
    fn a_link_in_place_of_a_file_is_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let (path, elsewhere) = (dir.path().join("data"), dir.path().join("elsewhere"));
        fs::write(&elsewhere, "precious").unwrap();
        fs::create_dir(&path).unwrap();
        let link = |name: &str| std::os::unix::fs::symlink(&elsewhere, path.join(name)).unwrap();
        for name in [LOCK_FILE, "FORMAT.new"] {
            link(name);
            assert!(DataDir::open(&path).is_err(), "{name}");
            fs::remove_file(path.join(name)).unwrap();
        }
        let data = DataDir::open(&path).unwrap();
        link("endpoint.new");
        assert!(data.publish_endpoint("http://127.0.0.1:1", "eu-west-1").is_err());
        assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "precious");
    }

    #[test]
    fn a_newer_format_and_a_foreign_directory_are_refused_untouched() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("FORMAT"), format!("{FORMAT_TEXT}{}\n", FORMAT + 1)).unwrap();
        let error = DataDir::open(dir.path()).unwrap_err().to_string();
        assert!(error.contains("newer release"), "{error}");
        fs::write(dir.path().join("FORMAT"), "x").unwrap();
        assert!(DataDir::open(dir.path()).unwrap_err().to_string().contains("damaged"));
        fs::remove_file(dir.path().join("FORMAT")).unwrap();
        fs::write(dir.path().join("thesis.tex"), "").unwrap();
        assert!(DataDir::open(dir.path()).unwrap_err().to_string().contains("not empty"));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_directory_of_the_first_format_is_raised_before_it_is_used() {
        let dir = tempfile::tempdir().unwrap();
        let format = dir.path().join("FORMAT");
        fs::write(&format, format!("{FORMAT_TEXT}1\n")).unwrap();
        fs::write(dir.path().join("metadata"), "x").unwrap();
        let data = DataDir::open(dir.path()).unwrap();
        assert_eq!(fs::read_to_string(&format).unwrap(), format!("{FORMAT_TEXT}2\n"));
        assert!(!dir.path().join("FORMAT.new").exists());
        drop(data);
        // What the release before knows, and says.
        let error = check_format(dir.path(), 1).unwrap_err().to_string();
        let shown = dir.path().display();
        assert_eq!(
            error,
            format!(
                "the data directory {shown} has format 2, written by a newer release, and this one \
                 knows formats up to 1; start the newer release, or choose another directory with \
                 --data-dir"
            )
        );
        DataDir::open(dir.path()).unwrap();
    }

    #[test]
    fn a_format_that_cannot_be_raised_ends_the_start() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("FORMAT"), format!("{FORMAT_TEXT}1\n")).unwrap();
        fs::create_dir(dir.path().join("FORMAT.new")).unwrap();
        let error = DataDir::open(dir.path()).unwrap_err();
        assert!(error.to_string().contains("cannot write into"), "{error}");
        assert_eq!(
            fs::read_to_string(dir.path().join("FORMAT")).unwrap(),
            format!("{FORMAT_TEXT}1\n")
        );
    }

    #[test]
    fn clusters_without_their_metadata_are_not_begun_anew() {
        let dir = tempfile::tempdir().unwrap();
        drop(DataDir::open(dir.path()).unwrap());
        fs::create_dir_all(dir.path().join("clusters/c1")).unwrap();
        let error = DataDir::open(dir.path()).unwrap_err().to_string();
        assert!(error.contains("is missing") && error.contains("from a copy"), "{error}");
        fs::write(dir.path().join("metadata"), "").unwrap();
        assert!(DataDir::open(dir.path()).unwrap_err().to_string().contains("is empty"));
        fs::write(dir.path().join("metadata"), "x").unwrap();
        DataDir::open(dir.path()).unwrap();
    }

    #[test]
    fn the_endpoint_is_published_until_it_is_withdrawn() {
        let dir = tempfile::tempdir().unwrap();
        let data = DataDir::open(dir.path()).unwrap();
        data.publish_endpoint("http://127.0.0.1:1", "eu-west-1").unwrap();
        assert_eq!(
            published_endpoint(dir.path()),
            Some(("http://127.0.0.1:1".into(), "eu-west-1".into()))
        );
        data.withdraw_endpoint();
        assert_eq!(published_endpoint(dir.path()), None);
    }
}
