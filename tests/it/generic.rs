//! The plugin for other registries as a program: a service account token becomes a login by every source
//! and pulls from a real registry whose token server has a key of ours; tenants stay apart, the cache and
//! all faces included.

use std::path::Path;

use regcred_tests::generic::{Account, Cluster, ConfigDir, FakeExchange};
use regcred_tests::program::Running;
use regcred_tests::registry::Access;
use regcred_tests::{Finished, Image, Node, Program, Registry, TokenServer, plugin_request_with};
use serde_json::{Value, json};

const PLUGIN: &str = "generic-credential-provider";
const AUDIENCE: &str = "registry.corp.test";

/// A docker-registry whose tokens our token server signs: it knows the logins that the exchange issues, and
/// each tenant's user may pull its own repository.
struct Stage {
    cluster: Cluster,
    exchange: FakeExchange,
    tokens: TokenServer,
    _registry: Registry,
    config: ConfigDir,
    node: Node,
}

impl Stage {
    /// `None` where no registry is installed.
    fn set(entries: impl FnOnce(&str) -> String, attributes: bool) -> Option<Self> {
        let cluster = Cluster::new();
        let exchange = FakeExchange::start(&cluster, AUDIENCE);
        let tokens = TokenServer::sharing(exchange.logins());
        tokens.add("admin", "of the test");
        for repository in ["team-a/app", "team-b/app"] {
            tokens.allow("admin", repository, &["pull", "push"]);
        }
        let registry = Registry::start(&Access::Token(&tokens))?;
        for (seed, name) in [(1, "team-a/app:v1"), (2, "team-b/app:v1")] {
            let login = Some(("admin", "of the test"));
            registry.push(&Image::single(seed, 1, 1_000), name, login)?;
        }
        let config = ConfigDir::new(&entries(&exchange.server().url()));
        let mut node = Node::new();
        node.add_plugin(PLUGIN, &[AUDIENCE], &config.env());
        if attributes {
            // The provider is the last in the file, so its further members go to the end.
            let text = std::fs::read_to_string(node.config()).expect("the node's configuration");
            let attributes = format!(
                "    tokenAttributes:\n      serviceAccountTokenAudience: {AUDIENCE}\n      \
                 cacheType: Token\n      requireServiceAccount: true\n"
            );
            std::fs::write(node.config(), text + &attributes).expect("a file");
        }
        node.map_host(AUDIENCE, &registry.url());
        Some(Self {
            cluster,
            exchange,
            tokens,
            _registry: registry,
            config,
            node,
        })
    }

    fn pull(&self, image: &str, token: &str) -> Finished {
        let file = self.node.root().join("token");
        std::fs::write(&file, token).expect("a file");
        let pull = self.node.pull(&format!("{AUDIENCE}/{image}:v1"));
        let pull = pull.args(["--policy", "Always"]);
        pull.arg("--service-account-token").arg(file).run()
    }

    /// A pod's token; with pass-through it is a login too.
    fn token(&self, account: &Account, user: Option<&str>) -> String {
        let token = self.cluster.token(account, AUDIENCE, 3000);
        if let Some(user) = user {
            // As the registry's login would: only what the cluster signed for this registry.
            let verified = self.cluster.verify(&token, AUDIENCE);
            assert_eq!(verified, Ok(account.subject()));
            self.tokens.add(user, &token);
        }
        token
    }
}

#[test]
fn a_pods_token_pulls_from_a_real_registry_and_never_as_another_tenant() {
    let (a, b) = (
        Account::new("team-a", "default"),
        Account::new("team-b", "default"),
    );
    let exchange = |url: &str| {
        format!(
            "- {{matchImages: [{AUDIENCE}], audience: {AUDIENCE}, exchange: {{url: '{url}/token', \
             answer: {{username: username}}}}}}\n"
        )
    };
    let by_account = |_: &str| {
        let entry = |team: &str| {
            format!(
                "- {{matchImages: [{AUDIENCE}], audience: {AUDIENCE}, serviceAccounts: ['{team}/*'], \
                 static: {{username: sts-{team}-default, passwordFile: {team}}}}}\n"
            )
        };
        entry("team-a") + &entry("team-b")
    };
    let Some(exchanged) = Stage::set(exchange, true) else {
        return;
    };
    let fixed = Stage::set(by_account, true).expect("as before");
    for name in ["team-a", "team-b"] {
        let _ = fixed.config.write(name, &format!("robot of {name}\n"));
        fixed
            .tokens
            .add(&format!("sts-{name}-default"), &format!("robot of {name}"));
    }
    for stage in [&exchanged, &fixed] {
        for name in ["team-a", "team-b"] {
            stage.tokens.allow(
                &format!("sts-{name}-default"),
                &format!("{name}/app"),
                &["pull"],
            );
        }
        for (account, own, other) in [
            (&a, "team-a/app", "team-b/app"),
            (&b, "team-b/app", "team-a/app"),
        ] {
            let token = stage.token(account, None);
            assert!(stage.pull(own, &token).success().contains(own));
            let done = stage.pull(other, &token);
            assert_ne!(done.code(), Some(0), "{other} is another tenant's");
            assert!(!done.stderr.contains(&token), "{}", done.stderr);
        }
        // A pod's token for another registry is not sent, and nothing is pulled.
        let asked = stage.exchange.server().seen().len();
        let foreign = stage.cluster.token(&a, "other.test", 3000);
        let done = stage.pull("team-a/app", &foreign);
        assert!(done.stderr.contains("is not sent"), "{}", done.stderr);
        assert_eq!(stage.exchange.server().seen().len(), asked);
    }
}

