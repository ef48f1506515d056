//! Whose cache entry a profile's is, and that a plan has read what its fetch uses.

use regcred_core::{Clock, CredentialRequest, Env, ErrorKind, Provider as _, report};
use regcred_ecr::Ecr;

use crate::fake::*;
use crate::home::Home;

const TOKEN: &str = "[default]\nrole_arn = arn:aws:iam::123456789012:role/puller\n";

fn stable_name(home: &Home, more: &[(&str, &str)]) -> String {
    let env = Env::map([("HOME", home.path())]).with(more.iter().copied());
    let request = CredentialRequest::new(HOST).expect("host");
    key(&env, &request).expect("a key").as_str().to_owned()
}

#[test]
fn the_identity_follows_the_files_and_the_profile_and_holds_no_secret() {
    let home = Home::new("", "");
    let name = |role: &str, key: &str, profile: &str| {
        let config = format!("[profile a]\nrole_arn = {role}\nsource_profile = b\n");
        home.write(".aws/config", &config);
        let keys = format!("[b]\naws_access_key_id = {key}\naws_secret_access_key = canary\n");
        home.write(".aws/credentials", &keys);
        stable_name(&home, &[("AWS_PROFILE", profile)])
    };
    let first = name("r", "AKIAONE", "a");
    assert_eq!(first, name("r", "AKIAONE", "a"));
    for other in [
        name("q", "AKIAONE", "a"),
        name("r", "AKIATWO", "a"),
        name("r", "AKIAONE", "b"),
    ] {
        assert_ne!(first, other);
    }
    assert!(!first.contains("canary"), "{first}");
}

#[test]
fn the_identity_of_a_token_file_is_its_holders() {
    let home = Home::new("", "");
    let token = home.write("token", "canary-one");
    home.write(
        ".aws/config",
        &format!("{TOKEN}web_identity_token_file = {token}\n"),
    );
    let first = stable_name(&home, &[]);
    assert!(!first.contains("canary"), "{first}");
    home.write("token", "canary-two");
    assert_ne!(first, stable_name(&home, &[]));
}

#[test]
fn the_identity_of_an_agent_is_its_tokens_too() {
    let home = Home::new(&format!("{TOKEN}credential_source = EcsContainer\n"), "");
    let name = |token| {
        let url = ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1/");
        stable_name(&home, &[url, ("AWS_CONTAINER_AUTHORIZATION_TOKEN", token)])
    };
    assert_ne!(name("canary-one"), name("canary-two"));
    let provider = Ecr::new(&Env::map([("HOME", home.path())]), &Clock::system()).expect("sound");
    let request = CredentialRequest::new(HOST).expect("host");
    let error = provider.plan(&request);
    let error = error.expect_err("no agent, and no other source either");
    assert_eq!(error.kind(), ErrorKind::NotConfigured, "{}", report(&error));
}

#[tokio::test]
async fn a_profiles_token_is_exchanged_as_the_plan_read_it() {
    let home = Home::new("", "");
    let token = home.write("token", "first-token");
    for config in [
        format!("web_identity_token_file = {token}\n"),
        format!(
            "source_profile = base\n\
             [profile base]\nrole_arn = {ROLE}\nweb_identity_token_file = {token}\n"
        ),
    ] {
        let sts = sts(|action, seen| {
            let exchange = action == "AssumeRoleWithWebIdentity";
            assert!(!exchange || field(seen, "WebIdentityToken") == "first-token");
            sts_keys(action, "ASIAWEB")
        })
        .await;
        let api = ecr_for("ASIAWEB", true).await;
        home.write("token", "first-token");
        let url = sts.url("");
        home.write(
            ".aws/config",
            &format!("{TOKEN}endpoint_url = {url}\n{config}"),
        );
        let env = Env::map([("HOME", home.path()), ("AWS_ENDPOINT_URL_ECR", api.url(""))]);
        let provider = Ecr::new(&env, &Clock::system()).expect("sound");
        let request = CredentialRequest::new(HOST).expect("host");
        let plan = provider.plan(&request).expect("a plan");
        home.write("token", "second-token");
        plan.fetch().await.expect("by the first token");
    }
}

