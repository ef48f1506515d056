//! Files of a node: units, flags and the kubelet's configuration, and lists of images.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use regcred_core::ImageRef;
use regcred_node::{
    Entries, FileContent, Plugin, Tree, Wish, apply, kubelet_flags, plan_installation, plan_removal,
};

use crate::message::{assert_shown, shown};
use crate::replies::run;
use crate::scratch::{directory, parts, write};

/// Names on lines, or manifests.
pub(crate) fn image_list(input: &[u8]) {
    match regcred::images_of_list(input) {
        Err(error) => drop(error),
        Ok(images) => {
            for image in images {
                ImageRef::parse(&image).expect("an image");
            }
        }
    }
}

/// The unit of the kubelet, its drop-in, its environment file, its configuration of credential providers
/// and the arguments of a distribution.
pub(crate) fn files(input: &[u8]) {
    let parts = parts(input);
    let words = String::from_utf8_lossy(parts[0]);
    let _ = kubelet_flags(words.split_whitespace());
    let root = directory().join("node");
    let _ = fs::remove_dir_all(&root);
    for (name, content) in NAMES.iter().zip(&parts) {
        if !content.is_empty() {
            write(&root.join(name), content);
        }
    }
    for directory in ["var/lib", "usr/local/bin"] {
        fs::create_dir_all(root.join(directory)).expect("a directory");
    }
    let before = snapshot(&root);
    let tree = Tree::open(&root).expect("a tree");
    let wish = wish();
    let plan = match plan_installation(&tree, &wish) {
        Ok(plan) => plan,
        Err(error) => {
            shown(&error);
            return assert_eq!(snapshot(&root), before, "a refusal changed a file");
        }
    };
    assert_eq!(snapshot(&root), before, "a plan changed a file");
    run(async {
        match apply(&tree, &plan, None, &|_| Ok(())).await {
            Err(error) => drop(shown(&error)),
            Ok(_) => {
                let again = plan_installation(&tree, &wish).expect("what was written is read");
                assert!(
                    again.is_empty(),
                    "a second installation would change {:?}",
                    again.changes
                );
                let plan = plan_removal(&tree).expect("what was written can be removed");
                let removed = apply(&tree, &plan, None, &|_| Ok(())).await;
                removed.expect("the removal");
            }
        }
    });
    assert_eq!(snapshot(&root), before, "a removal left something else");
}

fn wish() -> Wish {
    let entries = Entries::of(ENTRIES.as_bytes()).expect("sound");
    Wish {
        entries,
        plugins: vec![Plugin {
            name: "x-credential-provider".to_owned(),
            aliases: vec!["old-provider".to_owned()],
            program: FileContent::own(b"#!/bin/sh\n".to_vec(), 0o755),
        }],
        bin_dir: None,
        replace: false,
        written_by: "fuzz".to_owned(),
    }
}

/// Every file below the directory.
fn snapshot(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![root.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(&directory).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else {
                let content = fs::read(&path).unwrap_or_default();
                found.insert(path.display().to_string(), content);
            }
        }
    }
    for name in found.keys() {
        assert_shown(name);
    }
    found
}

const NAMES: [&str; 5] = [
    "etc/systemd/system/kubelet.service",
    "etc/systemd/system/kubelet.service.d/10-kubeadm.conf",
    "etc/default/kubelet",
    "etc/kubernetes/credential-providers.yaml",
    "var/snap/microk8s/current/args/kubelet",
];
const ENTRIES: &str = r#"{"apiVersion":"kubelet.config.k8s.io/v1","kind":"CredentialProviderConfig","providers":[{"name":"x-credential-provider","matchImages":["*.x.example"],"defaultCacheDuration":"6h","apiVersion":"credentialprovider.kubelet.k8s.io/v1"}]}"#;
