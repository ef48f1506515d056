//! What the refresher writes when a cloud or the API server repeats the secrets that it was sent.

use regcred_tests::canary::VERBOSE;
use regcred_tests::icr::API_KEY;
use regcred_tests::program::{Running, script};
use regcred_tests::{Canary, Repeating, Repeats};
use serde_json::json;

use super::daemon::{free_address, get, terminate, until};
use super::{Stage, TARGET};

#[test]
fn nothing_that_a_cloud_repeats_is_in_the_log_the_page_the_metrics_or_an_event() {
    let stage = Stage::new();
    stage.kube.namespace("shop", json!({}));
    let iam = Repeating::start(Repeats::Json(401));
    let start = |args: &[&str]| {
        let program = stage.program(TARGET).env("REGCRED_LOG", VERBOSE).args(args);
        program.env("IBMCLOUD_IAM_URL", iam.server().url())
    };
    let mut canary = Canary::default();
    let once = [
        start(&["--once"]).run(),
        start(&["--once", "--output=json"]).run(),
    ];
    assert!(iam.repeated().contains(API_KEY), "the key was not sent");
    let secrets = || iam.repeated().into_iter().chain([OF_CLUSTER.to_owned()]);
    canary.look_for(secrets(), "once");
    for done in &once {
        assert_eq!(done.code(), Some(2), "{}", done.stderr);
        assert!((done.stdout() + &done.stderr).contains("[secret]"));
        canary.search_output("once", done);
    }

    // A Secret that has the login of one registry: that it lacks the others is an Event.
    let first = stage.program(TARGET).arg("--once");
    let config = stage.directory.path().join("config.yaml");
    let all = std::fs::read_to_string(&config).expect("the configuration");
    let is_other = |line: &&str| !line.contains("{name: de,") && !line.contains("{name: jp,");
    let one: Vec<_> = all.lines().filter(is_other).collect();
    std::fs::write(&config, one.join("\n")).expect("a file");
    assert_eq!(first.run().code(), Some(0));
    let address = free_address();
    let daemon = start(&["--daemon", "--listen", &address]).start();
    until("the pages", || {
        std::net::TcpStream::connect(&address).is_ok()
    });
    let url = format!("http://{address}");
    until("a failure of both registries", || {
        let metrics = get(&url, "/metrics");
        let failed = |name| format!("token_refresh_total{{source=\"{name}\",result=\"denied\"}} 0");
        ["de", "jp"]
            .iter()
            .all(|name| !metrics.contains(&failed(name)))
    });
    until("an Event", || !stage.kube.objects("events").is_empty());
    canary.look_for(secrets(), "the daemon");
    let (page, log) = search_daemon(&mut canary, "the daemon", &stage, &url, daemon);
    assert!(
        page.contains("[secret]") && log.contains("[secret]"),
        "{page}{log}"
    );
    canary.end(20_000);
}

/// Searches the pages of a daemon, ends it, and searches its log and the objects of the cluster; returns its
/// status page and its log.
fn search_daemon(
    canary: &mut Canary,
    context: &str,
    stage: &Stage,
    url: &str,
    daemon: Running,
) -> (String, String) {
    let pages = ["/", "/metrics", "/readyz", "/healthz"].map(|page| get(url, page));
    for page in &pages {
        canary.search("pages and metrics", context, page);
    }
    let line = std::fs::read_to_string(format!("/proc/{}/cmdline", daemon.id()));
    canary.search("command lines", context, &line.expect("it runs"));
    terminate(&daemon);
    let done = daemon.finish();
    canary.search_output(context, &done);
    for kind in ["events", "leases", "serviceaccounts", "namespaces"] {
        for object in stage.kube.objects(kind) {
            canary.search("events and other objects", context, &object.to_string());
        }
    }
    for secret in stage.secrets() {
        let metadata = secret["metadata"].to_string();
        canary.search("events and other objects", context, &metadata);
    }
    let [page, ..] = pages;
    (page, done.stderr)
}

