//! File trees as each kind of node has them before an installation.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::plan::Plan;
use crate::service::Restarted;
use crate::{
    Entries, FileContent, NodeError, Plugin, Tree, Wish, apply, plan_installation, plan_removal,
};

/// A node's file system in a directory of its own.
pub(crate) struct Node(TempDir);

/// Everything in a tree: each path with its permissions and its content.
pub(crate) type Snapshot = BTreeMap<PathBuf, (u32, String)>;

impl Node {
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let node = Self(tempfile::tempdir().expect("a directory"));
        for directory in ["var/lib", "usr/bin", "etc/systemd/system", "usr/local/lib"] {
            fs::create_dir_all(node.path(directory)).expect("directories");
        }
        for (path, text) in files {
            node.write(path, text);
        }
        node
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path.trim_start_matches('/'))
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("a directory")).expect("directories");
        fs::write(path, text).expect("a file");
    }

    pub(crate) fn program(&self, path: &str, text: &str) {
        self.write(path, text);
        self.chmod(path, 0o755);
    }

    pub(crate) fn chmod(&self, path: &str, mode: u32) {
        fs::set_permissions(self.path(path), fs::Permissions::from_mode(mode)).expect("a mode");
    }

    pub(crate) fn link(&self, path: &str, target: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("a directory")).expect("directories");
        symlink(target, path).expect("a link");
    }

    pub(crate) fn text(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    pub(crate) fn tree(&self) -> Tree {
        Tree::open(self.0.path()).expect("a tree")
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let mut found = Snapshot::new();
        let mut open = vec![self.0.path().to_owned()];
        while let Some(directory) = open.pop() {
            for entry in fs::read_dir(&directory).expect("a directory") {
                let path = entry.expect("an entry").path();
                let about = fs::symlink_metadata(&path).expect("metadata");
                let content = if about.is_symlink() {
                    fs::read_link(&path).expect("a link").display().to_string()
                } else if about.is_dir() {
                    open.push(path.clone());
                    String::new()
                } else {
                    String::from_utf8(fs::read(&path).expect("a file")).expect("text")
                };
                let name = path.strip_prefix(self.0.path()).expect("inside");
                found.insert(Path::new("/").join(name), (about.mode(), content));
            }
        }
        found
    }

    pub(crate) fn plan(&self, wish: &Wish) -> Result<Plan, NodeError> {
        plan_installation(&self.tree(), wish)
    }

    pub(crate) async fn install(&self, wish: &Wish) -> Result<Plan, NodeError> {
        let tree = self.tree();
        let plan = plan_installation(&tree, wish)?;
        apply(&tree, &plan, None, &|_| Ok(())).await?;
        Ok(plan)
    }

    pub(crate) async fn uninstall(&self) -> Result<Restarted, NodeError> {
        let tree = self.tree();
        let plan = plan_removal(&tree)?;
        if plan.is_empty() && !plan.has_leftovers(&tree) {
            return Ok(Restarted::NotAsked);
        }
        apply(&tree, &plan, None, &|_| Ok(())).await
    }
}

/// Plugins of these clouds with generated entries.
pub(crate) fn wish(clouds: &[&str]) -> Wish {
    let entry = |cloud: &&str| {
        format!(
            r#"{{"name":"{cloud}-credential-provider","matchImages":["*.{cloud}.example.com"],"defaultCacheDuration":"6h","apiVersion":"credentialprovider.kubelet.k8s.io/v1"}}"#
        )
    };
    let entries: Vec<_> = clouds.iter().map(entry).collect();
    let text = format!(
        r#"{{"apiVersion":"kubelet.config.k8s.io/v1","kind":"CredentialProviderConfig","providers":[{}]}}"#,
        entries.join(",")
    );
    let plugin = |cloud: &&str| Plugin {
        name: format!("{cloud}-credential-provider"),
        aliases: if *cloud == "gcr" {
            vec!["auth-provider-gcp".to_owned()]
        } else {
            Vec::new()
        },
        program: FileContent::own(
            format!("#!/bin/sh\n# {cloud}\nexit 0\n").into_bytes(),
            0o755,
        ),
    };
    Wish {
        entries: Entries::of(text.as_bytes()).expect("sound"),
        plugins: clouds.iter().map(plugin).collect(),
        bin_dir: None,
        replace: false,
        written_by: "regcred test".to_owned(),
    }
}

