//! Files of a crate use each other in one direction: a reader finds a file to start with.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use super::modules::{Arrow, Modules};
use super::workspace::{crate_roots, shown, sources};

type Path = Vec<String>;

#[test]
fn no_file_uses_what_uses_it() {
    let mut wrong = Vec::new();
    for (_, root) in crate_roots() {
        let arrows = Modules::read(&root).arrows();
        wrong.extend(circles(&arrows, |path| path.to_vec()));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// An arrow that these tests cannot see could close a circle.
#[test]
fn no_file_uses_another_in_a_way_that_cannot_be_followed() {
    let mut wrong = Vec::new();
    for (_, root) in crate_roots() {
        wrong.extend(Modules::read(&root).globs());
    }
    for file in sources() {
        let text = fs::read_to_string(&file).expect("source");
        // Macros without a path, and the paths in serde's attributes.
        let hidden = ["#[macro_use]", "= \"crate::", "= \"super::", "= \"self::"];
        if hidden.iter().any(|start| text.contains(start)) {
            wrong.push(shown(&file));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Each circle of the arrows between modules, as a text that lists its arrows. Modules with the same
/// `place` are one.
pub(super) fn circles(arrows: &[Arrow], place: impl Fn(&[String]) -> Path) -> Vec<String> {
    let mut graph: BTreeMap<Path, BTreeSet<Path>> = BTreeMap::new();
    for arrow in arrows {
        let (from, to) = (place(&arrow.from), place(&arrow.to));
        graph.entry(to.clone()).or_default();
        if from != to {
            graph.entry(from).or_default().insert(to);
        }
    }
    let groups = Tarjan::groups(&graph).into_iter();
    let in_circle = groups.filter(|group| group.len() > 1);
    in_circle
        .map(|group| {
            let mut lines = BTreeMap::new();
            for arrow in arrows {
                let (from, to) = (place(&arrow.from), place(&arrow.to));
                if from != to && group.contains(&from) && group.contains(&to) {
                    let line = format!("  {}:{} {}", shown(&arrow.file), arrow.line, arrow.path);
                    lines.entry((from, to)).or_insert(line);
                }
            }
            let lines: Vec<_> = lines.into_values().collect();
            format!("a circle of {}:\n{}", group.len(), lines.join("\n"))
        })
        .collect()
}

/// Tarjan's strongly connected components.
struct Tarjan<'a> {
    graph: &'a BTreeMap<Path, BTreeSet<Path>>,
    index: BTreeMap<&'a Path, usize>,
    low: BTreeMap<&'a Path, usize>,
    stack: Vec<&'a Path>,
    groups: Vec<BTreeSet<Path>>,
}

impl<'a> Tarjan<'a> {
    fn groups(graph: &'a BTreeMap<Path, BTreeSet<Path>>) -> Vec<BTreeSet<Path>> {
        let mut search = Self {
            graph,
            index: BTreeMap::new(),
            low: BTreeMap::new(),
            stack: Vec::new(),
            groups: Vec::new(),
        };
        for node in graph.keys() {
            if !search.index.contains_key(node) {
                search.visit(node);
            }
        }
        search.groups
    }

    fn visit(&mut self, node: &'a Path) {
        let number = self.index.len();
        self.index.insert(node, number);
        self.low.insert(node, number);
        self.stack.push(node);
        for next in &self.graph[node] {
            let reached = if !self.index.contains_key(next) {
                self.visit(next);
                self.low[next]
            } else if self.stack.contains(&next) {
                self.index[next]
            } else {
                continue;
            };
            self.low.insert(node, self.low[node].min(reached));
        }
        if self.low[node] == number {
            let start = self.stack.iter().position(|n| *n == node).expect("pushed");
            self.groups
                .push(self.stack.drain(start..).cloned().collect());
        }
    }
}
