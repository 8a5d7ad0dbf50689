//! [`TxnPacker`]: work of any size in transactions that a store takes.

use std::{collections::HashSet, mem};

use crate::store::{Limits, Precondition, Txn, TxnSize};

/// Fills transactions with *parts*, each of which is applied as a whole, in their order. The size
/// of the parts decides how many go into a transaction, so that it never exceeds the store's
/// limits.
/// A precondition that several parts of a transaction have stands in it once.
///
/// A part that does not fit with the base alone becomes a transaction that the store refuses as
/// invalid.
#[derive(Debug)]
pub struct TxnPacker<T> {
    limits: Limits,
    base: Txn,
    /// Kept free in every transaction for what its sender adds.
    reserved: TxnSize,
    txn: Txn,
    size: TxnSize,
    required: HashSet<Precondition>,
    items: Vec<T>,
}

/// A full transaction, and what its parts are about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackedTxn<T> {
    pub txn: Txn,
    pub items: Vec<T>,
}

impl<T> TxnPacker<T> {
    /// Every transaction begins with `base`: its preconditions are the first.
    pub fn new(limits: Limits, base: Txn) -> Self {
        Self::with_room(limits, base, TxnSize::default())
    }

    /// The same, with room in every transaction for so much more.
    pub fn with_room(limits: Limits, base: Txn, reserved: TxnSize) -> Self {
        let required = base.preconditions.iter().cloned().collect();
        let (txn, size) = (base.clone(), base.size() + reserved);
        Self { limits, base, reserved, txn, size, required, items: Vec::new() }
    }

    /// Adds a part. Returns the parts before it once they leave no room for it.
    pub fn push(&mut self, part: Txn, item: T) -> Option<PackedTxn<T>> {
        let added = self.added_by(&part);
        let full = if self.items.is_empty() || (self.size + added).fits(self.limits) {
            None
        } else {
            Some(self.take())
        };
        self.size = self.size + self.added_by(&part);
        let Txn { preconditions, puts, deletes, delete_prefixes, vital } = part;
        for precondition in preconditions {
            if self.required.insert(precondition.clone()) {
                self.txn.preconditions.push(precondition);
            }
        }
        self.txn.puts.extend(puts);
        self.txn.deletes.extend(deletes);
        self.txn.delete_prefixes.extend(delete_prefixes);
        self.txn.vital |= vital;
        self.items.push(item);
        full
    }

    /// The parts that were not returned yet.
    pub fn finish(mut self) -> Option<PackedTxn<T>> {
        (!self.items.is_empty()).then(|| self.take())
    }

    fn take(&mut self) -> PackedTxn<T> {
        self.required = self.base.preconditions.iter().cloned().collect();
        self.size = self.base.size() + self.reserved;
        let txn = mem::replace(&mut self.txn, self.base.clone());
        PackedTxn { txn, items: mem::take(&mut self.items) }
    }

    /// What a part adds to the transaction as it is.
    fn added_by(&self, part: &Txn) -> TxnSize {
        let shared = |precondition: &&Precondition| self.required.contains(*precondition);
        let shared = part.preconditions.iter().filter(shared);
        let (count, bytes) = shared.fold((0, 0), |(count, bytes), precondition| {
            (count + 1, bytes + precondition.key().len())
        });
        let TxnSize { ops, preconditions, bytes: all } = part.size();
        TxnSize { ops, preconditions: preconditions - count, bytes: all - bytes }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use milena_types::Revision;
    use proptest::prelude::*;

    use super::*;

    const LIMITS: Limits = Limits { ops: 7, bytes: 400 };

    fn pack(base: &Txn, reserved: TxnSize, parts: &[Txn]) -> Vec<PackedTxn<usize>> {
        let mut packer = TxnPacker::with_room(LIMITS, base.clone(), reserved);
        let mut packed: Vec<_> = parts
            .iter()
            .enumerate()
            .filter_map(|(item, part)| packer.push(part.clone(), item))
            .collect();
        packed.extend(packer.finish());
        packed
    }

    /// Which operations it has, which keys it requires, how long its value is.
    fn part() -> impl Strategy<Value = (usize, BTreeSet<u8>, usize)> {
        (0..3usize, proptest::collection::btree_set(0..9u8, 0..3), 0..200usize)
    }

    proptest! {
        #[test]
        fn each_part_is_in_one_transaction_and_none_is_too_large(
            parts in proptest::collection::vec(part(), 0..60),
        ) {
            let base = Txn::new().exists("guard").delete("note");
            let reserved = TxnSize { ops: 1, preconditions: 1, bytes: 20 };
            let build = |(number, (ops, keys, bytes)): (usize, &(usize, BTreeSet<u8>, usize))| {
                let mut txn = Txn::new().put(format!("put/{number}"), vec![7; *bytes]);
                for op in 1..*ops {
                    txn = txn.delete(format!("delete/{number}/{op}"));
                }
                keys.iter().fold(txn, |txn, key| txn.at(format!("node/{key}"), Revision(1)))
            };
            let parts: Vec<Txn> = parts.iter().enumerate().map(build).collect();
            let packed = pack(&base, reserved, &parts);
            let items: Vec<usize> = packed.iter().flat_map(|full| full.items.clone()).collect();
            prop_assert_eq!(items, (0..parts.len()).collect::<Vec<_>>());
            for PackedTxn { txn, items } in &packed {
                prop_assert!((txn.size() + reserved).fits(LIMITS), "{}", txn.size());
                prop_assert_eq!(txn.check(LIMITS), Ok(()));
                prop_assert_eq!(&txn.preconditions[0], &base.preconditions[0]);
                let puts = items.iter().flat_map(|item| parts[*item].puts.clone());
                prop_assert_eq!(&txn.puts, &puts.collect::<Vec<_>>());
                for item in items {
                    let has = |required| txn.preconditions.contains(required);
                    prop_assert!(parts[*item].preconditions.iter().all(has));
                }
            }
            // No transaction could have taken the next one's first part.
            for pair in packed.windows(2) {
                let mut both = pair[0].txn.clone();
                let next = &parts[pair[1].items[0]];
                both.puts.extend(next.puts.clone());
                both.deletes.extend(next.deletes.clone());
                let has = |required: &&Precondition| pair[0].txn.preconditions.contains(required);
                let missing = next.preconditions.iter().filter(|required| !has(required));
                both.preconditions.extend(missing.cloned());
                prop_assert!(!(both.size() + reserved).fits(LIMITS));
            }
        }
    }

    #[test]
    fn a_part_that_fits_nowhere_is_alone_and_refused() {
        let small = Txn::new().put("small", "");
        let large = Txn::new().put("large", vec![0; LIMITS.bytes]);
        let packed = pack(&Txn::new(), TxnSize::default(), &[small.clone(), large, small]);
        let items: Vec<_> = packed.iter().map(|full| full.items.clone()).collect();
        assert_eq!(items, [[0], [1], [2]]);
        let refused = packed[1].txn.check(LIMITS);
        assert!(matches!(refused, Err(crate::StoreError::Invalid(_))), "{refused:?}");
    }
}