#[test]
fn nothing_that_the_api_server_repeats_is_shown() {
    let stage = Stage::new();
    stage.kube.namespace("shop", json!({}));
    let mut canary = Canary::default();
    // A server that refuses after some requests: at the first list, at a look, at each write.
    let ways = [
        Repeats::Status(403),
        Repeats::Status(422),
        Repeats::Json(401),
        Repeats::Status(404),
        Repeats::Page(403),
    ];
    let url = stage.kube.url();
    let authority = url.trim_start_matches("http://");
    let kubeconfig = |server: &Repeating| {
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "c",
            "clusters": [{"name": "c", "cluster": {"server": server.server().url()}}],
            "users": [{"name": "c", "user": {"token": OF_CLUSTER}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "c"}}],
        });
        stage.file("repeating", &config.to_string())
    };
    let mut shown = String::new();
    for (step, repeats) in (0..12).zip(ways.iter().cycle()) {
        let server = Repeating::before(authority, *repeats);
        server.pass(step);
        let context = format!("a daemon: {step} requests pass, then {repeats:?}");
        let (address, config) = (free_address(), kubeconfig(&server));
        let program = stage.program(TARGET).env("KUBECONFIG", config);
        let program = program.args(["--daemon", "--listen", &address]);
        let daemon = program.env("REGCRED_LOG", VERBOSE).start();
        let url = format!("http://{address}");
        until("the pages", || {
            std::net::TcpStream::connect(&address).is_ok()
        });
        until("refusals", || server.refused() > 2);
        let issued = stage.iam.logins().passwords();
        canary.look_for(server.repeated().into_iter().chain(issued), &context);
        let (page, log) = search_daemon(&mut canary, &context, &stage, &url, daemon);
        shown += &(page + &log);
        stage.kube.remove("secrets", "shop", "regcred");
        stage.kube.account("shop", "default");
    }
    assert!(shown.contains("[secret]"), "daemons: {shown}");
    shown.clear();
    for (step, repeats) in (0..40).zip(ways.iter().cycle()) {
        let server = Repeating::before(authority, *repeats);
        server.pass(step);
        let config = kubeconfig(&server);
        let context = format!("{step} requests pass, then {repeats:?}");
        let program = stage.program(TARGET).env("KUBECONFIG", config);
        let done = program.env("REGCRED_LOG", VERBOSE).arg("--once").run();
        let sent = server.repeated();
        assert!(
            sent.contains(OF_CLUSTER),
            "{context}: the token was not sent"
        );
        let issued = stage.iam.logins().passwords();
        canary.look_for(sent.into_iter().chain(issued), &context);
        canary.search_output(&context, &done);
        shown += &done.stderr;
        stage.kube.remove("secrets", "shop", "regcred");
        stage.kube.account("shop", "default");
        if server.refused() == 0 {
            assert_eq!(done.code(), Some(0), "{context}: {}", done.stderr);
            assert!(step > 3 && shown.contains("[secret]"), "{context}: {shown}");
            return canary.end(20_000);
        }
    }
    panic!("a run takes more than 40 requests");
}

/// The refresher's own token in a file, and that of a namespace's service account.
#[test]
fn nothing_that_sts_repeats_of_a_web_identity_is_shown() {
    let stage = Stage::new();
    let role = "arn:aws:iam::123456789012:role/shop-pull";
    let annotated = json!({"annotations": {"eks.amazonaws.com/ecr-role-arn": role}});
    stage.kube.namespace("shop", annotated);
    let token = stage.file("web-identity", OF_WEB_IDENTITY);
    let mut canary = Canary::default();
    for repeats in [Repeats::Xml(400), Repeats::Json(403), Repeats::Page(503)] {
        let sts = Repeating::start(repeats);
        // STS's own form is the one that has a message.
        let is_read = repeats == Repeats::Xml(400);
        let registries = format!(
            "- {{name: own, provider: ecr, account: '123456789012', region: us-east-1, \
             env: {{AWS_ROLE_ARN: '{role}', AWS_WEB_IDENTITY_TOKEN_FILE: '{}'}}}}\n\
             - {{name: theirs, provider: ecr, account: '210987654321', region: us-east-1, \
             namespaceIdentity: {{annotation: eks.amazonaws.com/ecr-role-arn, \
             serviceAccount: default, audience: sts.amazonaws.com}}}}\n",
            token.display()
        );
        let target = TARGET.replace(
            "- name: everywhere",
            "- name: everywhere\n  registries: [own, theirs]",
        );
        for output in [&["--once"][..], &["--once", "--output=json"]] {
            let context = format!("{repeats:?}, {output:?}");
            let program = stage.program(&(registries.clone() + &target));
            let program = program.env("AWS_ENDPOINT_URL_STS", sts.server().url());
            let program = program.env("AWS_ENDPOINT_URL_ECR", sts.server().url());
            let program = program.env("AWS_EC2_METADATA_DISABLED", "true");
            let done = program.env("REGCRED_LOG", VERBOSE).args(output).run();
            assert_eq!(done.code(), Some(2), "{context}: {}", done.stderr);
            let sent = sts.repeated();
            assert!(sent.contains(OF_WEB_IDENTITY), "{context}: {sent:?}");
            assert!(
                sent.len() >= 2,
                "{context}: no token of the namespace: {sent:?}"
            );
            canary.look_for(sent.into_iter().chain([OF_CLUSTER.to_owned()]), &context);
            canary.search_output(&context, &done);
            let shown = done.stdout() + &done.stderr;
            assert!(!is_read || shown.contains("[secret]"), "{context}: {shown}");
        }
        let (context, address) = (format!("a daemon, {repeats:?}"), free_address());
        let program = stage.program(&(registries.clone() + &target));
        let program = program.env("AWS_ENDPOINT_URL_STS", sts.server().url());
        let program = program.env("AWS_ENDPOINT_URL_ECR", sts.server().url());
        let program = program.env("AWS_EC2_METADATA_DISABLED", "true");
        let program = program.args(["--daemon", "--listen", &address]);
        let daemon = program.env("REGCRED_LOG", VERBOSE).start();
        let url = format!("http://{address}");
        until("the pages", || {
            std::net::TcpStream::connect(&address).is_ok()
        });
        until("failures of both", || {
            let metrics = get(&url, "/metrics");
            let failed = |name: &str| {
                let name = format!("token_refresh_total{{source=\"{name}\"");
                let mut lines = metrics.lines();
                lines.any(|line| line.contains(&name) && !line.ends_with(" 0"))
            };
            failed("own") && failed("theirs")
        });
        let sent = sts.repeated();
        canary.look_for(sent.into_iter().chain([OF_CLUSTER.to_owned()]), &context);
        let (page, log) = search_daemon(&mut canary, &context, &stage, &url, daemon);
        let is_shown = page.contains("[secret]") && log.contains("[secret]");
        assert!(!is_read || is_shown, "{context}: {page}{log}");
    }
    canary.end(20_000);
}

