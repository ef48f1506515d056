//! Providers of others.

use crate::testing::{Node, entry, k3s, kubeadm, wish};
use crate::unified;

const ECR: &str = "apiVersion: kubelet.config.k8s.io/v1\nkind: CredentialProviderConfig\nproviders:\n\
                   # of the vendor\n- name: ecr-credential-provider\n  matchImages: [\"*.dkr.ecr.*.amazonaws.com\"]\n  \
                   defaultCacheDuration: 12h\n  apiVersion: credentialprovider.kubelet.k8s.io/v1\n  env:\n  \
                   - {name: TOKEN, value: canary-value}\n";
const CONFIG: &str = "/etc/vendor/config.yaml";
const PLUGIN: &str = "/etc/vendor/bin/ecr-credential-provider";

fn vendors() -> Node {
    let flags = "--image-credential-provider-config=/etc/vendor/config.yaml \
                 --image-credential-provider-bin-dir=/etc/vendor/bin";
    let node = kubeadm(Some(&format!("KUBELET_EXTRA_ARGS=\"{flags}\"\n")));
    node.write(CONFIG, ECR);
    node.program(PLUGIN, "#!/bin/sh\n# the vendor's\n");
    node
}

#[tokio::test]
async fn an_entry_is_added_to_those_of_an_ecr_provider() {
    let node = vendors();
    let before = node.snapshot();
    let plan = node.install(&wish(&["gcr"])).await.expect("installed");
    assert_eq!(node.text(CONFIG), format!("{ECR}{}", entry("gcr")));
    assert!(
        node.path("/etc/vendor/bin/gcr-credential-provider")
            .is_file()
    );
    assert_eq!(
        plan.changes.len(),
        2,
        "flags and plugin of the vendor stay: {:#?}",
        plan.changes
    );
    let shown = unified(&plan.changes);
    assert!(
        !shown.contains("canary-value") && shown.contains("value: ***}"),
        "{}",
        *shown
    );
    node.uninstall().await.expect("removed");
    assert_eq!(node.snapshot(), before);
}

#[tokio::test]
async fn a_vendors_plugin_is_replaced_only_when_that_is_asked_for() {
    let node = vendors();
    let before = node.snapshot();
    let why = node
        .plan(&wish(&["ecr"]))
        .expect_err("the vendor's")
        .to_string();
    let place = format!("{CONFIG}:5: the entry ecr-credential-provider is there already");
    assert!(
        why.starts_with(&place) && why.contains("--replace"),
        "{why}"
    );
    let mut wish = wish(&["ecr"]);
    wish.replace = true;
    let plan = node.install(&wish).await.expect("installed");
    assert!(
        !plan.restart,
        "the kubelet looks the program up at each call"
    );
    assert_eq!(
        (node.text(CONFIG).as_str(), node.text(PLUGIN).as_str()),
        (ECR, "#!/bin/sh\n# ecr\nexit 0\n")
    );
    assert!(node.plan(&wish).expect("a plan").is_empty());
    node.uninstall().await.expect("removed");
    assert_eq!(node.snapshot(), before);
}

#[tokio::test]
async fn a_plugin_under_a_vendors_name_and_behind_a_link_is_replaced_and_put_back() {
    let node = vendors();
    node.write(
        CONFIG,
        &ECR.replace("ecr-credential-provider", "auth-provider-gcp"),
    );
    node.program("/usr/bin/vendors", "#!/bin/sh\n");
    node.link("/etc/vendor/bin/auth-provider-gcp", "/usr/bin/vendors");
    let before = node.snapshot();
    let mut wish = wish(&["gcr"]);
    assert!(
        node.plan(&wish)
            .expect_err("the vendor's")
            .to_string()
            .contains("auth-provider-gcp")
    );
    wish.replace = true;
    node.install(&wish).await.expect("installed");
    assert_eq!(
        node.text("/etc/vendor/bin/auth-provider-gcp"),
        "#!/bin/sh\n# gcr\nexit 0\n"
    );
    assert_eq!(
        node.text("/usr/bin/vendors"),
        "#!/bin/sh\n",
        "the link is replaced, not what it leads to"
    );
    node.uninstall().await.expect("removed");
    assert_eq!(node.snapshot(), before);
}

#[tokio::test]
async fn a_directory_of_configurations_gets_a_file_of_its_own() {
    let node = vendors();
    std::fs::remove_file(node.path(CONFIG)).expect("a file");
    node.write("/etc/vendor/config.yaml/10-vendor.yaml", ECR);
    let before = node.snapshot();
    node.install(&wish(&["gcr"])).await.expect("installed");
    let own = node.text("/etc/vendor/config.yaml/50-regcred.yaml");
    assert!(own.ends_with(&entry("gcr")), "{own}");
    assert!(node.plan(&wish(&["gcr"])).expect("a plan").is_empty());
    assert!(
        node.plan(&wish(&["ecr"])).is_err(),
        "a duplicate name ends the kubelet"
    );
    node.uninstall().await.expect("removed");
    assert_eq!(node.snapshot(), before);
}

#[tokio::test]
async fn json_stays_json_on_k3s() {
    let node = k3s();
    let json = "{\n  \"apiVersion\": \"kubelet.config.k8s.io/v1\",\n  \"kind\": \"CredentialProviderConfig\",\n  \
                \"providers\": [\n    {\"name\": \"other\", \"matchImages\": [\"o.io\"], \"defaultCacheDuration\": \"1h\", \
                \"apiVersion\": \"credentialprovider.kubelet.k8s.io/v1\"}\n  ]\n}\n";
    let config = "/var/lib/rancher/credentialprovider/config.yaml";
    node.write(config, json);
    node.program(
        "/var/lib/rancher/credentialprovider/bin/other",
        "#!/bin/sh\n",
    );
    let before = node.snapshot();
    node.install(&wish(&["gcr"])).await.expect("installed");
    let text = node.text(config);
    let (old, _) = json.split_once("}\n  ]").expect("its end");
    assert!(
        text.starts_with(&format!(
            "{old}}},\n    {{\n      \"name\": \"gcr-credential-provider\""
        )),
        "{text}"
    );
    node.uninstall().await.expect("removed");
    assert_eq!(node.snapshot(), before);
}
