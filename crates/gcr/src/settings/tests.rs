use std::time::Duration;

use regcred_core::{CacheScope, Env, ErrorKind};

use super::*;

fn read(vars: &[(&str, &str)]) -> Result<Settings, ProviderError> {
    Settings::read(&Env::map(vars.iter().copied()))
}

#[test]
fn nothing_set_means_the_documented_defaults() {
    let settings = read(&[]).expect("defaults");
    assert_eq!(settings.flow, AuthFlow::Tokens);
    assert_eq!(settings.pod_identity, PodIdentity::Annotated);
    assert_eq!(
        settings.sources,
        [
            TokenSource::File,
            TokenSource::Metadata,
            TokenSource::Gcloud
        ]
    );
    assert_eq!(settings.username.as_str(), "_token");
    assert_eq!(settings.scopes, CLOUD_PLATFORM);
    assert_eq!(settings.cache_scope, CacheScope::Registry);
    assert_eq!(settings.cache_for, None);
    assert_eq!(settings.universe, "googleapis.com");
    assert_eq!(settings.metadata_host, "169.254.169.254");
}

#[test]
fn upstreams_variables_and_flags_are_understood() {
    let settings = read(&[
        ("KUBE_SIDECAR_CACHE_TYPE", "image"),
        ("KUBE_SIDECAR_CACHE_DURATION", "10m"),
        ("REGCRED_GCR_AUTH_FLOW", "dockercfg-url"),
        ("REGCRED_GCR_IDENTITY_PROVIDER", "https://issuer"),
        ("REGCRED_GCR_PROJECT_ID", "p"),
        ("REGCRED_GCR_TOKEN_SOURCES", "gcloud_sdk, env"),
        ("GCE_METADATA_HOST", "Metadata:8080"),
        ("REGCRED_GCR_TRUSTED_HOSTS", "metadata:8080"),
    ])
    .expect("settings");
    assert_eq!(settings.cache_scope, CacheScope::Image);
    assert_eq!(settings.cache_for, Some(Duration::from_secs(600)));
    assert_eq!(settings.flow, AuthFlow::DockerCfgUrl);
    let pool = Pool::Gke {
        project: "p".to_owned(),
        issuer: "https://issuer".to_owned(),
    };
    assert_eq!(settings.pool, Some(pool));
    assert_eq!(
        settings.sources,
        [
            TokenSource::Gcloud,
            TokenSource::File,
            TokenSource::Metadata
        ]
    );
    assert_eq!(settings.metadata_host, "Metadata:8080");
}

#[test]
fn wrong_values_name_their_variable() {
    for (name, value) in [
        ("KUBE_SIDECAR_CACHE_TYPE", "images"),
        ("KUBE_SIDECAR_CACHE_DURATION", "10"),
        ("REGCRED_GCR_AUTH_FLOW", "tokens"),
        ("REGCRED_GCR_TOKEN_SOURCES", "shop"),
        ("REGCRED_GCR_USERNAME", "_dcgcr__token"),
        ("REGCRED_GCR_IMPERSONATE", "me@example.com"),
        (
            "REGCRED_GCR_IMPERSONATE",
            "a/../b@p.iam.gserviceaccount.com",
        ),
        (
            "REGCRED_GCR_STS_AUDIENCE",
            "//iam.googleapis.com/projects/1",
        ),
        ("REGCRED_GCR_STS_URL", "http://sts.example.com"),
        ("REGCRED_GCR_POD_IDENTITY", "yes"),
        ("REGCRED_GCR_ALSO_SERVE", "*.example.com"),
        ("GOOGLE_CLOUD_UNIVERSE_DOMAIN", "evil.com/x"),
        ("GOOGLE_CLOUD_UNIVERSE_DOMAIN", "com"),
        ("GCE_METADATA_HOST", "http://metadata"),
        ("GCE_METADATA_HOST", "metadata"),
        ("GCE_METADATA_HOST", "10.0.0.5"),
        ("GCE_METADATA_HOST", "metadata.google.internal.evil.test"),
        ("GCE_METADATA_HOST", "metadata/x"),
        ("GCE_METADATA_HOST", "u:p@metadata"),
    ] {
        let error = read(&[(name, value)]).expect_err(name);
        assert_eq!(error.kind(), ErrorKind::NotConfigured, "{name}={value}");
        assert!(error.to_string().contains(name), "{error}");
    }
    let error = read(&[("REGCRED_GCR_IDENTITY_PROVIDER", "https://issuer")])
        .expect_err("half of a cluster");
    assert!(
        error
            .to_string()
            .contains("--project-id is required when --identity-provider is set")
    );
    let error = read(&[
        ("REGCRED_GCR_IDENTITY_PROVIDER", "https://issuer"),
        ("REGCRED_GCR_PROJECT_ID", "p"),
        (
            "REGCRED_GCR_STS_AUDIENCE",
            "projects/1/locations/global/workloadIdentityPools/p/providers/x",
        ),
    ])
    .expect_err("two pools");
    assert!(error.to_string().contains("exclude each other"), "{error}");
}

#[test]
fn wrong_values_are_never_echoed() {
    for name in [
        vars::CACHE_TYPE,
        vars::CACHE_DURATION,
        vars::AUTH_FLOW,
        vars::TOKEN_SOURCES,
        vars::USERNAME,
        vars::IMPERSONATE,
        vars::STS_AUDIENCE,
        vars::STS_URL,
        vars::POD_IDENTITY,
        vars::UNIVERSE,
    ] {
        let error = read(&[(name, "canary/")]).expect_err(name);
        assert!(!error.to_string().contains("canary"), "{error}");
    }
}

#[test]
fn short_scopes_become_full_ones() {
    let settings = read(&[(
        "REGCRED_GCR_SCOPES",
        "devstorage.read_only, https://x.example/y",
    )])
    .expect("settings");
    assert_eq!(
        settings.scopes,
        "https://www.googleapis.com/auth/devstorage.read_only https://x.example/y"
    );
}

#[test]
fn logins_of_the_node_are_refused_where_a_pod_is_required() {
    for required in [
        ("REGCRED_GCR_REQUIRE_POD_IDENTITY", "true"),
        ("REGCRED_GCR_POD_IDENTITY", "always"),
    ] {
        for flow in ["dockercfg", "dockercfg-url"] {
            let error = read(&[required, ("REGCRED_GCR_AUTH_FLOW", flow)]).expect_err(flow);
            assert!(error.to_string().contains("excludes --authFlow"), "{error}");
        }
    }
}

/// Templates of node configurations leave these empty on clusters without pod identity.
#[test]
fn the_flags_that_upstream_takes_empty_may_be_empty_and_no_others() {
    let flags = || vars::VARS.iter().flat_map(|row| row.flags).flatten();
    let empty: Vec<_> = flags().filter(|flag| flag.may_be_empty).collect();
    let names: Vec<_> = empty.iter().map(|flag| flag.name).collect();
    assert_eq!(names, ["identity-provider", "project-id"]);
    let none = Settings::read(&Env::map(empty.iter().map(|flag| (flag.var, "")))).expect("none");
    assert_eq!(none.pool, None);
}
