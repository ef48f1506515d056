//! A kubelet that is restarted: systemctl is a script, the kubelet's health a server on loopback.

use std::fs;
use std::time::Duration;

use regcred_http_testing::{Fake, Reply};

use crate::testing::{Node, k3s_openrc, kubeadm, systemd, wish};
use crate::{
    NodeError, ProviderPaths, Restarted, Service, ServiceManager, apply, plan_installation,
    plan_removal,
};

/// A `systemctl` that writes its arguments to a file, and to which this state is the unit's.
fn service(node: &Node, state: &str, health: String) -> Service {
    let (log, script) = (node.path("/log"), node.path("/systemctl"));
    let text = format!(
        "#!/bin/sh\necho \"$@\" >> {}\nif [ \"$1\" = show ]; then echo ActiveState={state}; fi\n",
        log.display()
    );
    node.program("/systemctl", &text);
    node.write("/log", "");
    Service {
        manager: ServiceManager::Systemd(script),
        restorecon: None,
        health: Some(health),
        wait: Duration::from_secs(1),
        restart: true,
    }
}

fn restarts(node: &Node) -> Vec<String> {
    let log = node.text("/log");
    let lines = log.lines().filter(|line| !line.starts_with("show "));
    lines.map(str::to_owned).collect()
}

async fn install(node: &Node, service: &Service) -> Result<Restarted, NodeError> {
    let tree = node.tree();
    let plan = plan_installation(&tree, &wish(&["ecr"])).expect("a plan");
    apply(&tree, &plan, Some(service), &|_| Ok(())).await
}

#[tokio::test]
async fn a_kubelet_that_is_healthy_again_keeps_what_was_installed() {
    let kubelet = Fake::start(|_| Reply::new(200)).await;
    let node = kubeadm(None);
    let service = service(&node, "active", kubelet.url("/healthz"));
    let before = node.snapshot();
    assert_eq!(
        install(&node, &service).await.expect("installed"),
        Restarted::Healthy
    );
    assert_eq!(restarts(&node), ["restart kubelet.service"]);
    assert!(node.plan(&wish(&["ecr"])).expect("a plan").is_empty());
    let tree = node.tree();
    let plan = plan_removal(&tree).expect("a plan");
    let removed = apply(&tree, &plan, Some(&service), &|_| Ok(())).await;
    assert_eq!(removed.expect("removed"), Restarted::Healthy);
    assert_eq!(restarts(&node).len(), 2);
    node.write("/log", "");
    assert_eq!(node.snapshot(), before);
}

#[tokio::test]
async fn a_kubelet_that_does_not_come_back_gets_what_it_had() {
    // It is healthy only without the flags.
    let node = systemd();
    let drop_in = node.path("/etc/systemd/system/kubelet.service.d/zz-regcred.conf");
    let kubelet = Fake::start(move |_| Reply::new(if drop_in.exists() { 500 } else { 200 })).await;
    let service = service(&node, "active", kubelet.url("/healthz"));
    let before = node.snapshot();
    let why = install(&node, &service)
        .await
        .expect_err("not healthy")
        .to_string();
    assert!(
        why.contains("kubelet.service is not healthy 1 s after its restart"),
        "{why}"
    );
    assert!(
        why.contains("answers 500") && why.ends_with("everything is as it was before"),
        "{why}"
    );
    let twice = ["daemon-reload", "restart kubelet.service"].repeat(2);
    assert_eq!(restarts(&node), twice);
    node.write("/log", "");
    assert_eq!(node.snapshot(), before);
}

#[tokio::test]
async fn a_kubelet_that_is_not_healthy_without_it_either_is_named() {
    let kubelet = Fake::start(|_| Reply::new(500)).await;
    let node = kubeadm(None);
    let service = service(&node, "active", kubelet.url("/healthz"));
    let before = node.snapshot();
    let why = install(&node, &service)
        .await
        .expect_err("not healthy")
        .to_string();
    assert!(
        why.contains("and the kubelet is not healthy with that either"),
        "{why}"
    );
    node.write("/log", "");
    assert_eq!(node.snapshot(), before);
}

