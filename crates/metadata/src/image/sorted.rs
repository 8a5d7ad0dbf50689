//! A sorted map whose copies share their equal parts: changing one entry of a copy copies
//! one chunk and the list of chunks, not the map. Made for maps that are read all the time and
//! changed a little at a time.

use std::{borrow::Borrow, sync::Arc};

/// Entries per chunk before it is cut in two.
const CHUNK_MAX: usize = 256;

/// Chunks are never empty.
#[derive(Debug)]
pub(crate) struct SortedMap<K, V> {
    chunks: Arc<Vec<Chunk<K, V>>>,
}

type Chunk<K, V> = Arc<Vec<(K, V)>>;

impl<K, V> Clone for SortedMap<K, V> {
    fn clone(&self) -> Self {
        Self { chunks: self.chunks.clone() }
    }
}

impl<K, V> Default for SortedMap<K, V> {
    fn default() -> Self {
        Self { chunks: Arc::default() }
    }
}

impl<K, V> SortedMap<K, V> {
    /// Whether the other is a copy that neither has changed since.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.chunks, &other.chunks)
    }
}

impl<K: Ord + Clone, V: Clone> SortedMap<K, V> {
    /// The chunk that has `key`, or would.
    fn chunk_of<Q: Ord + ?Sized>(&self, key: &Q) -> usize
    where
        K: Borrow<Q>,
    {
        self.chunks.partition_point(|chunk| chunk[0].0.borrow() <= key).saturating_sub(1)
    }

    pub(crate) fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        let chunk = self.chunks.get(self.chunk_of(key))?;
        let place = chunk.binary_search_by(|(k, _)| k.borrow().cmp(key)).ok()?;
        Some(&chunk[place].1)
    }

    pub(crate) fn insert(&mut self, key: K, value: V) -> Option<V> {
        let number = self.chunk_of(&key);
        let chunks = Arc::make_mut(&mut self.chunks);
        let Some(chunk) = chunks.get_mut(number) else {
            chunks.push(Arc::new(vec![(key, value)]));
            return None;
        };
        let chunk = Arc::make_mut(chunk);
        match chunk.binary_search_by(|(k, _)| k.cmp(&key)) {
            Ok(place) => Some(std::mem::replace(&mut chunk[place].1, value)),
            Err(place) => {
                chunk.insert(place, (key, value));
                if chunk.len() > CHUNK_MAX {
                    // Appended in order, the usual way of filling, leaves full chunks behind.
                    let cut = if place == CHUNK_MAX { CHUNK_MAX } else { CHUNK_MAX / 2 };
                    let rest = chunk.split_off(cut);
                    chunk.shrink_to_fit();
                    chunks.insert(number + 1, Arc::new(rest));
                }
                None
            }
        }
    }

    pub(crate) fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let number = self.chunk_of(key);
        let place = self.chunks.get(number)?.binary_search_by(|(k, _)| k.borrow().cmp(key)).ok()?;
        let chunks = Arc::make_mut(&mut self.chunks);
        let chunk = Arc::make_mut(&mut chunks[number]);
        let (_, value) = chunk.remove(place);
        if chunk.is_empty() {
            chunks.remove(number);
        }
        Some(value)
    }

    pub(crate) fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        let number = self.chunk_of(key);
        let place = self.chunks.get(number)?.binary_search_by(|(k, _)| k.borrow().cmp(key)).ok()?;
        let chunk = Arc::make_mut(&mut Arc::make_mut(&mut self.chunks)[number]);
        Some(&mut chunk[place].1)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.chunks.iter().flat_map(|chunk| chunk.iter().map(|(k, v)| (k, v)))
    }

    /// The entries from `key` on.
    pub(crate) fn iter_from<'a, Q: Ord + ?Sized>(
        &'a self,
        key: &Q,
    ) -> impl Iterator<Item = (&'a K, &'a V)> + use<'a, K, V, Q>
    where
        K: Borrow<Q>,
    {
        let number = self.chunk_of(key);
        let skipped =
            self.chunks.get(number).map_or(0, |c| c.partition_point(|(k, _)| k.borrow() < key));
        self.chunks
            .get(number..)
            .unwrap_or_default()
            .iter()
            .flat_map(|chunk| chunk.iter().map(|(k, v)| (k, v)))
            .skip(skipped)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::SortedMap;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn it_is_a_sorted_map_and_copies_are_independent(
            ops in prop::collection::vec((0u16..600, any::<Option<u8>>()), 0..1500),
        ) {
            let (mut map, mut model) = (SortedMap::default(), BTreeMap::new());
            let mut copies = Vec::new();
            for (i, (key, value)) in ops.into_iter().enumerate() {
                match value {
                    Some(value) => {
                        prop_assert_eq!(map.insert(key, value), model.insert(key, value));
                    }
                    None => prop_assert_eq!(map.remove(&key), model.remove(&key)),
                }
                prop_assert_eq!(map.get(&key), model.get(&key));
                if i % 300 == 0 {
                    copies.push((map.clone(), model.clone()));
                }
            }
            copies.push((map, model));
            for (map, model) in copies {
                prop_assert!(map.iter().eq(model.iter()));
                prop_assert!(map.iter_from(&300).eq(model.range(300..)));
            }
        }
    }
}
