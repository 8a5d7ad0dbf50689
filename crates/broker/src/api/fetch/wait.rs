//! Reading again until a fetch has enough, or until its time is over.
//!
//! A partition between two leaders counts as one without records, for a moment: an error would turn
//! the long polls of all others in the request into retries.

use std::time::Duration;

use futures_util::FutureExt;
use milena_runtime::OwnedTask;
use milena_storage::{ObjectReads, Waiter};

use super::{
    apis::FetchApis,
    read::{self, FetchLimits, FetchTarget, ReadPass},
};
use crate::{
    context::RequestContext,
    entry_turns::{EntryTurns, SLICE_ENTRIES},
    leadership::resolve::{LEADER_WAIT_MAX, LeaderChanges},
    memory::room::UNCOUNTED_BYTES,
};

/// A fetch that reads.
pub(super) struct FetchWait<'a> {
    context: &'a RequestContext,
    apis: &'a FetchApis,
    limits: &'a FetchLimits,
    targets: Vec<FetchTarget>,
    /// Its reads of objects, for all passes.
    reads: ObjectReads,
    /// With fewer bytes it waits for more.
    bytes_min: usize,
    /// When it waits no longer, on the monotonic clock.
    deadline: Duration,
    /// The targets between two leaders.
    undecided: Vec<usize>,
    /// Until when these count as partitions without records.
    undecided_until: Option<Duration>,
}

impl<'a> FetchWait<'a> {
    pub(super) fn new(
        context: &'a RequestContext,
        apis: &'a FetchApis,
        limits: &'a FetchLimits,
        targets: Vec<FetchTarget>,
    ) -> Self {
        let undecided = targets.iter().enumerate().filter(|(_, target)| target.is_undecided);
        let undecided = undecided.map(|(place, _)| place).collect();
        let now = apis.runtime.monotonic();
        Self {
            context,
            apis,
            limits,
            targets,
            reads: ObjectReads::default(),
            bytes_min: limits.bytes_min.min(limits.bytes_max),
            deadline: context.deadline().unwrap_or(now),
            undecided,
            undecided_until: None,
        }
    }

    /// The targets, and the last pass over them. While this waits it holds neither records nor room
    /// for them: others need both.
    pub(super) async fn read(mut self) -> (Vec<FetchTarget>, ReadPass) {
        let mut pass = self.pass().await;
        while !self.is_over(&pass) {
            let before = pass.bytes;
            drop(pass);
            let waiter = Waiter::new(self.bytes_min.saturating_sub(before));
            let watched = self.targets.iter().filter_map(|target| target.watch(&waiter));
            let guards: Vec<_> = watched.collect();
            let mut changes = self.apis.leaders.changes();
            changes.mark_seen();
            // What came between the pass before and the registration did not wake this request.
            pass = self.pass().await;
            if self.is_over(&pass) {
                break;
            }
            waiter.added(pass.bytes.saturating_sub(before));
            let is_loading = pass.is_loading;
            drop(pass);
            match is_loading {
                true => self.reads.release_cached(),
                false => self.reads.release(),
            }
            self.wait(&waiter, &mut changes, is_loading).await;
            drop(guards);
            pass = self.pass().await;
        }
        self.refuse_undecided(&mut pass);
        self.read_ahead(&pass).await;
        (self.targets, pass)
    }

    /// With the reads that are left, loads what the client will ask for next.
    async fn read_ahead(&mut self, pass: &ReadPass) {
        if !pass.is_from_segments {
            return;
        }
        let mut turns = EntryTurns::default();
        for (target, read) in self.targets.iter().zip(&pass.partitions) {
            if self.reads.are_spent() {
                return;
            }
            turns.next().await;
            if let Some(from) = read.ahead_from {
                target.read_ahead(from, &mut self.reads);
            }
        }
    }

    async fn wait(&mut self, waiter: &Waiter, changes: &mut LeaderChanges, is_loading: bool) {
        let now = self.apis.runtime.monotonic();
        let undecided = self.undecided_until.map(|until| until.saturating_sub(now));
        let grace = undecided.unwrap_or_default();
        tokio::select! {
            biased;
            () = self.apis.stopping.cancelled() => {}
            () = self.context.ended() => {}
            // A long poll is no reason to keep others from theirs.
            () = self.context.decoded_is_wanted() => self.deadline = Duration::ZERO,
            () = waiter.woken() => {}
            Some(_) = self.reads.next(), if is_loading => {}
            () = changes.next(), if !self.undecided.is_empty() => {}
            () = self.apis.runtime.sleep(grace), if undecided.is_some() => {}
        }
    }

