use chrono::TimeDelta;
use regcred_core::{CacheScope, ErrorKind, ImagePattern};
use serde_json::json;

use super::*;

mod keys;
use crate::testing::{
    Dir, EMAIL, KEY, POOL, fake, form, metadata, metadata_with_token, now, pod_token, sts,
};

fn gcr(vars: &[(&str, &str)]) -> Gcr {
    Gcr::new(&Env::map(vars.iter().copied()), &Clock::fixed(now())).expect("settings")
}

async fn ask(vars: &[(&str, &str)], image: &str) -> Result<Issued, ProviderError> {
    let request = CredentialRequest::new(image).expect("image");
    gcr(vars).credentials(&request).await
}

#[tokio::test]
async fn the_nodes_token_serves_every_google_registry_until_its_end() {
    let node = metadata_with_token().await;
    let node = node.host();
    let issued = ask(
        &[("GCE_METADATA_HOST", &node)],
        "us-docker.pkg.dev/p/r/a:v1",
    )
    .await
    .expect("issued");
    assert_eq!(issued.scope, CacheScope::Registry);
    assert_eq!(issued.expires_at, Some(now() + TimeDelta::hours(1)));
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
    for (_, login) in &issued.auth {
        assert_eq!(*login, Credentials::new("_token", "node-token"));
    }
}

#[tokio::test]
async fn an_added_host_gets_an_answer_for_itself_only() {
    let node = metadata_with_token().await;
    let node = node.host();
    let vars = [
        ("GCE_METADATA_HOST", node.as_str()),
        ("REGCRED_GCR_ALSO_SERVE", "Mirror.corp:5000"),
    ];
    let issued = ask(&vars, "mirror.corp:5000/app").await.expect("issued");
    assert_eq!(issued.auth.len(), 1);
    assert!(
        ImagePattern::parse(&issued.auth[0].0)
            .expect("pattern")
            .matches("mirror.corp:5000/app")
    );
}

#[tokio::test]
async fn upstreams_cache_variables_and_the_other_user_name_are_honoured() {
    let node = metadata_with_token().await;
    let node = node.host();
    let issued = ask(
        &[
            ("GCE_METADATA_HOST", &node),
            ("KUBE_SIDECAR_CACHE_TYPE", "image"),
            ("KUBE_SIDECAR_CACHE_DURATION", "0s"),
            ("REGCRED_GCR_USERNAME", "oauth2accesstoken"),
        ],
        "gcr.io/p/a",
    )
    .await
    .expect("issued");
    assert_eq!(issued.scope, CacheScope::Image);
    assert_eq!(issued.cache_for, Some(Duration::ZERO));
    assert_eq!(issued.auth[0].1.username, "oauth2accesstoken");
}

#[tokio::test]
async fn others_get_no_token_and_none_is_requested() {
    let node = metadata_with_token().await;
    for image in ["busybox", "evilgcr.io/p/a", "registry.k8s.io/pause"] {
        let error = ask(&[("GCE_METADATA_HOST", &node.host())], image)
            .await
            .expect_err(image);
        assert_eq!(error.kind(), ErrorKind::NotServed);
    }
    assert!(node.seen().is_empty());
}

#[tokio::test]
async fn a_pod_that_asked_for_its_own_identity_never_gets_the_nodes() {
    let node = metadata_with_token().await;
    let sts = sts(POOL, "aud").await;
    let (node_host, sts_url) = (node.host(), sts.url("/v1/token"));
    let vars = [
        ("GCE_METADATA_HOST", node_host.as_str()),
        ("REGCRED_GCR_STS_URL", &sts_url),
        ("REGCRED_GCR_STS_AUDIENCE", POOL),
    ];
    let mut request = CredentialRequest::new("gcr.io/p/a").expect("image");
    let asked = ("iam.gke.io/enable-wi-image-pull", "true");
    request.service_account_annotations = [asked]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    gcr(&vars)
        .credentials(&request)
        .await
        .expect_err("no token was sent");
    request.service_account_token = Some(pod_token("aud", now()).into());
    gcr(&vars)
        .credentials(&request)
        .await
        .expect_err("the token has expired");
    assert!(node.seen().is_empty());

    let token = pod_token("aud", now() + TimeDelta::minutes(5));
    request.service_account_token = Some(token.into());
    let issued = gcr(&vars).credentials(&request).await.expect("issued");
    assert_eq!(
        issued.auth[0].1,
        Credentials::new("_token", "federated-token")
    );

    // Without the annotation it is the node that pulls.
    request.service_account_annotations.clear();
    let issued = gcr(&vars).credentials(&request).await.expect("issued");
    assert_eq!(issued.auth[0].1, Credentials::new("_token", "node-token"));
}

