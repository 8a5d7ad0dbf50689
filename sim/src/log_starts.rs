//! Where logs may start: nothing goes but what DeleteRecords named, or what retention may take.
//!
//! `log-start`: a log starts at most at the largest offset that DeleteRecords was called with.
//! Retention by time takes further records only if they are older by the highest wall clock there
//! was; retention by size only as long as so many bytes are left.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard},
};

use crate::{
    findings::Findings,
    plan::{GENERATION_STEP, Plan, TOPIC_STEP, TopicPlan},
};

pub(crate) struct LogStarts {
    /// By the topic's number.
    retention: Vec<Retention>,
    state: Mutex<State>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Retention {
    ms: Option<i64>,
    bytes: Option<u64>,
}

#[derive(Default)]
struct State {
    /// The largest offset named to DeleteRecords, by the partition's number without generation.
    named: BTreeMap<i32, i64>,
    /// What was sent to partitions with retention, by partition, producer and first number.
    sent: BTreeMap<(i32, String, u64), SentBatch>,
    /// The highest log start of each partition.
    starts: BTreeMap<i32, i64>,
    moved: u64,
}

/// A batch as its producer knows it.
#[derive(Clone, Copy, Debug)]
struct SentBatch {
    bytes: u64,
    timestamp: i64,
    /// None before it is acknowledged.
    offset: Option<i64>,
}

impl LogStarts {
    pub(crate) fn new(plan: &Plan) -> Self {
        let retention = |topic: &TopicPlan| {
            let config = |name: &str| {
                let found = topic.configs.iter().find(|(key, _)| *key == name);
                found.map(|(_, value)| value.parse::<i64>().expect("a number"))
            };
            let bytes = config("retention.bytes").map(|bytes| bytes as u64);
            Retention { ms: config("retention.ms"), bytes }
        };
        Self { retention: plan.topics.iter().map(retention).collect(), state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic with the log starts")
    }

    fn retention(&self, partition: i32) -> Retention {
        let topic = partition % GENERATION_STEP / TOPIC_STEP;
        self.retention.get(topic as usize).copied().unwrap_or_default()
    }

    /// DeleteRecords is about to be called. Returns the largest offset that it was called with.
    pub(crate) fn named(&self, partition: i32, offset: i64) -> i64 {
        let mut state = self.state();
        let named = state.named.entry(partition % GENERATION_STEP).or_default();
        *named = (*named).max(offset);
        *named
    }

    /// A batch is about to be sent.
    pub(crate) fn sent(
        &self,
        partition: i32,
        producer: &str,
        first: u64,
        bytes: u64,
        timestamp: i64,
    ) {
        let Retention { ms, bytes: limit } = self.retention(partition);
        if ms.is_some() || limit.is_some() {
            let batch = SentBatch { bytes, timestamp, offset: None };
            self.state().sent.insert((partition, producer.to_owned(), first), batch);
        }
    }

    pub(crate) fn acked(&self, partition: i32, producer: &str, first: u64, offset: i64) {
        let mut state = self.state();
        if let Some(batch) = state.sent.get_mut(&(partition, producer.to_owned(), first)) {
            batch.offset = Some(offset);
        }
    }

    /// A client was told that a partition starts at `start`. `wall_ms`: the highest wall clock so
    /// far.
    pub(crate) fn starts_at(&self, findings: &Findings, partition: i32, start: i64, wall_ms: i64) {
        let mut state = self.state();
        let before = state.starts.insert(partition, start).unwrap_or(0);
        if start <= before {
            state.starts.insert(partition, before);
            return;
        }
        state.moved += 1;
        let named = state.named.get(&(partition % GENERATION_STEP)).copied().unwrap_or(0);
        let retention = self.retention(partition);
        if start > named
            && let Some(why) = state.kept_from(partition, start, retention, wall_ms)
        {
            findings.add("log-start", format!("{partition} starts at {start}: {why}"));
        }
    }

    /// How often a log start was seen to have moved.
    pub(crate) fn moved(&self) -> u64 {
        self.state().moved
    }
}

impl State {
    /// Why retention cannot have moved the log start to `start`.
    fn kept_from(
        &self,
        partition: i32,
        start: i64,
        retention: Retention,
        wall_ms: i64,
    ) -> Option<String> {
        let first = (partition, String::new(), 0);
        let of_partition =
            || self.sent.range(first.clone()..).take_while(move |((of, ..), _)| *of == partition);
        let young = retention.ms.map(|ms| {
            let mut removed = of_partition()
                .filter(|(_, batch)| batch.offset.is_some_and(|offset| offset < start));
            removed.find(|(_, batch)| batch.timestamp + ms >= wall_ms)
        });
        let left: u64 = of_partition()
            .filter(|(_, batch)| batch.offset.is_none_or(|offset| offset >= start))
            .map(|(_, batch)| batch.bytes)
            .sum();
        match (young, retention.bytes) {
            (None, None) => Some("nothing but DeleteRecords may move it, and did not".to_owned()),
            (Some(None), _) => None,
            (_, Some(limit)) if left >= limit => None,
            (Some(Some((_, batch))), _) => Some(format!("{batch:?} is not old at {wall_ms}")),
            (None, Some(limit)) => Some(format!("{left} bytes are left of {limit}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::PlanKind;

    /// Partitions 0 without retention, 100 by time (1000 ms), 200 by size (500 bytes).
    fn log_starts() -> LogStarts {
        let mut plan = Plan::new(1, PlanKind::Mixed);
        plan.topics = vec![
            TopicPlan::new("kept", 1),
            TopicPlan::new("timed", 1).with("retention.ms", "1000"),
            TopicPlan::new("short", 1).with("retention.bytes", "500"),
        ];
        let starts = LogStarts::new(&plan);
        for partition in [100, 200] {
            for n in 0..4 {
                starts.sent(partition, "p", n, 200, 5000 + n as i64 * 100);
                starts.acked(partition, "p", n, n as i64);
            }
        }
        starts
    }

    fn found(partition: i32, start: i64, wall_ms: i64, named: Option<i64>) -> usize {
        let (starts, findings) = (log_starts(), Findings::default());
        if let Some(offset) = named {
            starts.named(partition, offset);
        }
        starts.starts_at(&findings, partition, start, wall_ms);
        findings.all().len()
    }

    #[test]
    fn what_was_named_or_is_too_old_or_too_much_may_go() {
        assert_eq!(found(0, 0, 9000, None), 0);
        assert_eq!(found(0, 7, 9000, Some(7)), 0);
        assert_eq!(found(GENERATION_STEP, 7, 9000, Some(7)), 0);
        assert_eq!(found(100, 2, 6101, None), 0);
        assert_eq!(found(200, 1, 0, None), 0);
    }

    #[test]
    fn nothing_else_may_go() {
        assert_eq!(found(0, 1, 9000, None), 1);
        assert_eq!(found(0, 8, 9000, Some(7)), 1);
        assert_eq!(found(100, 2, 6100, None), 1);
        assert_eq!(found(200, 2, 9000, None), 1);
    }
}
