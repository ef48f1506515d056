//! Names that lead to inner addresses, in a network namespace that has public and inner addresses: where a
//! server names a host, the addresses of that host decide.

use std::sync::Arc;

use regcred_core::{Credentials, Env, ImageRef, report};
use regcred_http_testing::{Ca, Fake, Reply, Seen};
use regcred_registry::{Descriptor, Digest, Hosts, RegistryClient, RegistryError, Repository};
use regcred_tests::namespace::{instead_of, run_inside};
use tempfile::TempDir;
use tokio::net::TcpListener;

/// Names and their addresses; the first two are in the public internet.
const NAMES: [(&str, &str); 6] = [
    ("one.test", "203.0.113.1"),
    ("two.test", "203.0.113.2"),
    ("private.test", "10.77.0.1"),
    ("link.test", "169.254.169.254"),
    ("here.test", "127.0.0.1"),
    ("here-too.test", "127.0.0.2"),
];

#[test]
fn a_name_leads_to_no_inner_address_unless_a_server_there_named_it() {
    inside("inside_a_name_leads_to_no_inner_address_unless_a_server_there_named_it");
}

#[test]
fn a_proxy_judges_the_names_that_it_resolves() {
    inside("inside_a_proxy_judges_the_names_that_it_resolves");
}

fn inside(test: &str) {
    let directory = tempfile::tempdir().expect("a directory");
    let hosts = directory.path().join("hosts");
    let lines: String = NAMES.map(|(name, ip)| format!("{ip} {name}\n")).concat();
    std::fs::write(&hosts, lines).expect("written");
    let mut setup = instead_of("/etc/hosts", &hosts);
    for (_, ip) in NAMES {
        if !ip.starts_with("127.") {
            setup += &format!(" && ip addr add {ip}/32 dev lo");
        }
    }
    run_inside(&setup, test);
}

/// A server for each name, all with one script, and what a client needs for them.
struct Network {
    servers: Vec<(&'static str, Fake)>,
    env: Env,
    directory: TempDir,
}

impl Network {
    async fn start(env: &[(&str, &str)]) -> Self {
        let ca = Ca::new();
        let mut servers = Vec::new();
        for (name, ip) in NAMES {
            let listener = TcpListener::bind((ip, 443)).await.expect("an address");
            let tls = Arc::new(ca.server(name, None)).into();
            servers.push((name, Fake::on(listener, Some(tls), answer)));
        }
        let directory = tempfile::tempdir().expect("a directory");
        let bundle = directory.path().join("ca.pem");
        std::fs::write(&bundle, &ca.pem).expect("written");
        let bundle = bundle.display().to_string();
        let env = env.iter().copied().chain([("SSL_CERT_FILE", &*bundle)]);
        Self {
            servers,
            env: Env::map(env),
            directory,
        }
    }

    fn repository(&self, registry: &str, path: &str, hosts: Hosts) -> Repository {
        let client = RegistryClient::new(&self.env, hosts).expect("a client");
        let image = ImageRef::parse(&format!("{registry}/{path}")).expect("an image");
        client.repository(&image, Some(&Credentials::new("alice", "s3cret")))
    }

    /// How many requests reached the server of a name.
    fn seen(&self, name: &str) -> usize {
        let found = self.servers.iter().find(|(server, _)| *server == name);
        found.map_or(0, |(_, server)| server.seen().len())
    }

