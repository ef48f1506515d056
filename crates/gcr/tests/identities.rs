//! Every way to an answer, from the settings to the registry login, against strict fakes.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use regcred_core::{
    CacheScope, Clock, CredentialRequest, Credentials, Env, ErrorKind, ImagePattern, Issued,
    Provider, ProviderError, report,
};
use regcred_gcr::Gcr;
use regcred_http_testing::{Fake, Reply};
use regcred_tests::google::{
    GKE_AUDIENCE, GKE_ISSUER, GKE_POD, KEY_ACCOUNT, NODE_ACCOUNT, POD, POOL, PROJECT,
    TARGET_ACCOUNT,
};
use regcred_tests::{FakeGceMetadata, FakeGoogle};
use secrecy::ExposeSecret;
use serde_json::json;

const OPT_IN: (&str, &str) = ("iam.gke.io/enable-wi-image-pull", "true");
const SERVICE_ACCOUNT: &str = "iam.gke.io/gcp-service-account";

fn request(image: &str) -> CredentialRequest {
    CredentialRequest::new(image).expect("image")
}

/// The request of a pod with this token and these annotations.
fn pod(token: &str, annotations: &[(&str, &str)]) -> CredentialRequest {
    let mut request = request("us-docker.pkg.dev/p/r/a");
    request.service_account_token = Some(token.into());
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    request.service_account_annotations = annotations.iter().map(owned).collect();
    request
}

async fn ask(env: &Env, request: &CredentialRequest) -> Result<Issued, ProviderError> {
    Gcr::new(env, &Clock::system())?.credentials(request).await
}

/// A machine at Google, next to Google's other services.
fn machine() -> (FakeGoogle, FakeGceMetadata, Env) {
    let google = FakeGoogle::start();
    let machine = FakeGceMetadata::start_beside(&google);
    machine.set_attribute("cluster-location", "europe-west1");
    machine.set_attribute("cluster-name", "c1");
    let env = Env::map(google.env()).with(machine.env());
    (google, machine, env)
}

fn owner(google: &FakeGoogle, issued: &Issued) -> Option<String> {
    google.owner(issued.auth[0].1.password.expose_secret())
}

#[tokio::test]
async fn the_nodes_token_serves_every_google_registry_until_its_expiry() {
    let (google, machine, env) = machine();
    machine.set_expires_in(3600);
    let now = Clock::system().now();
    let gcr = Gcr::new(&env, &Clock::fixed(now)).expect("settings");
    let issued = gcr
        .credentials(&request("us-docker.pkg.dev/p/r/a:v1"))
        .await;
    let issued = issued.expect("issued");
    assert_eq!(issued.scope, CacheScope::Registry);
    assert_eq!(issued.expires_at, Some(now + TimeDelta::hours(1)));
    assert_eq!(issued.cache_for, None);
    let keys: Vec<&str> = issued.auth.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(
        keys,
        [
            "container.cloud.google.com",
            "gcr.io",
            "*.gcr.io",
            "*.pkg.dev",
            "docker.*.rep.pkg.dev"
        ]
    );
    assert_eq!(owner(&google, &issued).as_deref(), Some(NODE_ACCOUNT));
    for (_, login) in &issued.auth {
        assert_eq!(*login, issued.auth[0].1);
        assert_eq!(login.username, "_token");
    }
}

#[tokio::test]
async fn an_added_host_gets_an_answer_for_itself_only() {
    let (_google, _machine, env) = machine();
    let env = env.with([("REGCRED_GCR_ALSO_SERVE", "Mirror.corp:5000")]);
    let issued = ask(&env, &request("mirror.corp:5000/app")).await;
    let issued = issued.expect("issued");
    assert_eq!(issued.auth.len(), 1);
    let key = ImagePattern::parse(&issued.auth[0].0).expect("pattern");
    assert!(key.matches("mirror.corp:5000/app"));
}

