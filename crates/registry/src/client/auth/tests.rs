use std::sync::atomic::{AtomicUsize, Ordering};

use regcred_core::{Credentials, report};

use crate::fake::{Fake, Reply, Seen, bind, client, image};
use crate::{Descriptor, Hosts, RegistryError, Repository};

mod lives;
mod places;
mod refusals;
mod schemes;

const MANIFEST: &str = r#"{"schemaVersion":2,"manifests":[]}"#;

/// A registry with a token server on the same port. The script decides the response of `/token`.
async fn registry(
    challenge: impl Fn(&str) -> String + Send + Sync + 'static,
    token: impl Fn(usize, &Seen) -> Reply + Send + Sync + 'static,
    accepts: impl Fn(&str) -> bool + Send + Sync + 'static,
) -> Fake {
    let listener = bind().await;
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = AtomicUsize::new(0);
    Fake::on(listener, None, move |seen| {
        if seen.path.starts_with("/token") {
            return token(asked.fetch_add(1, Ordering::SeqCst), seen);
        }
        if seen.authorization().is_some_and(&accepts) {
            let is_blob = seen.path.contains("/blobs/");
            return Reply::ok(if is_blob { "{}" } else { MANIFEST });
        }
        Reply::new(401).header("www-authenticate", challenge(&url))
    })
}

fn bearer(url: &str) -> String {
    format!(r#"Bearer realm="{url}/token",service="reg",scope="repository:team/app:pull""#)
}

fn token(text: &str) -> Reply {
    Reply::ok(format!(r#"{{"token":"{text}"}}"#))
}

fn repository(server: &Fake, login: Option<(&str, &str)>) -> Repository {
    let login = login.map(|(user, password)| Credentials::new(user, password));
    client(Hosts::none()).repository(&image(server), login.as_ref())
}

async fn manifest(server: &Fake, login: Option<(&str, &str)>) -> Result<(), RegistryError> {
    repository(server, login).manifest("v1").await.map(drop)
}

fn lines(server: &Fake) -> Vec<String> {
    let seen = server.seen();
    seen.iter()
        .map(|s| format!("{} {}", s.method, s.target()))
        .collect()
}
