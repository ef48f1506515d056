use super::*;

#[tokio::test]
async fn a_pod_is_its_role_at_sts_without_a_signature() {
    let api = ecr_for("ASIAPOD", true).await;
    let sts = MockServer::start().await;
    sts_call("AssumeRoleWithWebIdentity")
        .and(Unsigned)
        .and(body_string_contains(
            "RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fpuller",
        ))
        .and(body_string_contains(
            "RoleSessionName=ecr-credential-provider",
        ))
        .and(body_string_contains("WebIdentityToken=pod-token"))
        .respond_with(sts_answer("AssumeRoleWithWebIdentity", "ASIAPOD"))
        .mount(&sts)
        .await;
    let vars = with(&[
        ("AWS_ENDPOINT_URL_ECR", &api.uri()),
        ("AWS_ENDPOINT_URL_STS", &sts.uri()),
        // Neither the role map nor the node's profile stands for a pod that names its role.
        (vars::ROLES, "*=profile:nobody"),
        (vars::PROFILE, "nobody"),
    ]);
    let mut request = CredentialRequest::new(HOST).expect("host");
    request.service_account_token = Some("pod-token\n".to_owned().into());
    request
        .service_account_annotations
        .insert("eks.amazonaws.com/ecr-role-arn".to_owned(), ROLE.to_owned());
    ask_for(&request, &vars).await.expect("token");
}

#[tokio::test]
async fn a_pod_whose_role_fails_never_becomes_the_node() {
    let api = ecr_for("AKIAENV", false).await;
    let sts = MockServer::start().await;
    sts_call("AssumeRoleWithWebIdentity")
        .respond_with(sts_error(403, "AccessDenied"))
        .mount(&sts)
        .await;
    let vars = with(&[
        ("AWS_ENDPOINT_URL_ECR", &api.uri()),
        ("AWS_ENDPOINT_URL_ECR_PUBLIC", &api.uri()),
        ("AWS_ENDPOINT_URL_STS", &sts.uri()),
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
    assert_eq!(calls(&api).await, 0);
}

#[tokio::test]
async fn a_token_without_a_role_is_the_nodes_identity() {
    let api = ecr_for("AKIAENV", false).await;
    let vars = with(&[("AWS_ENDPOINT_URL_ECR", &api.uri())]);
    let mut request = CredentialRequest::new(HOST).expect("host");
    request.service_account_token = Some("t".to_owned().into());
    ask_for(&request, &vars).await.expect("token");
    let strict = with(&[
        ("AWS_ENDPOINT_URL_ECR", &api.uri()),
        (vars::REQUIRE_POD_ROLE, "true"),
    ]);
    ask_for(&request, &strict).await.expect_err("strict");
    assert_eq!(calls(&api).await, 1);
}

#[tokio::test]
async fn a_role_of_the_map_is_assumed_with_the_ambient_identity() {
    let api = ecr_for("ASIAMAP", true).await;
    let sts = MockServer::start().await;
    sts_call("AssumeRole")
        .and(SignedBy {
            key: "AKIAENV",
            region: "eu-west-1",
            service: "sts",
            session: false,
        })
        .respond_with(sts_answer("AssumeRole", "ASIAMAP"))
        .mount(&sts)
        .await;
    let map = format!("123456789012={ROLE}");
    let vars = with(&[
        ("AWS_ENDPOINT_URL_ECR", &api.uri()),
        ("AWS_ENDPOINT_URL_STS", &sts.uri()),
        (vars::ROLES, &map),
    ]);
    ask(HOST, &vars).await.expect("token");
}

#[tokio::test]
async fn a_mapped_role_that_fails_is_an_error() {
    let api = ecr_for("AKIAENV", false).await;
    let sts = MockServer::start().await;
    sts_call("AssumeRole")
        .respond_with(sts_error(403, "AccessDenied"))
        .mount(&sts)
        .await;
    let map = format!("*={ROLE}");
    let vars = with(&[
        ("AWS_ENDPOINT_URL_ECR", &api.uri()),
        ("AWS_ENDPOINT_URL_STS", &sts.uri()),
        (vars::ROLES, &map),
    ]);
    let error = ask(HOST, &vars).await.expect_err("denied");
    assert!(report(&error).contains(ROLE), "{}", report(&error));
    assert_eq!(calls(&api).await, 0);
}

fn key(env: &Env, request: &CredentialRequest) -> Option<CacheKey> {
    Ecr::new(env, &Clock::system())
        .expect("sound")
        .plan(request)
        .ok()
        .and_then(|plan| plan.key().cloned())
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
    assert_ne!(key(&with(&[(vars::ROLES, &map)]), &image(HOST)), Some(keys));
    assert_eq!(key(&none, &image("registry.k8s.io/pause")), None);
}

/// A value that an option accepts, whatever it is.
fn value_of(option: &str) -> String {
    match option {
        vars::ROLES => format!("*={ROLE}"),
        vars::ALSO_SERVE => "mirror.corp".to_owned(),
        vars::POD_ROLE => ROLE.to_owned(),
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
    let node = key(&base, &request).expect("key");
    for option in vars::VARS {
        let env = base.with([(option.name, value_of(option.name))]);
        let key = match option.name {
            // Files that are not in the form of the AWS tools, and profiles without a source.
            "AWS_CONFIG_FILE" | "AWS_SHARED_CREDENTIALS_FILE" | vars::PROFILE => continue,
            vars::REQUIRE_POD_IDENTITY | vars::REQUIRE_POD_ROLE => {
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