#[tokio::test]
async fn upstreams_cache_variables_and_the_other_user_name_are_honoured() {
    let (_google, _machine, env) = machine();
    let env = env.with([
        ("KUBE_SIDECAR_CACHE_TYPE", "image"),
        ("KUBE_SIDECAR_CACHE_DURATION", "0s"),
        ("REGCRED_GCR_USERNAME", "oauth2accesstoken"),
    ]);
    let issued = ask(&env, &request("gcr.io/p/a")).await.expect("issued");
    assert_eq!(issued.scope, CacheScope::Image);
    assert_eq!(issued.cache_for, Some(Duration::ZERO));
    assert_eq!(issued.auth[0].1.username, "oauth2accesstoken");
}

#[tokio::test]
async fn others_get_no_token_and_none_is_requested() {
    let (_google, machine, env) = machine();
    for image in ["busybox", "evilgcr.io/p/a", "registry.k8s.io/pause"] {
        let error = ask(&env, &request(image)).await.expect_err(image);
        assert_eq!(error.kind(), ErrorKind::NotServed);
    }
    assert!(machine.server().seen().is_empty());
}

#[tokio::test]
async fn pods_are_exchanged_by_either_convention() {
    let (google, _machine, env) = machine();
    let by_pool = env.with([("REGCRED_GCR_STS_AUDIENCE", POOL)]);
    let by_flags = env.with([
        ("REGCRED_GCR_IDENTITY_PROVIDER", GKE_ISSUER),
        ("REGCRED_GCR_PROJECT_ID", PROJECT),
    ]);
    let elsewhere = google.cluster().token(&format!("https:{POOL}"), 600);
    let gke = google.gke_cluster().token(GKE_AUDIENCE, 600);
    let acts_as = (SERVICE_ACCOUNT, TARGET_ACCOUNT);
    for (env, token, annotation, expected) in [
        (&by_pool, &elsewhere, OPT_IN, POD),
        (&by_pool, &elsewhere, acts_as, TARGET_ACCOUNT),
        (&by_flags, &gke, OPT_IN, GKE_POD),
        // The cluster is found in the metadata.
        (&env, &gke, OPT_IN, GKE_POD),
        (&env, &gke, acts_as, TARGET_ACCOUNT),
    ] {
        let issued = ask(env, &pod(token, &[annotation])).await.expect(expected);
        assert_eq!(owner(&google, &issued).as_deref(), Some(expected));
        let expires_at = issued.expires_at.expect("an expiry");
        assert!(expires_at > Clock::system().now());
    }
}

#[tokio::test]
async fn a_pod_that_asked_for_its_own_identity_never_gets_the_nodes() {
    let (google, machine, env) = machine();
    let env = env.with([("REGCRED_GCR_STS_AUDIENCE", POOL)]);
    let pool = format!("https:{POOL}");
    let mut tokenless = pod("", &[OPT_IN]);
    tokenless.service_account_token = None;
    let error = ask(&env, &tokenless).await.expect_err("no token was sent");
    assert_eq!(error.kind(), ErrorKind::IdentityUnavailable);
    for token in [
        google.cluster().token(&pool, -5),
        google.cluster().token("elsewhere", 600),
        "canary".to_owned(),
    ] {
        let refused = ask(&env, &pod(&token, &[OPT_IN])).await;
        let error = refused.expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::Denied);
        let shown = report(&error);
        for part in ["400", POOL, "the pod's service account token"] {
            assert!(shown.contains(part), "{part:?} is not in: {shown}");
        }
        assert!(
            !shown.contains("canary") && !shown.contains(&token),
            "{shown}"
        );
    }
    assert!(machine.server().seen().is_empty());

    let token = google.cluster().token(&pool, 600);
    // Without the annotation it is the node that pulls.
    let issued = ask(&env, &pod(&token, &[])).await.expect("issued");
    assert_eq!(owner(&google, &issued).as_deref(), Some(NODE_ACCOUNT));
}

#[tokio::test]
async fn a_refused_impersonation_names_account_and_reason() {
    let (google, _machine, env) = machine();
    let env = env.with([("REGCRED_GCR_STS_AUDIENCE", POOL)]);
    let token = google.cluster().token(&format!("https:{POOL}"), 600);
    let other = "other@demo-project.iam.gserviceaccount.com";
    let refused = ask(&env, &pod(&token, &[(SERVICE_ACCOUNT, other)])).await;
    let shown = report(&refused.expect_err("denied"));
    for part in [other, "403", "iam.serviceAccounts.getAccessToken"] {
        assert!(shown.contains(part), "{shown}");
    }
}

