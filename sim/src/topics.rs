//! What the partitions of a run are called in its history.
//!
//! Partition p of topic t is `t * 100 + p`, plus a step for each time that its history began anew:
//! because the topic was deleted and created again, or because a log was lost that alone may have had
//! records of it. What groups commit has a history of its own where logs are lost.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicI32, Ordering},
    },
};

use milena_types::TopicId;

use crate::plan::{Action, GENERATION_STEP, Plan, TOPIC_STEP};

/// The number of what groups commit, where logs are lost: no topic has a partition of it.
const GROUPS: i32 = TOPIC_STEP - 1;

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
    /// How often each partition's history began anew after a loss, by its number.
    eras: Mutex<BTreeMap<i32, i32>>,
    /// The same of what groups commit.
    group_era: AtomicI32,
    loses_logs: bool,
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
        let loses_logs =
            plan.actions.iter().any(|(_, action)| matches!(action, Action::LoseLog { .. }));
        let (ids, eras, group_era) = (Mutex::default(), Mutex::default(), AtomicI32::new(0));
        Self { partitions, ids, eras, group_era, loses_logs }
    }

    /// The partitions that clients work with.
    pub(crate) fn partitions(&self) -> &[NumberedPartition] {
        &self.partitions
    }

    fn ids(&self) -> MutexGuard<'_, BTreeMap<&'static str, (Vec<TopicId>, bool)>> {
        self.ids.lock().expect("no panic with the topics")
    }

    fn era(&self, place: &NumberedPartition) -> i32 {
        let eras = self.eras.lock().expect("no panic with the topics");
        eras.get(&place.number).copied().unwrap_or(0)
    }

    /// What commits for a partition are of in the history: their generation, and the number of
    /// that; none while its topic is not there.
    pub(crate) fn of_commits(&self, place: &NumberedPartition) -> Option<(i32, i32)> {
        if self.loses_logs {
            let era = self.group_era.load(Ordering::Relaxed);
            return Some((era, GROUPS + era * GENERATION_STEP));
        }
        let generation = self.newest(place)?;
        Some((generation, place.numbered(generation)))
    }

    /// The generation of a partition whose topic has this id; none of one nobody knows yet.
    pub(crate) fn generation(&self, place: &NumberedPartition, id: TopicId) -> Option<i32> {
        if !place.recreated {
            return Some(self.era(place));
        }
        let ids = self.ids();
        ids.get(place.topic)?.0.iter().position(|known| *known == id).map(|n| n as i32)
    }

    /// The id that a topic which is created again has in a generation.
    pub(crate) fn id(&self, place: &NumberedPartition, generation: i32) -> Option<TopicId> {
        self.ids().get(place.topic)?.0.get(generation as usize).copied()
    }

    /// The newest generation of a partition; none while its topic is not there.
    pub(crate) fn newest(&self, place: &NumberedPartition) -> Option<i32> {
        if !place.recreated {
            return Some(self.era(place));
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

    /// How many times topics were created again.
    pub(crate) fn made_again(&self) -> usize {
        self.ids().values().map(|(known, _)| known.len().saturating_sub(1)).sum()
    }

    /// How many times histories began anew because records may be lost.
    pub(crate) fn eras(&self) -> i32 {
        self.eras.lock().expect("no panic with the topics").values().sum()
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

    /// Partitions, by id and index, begin a history anew, and so does what groups commit if one of
    /// them is not of these topics. Returns the numbers that they had.
    pub(crate) fn begin_era(&self, lost: &BTreeSet<(String, i32)>) -> Vec<i32> {
        let ids = self.ids();
        let ours: BTreeMap<String, &'static str> = ids
            .iter()
            .flat_map(|(name, (ids, _))| ids.iter().map(|id| (id.to_string(), *name)))
            .collect();
        let lost_of_ours: BTreeSet<(&str, i32)> =
            lost.iter().filter_map(|(id, partition)| Some((*ours.get(id)?, *partition))).collect();
        let mut ended = Vec::new();
        for place in &self.partitions {
            if lost_of_ours.contains(&(place.topic, place.partition)) {
                ended.push(place.numbered(self.era(place)));
                let mut eras = self.eras.lock().expect("no panic with the topics");
                *eras.entry(place.number).or_default() += 1;
            }
        }
        if lost_of_ours.len() < lost.len() {
            let era = self.group_era.fetch_add(1, Ordering::Relaxed);
            ended.push(GROUPS + era * GENERATION_STEP);
        }
        ended
    }
}