#[test]
fn the_pods_token_itself_is_the_login_where_the_registry_accepts_it() {
    let entry = |_: &str| {
        format!(
            "- {{matchImages: [{AUDIENCE}], audience: {AUDIENCE}, passThrough: {{username: jwt}}}}\n"
        )
    };
    let Some(stage) = Stage::set(entry, true) else {
        return;
    };
    stage.tokens.allow("jwt", "team-a/app", &["pull"]);
    let account = Account::new("team-a", "default");
    let token = stage.token(&account, Some("jwt"));
    assert!(
        stage
            .pull("team-a/app", &token)
            .success()
            .contains("team-a/app")
    );
    let answer = program(&stage.config, None, Some(&token)).run().json();
    assert_eq!(
        answer["auth"][AUDIENCE],
        json!({"username": "jwt", "password": token})
    );
    assert_eq!(answer["cacheDuration"], "0s");
    assert_eq!(answer["cacheKeyType"], "Registry");
}

#[test]
fn processes_of_two_tenants_share_a_cache_and_no_login() {
    let cluster = Cluster::new();
    let exchange = FakeExchange::start(&cluster, AUDIENCE);
    let url = exchange.server().url();
    let config = ConfigDir::new(&format!(
        "- {{matchImages: [{AUDIENCE}], audience: {AUDIENCE}, exchange: {{url: '{url}/token', username: u}}}}\n"
    ));
    let cache = config.path().join("cache");
    let accounts = ["team-a", "team-b"].map(|name| Account::new(name, "default"));
    let start = |number: usize| {
        let account = &accounts[number % 2];
        let token = cluster.token(account, AUDIENCE, 3000);
        (
            account,
            program(&config, Some(&cache), Some(&token)).start(),
        )
    };
    let check = |(account, running): (&Account, Running)| {
        let answer = running.finish().json();
        let password = answer["auth"][AUDIENCE]["password"]
            .as_str()
            .unwrap_or_default();
        assert_eq!(exchange.owner(password), Some(account.subject()));
    };
    let cold: Vec<_> = (0..40).map(start).collect();
    cold.into_iter().for_each(check);
    assert_eq!(
        exchange.server().count("/token"),
        2,
        "one call for each account"
    );
    check(start(0));
    assert_eq!(exchange.server().count("/token"), 2, "warm");
    // The account was deleted and made again: it is another one.
    let again = cluster.token(&accounts[0].recreated(), AUDIENCE, 3000);
    let _ = program(&config, Some(&cache), Some(&again)).run().json();
    assert_eq!(exchange.server().count("/token"), 3);
}

#[test]
fn a_plugin_without_its_file_is_an_error_that_names_it_and_the_command_needs_none() {
    let done = Program::ours(PLUGIN).stdin(request(None)).run();
    assert!(
        done.fails(4)
            .contains("/etc/regcred/generic.yaml does not exist"),
        "{}",
        done.stderr
    );
    let done = Program::ours("regcred").args(["token", AUDIENCE]).run();
    let text = done.fails(3);
    let end = "Oracle Cloud Infrastructure Registry; to serve it anyway, add it with REGCRED_<PROVIDER>_ALSO_SERVE, or describe it \
               in the file of REGCRED_GENERIC_CONFIG";
    assert!(text.contains(end), "{text}");
    let config = ConfigDir::new("- {matchImages: [a.test], password: hunter2}\n");
    let done = Program::ours("regcred")
        .args(["token", "a.test"])
        .envs(config.env())
        .run();
    let text = done.fails(4);
    assert!(
        text.contains("unknown field") && !text.contains("hunter2"),
        "{text}"
    );
}