#[tokio::test]
async fn the_key_file_itself_is_handed_out_on_request_only() {
    let (google, _machine, env) = machine();
    let dir = tempfile::tempdir().expect("directory");
    let path = dir.path().join("key.json");
    let text = google.key_file().to_string();
    std::fs::write(&path, &text).expect("file");
    let path = path.to_str().expect("UTF-8");
    let named = env.with([("GOOGLE_APPLICATION_CREDENTIALS", path)]);
    let request = request("gcr.io/p/a");
    for (username, password) in [
        ("_json_key", text.clone()),
        ("_json_key_base64", STANDARD.encode(&text)),
    ] {
        let named = named.with([("REGCRED_GCR_USERNAME", username)]);
        let gcr = Gcr::new(&named, &Clock::system()).expect("settings");
        let plan = gcr.plan(&request).expect("plan");
        assert_eq!(plan.key(), None);
        let issued = plan.fetch().await.expect("issued");
        assert_eq!(issued.auth[0].1, Credentials::new(username, password));
        assert_eq!(issued.expires_at, None);
    }
    let unnamed = env.with([("REGCRED_GCR_USERNAME", "_json_key")]);
    let error = ask(&unnamed, &request).await.expect_err("no file");
    assert_eq!(error.kind(), ErrorKind::NotConfigured);
    let issued = ask(&named, &request).await.expect("issued");
    assert_eq!(owner(&google, &issued).as_deref(), Some(KEY_ACCOUNT));
}

#[tokio::test]
async fn a_file_counts_as_the_plan_has_read_it() {
    // A token endpoint whose tokens are the refresh tokens.
    let google = Fake::start(|request| {
        let form = request.form();
        let token = form.iter().find(|(name, _)| name == "refresh_token");
        let token = token.map(|(_, value)| value);
        Reply::json(200, &json!({ "access_token": token, "expires_in": 3600 }))
    })
    .await;
    let dir = tempfile::tempdir().expect("directory");
    let path = dir.path().join("login.json");
    let write = |refresh_token: &str| {
        let login = json!({
            "type": "authorized_user", "client_id": "c", "client_secret": "s",
            "refresh_token": refresh_token,
        });
        std::fs::write(&path, login.to_string()).expect("file");
    };
    let env = Env::map([
        (
            "GOOGLE_APPLICATION_CREDENTIALS",
            path.to_str().expect("UTF-8"),
        ),
        ("REGCRED_GCR_OAUTH_TOKEN_URL", &google.url("/token")),
    ]);
    let gcr = Gcr::new(&env, &Clock::system()).expect("settings");
    let request = request("gcr.io/p/a");
    write("first");
    let plan = gcr.plan(&request).expect("plan");
    write("second");
    let issued = plan.fetch().await.expect("issued");
    assert_eq!(issued.auth[0].1, Credentials::new("_token", "first"));

    // One that could not be read has no key, and its error stays.
    std::fs::remove_file(&path).expect("removed");
    let plan = gcr.plan(&request).expect("plan");
    assert_eq!(plan.key(), None);
    write("third");
    let error = plan.fetch().await.expect_err("missing");
    assert_eq!(error.kind(), ErrorKind::NotConfigured);
    assert_eq!(google.seen().len(), 1);
}

#[tokio::test]
async fn written_down_logins_are_for_any_registry_and_a_minute() {
    let (_google, machine, env) = machine();
    let document = r#"{"quay.io":{"username":"u","password":"p"}}"#;
    machine.set_attribute("google-dockercfg", document);
    let env = env.with([("REGCRED_GCR_AUTH_FLOW", "dockercfg")]);
    let issued = ask(&env, &request("quay.io/org/app")).await;
    let issued = issued.expect("issued");
    assert_eq!(
        issued.auth,
        [("quay.io".to_owned(), Credentials::new("u", "p"))]
    );
    assert_eq!(issued.expires_at, None);
    assert_eq!(issued.cache_for, Some(Duration::from_secs(60)));
}