    /// Directories in which an operator wrote the address of a registry.
    fn written(&self, registry: &str) -> Hosts {
        let directory = self.directory.path().join("hosts").join(registry);
        std::fs::create_dir_all(&directory).expect("a directory");
        let text = format!("server = \"https://{registry}\"\n");
        std::fs::write(directory.join("hosts.toml"), text).expect("written");
        Hosts::new([self.directory.path().join("hosts")])
    }
}

/// A server leads to the host in the path of the image, by the way before it.
fn answer(seen: &Seen) -> Reply {
    let parts: Vec<_> = seen.path.split('/').collect();
    match parts.as_slice() {
        ["", "token"] => Reply::ok(r#"{"token":"t"}"#),
        ["", "v2", "realm", host, ..] if seen.authorization().is_none() => {
            let challenge = format!(r#"Bearer realm="https://{host}/token",service="s""#);
            Reply::new(401).header("www-authenticate", challenge)
        }
        ["", "v2", "redirect", host, "blobs", ..] => {
            Reply::new(307).header("location", format!("https://{host}/blob"))
        }
        ["", "v2", "upload", host, "blobs", ..] => {
            Reply::new(202).header("location", format!("https://{host}/session?x=y"))
        }
        ["", "v2", "layer", ..] => Reply::new(404),
        ["", "session"] => Reply::new(201),
        ["", "blob"] => Reply::ok("{}"),
        _ => Reply::ok(r#"{"schemaVersion":2,"manifests":[]}"#),
    }
}

/// What becomes of a request to a registry that leads to another host in this way.
async fn led(
    network: &Network,
    way: &str,
    registry: &str,
    host: &str,
    hosts: Hosts,
) -> Result<(), RegistryError> {
    let repository = network.repository(registry, &format!("{way}/{host}"), hosts);
    let mut blob = Descriptor::of("x", b"{}");
    match way {
        "realm" => repository.manifest("v1").await.map(drop),
        "upload" => repository.put_blob(&Digest::of(b"{}"), "{}").await,
        "layer" => {
            blob.urls = vec![format!("https://{host}/blob")];
            repository.blob_bytes(&blob, 10).await.map(drop)
        }
        _ => repository.blob_bytes(&blob, 10).await.map(drop),
    }
}

#[tokio::test]
#[ignore = "needs a namespace; a_name_leads_to_no_inner_address_unless_a_server_there_named_it runs it"]
async fn inside_a_name_leads_to_no_inner_address_unless_a_server_there_named_it() {
    let network = Network::start(&[]).await;
    let written = network.written("two.test");
    // Redirects and uploads carry no secret, and storage of a private network is usual.
    let [all, no_token, no_layer] = [
        ["realm", "layer", "redirect", "upload"].as_slice(),
        &["realm"],
        &["layer"],
    ];
    let free = &["redirect", "upload"];
    for (ways, registry, host, may) in [
        (all, "one.test", "two.test", true),
        (no_token, "one.test", "private.test", false),
        (no_layer, "one.test", "private.test", false),
        (free, "one.test", "private.test", true),
        (all, "one.test", "link.test", false),
        (all, "one.test", "here.test", false),
        (all, "private.test", "two.test", true),
        (all, "private.test", "link.test", false),
        (all, "private.test", "here.test", false),
        (all, "here.test", "private.test", true),
        (no_token, "here.test", "here-too.test", true),
        (free, "here.test", "here-too.test", true),
        (no_layer, "here.test", "here-too.test", false),
        (all, "here.test", "link.test", false),
        // An operator wrote its address.
        (no_token, "two.test", "private.test", true),
        (no_layer, "two.test", "private.test", false),
        (all, "two.test", "link.test", false),
        (all, "two.test", "here.test", false),
    ] {
        for way in ways {
            let context = format!("{way} of {registry} to {host}");
            let before = network.seen(host);
            let outcome = led(&network, way, registry, host, written.clone()).await;
            let reached = network.seen(host) > before;
            match outcome {
                Ok(()) => assert!(may && reached, "{context}: it led there"),
                Err(error) => {
                    let text = report(&error);
                    assert!(!may && !reached, "{context}: {text}");
                    assert!(
                        text.contains(&format!("{host} leads to an inner address: ")),
                        "{context}: {text}"
                    );
                    assert!(error.next_step().is_some(), "{context}: {text}");
                    let sent = error.login_sent();
                    assert!(
                        way != &"realm" || sent == Some(false),
                        "{context}: {sent:?}"
                    );
                }
            }
        }
    }
}

#[tokio::test]
#[ignore = "needs a namespace; a_proxy_judges_the_names_that_it_resolves runs it"]
async fn inside_a_proxy_judges_the_names_that_it_resolves() {
    let proxy = TcpListener::bind("10.77.0.1:3128")
        .await
        .expect("an address");
    let proxy = Fake::on(proxy, None, |_| Reply::new(403));
    let network = Network::start(&[
        ("HTTPS_PROXY", "http://private.test:3128"),
        ("NO_PROXY", "one.test"),
    ])
    .await;
    let led = led(&network, "realm", "one.test", "here.test", Hosts::none()).await;
    let text = report(&led.expect_err("the proxy connects to none"));
    let expected = "private.test:3128 (HTTPS_PROXY) did not connect to here.test";
    assert!(text.contains(expected), "{text}");
    let seen = proxy.seen();
    assert!(
        seen.iter()
            .all(|seen| seen.line() == "CONNECT here.test:443")
    );
    assert!(!seen.is_empty());
}
