//! Where a part of a document is written.

use super::compose::{Composer, Content, Node};
use super::encoding::decode;
use super::scalar::Scalar;

/// One step from a document's root to a part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// The value of a member.
    Member(&'a str),
    /// An item of a list, counted from zero.
    Item(usize),
}

/// The line, counted from one, of a part of the first document, or of the nearest part around it that
/// exists. JSON is read as YAML. `None` for a text that is not YAML.
#[must_use]
pub fn line_of(input: &[u8], path: &[Step<'_>]) -> Option<usize> {
    let text = decode(input).ok()?;
    let root = Composer::new(&text).document().ok()??;
    let (mut node, mut line) = (&*root, root.line);
    for step in path {
        let Some((at, next)) = child(node, *step) else {
            break;
        };
        (node, line) = (next, at);
    }
    Some(line)
}

/// The line of a child, for a member that of its key, and the child.
fn child<'a>(node: &'a Node, step: Step<'_>) -> Option<(usize, &'a Node)> {
    match (&node.content, step) {
        (Content::Alias(target), step) => child(target, step),
        (Content::List(items), Step::Item(at)) => items.get(at).map(|item| (item.line, &**item)),
        (Content::Map(members), Step::Member(name)) => {
            let is_it = |key: &Node| matches!(&key.content, Content::Scalar(Scalar::Text(text)) if text == name);
            let (key, value) = members.iter().rfind(|(key, _)| is_it(key))?;
            Some((key.line, value))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::Step::{Item, Member};
    use super::*;

    #[test]
    fn a_part_is_found_in_yaml_and_in_json() {
        let yaml = "a: 1\nlist:\n- name: x\n  \n  items:\n    - one\n    - two\n- {name: y}\n";
        let json = "{\"a\": 1,\n\t\"list\": [\n\t\t{\"name\": \"x\",\n\t\t \"items\": [\n\n\"one\", \n\"two\"]},\n{\"name\": \"y\"}]}";
        for text in [yaml, json] {
            let line = |path: &[Step<'_>]| line_of(text.as_bytes(), path);
            assert_eq!(line(&[]), Some(1), "{text}");
            assert_eq!(line(&[Member("list")]), Some(2), "{text}");
            let first = [Member("list"), Item(0)];
            assert_eq!(line(&first), Some(3), "{text}");
            let second = [Member("list"), Item(0), Member("items"), Item(1)];
            assert_eq!(line(&second), Some(7), "{text}");
            let absent = [Member("list"), Item(1), Member("other"), Item(4)];
            assert_eq!(line(&absent), Some(8), "the nearest part around it: {text}");
        }
        assert_eq!(line_of(b"a: [", &[]), None);
    }
}
