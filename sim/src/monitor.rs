//! Checks every change of the metadata store as it is made, and every object as it is written and
//! removed.
//!
//! The invariants it checks:
//! - `leader-change`: leader or leader epoch of a partition change only in the leader's own
//!   transaction, or after its broker epoch is sealed; neither epoch ever goes back;
//! - `seal-moved`: a sealed epoch's tail never changes; `floor`: a floor never goes back, never
//!   passes the tail, and is moved by the flusher alone;
//! - `term`: what a broker epoch wrote stands under leader epochs that were given to that broker
//!   epoch;
//! - `manifest`: version, leader epoch, log start and end never go back, and the segments have no
//!   gap between them, from the log start to the end;
//! - `object-missing`: what a flush names was written; `object-changed`: an object's bytes are
//!   written once; `object-removed`: no object is removed while a manifest or a flush record refers
//!   to it; `object-uncounted`: as many references are counted of it as there are records that
//!   refer to it; `object-lost`: what is referred to is there after a power cut;
//! - `record`: a record has the fields that are looked at here.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard},
};

use bytes::Bytes;
use milena_store::Change;
use milena_types::{Revision, TopicPartition};
use serde_json::Value;

use crate::findings::Findings;

/// See the module's documentation. Clones are the same.
#[derive(Clone)]
pub(crate) struct Monitor {
    findings: Findings,
    state: Arc<Mutex<MonitorState>>,
}

#[derive(Default)]
struct MonitorState {
    /// The broker of each epoch.
    owners: BTreeMap<i64, Caller>,
    /// The broker epoch to which each leader epoch of a partition was given.
    terms: BTreeMap<(String, i32, i64), i64>,
    /// The epochs whose chunks are all in segments.
    flushed: BTreeSet<i64>,
    /// The number of records that refer to an object.
    references: BTreeMap<String, i64>,
    /// Checksums of objects as first written, by path.
    written: BTreeMap<String, u32>,
    checked: Checked,
}

/// How much was checked.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Checked {
    pub(crate) changes: u64,
    pub(crate) flushes: u64,
    pub(crate) manifests: u64,
    /// Those of them that have pages.
    pub(crate) paged: u64,
    /// The most segments that a manifest listed, without those in pages.
    pub(crate) segments_max: usize,
    /// Seals of epochs, and those of them with chunks that were not flushed.
    pub(crate) seals: u64,
    pub(crate) unflushed_seals: u64,
    /// Changes of a partition's leader.
    pub(crate) leaders: u64,
}

/// The fields of a flush record that are checked.
#[derive(serde::Deserialize)]
struct Flush {
    object: String,
    parts: Vec<FlushPart>,
}

#[derive(serde::Deserialize)]
struct FlushPart {
    partition: TopicPartition,
    epochs: Vec<(i64, i64)>,
}

/// The broker that changes the store; 0: the store itself.
pub(crate) type Caller = i32;

/// Reads the value that a key has now.
type KeyReader<'a> = dyn Fn(&str) -> Option<Bytes> + 'a;

impl Monitor {
    pub(crate) fn new(findings: Findings) -> Self {
        Self { findings, state: Arc::default() }
    }

