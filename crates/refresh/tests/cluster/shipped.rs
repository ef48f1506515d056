//! Files that are provided but not applied in these tests: the NetworkPolicy opens what identities need and no
//! more, containers and units have no right that they do not need, and systemd reads the units.

use regcred_tests::{Program, need};
use serde_json::{Value, json};

use crate::applied::parsed;
use crate::manifests::directory;
use crate::pod::{list, template};

#[test]
fn the_network_policy_opens_what_identities_need() {
    let text = std::fs::read_to_string(directory().join("cluster/network-policy.yaml"));
    let policy = parsed(&text.expect("a manifest")).remove(0);
    let mut open = Vec::new();
    for rule in policy["spec"]["egress"].as_array().expect("rules") {
        let to = rule["to"].as_array();
        let blocks = to.map(|to| to.iter().map(|to| &to["ipBlock"]["cidr"]).collect());
        let blocks: Vec<&Value> = blocks.unwrap_or_else(|| vec![&Value::Null]);
        for port in rule["ports"].as_array().expect("ports") {
            let port = (port["port"].as_u64(), port["protocol"].as_str());
            open.extend(blocks.iter().map(|block| (block.as_str(), port)));
        }
    }
    for (block, port) in [
        (None, 443),
        (None, 12_250),
        (Some("169.254.169.254/32"), 80),
        (Some("169.254.169.252/32"), 988),
        (Some("169.254.170.23/32"), 80),
        (Some("fd00:ec2::23/128"), 80),
    ] {
        assert!(
            open.contains(&(block, (Some(port), Some("TCP")))),
            "{block:?} {port}"
        );
    }
}

#[test]
fn the_network_policy_lets_in_the_pods_of_one_namespace() {
    let text = std::fs::read_to_string(directory().join("cluster/network-policy.yaml"));
    let policy = parsed(&text.expect("a manifest")).remove(0);
    assert_eq!(policy["spec"]["policyTypes"], json!(["Ingress", "Egress"]));
    let monitoring = json!({"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}});
    let rule = json!({
        "from": [{"namespaceSelector": monitoring}],
        "ports": [{"port": 8080, "protocol": "TCP"}],
    });
    assert_eq!(policy["spec"]["ingress"], json!([rule]));
}

/// The pods of every workload that is shipped, with the file.
fn shipped_pods() -> Vec<(String, Value)> {
    let mut pods = Vec::new();
    for folder in directory().read_dir().expect("folders") {
        let folder = folder.expect("a folder").path();
        for file in folder.read_dir().into_iter().flatten() {
            let file = file.expect("a file").path();
            if file.extension().is_none_or(|ending| ending != "yaml") {
                continue;
            }
            let objects = parsed(&std::fs::read_to_string(&file).expect("text"));
            let found = objects.iter().filter_map(template);
            let shown = file.display().to_string();
            pods.extend(found.map(|pod| (shown.clone(), pod["spec"].clone())));
        }
    }
    assert_eq!(pods.len(), 5, "the workloads are found");
    pods
}

/// What Kubernetes' restricted policy demands, and what it does not: a root that is read-only, limits, and no
/// token where none is used. Exceptions are named here.
#[test]
fn every_container_has_no_right_that_it_does_not_need() {
    for (file, pod) in shipped_pods() {
        let is_refresher = pod["serviceAccountName"] == "regcred-refresh";
        let mounts = &pod["automountServiceAccountToken"];
        assert_eq!(is_refresher, *mounts != json!(false), "{file}: a token");
        assert_eq!(pod["enableServiceLinks"], false, "{file}");
        let of_node = ["hostNetwork", "hostPID", "hostIPC"];
        assert!(
            !is_refresher || of_node.iter().all(|field| pod[field].is_null()),
            "{file}"
        );
        for container in list(&pod["initContainers"]).chain(list(&pod["containers"])) {
            let what = format!("{file}: {}", container["name"]);
            let own = &container["securityContext"];
            // A setting of the container wins over that of the pod.
            let set = |path: &str| {
                let found = own
                    .pointer(path)
                    .or_else(|| pod["securityContext"].pointer(path));
                found.cloned().unwrap_or_default()
            };
            assert_eq!(set("/readOnlyRootFilesystem"), true, "{what}");
            assert!(
                container["resources"]["limits"]["memory"].is_string(),
                "{what}"
            );
            assert!(
                container["resources"]["requests"]["cpu"].is_string(),
                "{what}"
            );
            // It changes its node.
            if container["name"] == "install" {
                assert_eq!(set("/privileged"), true, "{what}");
                continue;
            }
            assert_eq!(set("/privileged"), Value::Null, "{what}");
            assert_eq!(set("/allowPrivilegeEscalation"), false, "{what}");
            assert_eq!(set("/capabilities"), json!({"drop": ["ALL"]}), "{what}");
            assert_eq!(set("/seccompProfile/type"), "RuntimeDefault", "{what}");
            // It connects to the runtime's socket, which is root's.
            if container["name"] == "prepull" {
                assert_eq!(set("/runAsUser"), 0, "{what}");
            } else {
                assert_eq!(set("/runAsNonRoot"), true, "{what}");
                assert!(set("/runAsUser").as_u64() > Some(0), "{what}");
            }
        }
    }
}

/// systemd ends all processes of a unit, also those whose parent was killed, unless the unit says otherwise.
#[test]
fn no_process_outlives_a_unit_that_started_it() {
    for file in directory().join("host").read_dir().expect("files") {
        let text = std::fs::read_to_string(file.expect("a file").path()).expect("text");
        for setting in ["KillMode", "SendSIGKILL", "Delegate", "ExecReload"] {
            assert!(!text.contains(setting), "{setting} in {text}");
        }
    }
}

#[test]
fn systemd_accepts_the_units() {
    let Some(analyze) = need("systemd-analyze") else {
        return;
    };
    let copy = tempfile::tempdir().expect("a directory");
    // A unit that another refers to has to exist.
    let runtime = "[Service]\nExecStart=/bin/true\n";
    std::fs::write(copy.path().join("containerd.service"), runtime).expect("written");
    let mut units = Vec::new();
    for file in directory().join("host").read_dir().expect("files") {
        let file = file.expect("a file");
        if file
            .path()
            .extension()
            .is_some_and(|ending| ending == "yaml")
        {
            continue;
        }
        let text = std::fs::read_to_string(file.path()).expect("text");
        let program = env!("CARGO_BIN_EXE_regcred-refresh");
        let unit = copy.path().join(file.file_name());
        // The command itself is not built here: the unit is what is verified.
        let text = text.replace("/usr/local/bin/regcred-refresh", program);
        let text = text.replace("/usr/local/bin/regcred ", "/bin/true ");
        std::fs::write(&unit, text).expect("written");
        units.push(unit);
    }
    assert_eq!(units.len(), 4);
    let run = Program::new(&analyze)
        .args(["verify", "--man=no"])
        .args(&units)
        .run();
    let ours: Vec<_> = run
        .stderr
        .lines()
        .filter(|line| line.contains("regcred"))
        .collect();
    assert!(ours.is_empty() && run.code() == Some(0), "{}", run.stderr);
    // systemd's own measure of what a unit may do, from 0 to 100.
    let services = units
        .iter()
        .filter(|unit| unit.extension() != Some("timer".as_ref()));
    for service in services {
        let run = Program::new(&analyze)
            .args(["security", "--offline=true", "--no-pager", "--threshold=26"])
            .arg(service)
            .run();
        assert_eq!(run.code(), Some(0), "{}", run.stdout());
    }
}
