use std::fs;

use super::*;

/// A root directory with these files.
fn root(files: &[(&str, &str)]) -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("a directory");
    for (path, text) in files {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        fs::write(path, text).expect("a file");
    }
    root
}

#[test]
fn the_unit_of_a_stopped_kubelet_is_read_with_its_drop_ins() {
    let root = root(&[
        (
            "usr/lib/systemd/system/kubelet.service",
            "[Service]\nExecStart=/usr/bin/kubelet\n",
        ),
        (
            "etc/systemd/system/kubelet.service.d/10-kubeadm.conf",
            "[Service]\nEnvironmentFile=/etc/default/kubelet\nEnvironmentFile=/etc/none\nExecStart=\n\
             ExecStart=/usr/bin/kubelet --root-dir=/data $KUBELET_EXTRA_ARGS\n",
        ),
        (
            "etc/default/kubelet",
            "KUBELET_EXTRA_ARGS=\"--image-credential-provider-config=/etc/c.yaml \
             --image-credential-provider-bin-dir /usr/libexec/plugins\"\n",
        ),
    ]);
    let at = |path: &str| root.path().join(path).display().to_string();
    let kubelet = NodeKubelet::stopped(root.path())
        .expect("read")
        .expect("found");
    let mut options = CredentialFlags::default();
    kubelet.fill(&mut options);
    let env = regcred_core::Env::default();
    let options = crate::credential_options::CredentialOptions {
        flags: &options,
        env: &env,
    };
    for (variable, expected) in [
        (PROVIDER_CONFIG, Some(at("etc/c.yaml"))),
        (PROVIDER_BIN_DIR, Some(at("usr/libexec/plugins"))),
        (ROOT_DIR, Some(at("data"))),
        (ENVIRONMENT_OF, None),
    ] {
        assert_eq!(
            options.text(variable).map(str::to_owned),
            expected,
            "{variable}"
        );
    }
    let found: Vec<_> = kubelet
        .findings(None)
        .iter()
        .map(ToString::to_string)
        .collect();
    let unit = at("usr/lib/systemd/system/kubelet.service");
    let drop_in = at("etc/systemd/system/kubelet.service.d/10-kubeadm.conf");
    assert_eq!(
        found[0],
        format!(
            "note: {unit}: no kubelet runs; its flags are read from {unit}, {drop_in}; fix: `systemctl \
             status kubelet.service` shows why; plugins run with this command's environment"
        )
    );
    let missing = format!("error: {}: systemd does not start", at("etc/none"));
    assert!(found[1].starts_with(&missing), "{found:?}");
    assert!(
        found[2].starts_with("warning: the kubelet, kubelet.service, has no --image"),
        "{found:?}"
    );
}

#[test]
fn k3s_and_microk8s_that_do_not_run_are_found_and_a_script_is_not_guessed_at() {
    let k3s = root(&[
        (
            "etc/systemd/system/k3s.service",
            "[Service]\nExecStart=/usr/local/bin/k3s \\\n    server \\\n\n",
        ),
        ("var/lib/rancher/credentialprovider/config.yaml", ""),
        ("var/lib/rancher/credentialprovider/bin/x", ""),
    ]);
    let found = NodeKubelet::stopped(k3s.path())
        .expect("read")
        .expect("found");
    let mut options = CredentialFlags::default();
    found.fill(&mut options);
    assert!(format!("{options:?}").contains("credentialprovider/config.yaml"));
    let snap = root(&[("var/snap/microk8s/current/args/kubelet", "--a=1\n--b=2\n")]);
    let found = NodeKubelet::stopped(snap.path())
        .expect("read")
        .expect("found");
    assert_eq!(found.flag("b"), Some("2"));
    assert!(found.findings(None)[0].what.starts_with("no kubelet runs"));
    let script = root(&[(
        "etc/systemd/system/kubelet.service",
        "[Service]\nExecStart=/bin/sh -c \"exec kubelet\"\n",
    )]);
    let error = NodeKubelet::stopped(script.path())
        .expect_err("a script")
        .to_string();
    assert!(
        error.contains("starts \"/bin/sh -c exec kubelet\""),
        "{error}"
    );
    let nothing = root(&[]);
    assert!(
        NodeKubelet::stopped(nothing.path())
            .expect("read")
            .is_none()
    );
}

#[test]
fn the_flags_of_a_snap_that_runs_are_in_the_file_that_its_process_names() {
    let root = root(&[("args", "--root-dir=/x\n")]);
    let file = root.path().join("args").display().to_string();
    let line = [
        "kubelite".to_owned(),
        "--kubelet-args-file".to_owned(),
        file,
    ];
    let kubelet = NodeKubelet::with_flags(Origin::Process(7), "/".into(), "/".into(), &line);
    assert_eq!(kubelet.flag("root-dir"), Some("/x"));
}