#[tokio::test]
async fn openrc_restarts_k3s_and_a_crashed_service_is_put_back() {
    let kubelet = Fake::start(|_| Reply::new(200)).await;
    let node = k3s_openrc();
    let mut service = service(&node, "active", kubelet.url("/healthz"));
    let rc_service = |status: &str| {
        let log = node.path("/log");
        let crashed = node.path("/var/lib/rancher/credentialprovider/config.yaml");
        node.program(
            "/rc-service",
            &format!(
                "#!/bin/sh\necho \"$@\" >> {}\nif [ \"$2\" = status ]; then {status}; fi\n",
                log.display()
            )
            .replace("CONFIG", &crashed.display().to_string()),
        );
        ServiceManager::OpenRc(node.path("/rc-service"))
    };
    let commands = || {
        let log = node.text("/log");
        let lines = log.lines().filter(|line| !line.ends_with("status"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    service.manager = rc_service("exit 3");
    node.write("/log", "");
    let before = node.snapshot();
    assert_eq!(
        install(&node, &service).await.expect("installed"),
        Restarted::NotRunning
    );
    assert!(commands().is_empty());
    node.uninstall().await.expect("removed");
    service.manager = rc_service("exit 0");
    assert_eq!(
        install(&node, &service).await.expect("installed"),
        Restarted::Healthy
    );
    assert_eq!(commands(), ["k3s restart"]);
    node.uninstall().await.expect("removed");
    // It runs until it has a configuration and is restarted.
    service.manager = rc_service("if [ -e CONFIG ] && grep -q restart LOG; then exit 32; fi");
    let script = node.text("/rc-service");
    let log = node.path("/log").display().to_string();
    node.program("/rc-service", &script.replace("LOG", &log));
    node.write("/log", "");
    let why = install(&node, &service)
        .await
        .expect_err("crashed")
        .to_string();
    for part in [
        "k3s is not healthy 1 s after its restart: it is crashed; its log is /var/log/k3s.log",
        "everything is as it was before",
    ] {
        assert!(why.contains(part), "{why}");
    }
    assert_eq!(commands(), ["k3s restart", "k3s restart"]);
    node.write("/log", "");
    service.manager = rc_service("exit 3");
    assert_eq!(node.snapshot(), before);
}

#[tokio::test]
async fn a_kubelet_that_does_not_run_is_not_started() {
    let node = kubeadm(None);
    let service = service(&node, "inactive", "http://127.0.0.1:1/healthz".to_owned());
    assert_eq!(
        install(&node, &service).await.expect("installed"),
        Restarted::NotRunning
    );
    assert!(restarts(&node).is_empty());
    assert!(node.plan(&wish(&["ecr"])).expect("a plan").is_empty());
}

#[tokio::test]
async fn what_is_not_to_be_restarted_now_is_restarted_by_the_next_installation() {
    let kubelet = Fake::start(|_| Reply::new(200)).await;
    let node = kubeadm(None);
    let mut service = service(&node, "active", kubelet.url("/healthz"));
    service.restart = false;
    assert_eq!(
        install(&node, &service).await.expect("installed"),
        Restarted::Later
    );
    service.restart = true;
    assert_eq!(
        install(&node, &service).await.expect("installed"),
        Restarted::Healthy
    );
    assert_eq!(restarts(&node), ["restart kubelet.service"]);
}

#[tokio::test]
async fn a_plugin_that_does_not_run_on_the_node_is_taken_away_before_a_restart() {
    let node = kubeadm(None);
    let service = service(&node, "active", String::new());
    let before = node.snapshot();
    let tree = node.tree();
    let mut wish = wish(&["ecr"]);
    wish.plugins[0].program = wish.plugins[0]
        .program
        .with(b"#!/no/such/loader\n".to_vec());
    let plan = plan_installation(&tree, &wish).expect("a plan");
    let done = apply(&tree, &plan, Some(&service), &|_| Ok(())).await;
    let why = done.expect_err("not startable").to_string();
    assert!(
        why.starts_with("this node does not run the plugin: cannot start "),
        "{why}"
    );
    assert!(restarts(&node).is_empty());
    assert_eq!(node.snapshot(), before);
}

#[tokio::test]
async fn what_does_not_pass_the_check_is_put_back_before_a_restart() {
    let node = kubeadm(None);
    let service = service(&node, "active", String::new());
    let before = node.snapshot();
    let tree = node.tree();
    let plan = plan_installation(&tree, &wish(&["ecr"])).expect("a plan");
    let check = |paths: &ProviderPaths| {
        assert!(fs::exists(tree.outside(&paths.config)).expect("to be asked"));
        Err(NodeError::Unchecked)
    };
    let done = apply(&tree, &plan, Some(&service), &check).await;
    assert!(matches!(done, Err(NodeError::PutBack { .. })));
    assert!(restarts(&node).is_empty());
    assert_eq!(node.snapshot(), before);
}
