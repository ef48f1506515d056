//! Roles of pods and of the role map, and whose cache entry is whose.

use regcred_core::{CredentialRequest, Env, ErrorKind, report};
use regcred_ecr::SPEC;

use crate::fake::*;
use crate::registries::with;

const ROLES: &str = "REGCRED_ECR_ROLES";

#[tokio::test]
async fn a_pod_is_its_role_at_sts_without_a_signature() {
    let api = ecr_for("ASIAPOD", true).await;
    let sts = web_identity("pod-token", "ASIAPOD").await;
    let vars = with(&[
        ("AWS_ENDPOINT_URL_ECR", &api.url("")),
        ("AWS_ENDPOINT_URL_STS", &sts.url("")),
        // Neither the role map nor the node's profile is for a pod that names its role.
        (ROLES, "*=profile:missing"),
        ("REGCRED_ECR_PROFILE", "missing"),
    ]);
    let mut request = CredentialRequest::new(HOST).expect("host");
    request.service_account_token = Some("pod-token\n".to_owned().into());
    request
        .service_account_annotations
        .insert("eks.amazonaws.com/ecr-role-arn".to_owned(), ROLE.to_owned());
    ask_for(&request, &vars).await.expect("token");
    let call = &sts.seen()[0];
    assert_eq!(field(call, "RoleArn"), ROLE);
    assert_eq!(field(call, "RoleSessionName"), "ecr-credential-provider");
}

#[tokio::test]
async fn a_pod_whose_role_fails_never_becomes_the_node() {
    let api = ecr_for("AKIAENV", false).await;
    let sts = sts(|_, _| sts_error(403, "AccessDenied")).await;
    let vars = with(&[
        ("AWS_ENDPOINT_URL_ECR", &api.url("")),
        ("AWS_ENDPOINT_URL_ECR_PUBLIC", &api.url("")),
        ("AWS_ENDPOINT_URL_STS", &sts.url("")),
        ("AWS_ECR_ROLE_ARN", ROLE),
    ]);
    for image in [HOST, "public.ecr.aws/a/b"] {
        let mut request = CredentialRequest::new(image).expect("host");
        request.service_account_token = Some(CANARY.to_owned().into());
        let error = ask_for(&request, &vars).await.expect_err("fatal");
        let text = report(&error);
        assert_eq!(error.kind(), ErrorKind::Denied, "{text}");
        assert!(
            text.contains("failed to assume role") && text.contains("not for you"),
            "{text}"
        );
        assert!(!format!("{error:?} {text}").contains(CANARY));
    }
    assert!(api.seen().is_empty());
}

#[tokio::test]
async fn a_token_without_a_role_is_the_nodes_identity() {
    let api = ecr_for("AKIAENV", false).await;
    let vars = with(&[("AWS_ENDPOINT_URL_ECR", &api.url(""))]);
    let mut request = CredentialRequest::new(HOST).expect("host");
    request.service_account_token = Some("t".to_owned().into());
    ask_for(&request, &vars).await.expect("token");
    let strict = with(&[
        ("AWS_ENDPOINT_URL_ECR", &api.url("")),
        ("REGCRED_ECR_REQUIRE_POD_ROLE", "true"),
    ]);
    ask_for(&request, &strict).await.expect_err("strict");
    assert_eq!(api.seen().len(), 1);
}

#[tokio::test]
async fn a_role_of_the_map_is_assumed_with_the_ambient_identity() {
    let api = ecr_for("ASIAMAP", true).await;
    let sts = sts_for("AKIAENV", false, "ASIAMAP").await;
    let map = format!("123456789012={ROLE}");
    let vars = with(&[
        ("AWS_ENDPOINT_URL_ECR", &api.url("")),
        ("AWS_ENDPOINT_URL_STS", &sts.url("")),
        (ROLES, &map),
    ]);
    ask(HOST, &vars).await.expect("token");
}

#[tokio::test]
async fn a_mapped_role_that_fails_is_an_error() {
    let api = ecr_for("AKIAENV", false).await;
    let sts = sts(|_, _| sts_error(403, "AccessDenied")).await;
    let map = format!("*={ROLE}");
    let vars = with(&[
        ("AWS_ENDPOINT_URL_ECR", &api.url("")),
        ("AWS_ENDPOINT_URL_STS", &sts.url("")),
        (ROLES, &map),
    ]);
    let error = ask(HOST, &vars).await.expect_err("denied");
    assert!(report(&error).contains(ROLE), "{}", report(&error));
    assert!(api.seen().is_empty());
}

