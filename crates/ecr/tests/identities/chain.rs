//! The chain of sources in the order of Go, and the profile.

use regcred_core::{CredentialRequest, Env, ErrorKind, report};
use regcred_http_testing::{Ca, Fake, Reply};
use tokio::time::Instant;

use crate::fake::*;
use crate::home::Home;

/// Everything at once, from the first source to the last; tests take away from the front.
#[tokio::test]
async fn sources_are_taken_in_the_order_of_go() {
    let home = Home::new(
        "[default]\naws_access_key_id = AKIAPROFILE\naws_secret_access_key = canary-secret\n",
        "",
    );
    let token = home.write("token", "web-token");
    let sts = web_identity("web-token", "ASIAWEB").await;
    let agent = agent("let-me", "ASIAAGENT").await;
    let imds = metadata(true).await;
    let sources: [&[(&str, String)]; 5] = [
        &[
            ("AWS_ACCESS_KEY_ID", "AKIAENV".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", CANARY.to_owned()),
        ],
        &[
            ("AWS_WEB_IDENTITY_TOKEN_FILE", token),
            ("AWS_ROLE_ARN", ROLE.to_owned()),
            ("AWS_ENDPOINT_URL_STS", sts.url("")),
        ],
        &[("HOME", home.path())],
        &[
            (
                "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                agent.url("/v1/credentials"),
            ),
            ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "let-me".to_owned()),
        ],
        &[("AWS_EC2_METADATA_SERVICE_ENDPOINT", imds.url(""))],
    ];
    let expected = [
        ("AKIAENV", false),
        ("ASIAWEB", true),
        ("AKIAPROFILE", false),
        ("ASIAAGENT", true),
        ("AKIAIMDS", true),
    ];
    let mut keys = Vec::new();
    for (first, (key, session)) in expected.into_iter().enumerate() {
        let api = ecr_for(key, session).await;
        let env = sources[first..]
            .iter()
            .fold(Env::default(), |env, vars| env.with(vars.iter().cloned()))
            .with([("AWS_ENDPOINT_URL_ECR", api.url(""))]);
        ask(HOST, &env).await.expect(key);
        let env = env.with([("AWS_ENDPOINT_URL_ECR", "http://127.0.0.1:1")]);
        let request = CredentialRequest::new(HOST).expect("host");
        let key = crate::fake::key(&env, &request);
        keys.push(key.expect("key"));
    }
    for (n, key) in keys.iter().enumerate() {
        assert!(
            !keys[..n].contains(key),
            "each identity has its own key: {keys:?}"
        );
        assert!(!key.as_str().contains(CANARY), "{key:?}");
    }
}

#[tokio::test]
async fn a_web_identity_that_fails_is_final_and_its_file_is_trimmed() {
    let home = Home::new("", "");
    let imds = metadata(true).await;
    let sts = web_identity("web-token", "ASIAWEB").await;
    let api = ecr_for("ASIAWEB", true).await;
    let env = Env::map([
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", imds.url("")),
        ("AWS_ENDPOINT_URL_ECR", api.url("")),
        ("AWS_ENDPOINT_URL_STS", sts.url("")),
        (
            "AWS_WEB_IDENTITY_TOKEN_FILE",
            home.write("token", "web-token\n"),
        ),
    ]);
    let error = ask(HOST, &env).await.expect_err("no role");
    assert_eq!(error.kind(), ErrorKind::NotConfigured);
    assert!(
        report(&error).contains("AWS_ROLE_ARN is not"),
        "{}",
        report(&error)
    );
    let env = env.with([("AWS_ROLE_ARN", ROLE)]);
    ask(HOST, &env).await.expect("token");
    let gone = env.with([("AWS_WEB_IDENTITY_TOKEN_FILE", "/nowhere/token")]);
    let error = ask(HOST, &gone).await.expect_err("no file");
    assert!(
        report(&error).contains("/nowhere/token"),
        "{}",
        report(&error)
    );
    assert!(imds.seen().is_empty());
}

