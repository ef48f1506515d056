//! All states of a protocol, breadth first, so that a counterexample is a shortest one.

use std::collections::HashMap;
use std::hash::Hash;

/// Processes that share files.
pub(crate) trait Protocol {
    type State: Clone + Eq + Hash;

    fn starts(&self) -> Vec<Self::State>;

    fn processes(&self) -> usize;

    /// Whether a process has ended by itself or was killed.
    fn has_ended(&self, state: &Self::State, process: usize) -> bool;

    /// The next step of a process that has not ended, with each state that it may lead to. Nothing while it waits.
    fn steps(&self, state: &Self::State, process: usize) -> Vec<(&'static str, Self::State)>;

    /// The state after the process was killed: the kernel releases its locks, and its files stay.
    fn kill(&self, state: &Self::State, process: usize) -> Self::State;

    /// What must never be.
    fn wrong(&self, state: &Self::State) -> Option<&'static str>;
}

/// Visits every state and returns their number.
///
/// # Errors
/// The steps to a state that is wrong, or from which not all processes can end without one being killed.
pub(crate) fn explore<P: Protocol>(protocol: &P) -> Result<usize, String> {
    let mut states = protocol.starts();
    let mut found: HashMap<_, _> = states.iter().cloned().zip(0..).collect();
    // For each state the one before it and the step, and all states that lead to it.
    let mut before: Vec<Option<(usize, String)>> = vec![None; states.len()];
    let mut leads_to: Vec<Vec<usize>> = vec![Vec::new(); states.len()];
    let mut ends = Vec::new();
    let mut at = 0;
    while at < states.len() {
        let state = states[at].clone();
        if let Some(what) = protocol.wrong(&state) {
            return Err(trace(&before, at, what));
        }
        let running = |process: &usize| !protocol.has_ended(&state, *process);
        let running: Vec<_> = (0..protocol.processes()).filter(running).collect();
        if running.is_empty() {
            ends.push(at);
        }
        for process in running {
            let killed = ("killed", protocol.kill(&state, process));
            let steps = protocol.steps(&state, process).into_iter();
            for (name, next) in steps.chain([killed]) {
                let number = *found.entry(next.clone()).or_insert(states.len());
                if number == states.len() {
                    states.push(next);
                    before.push(Some((at, format!("{process} {name}"))));
                    leads_to.push(Vec::new());
                }
                if name != "killed" {
                    leads_to[number].push(at);
                }
            }
        }
        at += 1;
    }
    let mut can_end = vec![false; states.len()];
    while let Some(end) = ends.pop() {
        if !std::mem::replace(&mut can_end[end], true) {
            ends.append(&mut leads_to[end]);
        }
    }
    match can_end.iter().position(|can| !can) {
        Some(stuck) => Err(trace(&before, stuck, "not every process can end")),
        None => Ok(states.len()),
    }
}

fn trace(before: &[Option<(usize, String)>], mut at: usize, what: &str) -> String {
    let mut steps = vec![what.to_owned()];
    while let Some((earlier, step)) = &before[at] {
        steps.push(step.clone());
        at = *earlier;
    }
    steps.reverse();
    steps.join("; ")
}