#[test]
fn docker_and_people_get_a_rotated_login_at_once() {
    let config = ConfigDir::new(
        "- {matchImages: [harbor.test], static: {username: 'robot$ci', passwordFile: password}}\n",
    );
    let _ = config.write("password", "first\n");
    let docker = || {
        Program::ours(PLUGIN)
            .envs(config.env())
            .args(["docker", "get"])
            .stdin("https://harbor.test")
    };
    let answer = docker().run().json();
    assert_eq!(
        (&answer["Username"], &answer["Secret"]),
        (&json!("robot$ci"), &json!("first"))
    );
    let _ = config.write("password", "second\n");
    assert_eq!(
        docker().run().json()["Secret"],
        "second",
        "a rotated file counts at once"
    );
    let token = Program::ours("regcred")
        .envs(config.env())
        .args(["token", "harbor.test/team/app"])
        .run();
    assert_eq!(token.success().trim(), "second");
}

#[test]
fn the_refresher_writes_the_login_of_its_own_token() {
    let (cluster, account) = (Cluster::new(), Account::new("infra", "refresher"));
    let exchange = FakeExchange::start(&cluster, AUDIENCE);
    let url = exchange.server().url();
    let config = ConfigDir::new(&format!(
        "- {{matchImages: [{AUDIENCE}], audience: {AUDIENCE}, exchange: {{url: '{url}/token', username: u}}, \
         fallback: {{tokenFile: token}}}}\n"
    ));
    let _ = config.write("token", &cluster.token(&account, AUDIENCE, 3000));
    let refresh = config.write(
        "refresh.yaml",
        &format!(
            "apiVersion: refresh.regcred.dev/v1\nkind: RefreshConfiguration\nregistries:\n\
             - {{name: r, provider: generic, hosts: [{AUDIENCE}], env: {{REGCRED_GENERIC_CONFIG: '{}'}}}}\n\
             targets: [{{name: f, registries: [r], dockerConfig: {{path: docker.json}}}}]\n",
            config.path().join("generic.yaml").display()
        ),
    );
    let program = Program::ours("regcred-refresh")
        .arg("--config")
        .arg(refresh);
    let text = program
        .env("KUBECONFIG", "/nonexistent")
        .arg("--once")
        .run()
        .success();
    assert!(text.contains(AUDIENCE), "{text}");
    let written = std::fs::read_to_string(config.path().join("docker.json")).expect("a file");
    let written: Value = serde_json::from_str(&written).expect("JSON");
    let password = written["auths"][AUDIENCE]["password"]
        .as_str()
        .unwrap_or_default();
    assert_eq!(exchange.owner(password), Some(account.subject()));
}

#[test]
fn explain_shows_which_login_works_and_no_token() {
    let entry = |url: &str| {
        format!(
            "- {{matchImages: [{AUDIENCE}], audience: {AUDIENCE}, exchange: {{url: '{url}/token', \
             answer: {{username: username}}}}}}\n"
        )
    };
    let Some(stage) = Stage::set(entry, true) else {
        return;
    };
    stage
        .tokens
        .allow("sts-team-a-default", "team-a/app", &["pull"]);
    let token = stage.token(&Account::new("team-a", "default"), None);
    let file = stage.node.root().join("token");
    std::fs::write(&file, &token).expect("a file");
    let explain = stage
        .node
        .regcred("explain")
        .arg("--try")
        .arg("--service-account-token")
        .arg(file);
    let done = explain.arg(format!("{AUDIENCE}/team-a/app:v1")).run();
    let text = done.success();
    assert!(
        text.contains(PLUGIN) && text.contains("sts-team-a-default"),
        "{text}"
    );
    let passwords = stage.exchange.logins().passwords();
    let password = passwords
        .iter()
        .find(|p| stage.exchange.owner(p).is_some())
        .expect("issued");
    for secret in [&token, password] {
        assert!(
            !text.contains(secret.as_str()) && !done.stderr.contains(secret.as_str()),
            "{text}"
        );
    }
}

fn program(config: &ConfigDir, cache: Option<&Path>, token: Option<&str>) -> Program {
    let program = Program::ours(PLUGIN)
        .envs(config.env())
        .stdin(request(token));
    match cache {
        Some(cache) => program.env("REGCRED_CACHE", cache),
        None => program,
    }
}

fn request(token: Option<&str>) -> String {
    let of_pod = match token {
        Some(token) => json!({"serviceAccountToken": token, "serviceAccountAnnotations": {}}),
        None => json!({}),
    };
    plugin_request_with(&format!("{AUDIENCE}/team-a/app"), of_pod)
}
