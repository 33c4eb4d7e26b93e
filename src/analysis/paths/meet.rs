//! Where ways meet: classes that only differ in what nobody asks for again are one.
//!
//! A mapper that looks at half of a row's columns makes a class for every combination of them, and none of it decides
//! anything: both ways of every branch meet again. A fact is forgotten only if classes that agree on everything else reach
//! the block together whether it holds or not, and if no later test looks at it. Whether a row is there, and how many there
//! are, is always kept: what is written may depend on it.

use super::Paths;
use crate::analysis::facts::{Atom, is_row, is_size};
use crate::analysis::flow::Flow;
use crate::model::{BlockId, Trace, Val};

/// For each of some atoms, the bits that stand for the cases in which it holds: all that these can say together fits into
/// one number.
const HOLDS: [u64; 6] = [
    0xAAAA_AAAA_AAAA_AAAA,
    0xCCCC_CCCC_CCCC_CCCC,
    0xF0F0_F0F0_F0F0_F0F0,
    0xFF00_FF00_FF00_FF00,
    0xFFFF_0000_FFFF_0000,
    0xFFFF_FFFF_0000_0000,
];

impl Paths {
    /// Makes one of the classes at a block that differ in what is not asked for any more. All ways into the block have been
    /// followed, and none on from it.
    pub(super) fn meet(&mut self, trace: &Trace<'_>, flow: &Flow, block: BlockId) {
        if self.at(block).len() < 2 || !flow.is_meeting(block) {
            return;
        }
        let settled = self.settled(trace, flow.position(block), block);
        if settled.is_empty() {
            return;
        }
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for node in self.at(block) {
            match groups.iter_mut().find(|group| self.agree_but_for(&settled, *node, group[0])) {
                Some(group) => group.push(*node),
                None => groups.push(vec![*node]),
            }
        }
        for group in groups {
            let decides_nothing = self.independent(&settled, &group);
            if !decides_nothing.is_empty() {
                self.forget(block, &group, &decides_nothing);
            }
        }
    }

    /// The facts that some classes at a block know to hold, and others not to hold, and that no test asks for from there on.
    fn settled(&self, trace: &Trace<'_>, position: Option<u32>, block: BlockId) -> Vec<Atom> {
        let mut told: Vec<(&Atom, [bool; 2])> = Vec::new();
        for (atom, truth) in self.at(block).iter().flat_map(|node| self.facts(*node)) {
            match told.iter_mut().find(|(known, _)| *known == atom) {
                Some((_, ways)) => ways[usize::from(*truth)] = true,
                None => told.push((atom, [!*truth, *truth])),
            }
        }
        let of_column = |atom: &Atom| {
            let of_rows = |value| {
                is_row(trace, value) || is_size(trace, value) || matches!(trace.values.get(value), Val::Over(..))
            };
            !atom.values().into_iter().flatten().any(of_rows)
        };
        told.into_iter()
            .filter(|(_, ways)| *ways == [true, true])
            .map(|(atom, _)| atom)
            .filter(|atom| of_column(atom) && !self.ahead.asks_for(trace, atom, position))
            .take(HOLDS.len())
            .cloned()
            .collect()
    }

    /// Those of some facts of which nothing depends in a group of classes: they come about whether it holds or not.
    fn independent(&self, settled: &[Atom], group: &[usize]) -> Vec<Atom> {
        let mut cases = 0;
        let mut told = [[false; 2]; HOLDS.len()];
        for node in group {
            let mut of_class = u64::MAX;
            for (atom, truth) in self.facts(*node) {
                let Some(at) = settled.iter().position(|known| known == atom) else { continue };
                of_class &= if *truth { HOLDS[at] } else { !HOLDS[at] };
                told[at][usize::from(*truth)] = true;
            }
            // Who comes from where nothing was asked says nothing about the others.
            if of_class != u64::MAX {
                cases |= of_class;
            }
        }
        let is_independent = |at: usize| {
            let (holds, fails) = (cases & HOLDS[at], cases & !HOLDS[at]);
            told[at] == [true, true] && holds >> (1_u32 << at) == fails
        };
        (0..settled.len()).filter(|at| is_independent(*at)).map(|at| settled[at]).collect()
    }

    /// Forgets facts in a group of classes, and makes those one that are then the same.
    fn forget(&mut self, block: BlockId, group: &[usize], atoms: &[Atom]) {
        let mut kept: Vec<usize> = Vec::new();
        let forgotten = self.forgotten.of(atoms.to_vec());
        for node in group.iter().copied() {
            let facts = self.facts(node).iter().filter(|(atom, _)| !atoms.contains(atom)).copied().collect();
            self.nodes[node].facts = self.facts.of(facts);
            self.forget_too(node, forgotten);
            match kept.iter().copied().find(|other| self.nodes[*other].facts == self.nodes[node].facts) {
                Some(same) => {
                    let other = self.nodes[node];
                    self.take_in(same, &other);
                    self.at[block.index()].retain(|other| *other != node);
                    self.gone.insert(node, same);
                }
                None => kept.push(node),
            }
        }
    }

    /// Whether two classes agree on everything but some facts.
    fn agree_but_for(&self, settled: &[Atom], one: usize, other: usize) -> bool {
        let (a, b) = (&self.nodes[one], &self.nodes[other]);
        // Facts are sorted.
        let rest = |node: usize| self.facts(node).iter().filter(|(atom, _)| !settled.contains(atom));
        a.choices == b.choices && a.by_error == b.by_error && (a.facts == b.facts || rest(one).eq(rest(other)))
    }
}