#[tokio::test]
async fn a_profile_assumes_its_role_with_its_source() {
    let sts = sts_for("AKIABASE", false, "ASIAROLE").await;
    let api = ecr_for("ASIAROLE", true).await;
    let config = format!(
        "[profile pull]\nrole_arn = {ROLE}\nexternal_id = from-us\nsource_profile = base\n\
         endpoint_url = {}\n",
        sts.url("")
    );
    let home = Home::new(
        &config,
        "[base]\naws_access_key_id = AKIABASE\naws_secret_access_key = canary-secret\n",
    );
    let env = Env::map([("HOME", home.path()), ("AWS_ENDPOINT_URL_ECR", api.url(""))]);
    ask(HOST, &env.with([("AWS_PROFILE", "pull")]))
        .await
        .expect("by AWS_PROFILE");
    ask(HOST, &env.with([("REGCRED_ECR_PROFILE", "pull")]))
        .await
        .expect("by option");
    let map = [("REGCRED_ECR_ROLES", format!("{HOST}=profile:pull"))];
    ask(HOST, &env.with(map)).await.expect("by the map");
    for call in sts.seen() {
        assert_eq!(field(&call, "ExternalId"), "from-us");
    }
}

#[tokio::test]
async fn credential_sources_of_a_profile_are_ours() {
    let agent = agent("let-me", "ASIAAGENT").await;
    let imds = metadata(false).await;
    for (source, key) in [
        ("Environment", "AKIAENV"),
        ("EcsContainer", "ASIAAGENT"),
        ("Ec2InstanceMetadata", "AKIAIMDS"),
    ] {
        let sts = sts_for(key, key != "AKIAENV", "ASIAROLE").await;
        let api = ecr_for("ASIAROLE", true).await;
        let config = format!(
            "[profile pull]\nrole_arn = {ROLE}\ncredential_source = {source}\nendpoint_url = {}\n",
            sts.url("")
        );
        let home = Home::new(&config, "");
        let env = Env::map([
            ("HOME", home.path()),
            ("REGCRED_ECR_PROFILE", "pull".to_owned()),
            ("AWS_ENDPOINT_URL_ECR", api.url("")),
            ("AWS_ACCESS_KEY_ID", "AKIAENV".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", CANARY.to_owned()),
            (
                "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                agent.url("/v1/credentials"),
            ),
            ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "let-me".to_owned()),
            ("AWS_EC2_METADATA_SERVICE_ENDPOINT", imds.url("")),
        ]);
        ask(HOST, &env).await.expect(source);
    }
}

#[tokio::test]
async fn a_profiles_own_keys_go_before_its_other_sources() {
    let home = Home::new(
        "[default]\ncredential_process = false\nsso_session = none\n",
        "[default]\naws_access_key_id = AKIAOWN\naws_secret_access_key = canary-secret\n",
    );
    let api = ecr_for("AKIAOWN", false).await;
    let env = Env::map([("HOME", home.path()), ("AWS_ENDPOINT_URL_ECR", api.url(""))]);
    ask(HOST, &env).await.expect("token");
}

#[tokio::test]
async fn an_sso_profile_without_a_session_says_so() {
    let home = Home::new(
        "[default]\nsso_session = corp\nsso_account_id = 123456789012\nsso_role_name = pull\n\
         [sso-session corp]\nsso_region = eu-west-1\nsso_start_url = https://corp.example/start\n",
        "",
    );
    let env = Env::map([("HOME", home.path())]);
    let error = ask(HOST, &env).await.expect_err("not signed in");
    let text = report(&error);
    assert!(text.contains("from the profile \"default\""), "{text}");
    assert!(text.contains("aws sso login --profile default"), "{text}");
}

#[tokio::test]
async fn a_profile_without_credentials_lets_the_chain_go_on_unless_it_was_named() {
    let imds = metadata(true).await;
    let api = ecr_for("AKIAIMDS", true).await;
    let env = Env::map([
        ("AWS_ENDPOINT_URL_ECR", api.url("")),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", imds.url("")),
    ]);
    // No SDK reads a line of the first two.
    let unreadable = Home::new("[default\n= x\n", "\u{0}\u{1}[\n");
    let home = Home::new("[default]\nregion = us-east-1\n", "");
    for home in [&unreadable, &home] {
        let env = env.with([("HOME", home.path())]);
        ask(HOST, &env).await.expect("instance");
    }
    let env = env.with([("HOME", home.path())]);
    let named = env.with([("REGCRED_ECR_PROFILE", "default")]);
    let error = ask(HOST, &named).await.expect_err("named");
    assert_eq!(error.kind(), ErrorKind::NotConfigured, "{}", report(&error));
    let missing = env.with([("AWS_PROFILE", "prod")]);
    let error = ask(HOST, &missing).await.expect_err("missing");
    assert_eq!(error.kind(), ErrorKind::NotConfigured, "{}", report(&error));
}

