//! Nodes that are not changed.

use crate::testing::{Node, every, k0s, k3s, k3s_openrc, kubeadm, microk8s, microshift, wish};

/// Nothing is changed, and the reason has these parts.
#[track_caller]
fn refused(node: &Node, parts: &[&str]) {
    let before = node.snapshot();
    let why = node.plan(&wish(&["ecr"])).expect_err("refused").to_string();
    for part in parts {
        assert!(why.contains(part), "{part:?} is not in: {why}");
    }
    assert_eq!(node.snapshot(), before);
}

#[test]
fn what_is_not_understood_is_named_with_its_line_and_what_to_do() {
    let by_hand =
        "or add to the value of KUBELET_EXTRA_ARGS by hand: --image-credential-provider-config=";
    let continued = "# c\nKUBELET_EXTRA_ARGS=--v=2 \\\n  --x\n";
    refused(
        &kubeadm(Some(continued)),
        &["/etc/default/kubelet:2: this line is not", by_hand],
    );
    let export = "export KUBELET_EXTRA_ARGS=--v=2\n";
    refused(&kubeadm(Some(export)), &["/etc/default/kubelet:1: "]);
    let one = "KUBELET_EXTRA_ARGS=--image-credential-provider-config=/c\n";
    refused(
        &kubeadm(Some(one)),
        &["--image-credential-provider-bin-dir is not"],
    );
    let shell = "[Service]\nExecStart=/bin/sh -c 'exec kubelet'\n";
    let unit = "/etc/systemd/system/kubelet.service";
    refused(
        &Node::new(&[(unit, shell)]),
        &["kubelet.service:2: ExecStart= starts /bin/sh", "by hand"],
    );
    let twice = "[Service]\nExecStart=/usr/bin/kubelet\nExecStart=/usr/bin/kubelet\n";
    refused(&Node::new(&[(unit, twice)]), &["the unit has 2 commands"]);
    let open = "[Service]\nExecStart=/usr/bin/kubelet \"--x\n";
    refused(
        &Node::new(&[(unit, open)]),
        &["kubelet.service:2: ExecStart= is not a command line"],
    );
    let node = microk8s();
    node.write("/var/snap/microk8s/7180/args/kubelet", "--a\ntext\n");
    refused(&node, &["args/kubelet:2: this line is not a flag"]);
    let node = k3s();
    node.write("/etc/rancher/k3s/config.yaml", "a: [\n");
    refused(&node, &["/etc/rancher/k3s/config.yaml"]);
    refused(
        &k0s(" \"--kubelet-extra-args=--x='a b'\""),
        &["k0sworker.service:6: --kubelet-extra-args has quotes"],
    );
    let node = microshift();
    node.write("/usr/bin/microshift", "ELF");
    refused(
        &node,
        &["does not know the key kubelet.imageCredentialProviderConfigPath"],
    );
}

#[test]
fn nodes_of_other_programs_are_refused_with_what_to_do_instead() {
    for (path, text, instead) in [
        (
            "/etc/os-release",
            "ID=talos\n",
            "machine.kubelet.credentialProviderConfig",
        ),
        (
            "/etc/os-release",
            "NAME=x\nID=\"bottlerocket\"\n",
            "regcred-refresh",
        ),
        ("/etc/machine-config-daemon/x", "", "MachineConfig"),
        (
            "/var/snap/k8s/common/args/kubelet",
            "",
            "extra-node-kubelet-args",
        ),
        ("/usr/bin/nodeadm", "", "spec.kubelet.flags"),
    ] {
        let node = kubeadm(None);
        node.write(path, text);
        refused(&node, &[instead]);
    }
    let kops = "[Service]\nEnvironmentFile=/etc/sysconfig/kubelet\nExecStart=/usr/local/bin/kubelet \"$DAEMON_ARGS\"\n";
    let node = Node::new(&[("/etc/systemd/system/kubelet.service", kops)]);
    refused(
        &node,
        &["kOps writes them again at each boot", "fileAssets"],
    );
    refused(
        &Node::new(&[]),
        &[
            "no kubelet is found: neither one of kubelet.service, k3s.service",
            "; run it on a node, or name the root of a node's file system with --root",
        ],
    );
    let node = k3s_openrc();
    node.write(
        "/etc/init.d/k3s",
        "command=k3s\ncommand_args=\"server $OPTS\"\n",
    );
    refused(
        &node,
        &["/etc/init.d/k3s:2: this command depends on the shell; write it without variables"],
    );
    let node = k3s();
    node.write(
        "/etc/systemd/system/kubelet.service",
        "[Service]\nExecStart=/usr/bin/kubelet\n",
    );
    refused(
        &node,
        &["several kubelets are found: k3s (k3s-agent.service), systemd (kubelet.service)"],
    );
}

#[test]
fn a_directory_that_others_may_change_is_not_written_and_their_links_are_not_followed() {
    let node = kubeadm(None);
    node.chmod("/etc/kubernetes", 0o777);
    refused(
        &node,
        &[
            "/etc/kubernetes: users besides root may change this directory",
            "chmod go-w /etc/kubernetes",
        ],
    );
    let node = kubeadm(None);
    node.write("/etc/elsewhere", "");
    std::fs::remove_dir(node.path("/etc/default")).expect("a directory");
    node.write("/etc/default/x", "");
    node.chmod("/etc/default", 0o777);
    node.link("/etc/default/kubelet", "/etc/elsewhere");
    refused(&node, &["cannot follow /etc/default/kubelet"]);
}

#[tokio::test]
async fn a_link_of_the_superusers_is_followed_within_the_tree() {
    let node = kubeadm(None);
    node.write("/etc/kubelet.env", "KUBELET_EXTRA_ARGS=--v=2\n");
    node.link("/etc/default/kubelet", "../../../../etc/kubelet.env");
    let before = node.snapshot();
    node.install(&wish(&["ecr"])).await.expect("installed");
    assert!(
        node.text("/etc/kubelet.env")
            .starts_with("KUBELET_EXTRA_ARGS=--v=2 --image")
    );
    node.uninstall().await.expect("removed");
    assert_eq!(node.snapshot(), before);
}

#[test]
fn another_program_of_a_plugins_name_is_refused() {
    for (name, node) in every() {
        let plan = node.plan(&wish(&["ecr"])).expect(name);
        let plugin = plan.changes[0].path.display().to_string();
        node.program(&plugin, "#!/bin/sh\n# another\n");
        refused(
            &node,
            &[&format!("{plugin}: another program of this name is there")],
        );
    }
}
