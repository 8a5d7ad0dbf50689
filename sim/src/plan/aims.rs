//! What the kinds of plans change of the mixed one.

use std::time::Duration;

use super::{Action, Medium, Plan, PlanKind, TopicPlan};
use crate::{seeded_rng::SeededRng, store_link::TxnKind};

impl Plan {
    /// The plan of a seed.
    pub(crate) fn new(seed: u64, kind: PlanKind) -> Self {
        let mut plan = Self::mixed(seed);
        let rng = SeededRng::new(seed, "aim");
        match kind {
            PlanKind::Mixed => {}
            PlanKind::SlowDisk => plan.slow_disk(&rng),
            PlanKind::HeldStore => plan.held_store(&rng),
            PlanKind::Restarts => plan.restarts(&rng),
            PlanKind::UnknownOutcomes => plan.unknown_outcomes(&rng),
            PlanKind::Power => plan.power(&rng),
            PlanKind::Topics => plan.topics(&rng),
            PlanKind::Trims => plan.trims(&rng),
            PlanKind::Members => plan.members(&rng),
            PlanKind::LostLogs => plan.lost_logs(&rng),
            PlanKind::Flushers => plan.flushers(&rng),
            PlanKind::Moves => plan.moves(&rng),
            PlanKind::Stuck => plan.stuck(&rng),
        }
        plan
    }

    fn slow_disk(&mut self, rng: &SeededRng) {
        self.slow_disk_permille = rng.within(200..600);
        self.wal_file_bytes = 64 << 10;
        self.patience_ms_max = rng.within(20..200);
        self.window = rng.within(2..6) as usize;
        self.leaders_return_after = Duration::from_millis(200);
        self.act_every(rng, 200..1200, |rng, broker| match rng.below(10) {
            0..2 => Action::Kill { broker, down: rng.millis(50..800) },
            2 => Action::KillAtDisk { broker, operations: rng.below(20) },
            3 => Action::PowerCut,
            4 => Action::Stop { broker, down: rng.millis(50..800) },
            // A chunk stalls once its second file fails too.
            5..8 => Action::SyncsFail { count: rng.within(2..9) as u32 },
            _ => Action::DiskFull { time: rng.millis(100..1500) },
        });
        // A full disk is met when another file is needed, as after a failure.
        for (at, action) in self.actions.clone() {
            if matches!(action, Action::DiskFull { .. }) {
                let fails = Action::SyncsFail { count: rng.within(2..9) as u32 };
                self.actions.push((at + rng.millis(1..100), fails));
            }
        }
        self.actions.sort_by_key(|(at, _)| *at);
    }

    fn held_store(&mut self, rng: &SeededRng) {
        self.store_held_permille = rng.within(80..200);
        self.wal_file_bytes = 64 << 10;
        self.flush_bytes = 2_000;
        self.flush_age = Duration::from_millis(300);
        self.act_every(rng, 300..1500, |rng, broker| match rng.below(10) {
            0..4 => Action::Kill { broker, down: rng.millis(50..600) },
            4..7 => Action::ServiceKill { broker, down: rng.millis(50..2000) },
            7..9 => Action::KillAtDisk { broker, operations: rng.below(40) },
            _ => Action::StoreAway { broker, time: rng.millis(100..800) },
        });
    }

    fn restarts(&mut self, rng: &SeededRng) {
        self.store_latency_us = 20_000;
        self.flush_bytes = 2_000;
        self.flush_age = Duration::from_millis(300);
        self.leaders_return_after = Duration::from_millis(200);
        self.act_every(rng, 200..1500, |rng, broker| match rng.below(10) {
            0..6 => Action::Kill { broker, down: rng.millis(50..200) },
            6..8 => Action::Stop { broker, down: rng.millis(50..200) },
            _ => Action::StoreAway { broker, time: rng.millis(200..2500) },
        });
    }