    fn state(&self) -> MutexGuard<'_, MonitorState> {
        self.state.lock().expect("no panic while checking")
    }

    pub(crate) fn checked(&self) -> Checked {
        self.state().checked
    }

    /// A transaction of `caller` was applied.
    pub(crate) fn changed(
        &self,
        caller: Caller,
        revision: Revision,
        changes: &[Change],
        now: &KeyReader<'_>,
    ) {
        self.state().checked.changes += 1;
        let mut referring = Vec::new();
        for (key, before, after) in changes {
            let Some((root, rest)) = split(key) else { continue };
            let parse = |bytes: &Option<Bytes>| {
                bytes.as_ref().and_then(|b| serde_json::from_slice::<Value>(b).ok())
            };
            let (before, after) = (parse(before), parse(after));
            let place = format!("{rest} at {revision:?} by broker {caller}");
            let mut parts = rest.split('/');
            match (parts.next(), parts.next()) {
                (Some("metadata"), Some("brokers")) => self.registered(rest, after.as_ref()),
                (Some("metadata"), Some("partitions")) => {
                    self.term_given(parts.next(), parts.next(), after.as_ref());
                    self.partition(caller, root, &place, before.as_ref(), after.as_ref(), now);
                }
                (Some("storage"), Some("wal")) => {
                    self.epoch_flushed(parts.nth(1), after.as_ref());
                    self.epoch(caller, &place, before.as_ref(), after.as_ref());
                }
                (Some("storage"), Some("manifests")) => {
                    self.refer(before.as_ref(), after.as_ref());
                    referring.push((root, place.clone(), after.clone()));
                    self.manifest(&place, before.as_ref(), after.as_ref());
                }
                (Some("storage"), Some("flushes")) => {
                    self.refer(before.as_ref(), after.as_ref());
                    referring.push((root, place.clone(), after.clone()));
                    if before.is_none() {
                        self.flushed(&place, parts.nth(1), after.as_ref());
                    }
                }
                _ => {}
            }
        }
        // After all of the transaction: a reference may go from one record to another.
        for (root, place, after) in referring {
            self.counted(root, &place, after.as_ref(), now);
        }
    }

    fn registered(&self, key: &str, after: Option<&Value>) {
        let broker = key.rsplit('/').next().and_then(|id| id.parse().ok());
        if let (Some(broker), Some(epoch)) =
            (broker, after.and_then(|record| number(record, "epoch")))
        {
            let owner = *self.state().owners.entry(epoch).or_insert(broker);
            if owner != broker {
                self.findings.add(
                    "epoch-twice",
                    format!("broker epoch {epoch} was given to {owner} and {broker}"),
                );
            }
        }
    }

    fn partition(
        &self,
        caller: Caller,
        root: &str,
        place: &str,
        before: Option<&Value>,
        after: Option<&Value>,
        now: &KeyReader<'_>,
    ) {
        let (Some(before), Some(after)) = (before, after) else { return };
        let field = |record: &Value, name: &str| number(record, name).unwrap_or(-1);
        for name in ["leader_epoch", "partition_epoch"] {
            if field(after, name) < field(before, name) {
                self.findings.add("leader-change", format!("{place}: {name} went back"));
            }
        }
        let term = |record: &Value| {
            (field(record, "leader"), field(record, "leader_epoch"), field(record, "broker_epoch"))
        };
        if term(before) == term(after) {
            return;
        }
        self.state().checked.leaders += 1;
        let (leader, old, _) = term(before);
        let broker_epoch = field(before, "broker_epoch");
        if old == field(after, "leader_epoch") {
            self.findings.add(
                "leader-change",
                format!("{place}: another leader in the same leader epoch {old}"),
            );
        }
        // A life that never opened its log has nothing to seal.
        let record = now(&format!("{root}storage/wal/{leader}/{broker_epoch:019}"));
        let sealed = record.is_none_or(|bytes| {
            serde_json::from_slice::<Value>(&bytes)
                .is_ok_and(|record| number(&record, "tail_end").is_some())
        });
        let own =
            i64::from(caller) == leader && self.state().owners.get(&broker_epoch) == Some(&caller);
        if !sealed && !own {
            let text = format!(
                "{place}: taken from broker {leader}, whose epoch {broker_epoch} is not sealed"
            );
            self.findings.add("leader-change", text);
        }
        if !sealed
            && own
            && i64::from(caller) == field(after, "leader")
            && broker_epoch != field(after, "broker_epoch")
        {
            let text =
                format!("{place}: taken from its own epoch {broker_epoch}, which is not sealed");
            self.findings.add("leader-change", text);
        }
    }

    fn term_given(&self, topic: Option<&str>, partition: Option<&str>, after: Option<&Value>) {
        let (Some(topic), Some(partition), Some(after)) = (topic, partition, after) else { return };
        let term = (number(after, "leader_epoch"), number(after, "broker_epoch"));
        if let ((Some(leader_epoch), Some(broker_epoch)), Ok(partition)) =
            (term, partition.parse::<i32>())
        {
            self.state().terms.insert((topic.to_owned(), partition, leader_epoch), broker_epoch);
        }
    }

    /// A flush of chunks of broker epoch `epoch` was recorded.
    fn flushed(&self, place: &str, epoch: Option<&str>, after: Option<&Value>) {
        let Some(record) =
            after.and_then(|after| serde_json::from_value::<Flush>(after.clone()).ok())
        else {
            self.findings.add("flush", format!("{place}: a record that is not one"));
            return;
        };
        self.state().checked.flushes += 1;
        if !self.state().written.contains_key(&record.object) {
            self.findings
                .add("object-missing", format!("{place}: {} was never written", record.object));
        }
        let epoch = epoch.and_then(|epoch| epoch.parse().ok()).unwrap_or(-1);
        for part in &record.parts {
            let TopicPartition { topic, partition } = part.partition;
            for (term, _) in &part.epochs {
                let given =
                    self.state().terms.get(&(topic.to_string(), partition.0, *term)).copied();
                if given != Some(epoch) {
                    let text = format!(
                        "{place}: broker epoch {epoch} wrote in leader epoch {term} of \
                         {topic}:{partition}, which was given to {given:?}"
                    );
                    self.findings.add("term", text);
                }
            }
        }
    }

    /// The partitions, by id and index, that may have records in the log of a broker alone.
    pub(crate) fn only_in_log_of(&self, broker: Caller) -> BTreeSet<(String, i32)> {
        let state = self.state();
        let in_log = |epoch: &i64| {
            state.owners.get(epoch) == Some(&broker) && !state.flushed.contains(epoch)
        };
        let terms = state.terms.iter().filter(|(_, epoch)| in_log(epoch));
        terms.map(|((topic, partition, _), _)| (topic.clone(), *partition)).collect()
    }

    /// Notes an epoch that was retired, or whose tail is in segments.
    fn epoch_flushed(&self, epoch: Option<&str>, after: Option<&Value>) {
        let Some(epoch) = epoch.and_then(|epoch| epoch.parse().ok()) else { return };
        let all = after.is_none_or(|after| {
            let tail = number(after, "tail_end");
            tail.is_some() && tail == number(after, "floor_end")
        });
        if all {
            self.state().flushed.insert(epoch);
        }
    }

    fn epoch(&self, caller: Caller, place: &str, before: Option<&Value>, after: Option<&Value>) {
        let (Some(before), Some(after)) = (before, after) else { return };
        self.has(place, after, &["floor_end", "flusher"]);
        let (tail_before, tail) = (number(before, "tail_end"), number(after, "tail_end"));
        let (floor_before, floor) = (number(before, "floor_end"), number(after, "floor_end"));
        if tail_before.is_none() && tail.is_some() {
            let checked = &mut self.state().checked;
            checked.seals += 1;
            checked.unflushed_seals += u64::from(tail > floor);
        }
        if tail_before.is_some() && tail_before != tail {
            self.findings
                .add("seal-moved", format!("{place}: tail {tail_before:?} became {tail:?}"));
        }
        if floor < floor_before || tail.is_some_and(|tail| floor > Some(tail)) {
            self.findings.add(
                "floor",
                format!("{place}: floor {floor_before:?} became {floor:?}, tail {tail:?}"),
            );
        }
        let flusher = number(before, "flusher").unwrap_or(-1);
        let owner = self.state().owners.get(&flusher).copied();
        if floor != floor_before && owner != Some(caller) {
            let text = format!(
                "{place}: the floor was moved by broker {caller}, the flusher is epoch {flusher}"
            );
            self.findings.add("floor", text);
        }
    }

    fn manifest(&self, place: &str, before: Option<&Value>, after: Option<&Value>) {
        let Some(after) = after else { return };
        let names = ["version", "leader_epoch", "log_start", "end"];
        self.has(place, after, &names);
        for name in names {
            let was = before.and_then(|before| number(before, name));
            if number(after, name) < was {
                self.findings.add("manifest", format!("{place}: {name} went back from {was:?}"));
            }
        }
        let list = |name: &str| after[name].as_array().cloned().unwrap_or_default();
        // Below this records may be lost, which was accepted.
        let lost_before = number(after, "lost_before");
        let (pages, segments) = (list("pages"), list("segments"));
        self.manifest_checked(pages.len(), segments.len());
        let parts: Vec<Value> = pages.into_iter().chain(segments).collect();
        // Without segments there is nothing from its end on.
        let first = parts.first().map_or(number(after, "end"), |part| number(part, "base"));
        let log_start = number(after, "log_start");
        if first > log_start && first > lost_before {
            let text = format!("{place}: it starts at {log_start:?}, its segments at {first:?}");
            self.findings.add("manifest", text);
        }
        let mut end = None;
        for part in &parts {
            self.has(place, part, &["base", "end"]);
            let base = number(part, "base");
            if end.is_some() && base != end && base > lost_before {
                self.findings.add("manifest", format!("{place}: after {end:?} follows {base:?}"));
            }
            end = number(part, "end");
        }
        if end.is_some() && end != number(after, "end") {
            self.findings.add("manifest", format!("{place}: the last segment ends at {end:?}"));
        }
    }

    fn manifest_checked(&self, pages: usize, segments: usize) {
        let checked = &mut self.state().checked;
        checked.manifests += 1;
        checked.paged += u64::from(pages > 0);
        checked.segments_max = checked.segments_max.max(segments);
    }

    /// A field that has another name now would not be compared with anything.
    fn has(&self, place: &str, record: &Value, names: &[&str]) {
        for name in names.iter().filter(|name| number(record, name).is_none()) {
            self.findings.add("record", format!("{place}: {name} is missing in {record}"));
        }
    }

    /// The objects that a record refers to are counted as often as that.
    fn counted(&self, root: &str, place: &str, after: Option<&Value>, now: &KeyReader<'_>) {
        let mut objects = Vec::new();
        collect_objects(after, &mut objects);
        for object in objects {
            let counted = now(&format!("{root}storage/objects/{object}"))
                .and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok())
                .and_then(|record| number(&record, "references"));
            let known = self.state().references.get(&object).copied();
            if counted < known {
                let text =
                    format!("{place}: {object} is referred to {known:?}, counted {counted:?}");
                self.findings.add("object-uncounted", text);
            }
        }
    }

    fn refer(&self, before: Option<&Value>, after: Option<&Value>) {
        let mut seen = self.state();
        for (record, by) in [(after, 1), (before, -1)] {
            let mut objects = Vec::new();
            collect_objects(record, &mut objects);
            for object in objects {
                *seen.references.entry(object).or_default() += by;
            }
        }
        seen.references.retain(|_, count| *count > 0);
    }

    /// An object was written.
    pub(crate) fn object_written(&self, object: &str, checksum: u32) {
        let before = *self.state().written.entry(object.to_owned()).or_insert(checksum);
        if before != checksum {
            self.findings
                .add("object-changed", format!("{object} was written again with other bytes"));
        }
    }

    /// The objects that something refers to, and what was written there. Holds what a power cut has
    /// left of them against it.
    pub(crate) fn power_was_cut(&self, read: impl Fn(&str) -> Result<u32, String>) {
        let referred: Vec<(String, Option<u32>)> = {
            let seen = self.state();
            let written = |object: &String| seen.written.get(object).copied();
            seen.references.keys().map(|object| (object.clone(), written(object))).collect()
        };
        for (object, written) in referred {
            match read(&object) {
                Ok(checksum) if Some(checksum) == written => {}
                Ok(_) => self.findings.add("object-lost", format!("{object} has other bytes")),
                Err(error) => self.findings.add("object-lost", format!("{object}: {error}")),
            }
        }
    }

    /// An object is being removed.
    pub(crate) fn object_removed(&self, object: &str) {
        let referred = self.state().references.get(object).copied();
        if let Some(count) = referred {
            self.findings
                .add("object-removed", format!("{object} is removed, {count} records refer to it"));
        }
    }
}

/// The cluster's prefix of a key, and the rest.
fn split(key: &str) -> Option<(&str, &str)> {
    let id_end = key.strip_prefix("clusters/")?.find('/')? + "clusters/".len() + 1;
    Some(key.split_at(id_end))
}

fn number(record: &Value, name: &str) -> Option<i64> {
    record.get(name).and_then(Value::as_i64)
}

/// The names of all objects in a record, each as often as it stands there.
fn collect_objects(record: Option<&Value>, objects: &mut Vec<String>) {
    match record {
        Some(Value::Object(fields)) => {
            for (name, value) in fields {
                match value {
                    Value::String(object) if name == "object" => objects.push(object.clone()),
                    value => collect_objects(Some(value), objects),
                }
            }
        }
        Some(Value::Array(items)) => {
            items.iter().for_each(|item| collect_objects(Some(item), objects))
        }
        _ => {}
    }
}