#[test]
fn the_cache_key_is_the_identitys_and_holds_no_secret() {
    let none = Env::default();
    let image = |text: &str| CredentialRequest::new(text).expect(text);
    let node = key(&none, &image(HOST)).expect("key");
    assert_eq!(
        key(&none, &image(&format!("{HOST}/other:v2"))),
        Some(node.clone())
    );
    assert_ne!(key(&none, &image("public.ecr.aws/a")), Some(node.clone()));
    let session = |token| with(&[("AWS_SESSION_TOKEN", token)]);
    let keys = key(&session("one"), &image(HOST)).expect("key");
    assert_ne!(keys, node);
    assert_eq!(key(&session("two"), &image(HOST)), Some(keys.clone()));
    assert!(!keys.as_str().contains(CANARY), "{keys:?}");
    let moved = with(&[("AWS_ENDPOINT_URL_ECR", "https://vpce.example")]);
    assert_ne!(key(&moved, &image(HOST)), Some(keys.clone()));
    let map = format!("*={ROLE}");
    assert_ne!(key(&with(&[(ROLES, &map)]), &image(HOST)), Some(keys));
    assert_eq!(key(&none, &image("registry.k8s.io/pause")), None);
}

/// A value that an option accepts, whatever it is.
fn value_of(option: &str) -> String {
    match option {
        ROLES => format!("*={ROLE}"),
        "REGCRED_ECR_ALSO_SERVE" => "mirror.corp".to_owned(),
        "AWS_ECR_ROLE_ARN" => ROLE.to_owned(),
        _ if option.starts_with("AWS_ENDPOINT_URL") => "https://vpce.example".to_owned(),
        _ if option.contains("ENDPOINT_MODE") => "IPv6".to_owned(),
        _ if option.contains("URI") || option.contains("SERVICE_ENDPOINT") => {
            "http://127.0.0.1:1/".to_owned()
        }
        _ if option.contains("PROFILE") => "default".to_owned(),
        _ if option.contains("FILE") => "Cargo.toml".to_owned(),
        _ => "true".to_owned(),
    }
}

#[test]
fn every_option_is_in_the_key_or_has_a_reason_not_to_be() {
    let home = tempfile::tempdir().expect("dir");
    std::fs::create_dir(home.path().join(".aws")).expect("dir");
    std::fs::write(home.path().join(".aws/config"), "[default]\n").expect("file");
    let base = Env::map([
        ("HOME", home.path().to_str().expect("text")),
        ("AWS_ROLE_ARN", ROLE),
    ]);
    let request = CredentialRequest::new(HOST).expect("host");
    for option in SPEC.vars {
        let base = match option.name {
            // Half a key is an error.
            "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => base.with([
                ("AWS_ACCESS_KEY_ID", "AKIA"),
                ("AWS_SECRET_ACCESS_KEY", "s"),
            ]),
            _ => base.clone(),
        };
        let node = key(&base, &request).expect("key");
        let env = base.with([(option.name, value_of(option.name))]);
        let key = match option.name {
            // Files that are not in the form of the AWS tools, and profiles without a source.
            "AWS_CONFIG_FILE" | "AWS_SHARED_CREDENTIALS_FILE" | "REGCRED_ECR_PROFILE" => continue,
            "REGCRED_ECR_REQUIRE_POD_IDENTITY" | "REGCRED_ECR_REQUIRE_POD_ROLE" => {
                assert_eq!(key(&env, &request), None, "nothing is answered");
                continue;
            }
            name => key(&env, &request).unwrap_or_else(|| panic!("{name}: no key")),
        };
        assert_eq!(key != node, option.not_in_key.is_none(), "{}", option.name);
    }
}

#[test]
fn a_pods_cache_key_is_never_the_nodes() {
    let none = Env::default();
    let mut request = CredentialRequest::new(HOST).expect("host");
    let node = key(&none, &request);
    request.service_account_token = Some(CANARY.to_owned().into());
    assert_eq!(key(&none, &request), node, "no role: the node answers");
    let pod = key(&Env::map([("AWS_ECR_ROLE_ARN", ROLE)]), &request).expect("key");
    assert_ne!(Some(&pod), node.as_ref());
    assert!(!pod.as_str().contains(CANARY), "{pod:?}");
}