#[test]
fn paths_are_those_of_the_kubelet() {
    let kubelet = |root: &str| NodeKubelet {
        origin: Origin::Process(7),
        root: root.into(),
        cwd: "/srv".into(),
        flags: KubeletFlags::default(),
    };
    assert_eq!(
        kubelet("/").seen(Path::new("c.yaml")),
        Path::new("/srv/c.yaml")
    );
    let inside = kubelet("/proc/7/root").seen(Path::new("/etc/c.yaml"));
    assert_eq!(inside, Path::new("/proc/7/root/etc/c.yaml"));
}

#[test]
fn a_process_with_this_root_directory_is_not_in_a_container() {
    let own =
        NodeKubelet::of(&ProcessEnvironment::of(&std::process::id().to_string()).expect("own"))
            .expect("this process");
    assert_eq!(own.root, Path::new("/"));
    let dir = tempfile::tempdir().expect("a directory");
    assert!(!is_same(dir.path(), Path::new("/")).expect("two directories"));
}

#[test]
fn the_command_line_decides_a_gate_before_the_configuration_file() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("kubelet.yaml");
    fs::write(&file, format!("featureGates:\n  {TOKEN_GATE}: false\n")).expect("a file");
    let file = file.display().to_string();
    for (gates, expected) in [
        (None, true),
        (Some("Other=false"), true),
        (
            Some("KubeletServiceAccountTokenForCredentialProviders=true"),
            false,
        ),
        (
            Some("KubeletServiceAccountTokenForCredentialProviders=F"),
            true,
        ),
    ] {
        let mut flags = KubeletFlags::default();
        flags.values.insert("config".to_owned(), file.clone());
        let gates = gates.map(|gates| ("feature-gates".to_owned(), gates.to_owned()));
        flags.values.extend(gates.clone());
        let kubelet = NodeKubelet {
            origin: Origin::Process(7),
            root: "/".into(),
            cwd: "/".into(),
            flags,
        };
        assert_eq!(kubelet.is_off(TOKEN_GATE), expected, "{gates:?}");
    }
}

#[test]
fn the_flags_of_k3s_in_its_configuration_files_are_the_kubelets() {
    let root = root(&[
        (
            "etc/init.d/k3s",
            "command=/usr/local/bin/k3s\ncommand_args=\"server >>/var/log/k3s.log\"\n",
        ),
        (
            "etc/rancher/k3s/config.yaml",
            "image-credential-provider-config: /etc/c.yaml\nkubelet-arg: [v=1]\n",
        ),
        (
            "etc/rancher/k3s/config.yaml.d/1.yaml",
            "kubelet-arg+:\n- root-dir=/data\n- feature-gates=KubeletServiceAccountTokenForCredentialProviders=false\n",
        ),
    ]);
    let at = |path: &str| root.path().join(path).display().to_string();
    let found = || {
        NodeKubelet::stopped(root.path())
            .expect("read")
            .expect("found")
    };
    let kubelet = found();
    assert!(kubelet.is_off(TOKEN_GATE));
    assert_eq!(
        (kubelet.flag("v"), kubelet.flag("root-dir")),
        (Some("1"), Some("/data"))
    );
    let shown: Vec<_> = kubelet
        .findings(None)
        .iter()
        .map(ToString::to_string)
        .collect();
    let files = [
        "etc/init.d/k3s",
        "etc/rancher/k3s/config.yaml",
        "etc/rancher/k3s/config.yaml.d/1.yaml",
    ];
    let files = files.map(at).join(", ");
    assert!(
        shown[0].contains(&format!(
            "its flags are read from {files}; fix: `rc-service k3s status`"
        )),
        "{shown:?}"
    );
    let missing = at("etc/c.yaml");
    assert!(
        shown[1].starts_with(&format!("warning: {missing}: k3s and RKE2 leave out")),
        "{shown:?}"
    );
    fs::write(&missing, "").expect("a file");
    fs::create_dir_all(at("var/lib/rancher/credentialprovider/bin")).expect("a directory");
    let mut options = CredentialFlags::default();
    found().fill(&mut options);
    let options = format!("{options:?}");
    for path in [
        "etc/c.yaml",
        "var/lib/rancher/credentialprovider/bin",
        "data",
    ] {
        assert!(options.contains(&at(path)), "{options}");
    }
}
