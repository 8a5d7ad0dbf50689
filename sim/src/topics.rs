//! What the partitions of a run are called in its history.
//!
//! Partition p of topic t is `t * 100 + p`, plus a step for each time that its history began anew:
//! because the topic was deleted and created again, or because the loss of records was accepted.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicI32, Ordering},
    },
};

use milena_types::TopicId;

use crate::plan::{GENERATION_STEP, Plan, TOPIC_STEP};

/// A partition of a topic, and its number in the history, without the generation.
#[derive(Clone, Debug)]
pub(crate) struct NumberedPartition {
    pub(crate) topic: &'static str,
    pub(crate) partition: i32,
    pub(crate) number: i32,
    /// Its topic is deleted and created again.
    pub(crate) recreated: bool,
    pub(crate) cut: bool,
}

impl NumberedPartition {
    /// Its number in a generation.
    pub(crate) fn numbered(&self, generation: i32) -> i32 {
        self.number + generation * GENERATION_STEP
    }
}

/// The topics of a run and their generations.
pub(crate) struct Topics {
    partitions: Vec<NumberedPartition>,
    /// The ids that a topic has had, oldest first, and whether it is being deleted.
    ids: Mutex<BTreeMap<&'static str, (Vec<TopicId>, bool)>>,
    era: AtomicI32,
}

impl Topics {
    pub(crate) fn new(plan: &Plan) -> Self {
        let of_topic = |(t, topic): (usize, &crate::plan::TopicPlan)| {
            let (topic, recreated, cut) = (topic.name, topic.recreated, topic.cut);
            let numbered = move |partition| NumberedPartition {
                topic,
                partition,
                number: t as i32 * TOPIC_STEP + partition,
                recreated,
                cut,
            };
            (0..plan.topics[t].used).map(numbered)
        };
        let partitions = plan.topics.iter().enumerate().flat_map(of_topic).collect();
        Self { partitions, ids: Mutex::default(), era: AtomicI32::new(0) }
    }

    /// The partitions that clients work with.
    pub(crate) fn partitions(&self) -> &[NumberedPartition] {
        &self.partitions
    }

    fn ids(&self) -> MutexGuard<'_, BTreeMap<&'static str, (Vec<TopicId>, bool)>> {
        self.ids.lock().expect("no panic with the topics")
    }

    /// The generation of a partition whose topic has this id; none of one nobody knows yet.
    pub(crate) fn generation(&self, place: &NumberedPartition, id: TopicId) -> Option<i32> {
        if !place.recreated {
            return Some(self.era.load(Ordering::Relaxed));
        }
        let ids = self.ids();
        ids.get(place.topic)?.0.iter().position(|known| *known == id).map(|n| n as i32)
    }

    /// The newest generation of a partition; none while its topic is not there.
    pub(crate) fn newest(&self, place: &NumberedPartition) -> Option<i32> {
        if !place.recreated {
            return Some(self.era.load(Ordering::Relaxed));
        }
        let ids = self.ids();
        let (known, deleted) = ids.get(place.topic)?;
        (!deleted).then(|| known.len() as i32 - 1)
    }

    /// The topic was created. False if it has had this id before.
    pub(crate) fn created(&self, topic: &'static str, id: TopicId) -> bool {
        let mut ids = self.ids();
        let (known, deleted) = ids.entry(topic).or_default();
        let new = !known.contains(&id);
        if new {
            known.push(id);
            *deleted = false;
        }
        new
    }

    /// Whether the topic is deleted and was not created again.
    pub(crate) fn is_deleted(&self, topic: &str) -> bool {
        self.ids().get(topic).is_none_or(|(_, deleted)| *deleted)
    }

    /// The topic is about to be deleted. Returns the numbers of its partitions.
    pub(crate) fn deleted(&self, topic: &'static str) -> Vec<i32> {
        let of_topic = self.partitions.iter().filter(|place| place.topic == topic);
        let numbers = of_topic.filter_map(|place| Some(place.numbered(self.newest(place)?)));
        let numbers = numbers.collect();
        if let Some((_, deleted)) = self.ids().get_mut(topic) {
            *deleted = true;
        }
        numbers
    }

    /// All partitions begin a history anew. Returns the numbers that they had.
    pub(crate) fn begin_era(&self) -> Vec<i32> {
        let era = self.era.fetch_add(1, Ordering::Relaxed);
        self.partitions.iter().map(|place| place.numbered(era)).collect()
    }
}
