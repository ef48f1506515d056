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

fn command(files: &[(&str, &str)]) -> Vec<String> {
    let root = root(files);
    let unit = ServiceUnit::find(root.path(), "kubelet.service").expect("read");
    unit.expect("a unit").command
}

const UNIT: &str = "usr/lib/systemd/system/kubelet.service";

#[test]
fn a_drop_in_replaces_the_command_and_its_variables_are_split() {
    // As the packages of kubeadm install them.
    let words = command(&[
        (
            UNIT,
            "[Unit]\nExecStart=/no\n[Service]\nExecStart=/usr/bin/kubelet\nRestart=always\n",
        ),
        (
            "usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf",
            "# Note: a comment\n[Service]\nEnvironment=\"KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml\"\n\
             EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env\nEnvironmentFile=-/etc/default/kubelet\n\
             ExecStart=\nExecStart=/usr/bin/kubelet $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS \\\n  # no end\n  \
             $KUBELET_EXTRA_ARGS\n",
        ),
        (
            "var/lib/kubelet/kubeadm-flags.env",
            "KUBELET_KUBEADM_ARGS=\"--a=1 --b='2 3'\"\n",
        ),
        (
            "etc/default/kubelet",
            "# a comment\nKUBELET_EXTRA_ARGS=--c=4 --d=5\n",
        ),
    ]);
    let expected = [
        "/usr/bin/kubelet",
        "--config=/var/lib/kubelet/config.yaml",
        "--a=1",
        "--b=2 3",
        "--c=4",
        "--d=5",
    ];
    assert_eq!(words, expected);
}

#[test]
fn an_environment_file_counts_after_a_variable_of_a_later_drop_in() {
    let drop_in = "[Service]\nEnvironment=\"X=of the drop-in\" 'Y=own'\n";
    let words = command(&[
        (
            UNIT,
            "[Service]\nEnvironmentFile=/etc/x\nExecStart=@-/usr/bin/kubelet kubelet ${X}/${Y}$$Z $X $none\n",
        ),
        ("etc/systemd/system/kubelet.service.d/99.conf", drop_in),
        ("etc/x", "X = \"of the \\\"file\\\"\"\n"),
    ]);
    assert_eq!(
        words,
        [
            "/usr/bin/kubelet",
            "of the \"file\"/own$Z",
            "of",
            "the",
            "file"
        ]
    );
}

#[test]
fn the_first_directory_counts_and_drop_ins_are_ordered_by_name() {
    let files = [
        (UNIT, "[Service]\nExecStart=/old\n"),
        (
            "etc/systemd/system/kubelet.service",
            "[Service]\nExecStart=/new $A $B\nEnvironment=A=0\n",
        ),
        (
            "usr/lib/systemd/system/kubelet.service.d/20.conf",
            "[Service]\nEnvironment=A=vendor\n",
        ),
        (
            "etc/systemd/system/kubelet.service.d/20.conf",
            "[Service]\nEnvironment=A=2 B=3\n",
        ),
        (
            "run/systemd/system/kubelet.service.d/10.conf",
            "[Service]\nEnvironment=A=1\nWorkingDirectory=-/srv\n",
        ),
        (
            "etc/systemd/system/kubelet.service.d/30.txt",
            "[Service]\nEnvironment=A=4\n",
        ),
    ];
    assert_eq!(command(&files), ["/new", "2", "3"]);
    let root = root(&files);
    let unit = ServiceUnit::find(root.path(), "kubelet.service")
        .expect("read")
        .expect("a unit");
    let names = unit
        .files
        .iter()
        .map(|file| file.strip_prefix(root.path()).expect("below"));
    let expected = [
        "etc/systemd/system/kubelet.service",
        "run/systemd/system/kubelet.service.d/10.conf",
        "etc/systemd/system/kubelet.service.d/20.conf",
    ];
    assert!(names.eq(expected.map(Path::new)));
    assert_eq!(unit.working_dir, Some("/srv".into()));
}

#[test]
fn a_service_without_a_unit_file_is_not_found_and_a_file_that_must_exist_is_named() {
    let root = root(&[(
        "etc/systemd/system/a.service",
        "[Service]\nEnvironmentFile=/etc/none\nExecStart=:/a $X\n",
    )]);
    assert_eq!(
        ServiceUnit::find(root.path(), "kubelet.service").expect("read"),
        None
    );
    let masked = root.path().join("etc/systemd/system/kubelet.service");
    std::os::unix::fs::symlink("/dev/null", masked).expect("a link");
    assert_eq!(
        ServiceUnit::find(root.path(), "kubelet.service").expect("read"),
        None
    );
    let unit = ServiceUnit::find(root.path(), "a.service")
        .expect("read")
        .expect("a unit");
    assert_eq!(unit.missing, [root.path().join("etc/none")]);
    assert_eq!(unit.command, ["/a", "$X"]);
}

#[test]
fn the_flags_of_configuration_files_are_in_the_command_of_k3s_and_microshift() {
    let unit = |files: &[(&str, &str)], name: &str| {
        let root = root(files);
        let unit = ServiceUnit::find(root.path(), name).expect("read");
        let unit = unit.expect("a unit");
        let files = unit.files.iter().map(|file| {
            let file = file.strip_prefix(root.path()).expect("below");
            file.display().to_string()
        });
        (unit.command, files.collect::<Vec<_>>(), unit.status_command)
    };
    let (command, files, status) = unit(
        &[
            (
                "etc/init.d/k3s",
                "command=/usr/local/bin/k3s\ncommand_args=\"server \\\n\t'--kubelet-arg=a=1' >>/l\"\n",
            ),
            (
                "etc/rancher/k3s/k3s.env",
                "K3S_CONFIG_FILE='/etc/k3s.yaml'\n",
            ),
            ("etc/k3s.yaml", "kubelet-arg: [b=2]\n"),
        ],
        "k3s.service",
    );
    let expected = [
        "/usr/local/bin/k3s",
        "server",
        "--kubelet-arg=b=2",
        "--kubelet-arg=a=1",
    ];
    assert_eq!(command, expected);
    assert_eq!(files, ["etc/init.d/k3s", "etc/k3s.yaml"]);
    assert_eq!(status, "rc-service k3s status");
    let (command, files, status) = unit(
        &[
            (
                "usr/lib/systemd/system/microshift.service",
                "[Service]\nExecStart=microshift run\n",
            ),
            (
                "etc/microshift/config.d/1.yaml",
                "kubelet:\n  imageCredentialProviderConfigPath: /c\n",
            ),
        ],
        "microshift.service",
    );
    assert_eq!(
        command,
        ["microshift", "run", "--image-credential-provider-config=/c"]
    );
    assert_eq!(files.len(), 2);
    assert_eq!(status, "systemctl status microshift.service");
}
