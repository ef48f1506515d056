//! `regcred install` and `uninstall` on the file system of an image.

use std::fs;
use std::path::PathBuf;

use regcred_tests::need::{need, workspace};
use regcred_tests::program::script;
use regcred_tests::{Finished, Program};
use tempfile::TempDir;

const UNIT: &str = "[Service]\nEnvironmentFile=-/etc/default/kubelet\n\
                    ExecStart=/usr/bin/kubelet $KUBELET_EXTRA_ARGS\n";
const FLAGS: &str = "etc/default/kubelet";

/// The file system of a node of kubeadm, and a directory with two plugins.
struct Image(TempDir);

impl Image {
    fn new() -> Self {
        let image = Self(tempfile::tempdir().expect("a directory"));
        for (path, text) in [
            ("root/usr/lib/systemd/system/kubelet.service", UNIT),
            ("root/var/lib/kubelet/kubeadm-flags.env", ""),
            ("root/etc/default/kubelet", "KUBELET_EXTRA_ARGS=--v=2\n"),
        ] {
            let path = image.0.path().join(path);
            fs::create_dir_all(path.parent().expect("a directory")).expect("directories");
            fs::write(path, text).expect("a file");
        }
        fs::create_dir(image.0.path().join("from")).expect("a directory");
        for name in [
            "ecr-credential-provider",
            "gcr-credential-provider",
            "other",
        ] {
            script(
                &image.0.path().join("from").join(name),
                "#!/bin/sh\nexit 1\n",
            );
        }
        image
    }

    fn root(&self) -> PathBuf {
        self.0.path().join("root")
    }

    fn text(&self, path: &str) -> String {
        fs::read_to_string(self.root().join(path)).expect("a file")
    }

    fn regcred(&self, line: &str) -> Finished {
        let program = Program::ours("regcred").args(line.split(' '));
        let from = line
            .starts_with("install")
            .then(|| self.0.path().join("from"));
        let program = match from {
            Some(from) => program.arg("--from").arg(from),
            None => program,
        };
        program.arg("--root").arg(self.root()).run()
    }
}

#[test]
fn an_image_gets_its_plugins_and_loses_them_again() {
    let image = Image::new();
    let shown = image.regcred("install --provider ecr --dry-run").success();
    assert!(
        shown.contains("\n-KUBELET_EXTRA_ARGS=--v=2\n+KUBELET_EXTRA_ARGS=--v=2 --image-"),
        "{shown}"
    );
    assert_eq!(image.text(FLAGS), "KUBELET_EXTRA_ARGS=--v=2\n");
    let done = image.regcred("install --provider ecr").success();
    for line in [
        "created /usr/local/lib/kubelet-credential-providers/ecr-credential-provider\n",
        "created /etc/kubernetes/credential-providers.yaml\n",
        "changed /etc/default/kubelet\n",
        "start with this configuration: 0 errors",
        "kubelet.service reads this when it starts\n",
    ] {
        assert!(done.contains(line), "{line:?} is not in {done}");
    }
    let again = image.regcred("install --provider ecr").success();
    assert_eq!(again, "everything is installed; nothing is changed\n");
    let shown = image.regcred("uninstall --dry-run").success();
    assert!(shown.contains("\n+KUBELET_EXTRA_ARGS=--v=2\n"), "{shown}");
    let _ = image.regcred("uninstall").success();
    assert_eq!(image.text(FLAGS), "KUBELET_EXTRA_ARGS=--v=2\n");
    assert!(
        !image.root().join("etc/kubernetes").exists()
            && !image.root().join("var/lib/regcred").exists()
    );
    assert_eq!(
        image.regcred("uninstall").success(),
        "nothing is installed; nothing is changed\n"
    );
}

#[test]
fn what_the_check_finds_is_put_back() {
    let image = Image::new();
    let config = image.0.path().join("config.yaml");
    let entry = "apiVersion: kubelet.config.k8s.io/v1\nkind: CredentialProviderConfig\nproviders:\n- name: other\n  \
                 matchImages: [\"x.io:port\"]\n  defaultCacheDuration: 1h\n  apiVersion: \
                 credentialprovider.kubelet.k8s.io/v1\n";
    fs::write(&config, entry).expect("a file");
    let line = format!("install --config {}", config.display());
    let done = image.regcred(&line);
    assert_eq!((done.code(), &*done.stdout()), (Some(1), ""));
    let why = &done.stderr;
    assert!(why.starts_with("error: "), "{why}");
    let last = why.lines().last().unwrap_or_default();
    assert!(last.ends_with("everything is as it was before"), "{why}");
    assert_eq!(image.text(FLAGS), "KUBELET_EXTRA_ARGS=--v=2\n");
    assert!(!image.root().join("var/lib/regcred").exists());
    fs::write(&config, entry.replace("x.io:port", "x.io")).expect("a file");
    let _ = image.regcred(&line).success();
    assert!(
        image
            .text("etc/kubernetes/credential-providers.yaml")
            .contains("- name: other\n")
    );
}

#[test]
fn what_cannot_be_done_has_its_exit_code() {
    let image = Image::new();
    for (line, code, part) in [
        ("install", 2, "--provider"),
        (
            "install --provider ecr --config x",
            2,
            "cannot be used with",
        ),
        ("install --provider x", 2, "is not a provider"),
        ("install --provider ecr --host", 2, "cannot be used with"),
        (
            "install --provider ecr --bin-dir x",
            2,
            "not an absolute path",
        ),
        (
            "install --config /no/such",
            4,
            "--config: cannot read /no/such",
        ),
    ] {
        let done = image.regcred(line);
        assert_eq!(done.code(), Some(code), "{line}: {}", done.stderr);
        assert!(done.stderr.contains(part), "{line}: {}", done.stderr);
        assert_eq!(done.stdout(), "");
    }
    fs::write(image.root().join(FLAGS), "export KUBELET_EXTRA_ARGS=1\n").expect("a file");
    let done = image.regcred("install --provider ecr");
    assert!(
        done.fails(4)
            .starts_with("/etc/default/kubelet:1: this line is not NAME=VALUE"),
        "{}",
        done.fails(4)
    );
}

#[test]
fn the_daemon_set_runs_commands_that_exist() {
    let Some(kubectl) = need("kubectl") else {
        return;
    };
    for (overlay, first) in [("install", "install"), ("uninstall", "uninstall")] {
        let overlay = workspace().join("docs/kubernetes").join(overlay);
        let home = tempfile::tempdir().expect("a directory");
        let kubectl = Program::new(&kubectl).env("HOME", home.path());
        let rendered = kubectl.arg("kustomize").arg(&overlay).run().success();
        let args = arguments(&rendered);
        assert_eq!(args[..2], [first, "--host"], "{rendered}");
        assert_eq!(
            rendered.matches("privileged: true").count(),
            1,
            "{rendered}"
        );
        for part in [
            "hostPID: true",
            "hostNetwork: true",
            "image: registry.example.com/regcred:0.1.0",
        ] {
            assert!(rendered.contains(part), "{part} is not in {rendered}");
        }
        let image = Image::new();
        let args: Vec<_> = args.into_iter().filter(|arg| arg != "--host").collect();
        let _ = image.regcred(&args.join(" ")).success();
    }
}

/// The arguments of the first container.
fn arguments(rendered: &str) -> Vec<String> {
    let (_, rest) = rendered.split_once("- args:\n").expect("arguments");
    let items = rest
        .lines()
        .map_while(|line| line.trim_start().strip_prefix("- "));
    items
        .map(|item| item.trim_matches('"').to_owned())
        .collect()
}
