//! A crate's files and which of them uses which, by the paths in its code.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::paths::{Paths, Used};
use super::rust::Rust;
use super::workspace::shown;

/// The production modules of a crate.
pub(super) struct Modules {
    /// By path from the crate's root, which is the empty one.
    modules: BTreeMap<Vec<String>, Module>,
}

struct Module {
    file: PathBuf,
    paths: Paths,
}

/// A path in one file that leads to an item of another.
pub(super) struct Arrow {
    pub(super) from: Vec<String>,
    pub(super) to: Vec<String>,
    /// The file that has the path.
    pub(super) file: PathBuf,
    pub(super) line: usize,
    /// The path as resolved: `crate::auth::Scope`.
    pub(super) path: String,
}

impl Modules {
    /// Reads the files from the crate's root file on, as `mod` lines lead.
    pub(super) fn read(root: &Path) -> Self {
        let mut modules = BTreeMap::new();
        let mut open = vec![(Vec::new(), root.to_owned())];
        while let Some((path, file)) = open.pop() {
            let text = fs::read_to_string(&file).expect("a module's file");
            let paths = Paths::of(&Rust::of(&text).production());
            let is_root = path.is_empty();
            let inside = if is_root {
                file.with_file_name("")
            } else {
                file.with_extension("")
            };
            for child in &paths.children {
                let mut path = path.clone();
                path.push(child.clone());
                open.push((path, inside.join(format!("{child}.rs"))));
            }
            modules.insert(path, Module { file, paths });
        }
        Self { modules }
    }

    /// The modules of the crate's root that have modules below them.
    pub(super) fn folders(&self) -> BTreeSet<String> {
        let deep = self.modules.keys().filter(|path| path.len() > 1);
        deep.map(|path| path[0].clone()).collect()
    }

    /// Every arrow between two files. What the root file hands on to the crate's users is not one.
    pub(super) fn arrows(&self) -> Vec<Arrow> {
        let mut arrows = Vec::new();
        for (from, module) in &self.modules {
            for used in &module.paths.used {
                let handed_on = from.is_empty() && module.paths.only_hands_on(used);
                let Some(path) = self.absolute(from, &used.path, FOLLOWED) else {
                    continue;
                };
                let to = self.home(&path);
                // A module that is imported as such is used by the paths that start with it.
                let is_module = used.is_import && self.modules.contains_key(&path);
                if to != *from && !handed_on && !is_module {
                    arrows.push(Arrow {
                        from: from.clone(),
                        to,
                        file: module.file.clone(),
                        line: used.line,
                        path: format!("crate::{}", path.join("::")),
                    });
                }
            }
        }
        arrows
    }

    /// Every import of all names of a module of this crate. What comes in by one cannot be followed.
    pub(super) fn globs(&self) -> Vec<String> {
        let mut globs = Vec::new();
        for (from, module) in &self.modules {
            let used = module.paths.used.iter().filter(|used| used.is_glob());
            let own = used.filter(|used| self.absolute(from, &used.path, FOLLOWED).is_some());
            globs.extend(own.map(|used| format!("{}:{}", shown(&module.file), used.line)));
        }
        globs
    }

    /// The path from the crate's root to where the item is defined; `None` for another crate's.
    fn absolute(&self, module: &[String], path: &[String], depth: usize) -> Option<Vec<String>> {
        let (first, rest) = path.split_first()?;
        let from = match first.as_str() {
            "crate" => Vec::new(),
            "self" => module.to_vec(),
            "super" => module[..module.len().checked_sub(1)?].to_vec(),
            _ => {
                let mut child = module.to_vec();
                child.push(first.clone());
                if !self.modules.contains_key(&child) {
                    let import = self.modules.get(module)?.paths.import(first)?;
                    return self.followed(module, import, rest, depth);
                }
                child
            }
        };
        let Some((next, after)) = rest.split_first() else {
            return Some(from);
        };
        if next == "super" {
            return self.absolute(&from, rest, depth);
        }
        if next == "*" {
            return Some([from.as_slice(), rest].concat());
        }
        let mut child = from.clone();
        child.push(next.clone());
        if self.modules.contains_key(&child) {
            let down = [["self".to_owned()].as_slice(), after].concat();
            return self.absolute(&child, &down, depth);
        }
        match self.modules.get(&from).and_then(|m| m.paths.import(next)) {
            Some(import) if from != module || !import.is_same(path) => {
                self.followed(&from, import, after, depth)
            }
            _ => Some([from.as_slice(), rest].concat()),
        }
    }

    fn followed(
        &self,
        module: &[String],
        import: &Used,
        rest: &[String],
        depth: usize,
    ) -> Option<Vec<String>> {
        let path = [import.path.as_slice(), rest].concat();
        self.absolute(module, &path, depth.checked_sub(1)?)
    }

    /// The module in whose file the item of that path is.
    fn home(&self, path: &[String]) -> Vec<String> {
        let lengths = (0..=path.len()).rev();
        let mut known = lengths
            .map(|n| &path[..n])
            .filter(|p| self.modules.contains_key(*p));
        known.next().expect("the root is known").to_vec()
    }
}

/// Imports of imports that are followed; more is a circle of imports.
const FOLLOWED: usize = 8;

#[test]
fn arrows_lead_to_where_an_item_is_defined() {
    let files = [
        (
            "",
            "mod a; mod b; pub use b::Thing; pub use a::Own; fn f(_: Own) {}",
        ),
        (
            "a",
            "mod child; pub(crate) use child::Deep; pub struct Own;",
        ),
        (
            "a/child",
            "use super::*; use crate::Thing; pub struct Deep(Own);",
        ),
        ("b", "use crate::a; pub struct Thing(a::Deep);"),
    ];
    let modules = files.map(|(path, code)| {
        let path = path.split_terminator('/').map(str::to_owned).collect();
        let (file, paths) = (PathBuf::new(), Paths::of(code));
        (path, Module { file, paths })
    });
    let modules = Modules {
        modules: modules.into(),
    };
    let mut found: Vec<_> = modules
        .arrows()
        .iter()
        .map(|arrow| format!("{} -> {}", arrow.from.join("/"), arrow.to.join("/")))
        .collect();
    found.sort();
    let expected = [
        " -> a",
        "a -> a/child",
        "a/child -> a",
        "a/child -> b",
        "b -> a/child",
    ];
    assert_eq!(found, expected);
    assert_eq!(modules.globs().len(), 1);
}
