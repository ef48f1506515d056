//! The servers of a `hosts.toml`, each with its login.

use super::*;

#[tokio::test]
async fn a_mirror_is_asked_first_and_gets_the_login_as_from_the_nodes_runtime() {
    let (mirror, server) = (private(BASIC).await, private(BASIC).await);
    let fields = "capabilities = [\"pull\", \"resolve\"]";
    let (_root, hosts) = with_mirror(&server, &mirror.url("/mirror"), fields);
    let repository = client(hosts).repository(&image(&server), Some(&login()));
    repository.manifest("v1").await.expect("from the mirror");
    assert!(server.seen().is_empty());
    let namespace = server.host().replace(':', "%3A");
    assert_eq!(
        mirror.seen()[0].target(),
        format!("/mirror/v2/team/app/manifests/v1?ns={namespace}")
    );
    assert_eq!(repository.login_sent(), Some(true));
}

#[tokio::test]
async fn a_login_that_is_withheld_from_mirrors_goes_to_the_registry_alone() {
    let (mirror, server) = (private(BASIC).await, private(BASIC).await);
    let (_root, hosts) = with_mirror(&server, &mirror.url(""), "");
    let logins = Logins::from(Some(&login())).withheld_from_mirrors(true);
    let repository = client(hosts).repository(&image(&server), logins);
    repository.manifest("v1").await.expect("from the registry");
    let seen = mirror.seen();
    assert!(seen.iter().all(|seen| seen.authorization().is_none()));
    assert_eq!((seen.len(), server.seen().len()), (1, 2));
}

#[tokio::test]
async fn a_mirror_with_its_own_login_never_gets_the_images() {
    let (mirror, server) = (
        private("Basic Ym9iOnMzY3JldA==").await,
        private(BASIC).await,
    );
    for (user, from_mirror) in [("bob", true), ("eve", false)] {
        let url = mirror.url("/v2/quay.io");
        let (_root, hosts) = with_mirror(&server, &url, "override_path = true");
        let logins = logins(format!("{}/quay.io/team/app", mirror.host()), user);
        let repository = client(hosts).repository(&image(&server), logins);
        let asked = mirror.seen().len();
        repository.manifest("v1").await.expect("by one of the two");
        let received = &mirror.seen()[asked..];
        assert!(
            received
                .iter()
                .all(|seen| seen.authorization() != Some(BASIC))
        );
        assert_eq!(server.seen().is_empty(), from_mirror);
        assert_eq!(repository.login_sent(), Some(!from_mirror));
        let label = format!("its own, to mirror {}", mirror.host());
        assert_eq!(repository.host_logins(), [label]);
    }
}

#[tokio::test]
async fn a_server_elsewhere_gets_its_own_login_as_well() {
    let server = private("Basic Ym9iOnMzY3JldA==").await;
    let text = format!("server = \"{}\"\n", server.url(""));
    let (_root, hosts) = hosts_toml("reg.example", &text);
    let image = ImageRef::parse("reg.example/team/app:v1").expect("image");
    let logins = logins(format!("{}/team/app", server.host()), "bob");
    let repository = client(hosts).repository(&image, logins);
    repository.manifest("v1").await.expect("by its own login");
}

#[tokio::test]
async fn a_mirror_that_lacks_an_image_is_asked_once_for_its_scheme_whatever_it_answers() {
    for status in [200, 401, 403, 404, 503] {
        let mirror = Fake::start(move |seen| match seen.path.as_str() {
            "/v2/" => Reply::new(status),
            _ => Reply::new(404),
        })
        .await;
        let server = Fake::start(|_| Reply::ok(INDEX)).await;
        let (_root, hosts) = with_mirror(&server, &mirror.url(""), "");
        let repository = client(hosts).repository(&image(&server), Some(&login()));
        for _ in 0..3 {
            repository.manifest("v1").await.expect("from the registry");
        }
        assert_eq!(mirror.seen_at("/v2/team").len(), 3, "{status}");
        assert_eq!(mirror.seen().len(), 4, "{status}");
    }
}

#[tokio::test]
async fn requests_that_run_together_ask_a_registry_once_for_its_scheme() {
    let server = Fake::start(|_| Reply::new(404)).await;
    let repository = at(&server);
    let (one, other) = tokio::join!(repository.manifest("v1"), repository.manifest("v2"));
    assert!(one.is_err() && other.is_err());
    let pings = server.seen().into_iter().filter(|seen| seen.path == "/v2/");
    assert_eq!(pings.count(), 1);
}

#[tokio::test]
async fn a_mirror_with_a_token_server_gets_the_login_there() {
    let listener = bind().await;
    let url = format!("http://{}", listener.local_addr().unwrap());
    let mirror = Fake::on(listener, None, move |seen| {
        match (seen.path.starts_with("/token"), seen.authorization()) {
            (true, Some(BASIC)) => Reply::ok(r#"{"token":"m"}"#),
            (false, Some("Bearer m")) => Reply::ok(INDEX),
            _ => {
                Reply::new(401).header("www-authenticate", format!(r#"Bearer realm="{url}/token""#))
            }
        }
    });
    let server = Fake::start(|_| Reply::new(500)).await;
    let (_root, hosts) = with_mirror(&server, &mirror.url(""), "");
    let repository = client(hosts).repository(&image(&server), Some(&login()));
    repository.manifest("v1").await.expect("from the mirror");
    assert_eq!(mirror.seen_at("/token").len(), 1);
    assert!(server.seen().is_empty());
}
