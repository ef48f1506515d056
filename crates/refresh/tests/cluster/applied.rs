//! What is shipped is applied as the pages have it, and the refresher runs as the workload that was applied:
//! with its arguments, its files, and the rights of its service account alone. A fake cluster gets the objects
//! that kustomize renders; to a real one `kubectl` applies them, and these tests have it to themselves.

use std::path::Path;

use http::Method;
use regcred_tests::acr::AcrCloud;
use regcred_tests::cloud::Cloud as _;
use regcred_tests::ecr::EcrCloud;
use regcred_tests::icr::FakeIam;
use regcred_tests::program::Running;
use regcred_tests::sts::Role;
use regcred_tests::{FakeEcr, FakeGceMetadata, FakeOci, FakeSts, Program, need};
use serde_json::{Value, json};

use crate::manifests::{act_as_account, directory, grant, namespace_of, path_of};
use crate::pod::{Pod, Vars, template};
use crate::stage::{Stage, config_of};

mod tests {
    crate::both! {
        the_overlay_of_a_cluster_serves_it
        the_cronjob_in_place_of_the_deployment_serves_it_too
        the_overlay_of_one_namespace_serves_it_alone
        the_overlay_of_eks_serves_with_the_service_accounts_role
        the_overlay_of_gke_serves
        the_overlay_of_aks_serves
        the_overlay_of_oke_serves_with_the_service_accounts_token
        the_overlay_of_iks_serves_with_the_projected_token
        the_overlay_of_tenants_serves_those_that_name_a_role
    }
}

async fn the_overlay_of_a_cluster_serves_it(stage: &Stage) {
    let cloud = EcrCloud::start();
    serves(stage, &directory().join("cluster"), |_| cloud.env()).await;
}

/// As the CronJob's own comment has it.
async fn the_cronjob_in_place_of_the_deployment_serves_it_too(stage: &Stage) {
    let copy = tempfile::tempdir().expect("a directory");
    for file in directory().join("cluster").read_dir().expect("files") {
        let file = file.expect("a file");
        let text = std::fs::read_to_string(file.path()).expect("text");
        let text = match file.file_name().to_str() {
            Some("kustomization.yaml") => text.replace("- deployment.yaml", "- cronjob.yaml"),
            _ => text,
        };
        std::fs::write(copy.path().join(file.file_name()), text).expect("written");
    }
    let cloud = EcrCloud::start();
    serves(stage, copy.path(), |_| cloud.env()).await;
}

async fn the_overlay_of_one_namespace_serves_it_alone(stage: &Stage) {
    let cloud = FakeGceMetadata::start();
    serves(stage, &directory().join("namespaced"), |_| cloud.env()).await;
}

async fn the_overlay_of_eks_serves_with_the_service_accounts_role(stage: &Stage) {
    let own = "arn:aws:iam::123456789012:role/registry-pull";
    let other = "arn:aws:iam::123456789012:role/us-pull";
    let key = FakeSts::start(&[]).key_of(own);
    let roles = [
        Role::of_pods(own, "regcred-refresh:regcred-refresh"),
        Role::of_key(other, &key, None),
    ];
    let sts = FakeSts::start(&roles);
    let ecr = FakeEcr::start("123456789012", &[key, sts.key_of(other)]);
    let token = sts.service_account_token("regcred-refresh:regcred-refresh", 60);
    // What EKS's webhook makes of the annotation.
    let webhook = |pod: &Pod| {
        let role = &pod.account["metadata"]["annotations"]["eks.amazonaws.com/role-arn"];
        let file = pod.write("aws-token", &token);
        let vars = [
            ("AWS_ROLE_ARN", role.as_str().expect("a role").to_owned()),
            ("AWS_WEB_IDENTITY_TOKEN_FILE", file.display().to_string()),
        ];
        let vars = vars.map(|(name, value)| (name.to_owned(), value));
        [sts.env(), ecr.env(), vars.to_vec()].concat()
    };
    serves(stage, &directory().join("clouds/eks"), webhook).await;
}

async fn the_overlay_of_gke_serves(stage: &Stage) {
    let cloud = FakeGceMetadata::start();
    serves(stage, &directory().join("clouds/gke"), |pod| {
        let annotation = "iam.gke.io/gcp-service-account";
        assert!(pod.account["metadata"]["annotations"][annotation].is_string());
        cloud.env()
    })
    .await;
}

