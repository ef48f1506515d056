//! Logins that are stored: files, and docker credential helpers.

use regcred_core::{CacheScope, ErrorKind, report};
use regcred_tests::generic::ConfigDir;
use regcred_tests::logins::only_login;

use super::{ask, refused, script};

#[tokio::test]
async fn a_file_that_was_rotated_counts_at_the_next_pull() {
    let config = ConfigDir::new(
        "- {matchImages: [harbor.test], static: {username: robot$ci, passwordFile: password}}\n\
         - {matchImages: ['docker.io'], static: {dockerConfig: config.json}}\n\
         - {matchImages: [gitlab.test], static: {usernameFile: user, passwordFile: password}}\n",
    );
    let docker = |password: &str| {
        format!(
            r#"{{"auths":{{"https://index.docker.io/v1/":{{"username":"shop","password":"{password}"}}}}}}"#
        )
    };
    for password in ["one", "two"] {
        let _ = (
            config.write("password", &format!("{password}\n")),
            config.write("user", "me\n"),
        );
        let _ = config.write("config.json", &docker(password));
        for (image, user) in [
            ("harbor.test/app", "robot$ci"),
            ("docker.io/library/nginx", "shop"),
            ("gitlab.test/group/app", "me"),
        ] {
            let issued = ask(&config, image, None).await.expect(image);
            let (_, username, found) = only_login(&issued);
            assert_eq!(
                (username.as_str(), found.as_str()),
                (user, password),
                "{image}"
            );
            assert_eq!(
                (issued.expires_at, issued.cache_for),
                (None, None),
                "not kept"
            );
        }
    }
    let _ = config.write("password", "\n");
    let (kind, text) = refused(&config, "harbor.test/app", None).await;
    assert_eq!(kind, ErrorKind::NotConfigured);
    assert!(text.contains("password is empty"), "{text}");
    let _ = config.write(
        "config.json",
        r#"{"auths":{"quay.io":{"username":"u","password":"p"}}}"#,
    );
    let (_, text) = refused(&config, "docker.io/library/nginx", None).await;
    assert!(
        text.contains("config.json has no login for docker.io/library/nginx"),
        "{text}"
    );
}

#[tokio::test]
async fn a_host_by_itself_has_its_own_login_of_a_docker_configuration_and_never_docker_hubs() {
    let config = ConfigDir::new(
        "- {matchImages: [harbor.test, docker.io], static: {dockerConfig: config.json}}\n",
    );
    let hub = r#""https://index.docker.io/v1/":{"username":"hub","password":"p"}"#;
    let harbor = r#""harbor.test":{"username":"harbor","password":"p"}"#;
    let _ = config.write("config.json", &format!("{{\"auths\":{{{hub},{harbor}}}}}"));
    for (host, user) in [("harbor.test", "harbor"), ("docker.io", "hub")] {
        let issued = ask(&config, host, None).await.expect(host);
        assert_eq!(only_login(&issued).1, user);
    }
    let _ = config.write("config.json", &format!("{{\"auths\":{{{hub}}}}}"));
    let (kind, text) = refused(&config, "harbor.test", None).await;
    assert_eq!(kind, ErrorKind::NotConfigured);
    assert!(
        text.ends_with("config.json has no login for harbor.test"),
        "{text}"
    );
}

#[tokio::test]
async fn a_login_by_path_is_for_its_images_alone() {
    let config = ConfigDir::new(
        "- {matchImages: [harbor.test/team-a/], static: {username: a, passwordFile: p}}\n\
         - {matchImages: [harbor.test/team-a/base/], static: {username: base, passwordFile: p}}\n",
    );
    let _ = config.write("p", "x");
    for (image, key, user) in [
        ("harbor.test/team-a/app", "harbor.test/team-a/", "a"),
        (
            "harbor.test/team-a/base/os",
            "harbor.test/team-a/base/",
            "base",
        ),
    ] {
        let issued = ask(&config, image, None).await.expect(image);
        assert_eq!(only_login(&issued), (key.into(), user.into(), "x".into()));
        assert_eq!(issued.scope, CacheScope::Image);
    }
    for image in [
        "harbor.test/team-ab/app",
        "harbor.test",
        "harbor.test.evil.test/team-a/app",
    ] {
        assert_eq!(
            refused(&config, image, None).await.0,
            ErrorKind::NotServed,
            "{image}"
        );
    }
}

#[tokio::test]
async fn a_helper_answers_as_for_docker() {
    let scripts = ConfigDir::new("[]");
    let ask_helper = async |body: &str, image: &str| {
        let path = script(&scripts, "helper", body);
        let config = ConfigDir::new(&format!(
            "- {{matchImages: [acr.test, docker.io], helper: {{program: {}, env: {{EXTRA: more}}}}}}\n",
            path.display()
        ));
        ask(&config, image, None).await
    };
    let echo = r#"read server; printf '{"ServerURL":"%s","Username":"u","Secret":"%s %s"}' "$server" "$1 $server" "$EXTRA""#;
    for (image, server) in [
        ("acr.test/app", "acr.test"),
        ("docker.io/library/nginx", "https://index.docker.io/v1/"),
    ] {
        let issued = ask_helper(echo, image).await.expect("a login");
        assert_eq!(only_login(&issued).2, format!("get {server} more"));
    }
    let nothing = ask_helper(
        "cat >/dev/null; echo credentials not found in native keychain; exit 1",
        "acr.test/app",
    );
    assert!(nothing.await.expect("an answer").auth.is_empty());
    for (body, part) in [
        (
            "cat >/dev/null; echo no such profile; exit 1",
            "no such profile",
        ),
        (
            "cat >/dev/null; echo >&2 locked; exit 3",
            "exit status 3: locked",
        ),
        ("cat >/dev/null; echo '{}'", "empty login"),
        ("cat >/dev/null; echo hello", "did not print a login"),
        (
            r#"cat >/dev/null; echo '{"Username":"<token>","Secret":"s"}'"#,
            "identity token",
        ),
    ] {
        let error = ask_helper(body, "acr.test/app").await.expect_err(body);
        assert!(report(&error).contains(part), "{}", report(&error));
    }
}
