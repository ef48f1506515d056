//! What others change on an installed node.

use crate::testing::{kubeadm, wish};

const FLAGS: &str = "/etc/default/kubelet";
const CONFIG: &str = "/etc/kubernetes/credential-providers.yaml";
const PLUGIN: &str = "/usr/local/lib/kubelet-credential-providers/ecr-credential-provider";

#[tokio::test]
async fn a_file_that_was_changed_since_is_named_and_not_overwritten() {
    for (path, advice) in [
        (FLAGS, "take --image-credential-provider-config and"),
        (
            CONFIG,
            "take the entries ecr-credential-provider out by hand",
        ),
    ] {
        let node = kubeadm(Some("KUBELET_EXTRA_ARGS=\n"));
        let original = node.snapshot();
        node.install(&wish(&["ecr"])).await.expect("installed");
        let installed = node.text(path);
        node.write(path, &format!("{installed}# changed\n"));
        let changed = node.snapshot();
        let why = node.uninstall().await.expect_err("changed").to_string();
        let start = format!("{path}: it was changed since regcred installed into it; {advice}");
        assert!(why.starts_with(&start), "{why}");
        assert_eq!(node.snapshot(), changed);
        // An installation of the same is there, one of another is not possible.
        assert!(
            node.plan(&wish(&["ecr"])).expect("a plan").is_empty(),
            "{path}"
        );
        if path == CONFIG {
            let why = node
                .plan(&wish(&["ecr", "gcr"]))
                .expect_err("changed")
                .to_string();
            assert!(why.contains("it was changed since"), "{why}");
        }
        node.write(path, &installed);
        node.uninstall().await.expect("as it was installed");
        assert_eq!(node.snapshot(), original);
    }
}

#[tokio::test]
async fn what_others_took_out_or_replaced_is_left_to_them() {
    let node = kubeadm(Some("KUBELET_EXTRA_ARGS=\n"));
    node.install(&wish(&["ecr"])).await.expect("installed");
    node.write(FLAGS, "KUBELET_EXTRA_ARGS=--v=4\n");
    node.program(PLUGIN, "#!/bin/sh\n# another\n");
    node.uninstall().await.expect("removed");
    assert_eq!(node.text(FLAGS), "KUBELET_EXTRA_ARGS=--v=4\n");
    assert_eq!(node.text(PLUGIN), "#!/bin/sh\n# another\n");
    assert!(!node.path(CONFIG).exists() && !node.path("/var/lib/regcred").exists());
}

#[tokio::test]
async fn a_configuration_that_a_boot_wrote_again_gets_the_entries_again() {
    let node = kubeadm(Some("KUBELET_EXTRA_ARGS=\n"));
    let original = node.snapshot();
    node.install(&wish(&["ecr"])).await.expect("installed");
    node.write(FLAGS, "KUBELET_EXTRA_ARGS=\n");
    let plan = node.install(&wish(&["ecr"])).await.expect("again");
    assert_eq!((plan.changes.len(), plan.restart), (1, true));
    node.write(FLAGS, "KUBELET_EXTRA_ARGS=--v=3\n");
    node.install(&wish(&["ecr"])).await.expect("again");
    node.uninstall().await.expect("removed");
    assert_eq!(
        node.text(FLAGS),
        "KUBELET_EXTRA_ARGS=--v=3\n",
        "the newer original"
    );
    node.write(FLAGS, "KUBELET_EXTRA_ARGS=\n");
    assert_eq!(node.snapshot(), original);
}

#[tokio::test]
async fn the_record_and_the_originals_are_the_superusers_alone() {
    let node = kubeadm(Some("KUBELET_EXTRA_ARGS=\n"));
    node.install(&wish(&["ecr"])).await.expect("installed");
    let found = node.snapshot();
    let own: Vec<_> = found
        .iter()
        .filter(|(path, _)| path.starts_with("/var/lib/regcred"))
        .collect();
    assert_eq!(
        own.len(),
        4,
        "directory, record, originals and one original: {own:#?}"
    );
    for (path, (mode, _)) in own {
        let allowed = match path.to_str() {
            Some("/var/lib/regcred") => 0o755,
            Some("/var/lib/regcred/install") => 0o700,
            _ => 0o600,
        };
        assert_eq!(mode & 0o777, allowed, "{}", path.display());
    }
}