async fn the_overlay_of_aks_serves(stage: &Stage) {
    let cloud = AcrCloud::start();
    serves(stage, &directory().join("clouds/aks"), |pod| {
        let annotation = "azure.workload.identity/client-id";
        assert!(pod.account["metadata"]["annotations"][annotation].is_string());
        let label = &pod.template["metadata"]["labels"]["azure.workload.identity/use"];
        assert_eq!(label, "true", "the webhook ignores pods without it");
        cloud.env()
    })
    .await;
}

async fn the_overlay_of_oke_serves_with_the_service_accounts_token(stage: &Stage) {
    let cloud = FakeOci::start();
    serves(stage, &directory().join("clouds/oke"), |_| {
        let name = "OCI_KUBERNETES_SERVICE_ACCOUNT_TOKEN_PATH".to_owned();
        let mut vars = cloud.cluster_env();
        vars.push((name, cloud.file("sa.token").display().to_string()));
        vars
    })
    .await;
}

async fn the_overlay_of_iks_serves_with_the_projected_token(stage: &Stage) {
    let cloud = FakeIam::start();
    serves(stage, &directory().join("clouds/iks"), |_| cloud.env()).await;
}

async fn the_overlay_of_tenants_serves_those_that_name_a_role(stage: &Stage) {
    let role = "arn:aws:iam::123456789012:role/shop-pull";
    let sts = FakeSts::start_for_kube(&[Role::of_pods(role, "shop:default")]);
    let ecr = FakeEcr::start("123456789012", &[sts.key_of(role)]);
    let env = |_: &Pod| [sts.env(), ecr.env()].concat();
    serves(stage, &directory().join("clouds/tenants"), env).await;
}

/// Applies the overlay, runs its workload, and looks at what it wrote for the namespace `shop`.
async fn serves(stage: &Stage, overlay: &Path, env: impl FnOnce(&Pod) -> Vars) {
    let Some(kubectl) = need("kubectl") else {
        assert!(stage.fake.is_some(), "a real cluster needs kubectl");
        return;
    };
    let kubectl = Program::new(kubectl).env("HOME", stage.directory());
    let rendered = kubectl.clone().arg("kustomize").arg(overlay).run();
    let objects = parsed(&rendered.success());
    refers_to_objects_of_its_own(&objects);
    let pod = Pod::of(&objects);
    let role = "arn:aws:iam::123456789012:role/shop-pull";
    let annotated = json!({"annotations": {"eks.amazonaws.com/ecr-role-arn": role}});
    if stage.fake.is_none() {
        for name in ["shop", &pod.home] {
            let path = format!("/api/v1/namespaces/{name}");
            let gone = async || stage.ask(Method::GET, &path, &Value::Null).await.is_none();
            stage.until("the end of the test before", gone).await;
        }
    }
    stage.namespace_of_that_name("shop", annotated).await;
    if let Some(fake) = &stage.fake {
        fake.namespace(&pod.home, json!({}));
        grant(stage, &objects, &pod.home).await;
    } else {
        let of_cluster = objects
            .iter()
            .filter(|object| namespace_of(object).is_none());
        of_cluster.for_each(|object| stage.keep_track(path_of(object)));
        let kubectl = kubectl.arg("--kubeconfig").arg(stage.admin());
        let _ = kubectl.args(["apply", "-k"]).arg(overlay).run().success();
        let name = pod.account["metadata"]["name"].as_str().expect("a name");
        act_as_account(stage, &pod.home, name).await;
    }
    let account = async || stage.get("shop", "serviceaccounts", "default").await;
    stage
        .until("the account", async || account().await.is_some())
        .await;

    let vars = env(&pod);
    let kubeconfig = stage.kubeconfig_in(&pod.home);
    let program = pod.program(None, &kubeconfig, vars.clone());
    if pod.arguments[0] == "--daemon" {
        let daemon = program.args(["--listen", "127.0.0.1:0"]).start();
        let linked = async || !account().await.unwrap_or_default()["imagePullSecrets"].is_null();
        stage.until("the account linked", linked).await;
        stop(daemon);
    } else {
        let _ = program.run().success();
    }

    let secret = stage.secret("shop", "regcred").await.expect("a Secret");
    let written = config_of(&secret)["auths"].clone();
    let written: Vec<_> = written
        .as_object()
        .expect("logins")
        .keys()
        .cloned()
        .collect();
    let summary = pod
        .program(Some("--check"), &kubeconfig, vars.clone())
        .run()
        .success();
    let registries = summary.lines().filter(|line| line.starts_with("registry "));
    let hosts = registries.filter_map(|line| Some(line.split_once("): ")?.1));
    let mut hosts: Vec<_> = hosts.flat_map(str::split_whitespace).collect();
    hosts.sort_unstable();
    assert!(!hosts.is_empty(), "{summary}");
    assert_eq!(written, hosts, "{summary}");
    assert_eq!(
        account().await.unwrap_or_default()["imagePullSecrets"],
        json!([{"name": "regcred"}])
    );
    let has_all = pod.home != "shop" && !overlay.ends_with("tenants");
    let there = stage.secret("default", "regcred").await.is_some();
    assert_eq!(there, has_all, "the Secret in the namespace default");
    let forbidden = stage.fake.as_ref().map(regcred_tests::FakeKube::forbidden);
    assert_eq!(forbidden.unwrap_or_default(), Vec::<String>::new());

    let cleanup = pod.program(Some("--cleanup"), stage.admin(), vars);
    let _ = cleanup.run().success();
    assert!(stage.secret("shop", "regcred").await.is_none());
}

