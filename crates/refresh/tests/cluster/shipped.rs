//! Files that are provided but not applied in these tests: the NetworkPolicy opens what identities need, and
//! systemd reads the units.

use regcred_tests::{Program, need};
use serde_json::Value;

use crate::applied::parsed;
use crate::manifests::directory;

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
    let run = Program::new(analyze)
        .args(["verify", "--man=no"])
        .args(&units)
        .run();
    let ours: Vec<_> = run
        .stderr
        .lines()
        .filter(|line| line.contains("regcred"))
        .collect();
    assert!(ours.is_empty() && run.code() == Some(0), "{}", run.stderr);
}
