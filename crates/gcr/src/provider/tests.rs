use regcred_core::{CacheKey, ImagePattern};

use super::*;
use crate::testing::{Dir, POOL, cloud};

fn of(cloud: &Cloud, request: &CredentialRequest) -> Option<CacheKey> {
    let cloud = cloud.clone();
    let gcr = Gcr { cloud };
    gcr.plan(request).ok()?.key().cloned()
}

fn key(vars: &[(&str, &str)], image: &str) -> Option<CacheKey> {
    of(&cloud(vars), &CredentialRequest::new(image).expect("image"))
}

#[test]
fn registries_of_a_node_share_one_answer() {
    let one = key(&[], "gcr.io/p/a").expect("key");
    for image in ["us-docker.pkg.dev/p/r/a", "eu.gcr.io/x:v1", "gcr.io"] {
        assert_eq!(key(&[], image).as_ref(), Some(&one), "{image}");
    }
    // Their answers carry the host as it was written.
    let also = [("REGCRED_GCR_ALSO_SERVE", "mirror.corp")];
    for image in ["gcr.io:443/p/a", "GCR.io/p/a", "mirror.corp/a"] {
        assert_ne!(key(&also, image).as_ref(), Some(&one), "{image}");
    }
}

#[test]
fn whatever_changes_the_answer_changes_the_key() {
    let dir = Dir::new();
    let file = dir.file("key.json", "{\"a\":1}");
    let plain = key(&[], "gcr.io/p/a").expect("key");
    let mut keys = vec![plain];
    for vars in [
        &[("GCE_METADATA_HOST", "127.0.0.1:80")][..],
        &[("REGCRED_GCR_SCOPES", "devstorage.read_only")],
        &[("REGCRED_GCR_USERNAME", "oauth2accesstoken")],
        &[("REGCRED_GCR_IMPERSONATE", "a@p.iam.gserviceaccount.com")],
        &[("REGCRED_GCR_TOKEN_SOURCES", "gcloud")],
        &[("KUBE_SIDECAR_CACHE_TYPE", "global")],
        &[("KUBE_SIDECAR_CACHE_DURATION", "1m")],
        &[("GOOGLE_APPLICATION_CREDENTIALS", file.as_str())],
        &[
            ("GOOGLE_APPLICATION_CREDENTIALS", file.as_str()),
            ("AWS_ACCESS_KEY_ID", "AKID"),
        ],
    ] {
        let key = key(vars, "gcr.io/p/a").expect("key");
        assert!(!keys.contains(&key), "{vars:?}");
        keys.push(key);
    }
    dir.file("key.json", "{\"a\":2}");
    let vars = [("GOOGLE_APPLICATION_CREDENTIALS", file.as_str())];
    assert!(!keys.contains(&key(&vars, "gcr.io/p/a").expect("key")));
}

#[test]
fn another_account_of_gcloud_is_another_key() {
    let dir = Dir::new();
    dir.script("bin/gcloud", "exit 1");
    dir.file("sdk/active_config", "work\n");
    dir.file("sdk/configurations/config_work", "account = a");
    let (path, sdk) = (dir.path("bin"), dir.path("sdk"));
    let vars = [
        ("PATH", path.to_str().expect("UTF-8")),
        ("CLOUDSDK_CONFIG", sdk.to_str().expect("UTF-8")),
    ];
    let before = key(&vars, "gcr.io/p/a").expect("key");
    assert_eq!(key(&vars, "gcr.io/p/a"), Some(before.clone()));
    dir.file("sdk/configurations/config_work", "account = b");
    let changed = key(&vars, "gcr.io/p/a").expect("key");
    assert_ne!(before, changed);
    dir.file("sdk/active_config", "home\n");
    assert_ne!(Some(changed), key(&vars, "gcr.io/p/a"));
}

#[test]
fn a_pods_key_is_its_token_and_hides_it() {
    let mut request = CredentialRequest::new("gcr.io/p/a").expect("image");
    let cloud = cloud(&[
        ("REGCRED_GCR_POD_IDENTITY", "always"),
        ("REGCRED_GCR_STS_AUDIENCE", POOL),
    ]);
    assert_eq!(of(&cloud, &request), None);
    request.service_account_token = Some(SecretString::from("canary-1"));
    let one = of(&cloud, &request).expect("key");
    assert!(!one.as_str().contains("canary"));
    request.service_account_token = Some(SecretString::from("canary-2"));
    assert_ne!(Some(one), of(&cloud, &request));
}

#[test]
fn what_has_no_end_or_no_identity_is_not_kept() {
    for vars in [
        [("REGCRED_GCR_AUTH_FLOW", "dockercfg")],
        [("REGCRED_GCR_USERNAME", "_json_key")],
        [("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/key.json")],
    ] {
        assert_eq!(key(&vars, "gcr.io/p/a"), None, "{vars:?}");
    }
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
