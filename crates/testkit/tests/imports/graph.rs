//! Groups of nodes that reach each other, and an order of nodes with few edges upward.

use std::collections::{BTreeMap, BTreeSet};

/// Edges with a weight: how much speaks against turning it.
pub(crate) type Edges = BTreeMap<(usize, usize), usize>;

/// The strongly connected components of more than one node, largest first.
pub(crate) fn circles(nodes: usize, edges: &Edges) -> Vec<Vec<usize>> {
    let mut reached = vec![BTreeSet::new(); nodes];
    for (start, reached) in reached.iter_mut().enumerate() {
        let mut todo = vec![start];
        while let Some(node) = todo.pop() {
            let next = edges.range((node, 0)..(node + 1, 0)).map(|((_, to), _)| *to);
            todo.extend(next.filter(|to| reached.insert(*to)).collect::<Vec<_>>());
        }
    }
    let mut groups = BTreeSet::new();
    for node in 0..nodes {
        let group: Vec<usize> = (0..nodes)
            .filter(|other| reached[node].contains(other) && reached[*other].contains(&node))
            .collect();
        if group.len() > 1 {
            groups.insert(group);
        }
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.len()));
    groups
}

/// An order of `nodes`, lowest first, in which few edges lead from a lower to a higher one: what
/// others need most comes first, then each node moves to where it is best off.
pub(crate) fn order(nodes: &[usize], edges: &Edges) -> Vec<usize> {
    let inner: Vec<_> =
        edges.iter().filter(|((a, b), _)| nodes.contains(a) && nodes.contains(b)).collect();
    let weight = |node: usize, out: bool| -> isize {
        let of =
            |((from, to), _): &&(&(usize, usize), &usize)| (if out { from } else { to }) == &node;
        inner.iter().filter(of).map(|(_, weight)| **weight as isize).sum()
    };
    let mut order = nodes.to_vec();
    order.sort_by_key(|node| (weight(*node, true) - weight(*node, false), *node));
    let upward = |order: &[usize]| -> usize {
        let place: BTreeMap<_, _> = order.iter().enumerate().map(|(i, node)| (*node, i)).collect();
        inner.iter().filter(|((a, b), _)| place[a] < place[b]).map(|(_, weight)| **weight).sum()
    };
    let mut best = upward(&order);
    loop {
        let before = best;
        for from in 0..order.len() {
            for to in 0..order.len() {
                let mut other = order.clone();
                let node = other.remove(from);
                other.insert(to, node);
                let cost = upward(&other);
                if cost < best {
                    (order, best) = (other, cost);
                }
            }
        }
        if best == before {
            return order;
        }
    }
}