#[tokio::test]
async fn the_key_file_itself_is_handed_out_on_request_only() {
    let dir = Dir::new();
    let text =
        json!({ "type": "service_account", "client_email": EMAIL, "private_key": KEY }).to_string();
    let path = dir.file("key.json", &text);
    for (username, password) in [
        ("_json_key", text.clone()),
        ("_json_key_base64", STANDARD.encode(&text)),
    ] {
        let vars = [
            ("GOOGLE_APPLICATION_CREDENTIALS", path.as_str()),
            ("REGCRED_GCR_USERNAME", username),
        ];
        let issued = ask(&vars, "gcr.io/p/a").await.expect("issued");
        assert_eq!(issued.auth[0].1, Credentials::new(username, password));
        assert_eq!(issued.expires_at, None);
        let request = CredentialRequest::new("gcr.io/p/a").expect("image");
        assert_eq!(
            gcr(&vars)
                .plan(&request)
                .ok()
                .and_then(|plan| plan.key().cloned()),
            None
        );
    }
    let error = ask(&[("REGCRED_GCR_USERNAME", "_json_key")], "gcr.io/p/a")
        .await
        .expect_err("no file");
    assert_eq!(error.kind(), ErrorKind::NotConfigured);
}

#[tokio::test]
async fn a_file_counts_as_the_plan_has_read_it() {
    let google = fake(|request| {
        let form = form(request, "/token")?;
        Ok(json!({ "access_token": form.get("refresh_token"), "expires_in": 3600 }))
    })
    .await;
    let dir = Dir::new();
    let login = |refresh_token: &str| {
        json!({
            "type": "authorized_user", "client_id": "c", "client_secret": "s",
            "refresh_token": refresh_token,
        })
    };
    let path = dir.json("login.json", &login("first"));
    let gcr = gcr(&[
        ("GOOGLE_APPLICATION_CREDENTIALS", path.as_str()),
        ("REGCRED_GCR_OAUTH_TOKEN_URL", &google.url("/token")),
    ]);
    let request = CredentialRequest::new("gcr.io/p/a").expect("image");
    let plan = gcr.plan(&request).expect("plan");
    dir.json("login.json", &login("second"));
    let issued = plan.fetch().await.expect("issued");
    assert_eq!(issued.auth[0].1, Credentials::new("_token", "first"));

    // One that could not be read has no key, and its error stays.
    std::fs::remove_file(&path).expect("removed");
    let plan = gcr.plan(&request).expect("plan");
    assert_eq!(plan.key(), None);
    dir.json("login.json", &login("third"));
    let error = plan.fetch().await.expect_err("missing");
    assert_eq!(error.kind(), ErrorKind::NotConfigured);
    assert_eq!(google.seen().len(), 1);
}

#[tokio::test]
async fn written_down_logins_are_for_any_registry_and_a_minute() {
    let document = r#"{"quay.io":{"username":"u","password":"p"}}"#;
    let node = metadata(&[("instance/attributes/google-dockercfg", &[(200, document)])]).await;
    let vars = [
        ("GCE_METADATA_HOST", &*node.host()),
        ("REGCRED_GCR_AUTH_FLOW", "dockercfg"),
    ];
    let issued = ask(&vars, "quay.io/org/app").await.expect("issued");
    assert_eq!(
        issued.auth,
        [("quay.io".to_owned(), Credentials::new("u", "p"))]
    );
    assert_eq!(issued.expires_at, None);
    assert_eq!(issued.cache_for, Some(Duration::from_secs(60)));
}

#[test]
fn the_spec_is_consistent() {
    let mut names: Vec<&str> = SPEC.vars.iter().map(|var| var.name).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count, "a variable twice");
    let provider = (SPEC.new)(&Env::default(), &Clock::system()).expect("defaults");
    assert_eq!(provider.name(), "gcr");
    for pattern in provider.match_images() {
        ImagePattern::parse(&pattern).expect("pattern");
    }
}
