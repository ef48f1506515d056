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
