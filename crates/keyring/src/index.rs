//! Many patterns, found by the host of an image instead of one by one: a tree of host labels, read
//! from the last label to the first.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use regcred_core::{ImagePattern, glob_matches};

/// Values by pattern. The cost of a look-up is the number of the host's labels, times that of the globs
/// at one label's position; it does not depend on the number of other hosts.
#[derive(Clone, Debug)]
pub struct PatternIndex<T> {
    /// The first node is the root. Children are positions in this list, so that a deep tree does not
    /// need a deep stack.
    nodes: Vec<Node<T>>,
}

#[derive(Clone, Debug)]
struct Node<T> {
    plain: HashMap<String, usize>,
    globs: BTreeMap<String, usize>,
    /// The patterns whose host ends here, by port.
    ports: HashMap<String, Paths<T>>,
}

#[derive(Clone, Debug)]
struct Paths<T> {
    by_path: HashMap<String, Vec<T>>,
    /// The lengths of all paths: only prefixes of these lengths are looked up.
    lengths: BTreeSet<usize>,
}

impl<T> PatternIndex<T> {
    /// An index without patterns.
    #[must_use]
    pub fn new() -> Self {
        Self {
            nodes: vec![Node::default()],
        }
    }

    /// Adds a value under a pattern. One pattern may have several.
    pub fn insert(&mut self, pattern: &ImagePattern, value: T) {
        let mut at = 0;
        for label in pattern.labels().iter().rev() {
            at = self.child(at, label, pattern.is_glob(label));
        }
        let ports = &mut self.nodes[at].ports;
        let paths = ports.entry(pattern.port().to_owned()).or_default();
        paths.lengths.insert(pattern.path().len());
        let values = paths.by_path.entry(pattern.path().to_owned());
        values.or_default().push(value);
    }

    /// The values of all patterns that match an image's name, in no particular order.
    #[must_use]
    pub fn find(&self, image: &ImagePattern) -> Vec<&T> {
        let mut open = vec![0];
        for label in image.labels().iter().rev() {
            open = open
                .into_iter()
                .flat_map(|at| self.children(at, label))
                .collect();
        }
        open.into_iter()
            .filter_map(|at| self.nodes[at].ports.get(image.port()))
            .flat_map(|paths| paths.prefixes_of(image.path()))
            .collect()
    }

    /// Whether any pattern matches.
    #[must_use]
    pub fn any(&self, image: &ImagePattern) -> bool {
        !self.find(image).is_empty()
    }

    fn child(&mut self, at: usize, label: &str, is_glob: bool) -> usize {
        let next = self.nodes.len();
        let node = &mut self.nodes[at];
        let child = match is_glob {
            true => *node.globs.entry(label.to_owned()).or_insert(next),
            false => *node.plain.entry(label.to_owned()).or_insert(next),
        };
        if child == next {
            self.nodes.push(Node::default());
        }
        child
    }

    fn children(&self, at: usize, label: &str) -> impl Iterator<Item = usize> {
        let node = &self.nodes[at];
        let globs = node.globs.iter();
        let globs = globs.filter(move |(glob, _)| glob_matches(glob, label));
        node.plain
            .get(label)
            .copied()
            .into_iter()
            .chain(globs.map(|(_, child)| *child))
    }
}

impl<T> Paths<T> {
    fn prefixes_of(&self, path: &str) -> impl Iterator<Item = &T> {
        self.lengths
            .range(..=path.len())
            .filter_map(|length| self.by_path.get(path.get(..*length)?))
            .flatten()
    }
}

impl<T> Default for PatternIndex<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Default for Node<T> {
    fn default() -> Self {
        Self {
            plain: HashMap::new(),
            globs: BTreeMap::new(),
            ports: HashMap::new(),
        }
    }
}

impl<T> Default for Paths<T> {
    fn default() -> Self {
        Self {
            by_path: HashMap::new(),
            lengths: BTreeSet::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(text: &str) -> ImagePattern {
        ImagePattern::parse(text).expect("sound")
    }

    #[test]
    fn one_pattern_may_have_several_values() {
        let mut index = PatternIndex::new();
        for (number, pattern) in ["h.io", "*.io", "h.io", "h.io/team"]
            .into_iter()
            .enumerate()
        {
            index.insert(&parsed(pattern), number);
        }
        let mut found = index.find(&parsed("h.io/team/app"));
        found.sort();
        assert_eq!(found, [&0, &1, &2, &3]);
        assert_eq!(index.find(&parsed("h.io/app")).len(), 3);
        assert!(!index.any(&parsed("h.io:80/app")));
    }

    #[test]
    fn a_host_of_a_million_labels_is_harmless() {
        let mut index = PatternIndex::new();
        let long = parsed(&"a.".repeat(1_000_000));
        index.insert(&long, ());
        assert!(index.any(&long));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]

        #[test]
        fn it_finds_what_a_scan_finds(
            patterns in prop::collection::vec("[a-b*]{0,2}(\\.[a-b*]{1,2}){0,2}(:[0-1]?)?(/[a-bé]{0,2}){0,2}", 0..20),
            image in "[a-b]{1,2}(\\.[a-b]{1,2}){0,2}(:[0-1])?(/[a-bé]{1,2}){1,2}",
        ) {
            let mut index = PatternIndex::new();
            let image = parsed(&image);
            let all: Vec<ImagePattern> = patterns.iter().map(|text| parsed(text)).collect();
            for (number, pattern) in all.iter().enumerate() {
                index.insert(pattern, number);
            }
            let mut found: Vec<usize> = index.find(&image).into_iter().copied().collect();
            found.sort_unstable();
            let scan = all.iter().enumerate().filter(|(_, p)| p.matches_parsed(&image));
            prop_assert_eq!(found, scan.map(|(number, _)| number).collect::<Vec<_>>());
        }
    }
}