/// Ends a daemon as the kubelet does; nothing was refused to it.
fn stop(daemon: Running) {
    let stop = format!("kill -TERM {}", daemon.id());
    let _ = Program::new("/bin/sh").args(["-c", &stop]).run().success();
    let finished = daemon.finish();
    assert_eq!(finished.code(), Some(0), "{}", finished.stderr);
    for word in ["403 Forbidden", "\"level\":\"error\""] {
        assert!(!finished.stderr.contains(word), "{}", finished.stderr);
    }
}

#[test]
#[ignore = "needs a test cluster in REGCRED_TEST_KUBECONFIG"]
#[expect(
    clippy::disallowed_methods,
    reason = "a test that runs against a real cluster"
)]
fn live_every_file_that_a_page_applies_is_accepted() {
    let kubeconfig = std::env::var("REGCRED_TEST_KUBECONFIG");
    let kubeconfig = kubeconfig.expect("REGCRED_TEST_KUBECONFIG names a kubeconfig");
    let home = tempfile::tempdir().expect("a directory");
    let kubectl = Program::new(need("kubectl").expect("kubectl")).env("HOME", home.path());
    let kubectl = kubectl.args([
        "--kubeconfig",
        &kubeconfig,
        "apply",
        "--dry-run=server",
        "-f",
    ]);
    for file in [
        "cluster/cleanup-rbac.yaml",
        "always-pull/mutate.yaml",
        "always-pull/validate.yaml",
    ] {
        let _ = kubectl.clone().arg(directory().join(file)).run().success();
    }
}

/// The objects of a rendered text.
pub(crate) fn parsed(text: &str) -> Vec<Value> {
    let documents = text.split("\n---\n");
    let parse = |document| serde_saphyr::from_str::<Value>(document).expect("YAML");
    documents.map(parse).collect()
}

/// Every role, account and pod that an object names is one of the objects.
fn refers_to_objects_of_its_own(objects: &[Value]) {
    let there = |kind: &str, name: &Value, namespace: Option<&str>| {
        let mut same = objects.iter().filter(|object| object["kind"] == kind);
        let found = same
            .any(|object| object["metadata"]["name"] == *name && namespace_of(object) == namespace);
        assert!(found, "no {kind} {name} in {namespace:?}");
    };
    for object in objects {
        let home = namespace_of(object);
        if let Some(pod) = template(object) {
            let image = pod["spec"]["containers"][0]["image"].as_str();
            assert_eq!(image, Some("registry.example.com/regcred-refresh:0.1.0"));
        }
        if let Some(role) = object.get("roleRef") {
            let kind = role["kind"].as_str().expect("a kind");
            there(kind, &role["name"], home.filter(|_| kind == "Role"));
            let subject = &object["subjects"][0];
            let namespace = subject["namespace"].as_str();
            there("ServiceAccount", &subject["name"], namespace);
        }
        if object["kind"] == "NetworkPolicy" {
            let label = &object["spec"]["podSelector"]["matchLabels"];
            let label = label.as_object().expect("labels");
            let mut pods = objects.iter().filter_map(template);
            let labels = |pod: &Value| pod["metadata"]["labels"].clone();
            let meant = |pod: &Value| {
                label
                    .iter()
                    .all(|(name, value)| labels(pod)[name] == *value)
            };
            assert!(pods.all(meant), "it selects the workload's pods");
        }
    }
}