    fn unknown_outcomes(&mut self, rng: &SeededRng) {
        self.store_unknown_permille = rng.within(50..200);
        self.flush_bytes = 2_000;
        self.flush_age = Duration::from_millis(300);
        self.leaders_return_after = Duration::from_millis(200);
        self.act_every(rng, 400..2000, |rng, broker| match rng.below(10) {
            0..4 => Action::Kill { broker, down: rng.millis(50..800) },
            4..7 => Action::ServiceKill { broker, down: rng.millis(50..2000) },
            7..9 => Action::Stop { broker, down: rng.millis(50..800) },
            _ => Action::StoreAway { broker, time: rng.millis(100..800) },
        });
    }

    fn power(&mut self, rng: &SeededRng) {
        self.medium = Medium::Disk;
        self.wal_file_bytes = 64 << 10;
        self.flush_bytes = 2_000;
        self.flush_age = Duration::from_millis(300);
        self.act_every(rng, 500..2000, |rng, broker| match rng.below(20) {
            0..5 => Action::PowerCut,
            5..11 => Action::PowerCutAtStore { operations: rng.below(60) },
            11..13 => Action::Restart,
            13..15 => Action::Kill { broker, down: rng.millis(50..800) },
            15..17 => Action::KillAtDisk { broker, operations: rng.below(60) },
            17..19 => Action::Stop { broker, down: rng.millis(50..800) },
            _ => Action::DiskFull { time: rng.millis(100..1000) },
        });
    }

    fn topics(&mut self, rng: &SeededRng) {
        // By topic id throughout, so that no client means one topic and reaches the next.
        self.kafka_version = "4.2";
        let mut again = TopicPlan::new("again", rng.within(3..9) as i32);
        (again.recreated, again.used) = (true, 2);
        // The groups commit for the first. To open the last takes time, when a broker has died.
        let mut many = TopicPlan::new("many", 40);
        many.used = 0;
        self.topics = vec![again, TopicPlan::new("kept", 1), many];
        // Much is committed and looked at.
        (self.brokers, self.link_latency_ms_max, self.message_loss_ppm) = (3, 5, 0);
        self.store_latency_us = rng.within(2_000..20_000);
        self.groups = 5;
        self.producers_a_partition = 1;
        self.flush_bytes = 2_000;
        self.flush_age = Duration::from_millis(300);
        self.slow_disk_permille = rng.within(5..100);
        self.working = rng.millis(10_000..14_000);
        self.act_every(rng, 500..2500, |rng, broker| match rng.below(20) {
            // Brokers are busy opening partitions while topics go and come.
            0..7 => Action::SlowReads { broker, time: rng.millis(1000..4000) },
            7 => Action::SlowDisk { time: rng.millis(300..1500) },
            8 => Action::ObjectsAway { broker, time: rng.millis(300..2500) },
            9..11 => Action::StoreAway { broker, time: rng.millis(100..800) },
            11..14 => Action::Kill { broker, down: rng.millis(50..1500) },
            14..17 => Action::Stop { broker, down: rng.millis(50..1500) },
            17 => Action::PowerCut,
            _ => Action::KillAtDisk { broker, operations: rng.below(40) },
        });
    }

    fn trims(&mut self, rng: &SeededRng) {
        let mut cut = TopicPlan::new("cut", rng.within(1..3) as i32);
        cut.cut = true;
        let times = ["900", "2000", "4000"];
        let time = times[rng.below(3) as usize];
        let timed = TopicPlan::new("timed", 1).with("retention.ms", time);
        let short = TopicPlan::new("short", 1).with("retention.bytes", "4000");
        // Nothing is taken of the last: its manifest gets pages.
        self.topics = vec![cut, timed, short, TopicPlan::new("long", 1)];
        self.producers_a_partition = 2;
        self.queries = true;
        self.flush_bytes = rng.within(500..1500);
        self.flush_age = Duration::from_millis(rng.within(60..250));
        if rng.chance(500) {
            // New leaders find much in chunks.
            (self.flush_bytes, self.flush_age) = (40_000, Duration::from_millis(2500));
        }
        self.own_segment_bytes = rng.within(300..4000);
        self.act_every(rng, 500..3000, |rng, broker| match rng.below(20) {
            0..4 => Action::Kill { broker, down: rng.millis(50..1500) },
            4..8 => Action::Stop { broker, down: rng.millis(50..1500) },
            8..10 => Action::KillAtDisk { broker, operations: rng.below(60) },
            10..12 => Action::PowerCut,
            12..14 => Action::StoreAway { broker, time: rng.millis(100..1500) },
            14..16 => Action::ObjectsAway { broker, time: rng.millis(100..1500) },
            16 => Action::ClockJump { ms: rng.below(20_000) as i64 - 10_000 },
            _ => Action::SlowDisk { time: rng.millis(500..2500) },
        });
    }