/// Files as people write them, which the Go SDK reads.
#[tokio::test]
async fn keys_are_read_as_the_go_sdk_reads_them() {
    let api = ecr_for("AKIAOWN", false).await;
    let keys = "aws_access_key_id: \"AKIAOWN\"\naws_secret_access_key = 'canary-secret'\n";
    for (config, credentials, profile) in [
        ("", format!("[default]\n{keys}"), "default"),
        (
            "",
            format!("lonely = 1\n[default]\nno sign\n{keys}"),
            "default",
        ),
        (
            "[profile x\nregion = eu-west-1\n",
            format!("  [default] ; main\n{keys}"),
            "default",
        ),
        (
            "",
            format!("[my own]\n  region = x\n  {}", keys.replace('\n', "\n  ")),
            "my own",
        ),
        (
            &format!("[profile my own]\n{keys}"),
            String::new(),
            "my own",
        ),
    ] {
        let home = Home::new(config, &credentials);
        let env = Env::map([
            ("HOME", home.path()),
            ("AWS_PROFILE", profile.to_owned()),
            ("AWS_ENDPOINT_URL_ECR", api.url("")),
        ]);
        let asked = ask(HOST, &env).await;
        asked.unwrap_or_else(|error| panic!("{config}{credentials}: {}", report(&error)));
    }
}

#[tokio::test]
async fn a_role_alone_is_assumed_by_the_machines_identity_or_the_profiles_own_keys() {
    let imds = metadata(false).await;
    let agent = agent("let-me", "ASIAAGENT").await;
    let url = agent.url("/v1/credentials");
    let agent = [
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", url.as_str()),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "let-me"),
    ];
    let own = "aws_access_key_id = AKIAOWN\naws_secret_access_key = canary-secret\n";
    for (more, vars, key) in [
        ("", &[][..], "AKIAIMDS"),
        ("", &agent[..], "ASIAAGENT"),
        (own, &agent[..], "AKIAOWN"),
    ] {
        let sts = sts_for(key, key != "AKIAOWN", "ASIAROLE").await;
        let api = ecr_for("ASIAROLE", true).await;
        let config = format!("{TOKEN}endpoint_url = {}\n{more}", sts.url(""));
        let home = Home::new(&config, "");
        let env = Env::map([
            ("HOME", home.path()),
            ("AWS_ENDPOINT_URL_ECR", api.url("")),
            ("AWS_EC2_METADATA_SERVICE_ENDPOINT", imds.url("")),
        ]);
        let asked = ask(HOST, &env.with(vars.iter().copied())).await;
        asked.unwrap_or_else(|error| panic!("{key}: {}", report(&error)));
    }
}

#[tokio::test]
async fn half_of_a_key_is_an_error_and_not_another_identity() {
    let home = Home::new("", "[default]\naws_access_key_id = AKIAOWN\n");
    let imds = metadata(true).await;
    let env = Env::map([
        ("HOME", home.path()),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", imds.url("")),
    ]);
    let error = ask(HOST, &env).await.expect_err("half a key");
    let text = report(&error);
    assert!(
        text.contains("has only one of aws_access_key_id and"),
        "{text}"
    );
    assert!(imds.seen().is_empty());
}

/// One that cannot be read, and one that is too large.
#[tokio::test]
async fn a_file_that_the_identity_does_not_need_never_fails_a_run() {
    let home = Home::new(
        "[default\nuse_fips_endpoint = ?\n= \n",
        &"x".repeat((1 << 20) + 1),
    );
    let token = home.write("token", "web-token");
    let sts = web_identity("web-token", "ASIAWEB").await;
    let env = Env::map([
        ("HOME", home.path()),
        ("AWS_CONFIG_FILE", home.path()),
        ("AWS_ENDPOINT_URL_STS", sts.url("")),
    ]);
    for (key, session, vars) in [
        (
            "AKIAENV",
            false,
            [
                ("AWS_ACCESS_KEY_ID", "AKIAENV"),
                ("AWS_SECRET_ACCESS_KEY", CANARY),
            ],
        ),
        (
            "ASIAWEB",
            true,
            [
                ("AWS_WEB_IDENTITY_TOKEN_FILE", token.as_str()),
                ("AWS_ROLE_ARN", ROLE),
            ],
        ),
    ] {
        let api = ecr_for(key, session).await;
        let env = env.with(vars).with([("AWS_ENDPOINT_URL_ECR", api.url(""))]);
        ask(HOST, &env).await.expect(key);
        let mut pod = CredentialRequest::new(HOST).expect("host");
        pod.service_account_token = Some("web-token".to_owned().into());
        if session {
            ask_for(&pod, &env.with([("AWS_ECR_ROLE_ARN", ROLE)]))
                .await
                .expect("a pod");
        }
    }
    let error = ask(HOST, &env).await.expect_err("named, and needed now");
    let text = report(&error);
    assert!(
        text.contains("that AWS_CONFIG_FILE names: Is a directory"),
        "{text}"
    );
}