/// The entry that [`wish`] has for a cloud, as it is written in YAML.
pub(crate) fn entry(cloud: &str) -> String {
    format!(
        "- name: {cloud}-credential-provider\n  matchImages:\n  - \"*.{cloud}.example.com\"\n  \
         defaultCacheDuration: 6h\n  apiVersion: credentialprovider.kubelet.k8s.io/v1\n"
    )
}

const KUBELET: &str =
    "[Unit]\nDescription=kubelet\n\n[Service]\nExecStart=/usr/bin/kubelet\nRestart=always\n";
const KUBEADM_ENV: &str = "KUBELET_KUBEADM_ARGS=\"--node-ip=192.0.2.7\"\n";

fn kubeadm_drop_in(file: &str) -> String {
    format!(
        "[Service]\nEnvironment=\"KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml\"\n\
         EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env\nEnvironmentFile=-{file}\nExecStart=\n\
         ExecStart=/usr/bin/kubelet $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS\n"
    )
}

/// kubeadm from Debian's packages, whose file has this content, or is not there.
pub(crate) fn kubeadm(default: Option<&str>) -> Node {
    let node = Node::new(&[
        ("/usr/lib/systemd/system/kubelet.service", KUBELET),
        (
            "/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf",
            &kubeadm_drop_in("/etc/default/kubelet"),
        ),
        ("/var/lib/kubelet/kubeadm-flags.env", KUBEADM_ENV),
        ("/etc/kubernetes/kubelet.conf", "apiVersion: v1\n"),
    ]);
    fs::create_dir_all(node.path("/etc/default")).expect("a directory");
    if let Some(text) = default {
        node.write("/etc/default/kubelet", text);
    }
    // As on a system with a merged /usr.
    node.link("/lib", "usr/lib");
    node
}

/// kubeadm from RPM packages.
pub(crate) fn kubeadm_rpm() -> Node {
    Node::new(&[
        ("/usr/lib/systemd/system/kubelet.service", KUBELET),
        (
            "/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf",
            &kubeadm_drop_in("/etc/sysconfig/kubelet"),
        ),
        ("/var/lib/kubelet/kubeadm-flags.env", KUBEADM_ENV),
        ("/etc/sysconfig/kubelet", "KUBELET_EXTRA_ARGS=\n"),
        ("/etc/kubernetes/kubelet.conf", "apiVersion: v1\n"),
    ])
}

pub(crate) fn k3s() -> Node {
    Node::new(&[
        (
            "/etc/systemd/system/k3s-agent.service",
            "[Service]\nType=notify\nEnvironmentFile=-/etc/default/%N\nEnvironmentFile=-/etc/systemd/system/k3s-agent.service.env\n\
             ExecStart=/usr/local/bin/k3s \\\n    agent \\\n\t'--kubelet-arg=v=2' \\\n\n",
        ),
        ("/etc/rancher/k3s/config.yaml", "node-label:\n- a=b\n"),
        ("/var/lib/rancher/k3s/agent/x", ""),
    ])
}

/// As k3s's installer writes it on Alpine.
pub(crate) const K3S_OPENRC: &str = "#!/sbin/openrc-run\n\nsupervise=x\ncommand=\"/usr/local/bin/k3s\"\n\
    command_args=\"server \\\n\t'--kubelet-arg=v=2' \\\n\t'--node-label=a b=\\\"c\\\"' \\\n    \
    >>/var/log/k3s.log 2>&1\"\n\noutput_log=/var/log/k3s.log\n";

