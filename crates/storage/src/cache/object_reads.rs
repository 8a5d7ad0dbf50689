//! The object reads of one fetch.
//!
//! A fetch may read objects a limited number of times for all its partitions, a few at a time. What
//! is cached costs nothing, nor does what is being loaded already. What it has read stays with it to
//! its end, so that it gets on also where the cache keeps nothing.

use futures_util::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};

use crate::{
    cache::{
        block::{BlockKey, Cacheable, Outcome, Place},
        block_cache::BlockCache,
        object_cache::{NewLoad, ObjectCache},
    },
    objects::object_id::ObjectId,
};

/// How often a fetch reads objects, for all its partitions.
pub(crate) const READS_MAX: usize = 16;

/// How many of its reads are under way at a time.
const READS_AT_A_TIME: usize = 4;

/// How often objects may be read, and what was read of them.
#[derive(Default)]
pub struct ObjectReads {
    begun: usize,
    is_unlimited: bool,
    /// Nobody waits for what is begun now.
    is_ahead: bool,
    /// None before the first miss: most fetches have none.
    state: Option<Box<State>>,
}

struct State {
    blocks: BlockCache,
    next: u32,
    under_way: FuturesUnordered<BoxFuture<'static, (ObjectRead, Option<Outcome>)>>,
    waited_for: Vec<Waited>,
    outcomes: Vec<(BlockKey, Outcome)>,
}

impl State {
    fn new(blocks: BlockCache) -> Self {
        let (under_way, waited_for, outcomes) = Default::default();
        Self { blocks, next: 0, under_way, waited_for, outcomes }
    }
}

struct Waited {
    read: ObjectRead,
    key: BlockKey,
    /// Whether it counts.
    is_own: bool,
}

/// One read of an object, of those of one [`ObjectReads`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ObjectRead(u32);

/// What is looked up.
pub(crate) struct Wanted<'a, L> {
    pub(crate) object: &'a ObjectId,
    pub(crate) place: Place,
    /// What loading it takes of memory, about.
    pub(crate) load_bytes: u64,
    pub(crate) load: L,
}

/// Why something is not there.
#[derive(Debug)]
pub(crate) enum Miss<E> {
    /// It is there once this has ended; if none, it may be loaded when any has.
    Later(Option<ObjectRead>),
    Failed(E),
}

impl std::fmt::Debug for ObjectReads {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ObjectReads").field("begun", &self.begun).finish_non_exhaustive()
    }
}

impl ObjectReads {
    /// For those who need all that they ask for.
    pub(crate) fn unlimited() -> Self {
        Self { is_unlimited: true, ..Self::default() }
    }

    /// Whether no object may be read any more.
    pub fn are_spent(&self) -> bool {
        !self.is_unlimited && self.begun >= READS_MAX
    }

    /// Whether another object may be read now.
    pub fn may_begin(&self) -> bool {
        let waited = self.state.iter().flat_map(|state| &state.waited_for);
        !self.are_spent() && waited.filter(|waited| waited.is_own).count() < READS_AT_A_TIME
    }

    /// Waits until a read has ended, and returns which; none if none is under way. Cancel-safe.
    pub async fn next(&mut self) -> Option<ObjectRead> {
        let state = self.state.as_mut()?;
        let (read, outcome) = state.under_way.next().await?;
        let at = state.waited_for.iter().position(|waited| waited.read == read);
        let waited = state.waited_for.swap_remove(at.expect("what is under way is waited for"));
        if let Some(outcome) = outcome {
            state.outcomes.push((waited.key, outcome));
        }
        Some(read)
    }

    /// Lets go of what was read, and waits no longer for what is being read.
    pub fn release(&mut self) {
        self.state = None;
    }

    /// Lets go of what was read that the cache has, too, for a wait that may be long: there may be as
    /// many of them as connections, and the cache need not have it any more when they end.
    pub fn release_cached(&mut self) {
        if let Some(State { blocks, outcomes, .. }) = self.state.as_deref_mut() {
            outcomes.retain(|(key, outcome)| outcome.is_err() || blocks.peek(key).is_none());
        }
    }

    /// Waits no longer for what is being read.
    pub fn wait_for_none(&mut self) {
        if let Some(state) = &mut self.state {
            state.under_way.clear();
            state.waited_for.clear();
        }
    }

    /// What `look_up` does not find is loaded for later, as far as reads are left.
    pub(crate) fn ahead(&mut self, look_up: impl FnOnce(&mut Self)) {
        self.is_ahead = true;
        look_up(self);
        self.is_ahead = false;
    }

    /// Something that is cached, or begins to load it.
    pub(crate) fn look_up<T, L, F>(
        &mut self,
        cache: &ObjectCache,
        wanted: Wanted<'_, L>,
    ) -> Result<T, Miss<T::Error>>
    where
        T: Cacheable,
        L: FnOnce() -> F,
        F: Future<Output = Result<T, T::Error>> + Send + 'static,
    {
        let Wanted { object, place, load_bytes, load } = wanted;
        let key = cache.key(object, place);
        let blocks = &cache.blocks;
        let cached = if self.is_ahead { blocks.peek(&key) } else { blocks.get(&key) };
        match cached.map(Ok).or_else(|| self.outcome(&key)) {
            Some(Ok(block)) => return Ok(block.value()),
            Some(Err(error)) => return Err(Miss::Failed(error.error::<T>())),
            None => {}
        }
        let waited = self.state.iter().flat_map(|state| &state.waited_for);
        if let Some(waited) = { waited }.find(|waited| waited.key == key) {
            return Err(Miss::Later(Some(waited.read)));
        }
        let begun = cache.under_way(&key);
        let new = || NewLoad::new::<T>(key.clone(), load_bytes, load());
        if self.is_ahead {
            if begun.is_none() && !self.are_spent() {
                self.begun += usize::from(cache.load_ahead(new()));
            }
            return Err(Miss::Later(None));
        }
        let is_own = begun.is_none();
        if is_own && !self.may_begin() {
            return Err(Miss::Later(None));
        }
        self.begun += usize::from(is_own);
        let state = self.state.get_or_insert_with(|| Box::new(State::new(blocks.clone())));
        let read = ObjectRead(state.next);
        state.next += 1;
        let outcome = match begun {
            Some(begun) => begun.outcome().boxed(),
            None => cache.load(new()),
        };
        state.under_way.push(outcome.map(move |outcome| (read, outcome)).boxed());
        state.waited_for.push(Waited { read, key, is_own });
        Err(Miss::Later(Some(read)))
    }

    /// What a read of these has found. A failure is told once.
    fn outcome(&mut self, key: &BlockKey) -> Option<Outcome> {
        let outcomes = &mut self.state.as_mut()?.outcomes;
        let at = outcomes.iter().position(|(known, _)| known == key)?;
        match &outcomes[at].1 {
            Ok(block) => Some(Ok(block.clone())),
            Err(_) => Some(outcomes.swap_remove(at).1),
        }
    }
}

/// Looks something up until it is there. Cancel-safe.
pub(crate) async fn until_there<T, E>(
    mut look_up: impl FnMut(&mut ObjectReads) -> Result<T, Miss<E>>,
) -> Result<T, E> {
    let mut reads = ObjectReads::unlimited();
    loop {
        match look_up(&mut reads) {
            Ok(found) => return Ok(found),
            Err(Miss::Failed(error)) => return Err(error),
            Err(Miss::Later(_)) => {
                reads.next().await;
            }
        }
    }
}
