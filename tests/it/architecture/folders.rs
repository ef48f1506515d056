//! The folders of a crate stand on each other in one order.

use std::collections::BTreeMap;

use super::circles::circles;
use super::modules::Modules;
use super::workspace::{crate_roots, shown};

/// The folders of a crate from bottom to top: one uses those before it. Files beside the folders have
/// no place in the order.
const ORDER: &[(&str, &[&str])] = &[
    (
        "regcred-engine",
        &["plugin", "config", "credentials", "image", "explain"],
    ),
    (
        "regcred-refresh",
        &[
            "config",
            "cluster",
            "plan",
            "status",
            "tokens",
            "refresher",
            "daemon",
        ],
    ),
    (
        "regcred-registry",
        &[
            "image", "client", "store", "content", "archive", "push", "pull",
        ],
    ),
];

#[test]
fn folders_use_only_those_below_them() {
    let order: BTreeMap<_, _> = ORDER.iter().copied().collect();
    let mut wrong = BTreeMap::new();
    for (package, root) in crate_roots() {
        let Some(order) = order.get(package.as_str()) else {
            continue;
        };
        let modules = Modules::read(&root);
        let folders = modules.folders();
        let place = |folder: &str| order.iter().position(|f| *f == folder);
        for missing in folders.iter().filter(|folder| place(folder).is_none()) {
            wrong.insert(format!("{package}: {missing}"), "has no place".to_owned());
        }
        for gone in order.iter().filter(|folder| !folders.contains(**folder)) {
            wrong.insert(format!("{package}: {gone}"), "is gone".to_owned());
        }
        for arrow in modules.arrows() {
            let (Some(from), Some(to)) = (arrow.from.first(), arrow.to.first()) else {
                continue;
            };
            let (Some(low), Some(high)) = (place(from), place(to)) else {
                continue;
            };
            if low < high {
                let place = format!("{}:{} {}", shown(&arrow.file), arrow.line, arrow.path);
                wrong
                    .entry(format!("{package}: {from} uses {to}"))
                    .or_insert(place);
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn folders_make_no_circle_with_the_files_beside_them() {
    let mut wrong = Vec::new();
    for (package, root) in crate_roots() {
        let arrows = Modules::read(&root).arrows();
        if ORDER.iter().any(|(name, _)| *name == package) {
            wrong.extend(circles(&arrows, |path| path[..path.len().min(1)].to_vec()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
