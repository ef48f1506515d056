//! Installations on whole trees.

mod kept;
mod killed;
mod merged;
mod refused;
mod restarted;

use crate::role::Role;
use crate::state::FileState;
use crate::testing::{
    Node, entry, every, k0s, k3s, kubeadm, kubeadm_rpm, microk8s, microshift, systemd, wish,
};
use crate::{Change, unified};

const FLAGS: &str = "--image-credential-provider-config=/etc/kubernetes/credential-providers.yaml \
                     --image-credential-provider-bin-dir=/usr/local/lib/kubelet-credential-providers";
const HEAD: &str = "# Written by `regcred install`; `regcred uninstall` removes it.\n";

/// Installs two plugins and returns what is in these files then.
async fn installed<const N: usize>(node: &Node, files: [&str; N]) -> [String; N] {
    node.install(&wish(&["ecr", "gcr"]))
        .await
        .expect("installed");
    files.map(|file| node.text(file))
}

fn config() -> String {
    format!(
        "{HEAD}apiVersion: kubelet.config.k8s.io/v1\nkind: CredentialProviderConfig\nproviders:\n{}{}",
        entry("ecr"),
        entry("gcr")
    )
}

#[tokio::test]
async fn kubeadm_nodes_get_the_flags_in_the_variable_of_their_users() {
    let files = [
        "/etc/default/kubelet",
        "/etc/kubernetes/credential-providers.yaml",
        "/usr/local/lib/kubelet-credential-providers/gcr-credential-provider",
    ];
    let [flags, entries, program] = installed(&kubeadm(None), files).await;
    assert_eq!(flags, format!("KUBELET_EXTRA_ARGS=\"{FLAGS}\"\n"));
    assert_eq!(
        (entries, program.as_str()),
        (config(), "#!/bin/sh\n# gcr\nexit 0\n")
    );
    let with = kubeadm(Some("# mine\nKUBELET_EXTRA_ARGS='--v=2'\nX=1\n"));
    let [flags] = installed(&with, ["/etc/default/kubelet"]).await;
    assert_eq!(
        flags,
        format!("# mine\nKUBELET_EXTRA_ARGS='--v=2 {FLAGS}'\nX=1\n")
    );
    let [flags] = installed(&kubeadm_rpm(), ["/etc/sysconfig/kubelet"]).await;
    assert_eq!(flags, format!("KUBELET_EXTRA_ARGS=\"{FLAGS}\"\n"));
}

#[tokio::test]
async fn a_kubelet_without_a_variable_gets_a_drop_in_with_its_command_and_the_flags() {
    let [drop_in] = installed(
        &systemd(),
        ["/etc/systemd/system/kubelet.service.d/zz-regcred.conf"],
    )
    .await;
    let command = "/usr/local/bin/kubelet  --config=/etc/kubelet.yaml  --v=2";
    assert_eq!(
        drop_in,
        format!(
            "{HEAD}# The command is that of /etc/systemd/system/kubelet.service with two flags more.\n\
             [Service]\nExecStart=\nExecStart={command} {FLAGS}\n"
        )
    );
    let node = Node::new(&[(
        "/etc/systemd/system/kubelet.service",
        "[Service]\nEnvironment=KUBELET_EXTRA_ARGS=--v=2\nExecStart=/usr/bin/kubelet $KUBELET_EXTRA_ARGS\n",
    )]);
    let [drop_in] = installed(
        &node,
        ["/etc/systemd/system/kubelet.service.d/zz-regcred.conf"],
    )
    .await;
    assert!(
        drop_in.ends_with(&format!(
            "[Service]\nEnvironment=\"KUBELET_EXTRA_ARGS=--v=2 {FLAGS}\"\n"
        )),
        "{drop_in}"
    );
}

#[tokio::test]
async fn k3s_needs_no_flag_and_reads_its_own_where_they_are() {
    let files = [
        "/var/lib/rancher/credentialprovider/config.yaml",
        "/var/lib/rancher/credentialprovider/bin/ecr-credential-provider",
    ];
    let [entries, _] = installed(&k3s(), files).await;
    assert_eq!(entries, config());
    let node = k3s();
    node.write(
        "/etc/rancher/k3s/config.yaml.d/10-x.yaml",
        "kubelet-arg+:\n- image-credential-provider-config=/etc/c.yaml\n",
    );
    node.write(
        "/etc/rancher/k3s/config.yaml",
        "image-credential-provider-bin-dir: /opt/plugins\nimage-credential-provider-config: /etc/d.yaml\n",
    );
    let [entries, _] = installed(
        &node,
        ["/etc/c.yaml", "/opt/plugins/ecr-credential-provider"],
    )
    .await;
    assert_eq!(entries, config());
}

#[tokio::test]
async fn k0s_gets_a_drop_in_with_its_command_and_the_flags_in_one_of_its_arguments() {
    let path = "/etc/systemd/system/k0sworker.service.d/zz-regcred.conf";
    let flags = FLAGS.replace("/etc/kubernetes", "/etc/k0s");
    for (arguments, expected) in [
        ("", format!(" \"--kubelet-extra-args={flags}\"")),
        (
            " --kubelet-extra-args=--v=2\\x20--x --debug",
            format!(" \"--kubelet-extra-args=--v=2 --x {flags}\" --debug"),
        ),
        (
            " --kubelet-extra-args \"--v=2\" --debug",
            format!(" \"--kubelet-extra-args=--v=2 {flags}\" --debug"),
        ),
    ] {
        let [drop_in] = installed(&k0s(arguments), [path]).await;
        let line =
            format!("ExecStart=/usr/local/bin/k0s worker --token-file=/etc/k0s/token{expected}\n");
        assert!(
            drop_in.ends_with(&format!("[Service]\nExecStart=\n{line}")),
            "{drop_in}"
        );
    }
}