/// The kubeconfig's credential plugin, and the helper of a registry.
#[test]
fn a_program_that_the_refresher_starts_has_no_secret_of_another() {
    let stage = Stage::new();
    stage.kube.namespace("shop", json!({}));
    let children = stage.directory.path().join("children");
    let dump = format!(
        "cat /proc/$$/cmdline /proc/$$/environ /proc/$PPID/cmdline >> {}\n",
        children.display()
    );
    let file = |name: &str| stage.directory.path().join(name);
    let credential = json!({
        "apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
        "status": {"token": OF_CLUSTER},
    });
    script(
        &file("plugin"),
        &format!("{dump}echo '{credential}' >&2\necho '{credential}'"),
    );
    let login = json!({"ServerURL": "helper.test", "Username": "eve", "Secret": OF_HELPER});
    script(
        &file("helper"),
        &format!("{dump}echo '{login}' >&2\necho '{login}'"),
    );
    let generic = "apiVersion: generic.regcred.dev/v1\nkind: RegistryConfiguration\nregistries:\n\
                   - {matchImages: [helper.test], helper: {program: PROGRAM}}\n";
    let helper = file("helper").display().to_string();
    let generic = stage.file("generic.yaml", &generic.replace("PROGRAM", &helper));
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": stage.kube.url()}}],
        "users": [{"name": "c", "user": {"exec": {
            "apiVersion": "client.authentication.k8s.io/v1", "interactiveMode": "Never",
            "command": file("plugin"),
        }}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "c"}}],
    });
    let config = stage.file("exec", &config.to_string());
    let registry = format!(
        "- {{name: helped, provider: generic, hosts: [helper.test], \
         env: {{REGCRED_GENERIC_CONFIG: '{}'}}}}\n",
        generic.display()
    );
    let program = stage
        .program(&(registry + TARGET))
        .env("KUBECONFIG", config);
    let program = program.env("PATH", "/usr/bin:/bin").arg("--once");
    let done = program.env("REGCRED_LOG", VERBOSE).run();
    assert_eq!(done.code(), Some(0), "{}", done.stderr);
    let mut canary = Canary::default();
    let issued = stage.iam.logins().passwords().into_iter();
    let others = [API_KEY, OF_CLUSTER, OF_HELPER].map(str::to_owned);
    canary.look_for(issued.chain(others), "a run");
    canary.search_output("a run", &done);
    let text = std::fs::read(&children).expect("children ran");
    let text = String::from_utf8_lossy(&text);
    assert!(text.contains("helper\0get\0"), "{text}");
    canary.search("command lines and environments", "children", &text);
    canary.end(2_000);
}

/// As the fake API server takes it.
const OF_CLUSTER: &str = "fake-cluster-token";
const OF_WEB_IDENTITY: &str =
    "eyJhbGciOiJSUzI1NiJ9.d2ViLWlkZW50aXR5LWM0bjRyeS0x.c2ln-c4n4ry-of-the-refresher";
const OF_HELPER: &str = "h3lper-c4n4ry-90ce";