#[tokio::test]
async fn without_any_source_the_message_lists_what_was_tried() {
    let env = Env::map([("AWS_EC2_METADATA_SERVICE_ENDPOINT", closed())]);
    let error = ask(HOST, &env).await.expect_err("nothing");
    let text = report(&error);
    assert_eq!(error.kind(), ErrorKind::IdentityUnavailable, "{text}");
    for words in [
        "environment keys (AWS_ACCESS_KEY_ID is not set)",
        "web identity (AWS_WEB_IDENTITY_TOKEN_FILE is not set)",
        "profile (not found: ~/.aws/config or ~/.aws/credentials, as HOME is not set)",
        "container credentials (neither AWS_CONTAINER_CREDENTIALS_RELATIVE_URI nor",
        "instance metadata (http://127.0.0.1:",
        "refused",
        "no AWS identity for 123456789012.dkr.ecr.",
        "give the instance an IAM role",
    ] {
        assert!(text.contains(words), "{words} is not in: {text}");
    }
    let off = env.with([("AWS_EC2_METADATA_DISABLED", "true")]);
    let text = report(&ask(HOST, &off).await.expect_err("nothing"));
    assert!(text.contains("AWS_EC2_METADATA_DISABLED is set"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_silent_sts_ends_in_time_and_the_message_says_where() {
    let home = Home::new("", "");
    let sts = silent().await;
    let env = Env::map([
        ("AWS_WEB_IDENTITY_TOKEN_FILE", home.write("token", "t")),
        ("AWS_ROLE_ARN", ROLE.to_owned()),
        ("AWS_ENDPOINT_URL_STS", sts.url("")),
    ]);
    let started = Instant::now();
    let error = ask(HOST, &env).await.expect_err("silent");
    assert_eq!(started.elapsed().as_secs(), 20);
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    let text = report(&error);
    let place = format!("by STS at {}", sts.url(""));
    assert!(
        text.contains("web identity") && text.contains(&place),
        "{text}"
    );
}

/// Two jobs on one machine may find different tokens under one path, and every pod of a cluster
/// asks one URL.
#[tokio::test]
async fn another_holder_of_the_token_has_another_cache_key() {
    let home = Home::new("", "");
    let file = home.write("token", "");
    let agent = ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1/");
    let sources = [
        [
            ("AWS_WEB_IDENTITY_TOKEN_FILE", file.as_str()),
            ("AWS_ROLE_ARN", ROLE),
        ],
        [
            agent,
            ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", file.as_str()),
        ],
    ];
    let key = |env: &Env| key(env, &CredentialRequest::new(HOST).expect("host"));
    for source in sources {
        let env = Env::map(source);
        let keys = ["canary-one", "canary-two", ""].map(|token| {
            home.write("token", token);
            key(&env)
        });
        let [Some(one), Some(two), None] = keys else {
            panic!("a key for each token and none without: {keys:?}");
        };
        assert_ne!(one, two);
        assert!(!one.as_str().contains("canary"), "{one:?}");
    }
    let token = |text| Env::map([agent, ("AWS_CONTAINER_AUTHORIZATION_TOKEN", text)]);
    assert_ne!(key(&token("canary-one")), key(&token("canary-two")));
}

#[tokio::test]
async fn a_profile_may_name_its_own_authorities() {
    let ca = Ca::new();
    let body = format!(
        r#"{{"authorizationData":[{{"authorizationToken":"{}"}}]}}"#,
        token()
    );
    let api = Fake::start_tls(ca.server("127.0.0.1", None), move |_| {
        Reply::ok(body.clone())
    })
    .await;
    let home = Home::new("", "");
    let bundle = home.write("own.pem", &ca.pem);
    home.write(".aws/config", &format!("[default]\nca_bundle = {bundle}\n"));
    let env = Env::map([
        ("HOME", home.path().as_str()),
        ("AWS_ACCESS_KEY_ID", "AKIAENV"),
        ("AWS_SECRET_ACCESS_KEY", CANARY),
        ("AWS_ENDPOINT_URL_ECR", &api.url("")),
    ]);
    ask(HOST, &env).await.expect("trusted");
    home.write(".aws/config", "[default]\nca_bundle = /nowhere/own.pem\n");
    let error = ask(HOST, &env).await.expect_err("no such file");
    let text = report(&error);
    assert_eq!(error.kind(), ErrorKind::NotConfigured, "{text}");
    assert!(
        text.contains("/nowhere/own.pem of the profile's ca_bundle"),
        "{text}"
    );
}