    /// Nothing true can be said of the offsets of those that are between two leaders to the end.
    fn refuse_undecided(&mut self, pass: &mut ReadPass) {
        for place in std::mem::take(&mut self.undecided) {
            if let Some(target) = self.targets.get_mut(place) {
                target.is_undecided = false;
                pass.replace(place, target.without_records());
            }
        }
    }

    fn is_over(&self, pass: &ReadPass) -> bool {
        // What it began to read has some time in any case, unless another needs its memory.
        let is_reading = pass.is_loading && !self.deadline.is_zero();
        let deadline = if is_reading { self.limits.read_until } else { self.deadline };
        self.targets.is_empty()
            || pass.is_due(self.bytes_min)
            || self.apis.runtime.monotonic() >= deadline
            || self.context.is_abandoned()
            || self.apis.stopping.is_cancelled()
    }

    /// Reads once. Partitions whose logs were closed meanwhile are looked up again.
    async fn pass(&mut self) -> ReadPass {
        self.look_up_undecided().await;
        let mut pass = self.read_with_room().await;
        for place in std::mem::take(&mut pass.closed) {
            let target = &mut self.targets[place];
            target.look_up(self.context, self.apis);
            if target.is_undecided {
                self.undecided.push(place);
            }
            pass.replace(place, target.without_records());
        }
        if !self.undecided.is_empty() && self.undecided_until.is_none() {
            self.undecided_until = Some(self.undecided_deadline());
        }
        pass
    }

    fn undecided_deadline(&self) -> Duration {
        let latest = self.apis.runtime.monotonic().saturating_add(LEADER_WAIT_MAX);
        latest.min(self.deadline)
    }

    /// Reads what needs no room; if there is more, takes room for all of it and reads again. It is
    /// taken to read and not while this waits.
    async fn read_with_room(&mut self) -> ReadPass {
        let bytes_max = self.limits.bytes_max;
        let small = FetchLimits {
            bytes_max: bytes_max.min(UNCOUNTED_BYTES),
            ends_when_cut: bytes_max > UNCOUNTED_BYTES,
            ..*self.limits
        };
        let pass = self.read_all(small).await;
        let is_all = !pass.is_cut || !small.ends_when_cut;
        if is_all && pass.bytes <= UNCOUNTED_BYTES {
            return pass;
        }
        let wanted = bytes_max.max(pass.bytes);
        drop(pass);
        let context = self.context;
        let mut asked = std::pin::pin!(context.response_room(wanted));
        let mut room = match asked.as_mut().now_or_never() {
            Some(room) => room,
            None => {
                self.reads.wait_for_none();
                self.reads.release_cached();
                asked.await
            }
        };
        let limits = FetchLimits { bytes_max: bytes_max.min(room.bytes()), ..*self.limits };
        let mut pass = self.read_all(limits).await;
        pass.is_short_of_room = pass.is_cut && limits.bytes_max < bytes_max;
        room.set_bytes(pass.bytes);
        pass.room = Some(room);
        pass
    }

    /// Reads many partitions where computing delays nobody.
    async fn read_all(&mut self, limits: FetchLimits) -> ReadPass {
        let runtime = self.apis.runtime.clone();
        let decoders = self.context.connection.memory.decoders.clone();
        if self.targets.len() <= SLICE_ENTRIES {
            let (targets, reads) = (&self.targets, &mut self.reads);
            return read::read(&runtime, &decoders, targets, &limits, reads).await;
        }
        let targets = std::mem::take(&mut self.targets);
        let mut reads = std::mem::take(&mut self.reads);
        let task = self.apis.runtime.spawn_compute(async move {
            let pass = read::read(&runtime, &decoders, &targets, &limits, &mut reads).await;
            (targets, reads, pass)
        });
        match OwnedTask::from(task).await {
            Ok((targets, reads, pass)) => {
                (self.targets, self.reads) = (targets, reads);
                pass
            }
            // The broker stops.
            Err(_) => ReadPass::default(),
        }
    }

    /// Looks those up again that are between two leaders; when their time is over, they have
    /// NOT_LEADER_OR_FOLLOWER.
    async fn look_up_undecided(&mut self) {
        if self.undecided.is_empty() {
            self.undecided_until = None;
            return;
        }
        let until = self.undecided_until.unwrap_or_else(|| self.undecided_deadline());
        self.undecided_until = Some(until);
        let is_over = self.apis.runtime.monotonic() >= until;
        let mut turns = EntryTurns::default();
        for place in std::mem::take(&mut self.undecided) {
            turns.next().await;
            let target = &mut self.targets[place];
            target.look_up(self.context, self.apis);
            target.is_undecided &= !is_over;
            if target.is_undecided {
                self.undecided.push(place);
            }
        }
    }
}
