//! The way to the API server through a proxy.

use std::sync::{Arc, Mutex};

use regcred_core::Env;
use regcred_refresh::{Action, Mode, Refresher, connect};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use crate::stage::{Stage, actions};

const NAMED: &str = "
registries: [{name: r, provider: fake, hosts: [a.eu.fake.io]}]
targets: [{name: t, secret: {name: pull}, namespaces: {include: ['ID-a']}}]
";

/// A proxy that connects to the fake server, whatever name a request has.
struct Tunnels {
    address: String,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Tunnels {
    async fn to(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let heads = Arc::<Mutex<Vec<String>>>::default();
        let seen = Arc::clone(&heads);
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let (server, seen) = (server.clone(), Arc::clone(&seen));
                tokio::spawn(async move {
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n") {
                        head.push(client.read_u8().await.expect("a head"));
                    }
                    let head = String::from_utf8_lossy(&head).into_owned();
                    seen.lock().expect("whole").push(head);
                    let mut there = TcpStream::connect(server).await.expect("a server");
                    let ok = b"HTTP/1.1 200 OK\r\n\r\n";
                    client.write_all(ok).await.expect("written");
                    let _ = copy_bidirectional(&mut client, &mut there).await;
                });
            }
        });
        Self { address, heads }
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().expect("whole").clone()
    }
}

/// A run against the server of this kubeconfig, with these variables.
async fn once(
    stage: &Stage,
    cluster: serde_json::Value,
    vars: &[(&str, &str)],
) -> Result<Vec<Action>, String> {
    let path = stage.directory().join("proxied");
    let text = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "c",
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "c", "user": {"token": "fake-cluster-token"}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "c"}}],
    });
    std::fs::write(&path, text.to_string()).expect("a file");
    let env: Env = stage.cloud.env().with(vars.iter().copied());
    let plan = Arc::new(stage.plan(NAMED));
    let connected = connect(Some(&path), None, &env, 0).await;
    let cluster = connected.map_err(|error| error.to_string())?;
    let mode = Mode::default();
    let refresher = Refresher::new(plan, Some(cluster), env, stage.time.clock(), mode);
    let reports = refresher.once(|_| {}).await.expect("a run");
    let reasons = reports.iter().filter_map(|report| report.reason.clone());
    match reasons.reduce(|all, more| all + "\n" + &more) {
        Some(reasons) => Err(reasons),
        None => Ok(actions(&reports)),
    }
}

#[tokio::test]
async fn the_api_server_is_asked_through_the_proxy_of_the_environment_unless_it_is_excepted() {
    let stage = Stage::fake().await;
    stage.namespace("a", json!({})).await;
    let server = stage.told().url();
    let place = server.trim_start_matches("http://").to_owned();
    let proxy = Tunnels::to(place).await;
    let address = format!("http://me:p%40ss@{}", proxy.address);
    let vars = [("HTTP_PROXY", address.as_str()), ("NO_PROXY", ".svc,")];
    let named = json!({"server": "http://k8s.test:6443"});
    assert_eq!(once(&stage, named, &vars).await, Ok(vec![Action::Create]));
    let heads = proxy.heads();
    assert!(heads[0].starts_with("CONNECT k8s.test:6443 "), "{heads:?}");
    assert!(heads[0].contains("Basic bWU6cEBzcw=="), "{heads:?}");
    // A server on this machine, and one that is excepted, are asked directly.
    let direct = json!({"server": server});
    assert_eq!(
        once(&stage, direct, &vars).await,
        Ok(vec![Action::Unchanged])
    );
    assert_eq!(proxy.heads().len(), heads.len());
    // An address of this machine that is not a loopback address, so that only NO_PROXY excepts it.
    let here = json!({"server": "http://0.0.0.0:9"});
    let excepted = [vars[0], ("NO_PROXY", "0.0.0.0")];
    let why = once(&stage, here, &excepted).await.expect_err("closed");
    let words = "the API server 0.0.0.0:9 cannot be reached: Connection refused";
    assert!(why.contains(words), "{why}");
    assert_eq!(proxy.heads().len(), heads.len());
}

#[tokio::test]
async fn the_kubeconfigs_proxy_comes_first_and_one_that_fails_is_named() {
    let stage = Stage::fake().await;
    stage.namespace("a", json!({})).await;
    let place = stage.told().url().trim_start_matches("http://").to_owned();
    let proxy = Tunnels::to(place).await;
    let closed = [("HTTP_PROXY", "http://me:canary@127.0.0.1:9")];
    let own = format!("http://{}", proxy.address);
    let both = json!({"server": "http://k8s.test", "proxy-url": own});
    assert_eq!(once(&stage, both, &closed).await, Ok(vec![Action::Create]));
    let named = json!({"server": "http://k8s.test"});
    let why = once(&stage, named.clone(), &closed)
        .await
        .expect_err("closed");
    let words = "the API server k8s.test through the proxy 127.0.0.1:9 (HTTP_PROXY) cannot be reached: \
                 cannot connect to the proxy: Connection refused (os error 111); correct the variable, or \
                 list the server in NO_PROXY";
    assert!(why.contains(words) && !why.contains("canary"), "{why}");
    let socks = [("HTTP_PROXY", "socks5://127.0.0.1:9")];
    let why = once(&stage, named, &socks)
        .await
        .expect_err("no http proxy");
    assert!(
        why.contains("the proxy in HTTP_PROXY is not an http:// address"),
        "{why}"
    );
}
