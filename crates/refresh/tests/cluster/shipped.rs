//! What a page names is tested as it is shipped: overlays as kustomize renders them, units as systemd reads
//! them.

use std::path::Path;

use regcred_tests::{Program, need};
use serde_json::{Value, json};

use crate::daemon::page;
use crate::manifests::{directory, grant, namespace_of, objects};
use crate::stage::Stage;

mod tests {
    crate::both! {
        the_rendered_overlay_of_a_cluster_serves_it
    }
}

/// What `kubectl kustomize` makes of a directory; `None` without kubectl.
fn rendered(overlay: &Path) -> Option<String> {
    let kubectl = Program::new(need("kubectl")?);
    Some(kubectl.arg("kustomize").arg(overlay).run().success())
}

fn parsed(text: &str) -> Vec<Value> {
    let documents = text.split("\n---\n");
    let parse = |document| serde_saphyr::from_str::<Value>(document).expect("YAML");
    documents.map(parse).collect()
}

/// The pods' template of a workload.
fn template(object: &Value) -> Option<&Value> {
    let places = ["/spec/template", "/spec/jobTemplate/spec/template"];
    places.iter().find_map(|place| object.pointer(place))
}

/// Everything that an object refers to by name is one of the objects.
fn refers_to_what_is_there(objects: &[Value]) {
    let there = |kind: &str, name: &Value, namespace: Option<&str>| {
        assert!(name.is_string(), "{kind}");
        let mut same = objects.iter().filter(|object| object["kind"] == kind);
        let found = same
            .any(|object| object["metadata"]["name"] == *name && namespace_of(object) == namespace);
        assert!(found, "no {kind} {name} in {namespace:?}");
    };
    for object in objects {
        let home = namespace_of(object);
        if let Some(pod) = template(object) {
            there("ServiceAccount", &pod["spec"]["serviceAccountName"], home);
            for volume in pod["spec"]["volumes"].as_array().into_iter().flatten() {
                there("ConfigMap", &volume["configMap"]["name"], home);
            }
            let image = pod["spec"]["containers"][0]["image"].as_str();
            assert_eq!(image, Some("registry.example.com/regcred-refresh:0.1.0"));
        }
        if let Some(role) = object.get("roleRef") {
            let kind = role["kind"].as_str().expect("a kind");
            there(kind, &role["name"], home.filter(|_| kind == "Role"));
            let subject = &object["subjects"][0];
            there(
                "ServiceAccount",
                &subject["name"],
                subject["namespace"].as_str(),
            );
        }
        if object["kind"] == "NetworkPolicy" {
            let label = &object["spec"]["podSelector"]["matchLabels"];
            let pods = objects.iter().filter_map(template);
            let labels: Vec<_> = pods.map(|pod| &pod["metadata"]["labels"]).collect();
            assert_eq!(labels, [label], "the pods that it is about");
        }
    }
}

#[test]
fn what_kustomize_renders_refers_to_what_is_there() {
    let copy = tempfile::tempdir().expect("a directory");
    for file in directory().join("cluster").read_dir().expect("files") {
        let file = file.expect("a file");
        let text = std::fs::read_to_string(file.path()).expect("text");
        // As the CronJob's own comment has it.
        let text = match file.file_name().to_str() {
            Some("kustomization.yaml") => text.replace("- deployment.yaml", "- cronjob.yaml"),
            _ => text,
        };
        std::fs::write(copy.path().join(file.file_name()), text).expect("written");
    }
    let overlays = ["cluster", "namespaced"].map(|overlay| directory().join(overlay));
    for overlay in overlays
        .iter()
        .map(|overlay| &**overlay)
        .chain([copy.path()])
    {
        let Some(text) = rendered(overlay) else {
            return;
        };
        let objects = parsed(&text);
        refers_to_what_is_there(&objects);
        let workloads = objects.iter().filter(|object| template(object).is_some());
        assert_eq!(workloads.count(), 1, "{}", overlay.display());
    }
}

async fn the_rendered_overlay_of_a_cluster_serves_it(stage: &Stage) {
    let Some(text) = rendered(&directory().join("cluster")) else {
        return;
    };
    let home = stage.namespace("refresh", json!({})).await;
    let ns = stage.namespace("a", json!({})).await;
    let account = async || stage.get(&ns, "serviceaccounts", "default").await.is_some();
    stage.until("the account", account).await;
    let all = objects(stage, &text);
    grant(stage, &all, &home).await;
    // The shipped configuration, with the cloud and the namespaces of this test.
    let config = all
        .iter()
        .find_map(|object| object["data"]["config.yaml"].as_str());
    let mut config: Value = serde_saphyr::from_str(config.expect("a configuration")).expect("YAML");
    config["registries"] = json!([{"name": "main", "provider": "fake", "hosts": ["a.eu.fake.io"]}]);
    config["targets"][0]["namespaces"]["include"] = json!([ns]);
    config["targets"][0]["namespaces"]["selector"] = json!({});
    config["leaderElection"] = json!({"namespace": home, "name": home});
    let config = config.as_object_mut().expect("an object");
    config.retain(|field, _| field != "apiVersion" && field != "kind");
    let yaml: Vec<String> = config
        .iter()
        .map(|(field, value)| format!("{field}: {value}\n"))
        .collect();
    let daemon = stage.daemon(&stage.plan(&yaml.concat())).await;
    stage
        .until("all well", async || page(&daemon, "/readyz").await.0 == 200)
        .await;
    assert!(stage.secret(&ns, "regcred").await.is_some());
    let linked = async || {
        let account = stage.get(&ns, "serviceaccounts", "default").await;
        account.unwrap_or_default()["imagePullSecrets"] == json!([{"name": "regcred"}])
    };
    stage.until("the account linked", linked).await;
    let metrics = page(&daemon, "/metrics").await.1;
    assert!(
        metrics.contains("errors_total{reason=\"forbidden\"} 0"),
        "{metrics}"
    );
    daemon.stop().await;
}

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
fn systemd_takes_the_units() {
    let Some(analyze) = need("systemd-analyze") else {
        return;
    };
    let copy = tempfile::tempdir().expect("a directory");
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
        std::fs::write(
            &unit,
            text.replace("/usr/local/bin/regcred-refresh", program),
        )
        .expect("written");
        units.push(unit);
    }
    assert_eq!(units.len(), 3);
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