    fn members(&mut self, rng: &SeededRng) {
        self.topics = vec![TopicPlan::new("kept", rng.within(2..6) as i32)];
        self.topics[0].used = 1;
        self.members = rng.within(2..6);
        self.groups = 1;
        self.producers_a_partition = 1;
        self.leaders_return_after = Duration::from_millis(200);
        self.act_every(rng, 600..3000, |rng, broker| match rng.below(20) {
            0..5 => Action::Kill { broker, down: rng.millis(50..2500) },
            5..9 => Action::Stop { broker, down: rng.millis(50..2500) },
            9..12 => Action::ServiceKill { broker, down: rng.millis(50..1500) },
            12..14 => Action::PowerCut,
            14..16 => Action::StoreAway { broker, time: rng.millis(100..2500) },
            16..18 => {
                Action::Cut { client: rng.below(2) as usize, broker, time: rng.millis(100..2500) }
            }
            _ => Action::KillAtDisk { broker, operations: rng.below(40) },
        });
    }

    fn lost_logs(&mut self, rng: &SeededRng) {
        let mut cut = TopicPlan::new("cut", rng.within(1..4) as i32);
        cut.cut = true;
        // What another broker's lost log has no part in stays.
        self.topics = vec![cut, TopicPlan::new("kept", 3)];
        self.producers_a_partition = 1;
        // Much that is in the log alone.
        self.flush_bytes = 40_000;
        self.flush_age = Duration::from_millis(rng.within(600..8000));
        self.working = rng.millis(12_000..16_000);
        self.act_every(rng, 2500..5000, |rng, broker| match rng.below(10) {
            0..6 => Action::LoseLog { broker, down: rng.millis(50..1500) },
            6..8 => Action::Kill { broker, down: rng.millis(50..800) },
            8 => Action::Stop { broker, down: rng.millis(50..800) },
            _ => Action::PowerCut,
        });
        // Something is left of the last life.
        let last = self.working.saturating_sub(Duration::from_millis(3000));
        self.actions.retain(|(at, _)| *at < last);
    }

    fn flushers(&mut self, rng: &SeededRng) {
        self.brokers = 3;
        // A cut takes what was flushed into the manifest at once.
        let mut cut = TopicPlan::new("cut", rng.within(2..5) as i32);
        cut.cut = true;
        self.topics = vec![cut];
        self.producers_a_partition = 1;
        self.working = rng.millis(12_000..16_000);
        self.store_latency_us = 2_000;
        (self.store_held_permille, self.store_fail_permille) = (40, 0);
        self.flush_bytes = 40_000;
        self.flush_age = Duration::from_millis(rng.within(150..350));
        // Who has taken over goes on leading when the former leader is back and flushes too.
        self.leaders_return_after = Duration::from_millis(rng.within(3000..6000));
        self.actions.clear();
        let mut at = rng.millis(800..2500);
        while at < self.working {
            let ended = 1 + rng.below(3) as i32;
            let hold = |broker, kind, time| Action::Hold { broker, kind, time };
            let late = rng.chance(400);
            if late {
                // Its last flush arrives while others seal its epoch.
                let time = Duration::from_millis(500);
                self.actions.push((at, hold(ended, TxnKind::Flush, time)));
                at += rng.millis(100..450);
            }
            let down = rng.millis(600..1500);
            self.actions.push((at, Action::ServiceKill { broker: ended, down }));
            for broker in (1..=3).filter(|broker| *broker != ended) {
                let time = rng.millis(1000..2500);
                // Else they have taken its epoch over, and it is back before their flush arrives.
                let kind = if late { TxnKind::Seal } else { TxnKind::TakenFlush };
                self.actions.push((at, hold(broker, kind, time)));
            }
            self.actions.push((at, hold(ended, TxnKind::Retirement, rng.millis(2500..5000))));
            at += rng.millis(2500..4500);
            let broker = 1 + rng.below(3) as i32;
            let action = match rng.below(4) {
                0 => Action::Kill { broker, down: rng.millis(50..2500) },
                1 => Action::Stop { broker, down: rng.millis(50..800) },
                // Longer than a lease: its epoch is sealed while it lives.
                2 => Action::StoreAway { broker, time: rng.millis(1200..3500) },
                _ => Action::ObjectsAway { broker, time: rng.millis(100..800) },
            };
            self.actions.push((at, action));
            at += rng.millis(500..2500);
        }
        self.actions.sort_by_key(|(at, _)| *at);
    }