/// k3s where OpenRC starts it.
pub(crate) fn k3s_openrc() -> Node {
    let node = Node::new(&[
        ("/etc/init.d/k3s", K3S_OPENRC),
        ("/etc/rancher/k3s/k3s.env", "K3S_TOKEN='x'\n"),
        ("/var/lib/rancher/k3s/agent/x", ""),
    ]);
    node.chmod("/etc/init.d/k3s", 0o755);
    node.link("/etc/runlevels/default/k3s", "/etc/init.d/k3s");
    node
}

pub(crate) fn rke2() -> Node {
    let unit = "[Service]\nType=notify\nExecStart=/usr/local/bin/rke2 agent\n";
    let node = Node::new(&[
        ("/usr/local/lib/systemd/system/rke2-agent.service", unit),
        (
            "/usr/local/lib/systemd/system/rke2-server.service",
            "[Service]\nType=notify\nExecStart=/usr/local/bin/rke2 server\n",
        ),
        (
            "/etc/rancher/rke2/config.yaml",
            "server: https://192.0.2.1:9345\n",
        ),
        ("/var/lib/rancher/rke2/agent/x", ""),
    ]);
    node.link(
        "/etc/systemd/system/multi-user.target.wants/rke2-agent.service",
        "/usr/local/lib/systemd/system/rke2-agent.service",
    );
    node
}

/// A worker with these arguments after the token's.
pub(crate) fn k0s(arguments: &str) -> Node {
    Node::new(&[
        (
            "/etc/systemd/system/k0sworker.service",
            &format!(
                "[Unit]\nDescription=k0s\n\n[Service]\nStartLimitInterval=5\n\
                 ExecStart=/usr/local/bin/k0s worker --token-file=/etc/k0s/token{arguments}\nKillMode=process\n"
            ),
        ),
        ("/etc/k0s/token", "H4sI"),
    ])
}

pub(crate) fn microk8s() -> Node {
    let node = Node::new(&[
        (
            "/var/snap/microk8s/7180/args/kubelet",
            "--kubeconfig=${SNAP_DATA}/credentials/kubelet.config\n--cert-dir=${SNAP_DATA}/certs\n# ours\n\
             --feature-gates=DevicePlugins=true\n",
        ),
        ("/var/snap/microk8s/common/var/x", ""),
    ]);
    node.chmod("/var/snap/microk8s/7180/args/kubelet", 0o660);
    node.link("/var/snap/microk8s/current", "7180");
    node
}

pub(crate) fn microshift() -> Node {
    Node::new(&[
        (
            "/usr/lib/systemd/system/microshift.service",
            "[Service]\nWorkingDirectory=/usr/bin/\nExecStart=microshift run\nType=notify\n",
        ),
        (
            "/usr/bin/microshift",
            "ELF imageCredentialProviderConfigPath imageCredentialProviderBinDir",
        ),
        (
            "/etc/microshift/config.yaml",
            "dns:\n  baseDomain: example.com\n",
        ),
        (
            "/etc/microshift/config.d/00-enable-multus.yaml",
            "network: {}\n",
        ),
    ])
}

/// A kubelet whose unit a person wrote.
pub(crate) fn systemd() -> Node {
    Node::new(&[(
        "/etc/systemd/system/kubelet.service",
        "[Service]\nExecStart=/usr/local/bin/kubelet \\\n  --config=/etc/kubelet.yaml \\\n  --v=2\nRestart=on-failure\n",
    )])
}

/// Every kind of node, with its name.
pub(crate) fn every() -> Vec<(&'static str, Node)> {
    vec![
        ("kubeadm, Debian", kubeadm(None)),
        (
            "kubeadm, Debian, with flags",
            kubeadm(Some("# mine\nKUBELET_EXTRA_ARGS=\"--v=2\"\nX=1\n")),
        ),
        ("kubeadm, RPM", kubeadm_rpm()),
        ("k3s", k3s()),
        ("k3s, OpenRC", k3s_openrc()),
        ("RKE2", rke2()),
        ("k0s", k0s("")),
        (
            "k0s with flags",
            k0s(" --kubelet-extra-args=--v=2\\x20--node-ip=192.0.2.7 --debug"),
        ),
        ("MicroK8s", microk8s()),
        ("MicroShift", microshift()),
        ("systemd", systemd()),
    ]
}