#[tokio::test]
async fn microk8s_gets_two_lines_and_microshift_a_drop_in() {
    let node = microk8s();
    let [args, entries] = installed(
        &node,
        [
            "/var/snap/microk8s/7180/args/kubelet",
            "/var/snap/microk8s/common/credential-providers.yaml",
        ],
    )
    .await;
    let end = "--feature-gates=DevicePlugins=true\n\
               --image-credential-provider-config=/var/snap/microk8s/common/credential-providers.yaml\n\
               --image-credential-provider-bin-dir=/var/snap/microk8s/common/credential-providers\n";
    assert!(args.ends_with(end), "{args}");
    assert_eq!(entries, config());
    let args = node.snapshot()[std::path::Path::new("/var/snap/microk8s/7180/args/kubelet")].0;
    assert_eq!(args & 0o777, 0o660, "the mode stays");
    let [keys] = installed(&microshift(), ["/etc/microshift/config.d/90-regcred.yaml"]).await;
    let expected = "kubelet:\n  imageCredentialProviderConfigPath: /etc/microshift/credential-providers.yaml\n  \
                    imageCredentialProviderBinDir: /usr/local/lib/kubelet-credential-providers\n";
    assert_eq!(keys, format!("{HEAD}{expected}"));
}

#[tokio::test]
async fn every_node_is_the_same_after_a_second_installation_and_as_before_after_its_removal() {
    let wish = wish(&["ecr", "gcr"]);
    for (name, node) in every() {
        let before = node.snapshot();
        let plan = node.install(&wish).await.expect(name);
        assert!(plan.restart, "{name}");
        let after = node.snapshot();
        assert_ne!(before, after, "{name}");
        let plan = node.plan(&wish).expect(name);
        assert!(
            plan.is_empty() && !plan.restart,
            "{name}: {:#?}",
            plan.changes
        );
        node.uninstall().await.expect(name);
        assert_eq!(node.snapshot(), before, "{name}");
        node.uninstall().await.expect(name);
        assert_eq!(node.snapshot(), before, "{name}");
    }
}

#[tokio::test]
async fn a_dry_run_prints_what_an_installation_changes_and_changes_nothing() {
    for (name, node) in every() {
        let before = node.snapshot();
        let plan = node.plan(&wish(&["ecr"])).expect(name);
        let printed = unified(&plan.changes);
        assert_eq!(node.snapshot(), before, "{name}");
        let tree = node.tree();
        let now: Vec<_> = plan
            .changes
            .iter()
            .map(|c| tree.read(&c.path).expect(name))
            .collect();
        node.install(&wish(&["ecr"])).await.expect(name);
        let changed = plan.changes.iter().zip(now).map(|(change, now)| Change {
            now,
            then: tree.read(&change.path).expect(name),
            ..change.clone()
        });
        let changed: Vec<_> = changed.collect();
        assert_eq!(*printed, *unified(&changed), "{name}");
        let differing = node.snapshot().into_iter().filter(|(path, state)| {
            !path.starts_with("/var/lib/regcred")
                && state.0 & 0o170_000 != 0o040_000
                && before.get(path) != Some(state)
        });
        let mut differing: Vec<_> = differing.map(|(path, _)| path).collect();
        let mut named: Vec<_> = changed.iter().map(|change| change.path.clone()).collect();
        differing.sort();
        named.sort();
        assert_eq!(differing, named, "{name}");
    }
    let node = kubeadm(Some("KUBELET_EXTRA_ARGS=\n"));
    let plan = node.plan(&wish(&["ecr"])).expect("sound");
    let text = unified(&plan.changes);
    let flags = format!(
        "diff --git a/etc/default/kubelet b/etc/default/kubelet\n--- a/etc/default/kubelet\n+++ b/etc/default/kubelet\n\
         @@ -1 +1 @@\n-KUBELET_EXTRA_ARGS=\n+KUBELET_EXTRA_ARGS=\"{FLAGS}\"\n"
    );
    assert!(text.ends_with(&flags), "{}", *text);
    assert!(
        text.starts_with(
            "diff --git a/usr/local/lib/kubelet-credential-providers/ecr-credential-provider "
        ),
        "{}",
        *text
    );
    assert!(
        text.contains("new file mode 100755\nBinary files /dev/null and b/usr"),
        "{}",
        *text
    );
    assert!(
        text.contains(
            "new file mode 100644\n--- /dev/null\n+++ b/etc/kubernetes/credential-providers.yaml\n"
        ),
        "{}",
        *text
    );
}

#[tokio::test]
async fn an_installation_of_other_plugins_takes_the_first_ones_away() {
    for (name, node) in every() {
        let before = node.snapshot();
        node.install(&wish(&["ecr", "acr"])).await.expect(name);
        let plan = node.install(&wish(&["gcr"])).await.expect(name);
        let gone = plan
            .changes
            .iter()
            .filter(|c| c.role == Role::Plugin && c.then == FileState::Absent);
        assert_eq!(gone.count(), 2, "{name}");
        let last = plan.changes.last().expect("changes");
        assert_eq!(last.then, FileState::Absent, "{name}: plugins go last");
        let config = plan
            .changes
            .iter()
            .find(|c| c.role == Role::Config)
            .expect(name);
        assert!(
            config.then.text().expect("text").ends_with(&entry("gcr")),
            "{name}"
        );
        node.uninstall().await.expect(name);
        assert_eq!(node.snapshot(), before, "{name}");
    }
}
