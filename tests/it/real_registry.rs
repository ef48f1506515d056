//! The real registry as the harness sets it up: skopeo pushes and reads with each kind of login.

use regcred_tests::registry::Access;
use regcred_tests::{Image, Registry, Skopeo, TokenServer};

#[test]
fn skopeo_pushes_and_reads_with_each_kind_of_login() {
    let Some(skopeo) = Skopeo::find() else { return };
    let tokens = TokenServer::start();
    tokens.add("alice", "s3cret");
    tokens.allow("alice", "team/app", &["pull", "push"]);
    let image = Image::multi_arch(2, 50_000, 500);
    for access in [
        Access::Open,
        Access::Htpasswd("alice", "s3cret"),
        Access::Token(&tokens),
    ] {
        let Some(registry) = Registry::start(&access) else {
            return;
        };
        let login = (!matches!(access, Access::Open)).then_some(("alice", "s3cret"));
        let Some(()) = registry.push(&image, "team/app:v1", login) else {
            return;
        };
        let source = format!("docker://{}/team/app:v1", registry.authority());
        let creds = match login {
            Some(_) => "--creds=alice:s3cret",
            None => "--no-creds",
        };
        let raw = skopeo.run(&["inspect", "--raw", "--tls-verify=false", creds, &source]);
        assert_eq!(raw.success().as_bytes(), image.root().bytes);
        if login.is_some() {
            let wrong = [
                "inspect",
                "--raw",
                "--tls-verify=false",
                "--creds=alice:no",
                &source,
            ];
            assert_eq!(skopeo.run(&wrong).code(), Some(1));
        }
    }
    assert!(tokens.server().count("/token") > 0);
}
