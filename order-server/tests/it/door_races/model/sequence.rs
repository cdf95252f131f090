//! Sequences that are shortened by leaving out ever smaller parts of them, the end first, before single steps are made simpler.
//!
//! Proptest's own vectors leave out one element at a time, which takes hundreds of sequences where this takes dozens.

use proptest::{
    strategy::{NewTree, Strategy, ValueTree},
    test_runner::TestRunner,
};

/// Up to so many of what a strategy makes, and at least one.
#[derive(Debug)]
pub(super) struct Sequence<S> {
    pub(super) of: S,
    pub(super) most: usize,
}

impl<S: Strategy> Strategy for Sequence<S> {
    type Tree = Shortened<S::Tree>;
    type Value = Vec<S::Value>;

    fn new_tree(&self, runner: &mut TestRunner) -> NewTree<Self> {
        let length = (1..=self.most).new_tree(runner)?.current();
        let one = || self.of.new_tree(runner);
        let steps = std::iter::repeat_with(one).take(length).collect::<Result<Vec<_>, _>>()?;
        Ok(Shortened { part: length.div_ceil(2), end: length, left_out: Vec::new(), simpler: length, steps })
    }
}

/// A sequence that is being shortened.
#[derive(Debug)]
pub(super) struct Shortened<T> {
    steps: Vec<T>,
    /// How many steps are left out at a time; 0 once each has been tried.
    part: usize,
    /// Steps from here on were tried at this size.
    end: usize,
    /// The part that was left out last, which may have to come back.
    left_out: Vec<T>,
    /// Steps from here on were made as simple as they can be.
    simpler: usize,
}

impl<T: ValueTree> ValueTree for Shortened<T> {
    type Value = Vec<T::Value>;

    fn current(&self) -> Self::Value {
        self.steps.iter().map(ValueTree::current).collect()
    }

    fn simplify(&mut self) -> bool {
        while self.part > 0 {
            if self.end > 0 {
                let begin = self.end.saturating_sub(self.part);
                self.left_out = self.steps.drain(begin..self.end).collect();
                self.end = begin;
                return true;
            }
            self.part /= 2;
            self.end = self.steps.len();
            self.simpler = self.steps.len();
        }
        while self.simpler > 0 {
            if self.steps[self.simpler - 1].simplify() {
                return true;
            }
            self.simpler -= 1;
        }
        false
    }

    fn complicate(&mut self) -> bool {
        if self.part > 0 {
            let back = std::mem::take(&mut self.left_out);
            self.steps.splice(self.end..self.end, back);
            // As it is now it is known to fail.
            return self.simplify();
        }
        self.simpler > 0 && self.steps[self.simpler - 1].complicate()
    }
}

#[test]
fn of_a_long_sequence_those_steps_are_left_that_matter() {
    let mut runner = TestRunner::deterministic();
    let sequences = Sequence { of: 0_u32..1000, most: 400 };
    let fails = |steps: &[u32]| steps.iter().filter(|step| **step >= 500).count() >= 2;
    let mut tried = 0;
    let mut tree = sequences.new_tree(&mut runner).unwrap();
    while !fails(&tree.current()) {
        tree = sequences.new_tree(&mut runner).unwrap();
    }
    while if fails(&tree.current()) { tree.simplify() } else { tree.complicate() } {
        tried += 1;
    }
    assert_eq!(tree.current(), [500, 500]);
    assert!(tried < 100, "{tried} sequences");
}