    fn moves(&mut self, rng: &SeededRng) {
        let mut wide = TopicPlan::new("wide", rng.within(40..90) as i32);
        wide.used = 8;
        self.brokers = 3;
        self.topics = vec![wide];
        self.producers_a_partition = 1;
        self.moves = true;
        self.drains = rng.chance(500);
        self.flush_bytes = 4_000;
        self.flush_age = Duration::from_millis(300);
        self.leaders_return_after = Duration::from_millis(200);
        self.act_every(rng, 800..3000, |rng, broker| match rng.below(20) {
            0..8 => Action::Stop { broker, down: rng.millis(50..2500) },
            8..12 => Action::Kill { broker, down: rng.millis(50..2500) },
            12..14 => Action::ServiceKill { broker, down: rng.millis(50..1500) },
            14 => Action::PowerCut,
            15..17 => Action::StoreAway { broker, time: rng.millis(100..2000) },
            17 => Action::ObjectsAway { broker, time: rng.millis(100..2000) },
            _ => Action::KillAtDisk { broker, operations: rng.below(40) },
        });
    }

    fn stuck(&mut self, rng: &SeededRng) {
        self.brokers = 3;
        let mut cut = TopicPlan::new("cut", rng.within(2..4) as i32);
        cut.cut = true;
        self.topics = vec![cut, TopicPlan::new("kept", rng.within(2..5) as i32)];
        self.producers_a_partition = 1;
        self.queries = true;
        self.working = rng.millis(12_000..16_000);
        // Dead brokers leave much in their logs, and those that live flush meanwhile.
        self.flush_bytes = rng.within(4_000..40_000);
        self.flush_age = rng.millis(300..3000);
        self.leaders_return_after = rng.millis(200..2000);
        self.actions.clear();
        let mut at = rng.millis(800..2500);
        while at < self.working {
            let broker = 1 + rng.below(3) as i32;
            self.actions.push((at, Action::Kill { broker, down: rng.millis(2500..7000) }));
            // Others have sealed its epoch by then, and some have read its log.
            at += rng.millis(900..2500);
            self.actions.push((at, Action::StickLog { broker, time: rng.millis(1000..5000) }));
            at += rng.millis(10..800);
            let other = 1 + (broker + rng.below(2) as i32) % 3;
            let action = match rng.below(10) {
                0..4 => Action::Kill { broker: other, down: rng.millis(200..2500) },
                4..6 => Action::ServiceKill { broker: other, down: rng.millis(200..1500) },
                6..8 => Action::Stop { broker: other, down: rng.millis(50..1500) },
                8 => Action::ObjectsAway { broker: other, time: rng.millis(300..1500) },
                _ => Action::StoreAway { broker: other, time: rng.millis(800..2500) },
            };
            self.actions.push((at, action));
            at += rng.millis(1500..4000);
        }
        self.actions.sort_by_key(|(at, _)| *at);
    }

    /// Something happens again and again, to one broker or another.
    fn act_every(
        &mut self,
        rng: &SeededRng,
        pause_ms: std::ops::Range<u64>,
        action: impl Fn(&SeededRng, i32) -> Action,
    ) {
        self.actions.clear();
        let mut at = rng.millis(pause_ms.clone());
        while at < self.working {
            let broker = 1 + rng.below(self.brokers as u64) as i32;
            self.actions.push((at, action(rng, broker)));
            at += rng.millis(pause_ms.clone());
        }
    }
}
