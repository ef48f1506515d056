//! Servers in trouble, and messages with what to do.

use chrono::TimeDelta;
use regcred_core::{
    Clock, CredentialRequest, Env, ErrorKind, Provider as _, ProviderError, report,
};
use regcred_ocir::Ocir;
use regcred_tests::cloud::Trouble;
use regcred_tests::ocir::{Mood, service_account_token};
use regcred_tests::{FakeOci, Tls};

use super::{ask, nested, owner, provider, request};

#[tokio::test]
async fn an_instance_that_is_starting_up_or_renewing_is_waited_for() {
    let oci = FakeOci::start();
    for mood in [Mood::NotYet(3), Mood::Throttled(2), Mood::Rotating(2)] {
        oci.set_mood(mood);
        let issued = ask(&oci, &[])
            .await
            .unwrap_or_else(|e| panic!("{mood:?}: {}", report(&e)));
        assert_eq!(owner(&oci, &issued), "instance");
    }
    oci.throttle(3);
    assert!(ask(&oci, &[]).await.is_ok(), "Retry-After is kept");
}

#[tokio::test]
async fn a_region_that_no_table_knows_describes_itself() {
    let oci = FakeOci::start();
    oci.set_mood(Mood::NewRegion);
    assert!(ask(&oci, &[]).await.is_ok());
    assert_eq!(oci.metadata().count("/opc/v2/instance/regionInfo"), 1);

    // Without an address of our own the auth service would be the region's.
    let vars = [("OCI_SDK_AUTH_CLIENT_REGION_URL", "")];
    let error = ask(&oci, &vars).await.expect_err("no such region");
    assert!(
        report(&error).contains("https://auth.xx-brandnew-1.brand.new.cloud"),
        "{}",
        report(&error)
    );
    oci.set_mood(Mood::Sound);
    let proxy = [vars[0], ("HTTPS_PROXY", "http://127.0.0.1:9")];
    let error = ask(&oci, &proxy).await.expect_err("no way out");
    let message = report(&error);
    assert!(
        message.contains("https://auth.us-phoenix-1.oraclecloud.com"),
        "{message}"
    );
    assert_eq!(error.kind(), ErrorKind::Unreachable);
}

#[tokio::test]
async fn without_a_metadata_server_a_users_file_is_pointed_out_and_not_used() {
    let oci = FakeOci::start();
    let closed = [("OCI_METADATA_BASE_URL", "http://127.0.0.1:9/opc/v2")];
    let error = ask(&oci, &closed).await.expect_err("no server");
    assert_eq!(error.kind(), ErrorKind::IdentityUnavailable);
    let message = report(&error);
    assert!(message.contains("OCIR_AUTH_METHOD=api_key"), "{message}");
    assert!(message.contains(".oci/config"), "{message}");
    let nowhere = [closed[0], ("HOME", "/nonexistent")];
    let message = report(&ask(&oci, &nowhere).await.expect_err("no server"));
    assert!(
        message.contains("name a principal with OCIR_AUTH_METHOD"),
        "{message}"
    );
}

#[tokio::test]
async fn a_refusal_names_identity_region_and_clock() {
    let oci = FakeOci::start();
    oci.set_trouble(Trouble::Denial);
    let error = ask(&oci, &[("OCI_CLI_AUTH", "api_key")])
        .await
        .expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::Denied);
    let message = report(&error);
    for words in [
        "received no token from the registry phx.ocir.io: token request",
        "user ocid1.user.",
        "us-phoenix-1",
        "NotAuthenticated",
        "opc-request-id FAKE0123/4567",
    ] {
        assert!(message.contains(words), "no {words:?} in {message}");
    }
    assert!(!message.contains("clock"), "{message}");

    let oci = FakeOci::start();
    for minutes in [7, -7] {
        let clock = Clock::from_fn(move || Clock::system().now() + TimeDelta::minutes(minutes));
        let env = Env::map(oci.env_with(&[("OCI_CLI_AUTH", "api_key")]));
        let provider = Ocir::new(&env, &clock).expect("settings");
        let error = provider
            .credentials(&request())
            .await
            .expect_err("a wrong clock");
        let direction = if minutes > 0 { "ahead of" } else { "behind" };
        let message = report(&error);
        let step = format!("min {direction} the server's: correct it");
        assert!(message.ends_with(&step), "{message}");
    }
}

#[tokio::test]
async fn a_page_instead_of_a_token_is_malformed_and_not_shown() {
    let oci = FakeOci::start();
    oci.set_trouble(Trouble::Garbage);
    let error = ask(&oci, &[]).await.expect_err("no token");
    assert_eq!(error.kind(), ErrorKind::Malformed);
    let message = report(&error);
    assert!(!message.contains("a-secret"), "{message}");
    for words in ["the instance principal", "phx.ocir.io"] {
        assert!(message.contains(words), "no {words:?} in {message}");
    }
}

#[tokio::test]
async fn a_named_identity_that_fails_is_an_error() {
    let oci = FakeOci::start();
    let other_ca = Tls::loopback();
    let other_ca = other_ca.ca_file().display().to_string();
    let mut pod = request();
    for (token, vars, words) in [
        (service_account_token("api", -60), &[][..], "expired at"),
        (service_account_token("other", 600), &[], "enhanced"),
        ("canary.YQ.c".to_owned(), &[], "not a JSON web token"),
        (
            // Not signed by the cluster.
            "e30.eyJzdWIiOiJ4IiwiZXhwIjo5OTk5OTk5OTk5fQ.c2ln".to_owned(),
            &[],
            "must be of this cluster",
        ),
        (
            service_account_token("api", 600),
            &[(
                "OCI_KUBERNETES_SERVICE_ACCOUNT_CERT_PATH",
                other_ca.as_str(),
            )],
            "not trusted",
        ),
        (
            service_account_token("api", 600),
            &[(
                "OCI_KUBERNETES_SERVICE_ACCOUNT_CERT_PATH",
                "/nonexistent/ca.crt",
            )],
            "cluster's CA",
        ),
        (
            service_account_token("api", 600),
            &[("KUBERNETES_SERVICE_HOST", "")],
            "KUBERNETES_SERVICE_HOST",
        ),
    ] {
        pod.service_account_token = Some(token.clone().into());
        let mut env = oci.cluster_env();
        env.extend(vars.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())));
        let error = provider(env).credentials(&pod).await.expect_err(words);
        let message = report(&error);
        assert!(message.contains(words), "no {words:?} in {message}");
        assert!(
            !message.contains("canary") && !message.contains(&token),
            "{message}"
        );
    }
    assert_eq!(
        oci.registry().count("/"),
        0,
        "the node's identity was never used"
    );
}

#[tokio::test]
async fn the_clusters_ca_is_the_only_one_its_token_service_is_trusted_by() {
    let oci = FakeOci::start();
    let mut env = oci.cluster_env();
    let (_, right) = env.pop().expect("the CA file");
    // The right CA among the system's roots helps nothing when the cluster's own is another.
    let other = Tls::loopback();
    let wrong = other.ca_file().display().to_string();
    env.push(("OCI_KUBERNETES_SERVICE_ACCOUNT_CERT_PATH".to_owned(), wrong));
    env.push(("SSL_CERT_FILE".to_owned(), right.clone()));
    let directory = std::path::Path::new(&right).parent().expect("a directory");
    env.push(("SSL_CERT_DIR".to_owned(), directory.display().to_string()));
    let mut pod = request();
    pod.service_account_token = Some(service_account_token("api", 600).into());
    let error = provider(env)
        .credentials(&pod)
        .await
        .expect_err("another CA");
    assert!(report(&error).contains("not trusted"), "{}", report(&error));
    assert_eq!(oci.cluster().count("/"), 0);
}

#[tokio::test]
async fn parents_that_never_end_or_lie_elsewhere_are_refused() {
    let oci = FakeOci::start();
    for (parent, words) in [
        ("/parents/circle", "never end"),
        (
            "/parents/away",
            "oraclecloud.com.evil.test, which is not Oracle's",
        ),
    ] {
        let error = ask(&oci, &nested(parent)).await.expect_err(words);
        assert_eq!(error.kind(), ErrorKind::Malformed);
        assert!(report(&error).contains(words), "{}", report(&error));
    }
}

#[tokio::test]
async fn keys_and_fingerprints_that_do_not_fit_are_found_before_anything_is_sent() {
    let oci = FakeOci::start();
    let other = "00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00";
    let user = ("OCI_CLI_AUTH", "api_key");
    for (var, words) in [
        (("OCI_CLI_FINGERPRINT", other), "not of one pair"),
        (
            ("OCI_CLI_KEY_FILE", "{home}/encrypted.pem"),
            "no passphrase was given",
        ),
        (
            ("OCI_CLI_KEY_FILE", "{home}/config"),
            "no private key in PEM form",
        ),
        (("OCI_CLI_KEY_FILE", "{home}/missing.pem"), "missing.pem"),
    ] {
        let error = ask(&oci, &[user, var]).await.expect_err(words);
        assert_eq!(error.kind(), ErrorKind::NotConfigured);
        assert!(report(&error).contains(words), "{}", report(&error));
    }
    assert_eq!(oci.registry().count("/"), 0);
}

#[tokio::test]
async fn nothing_is_sent_to_a_look_alike_or_in_clear_text() {
    let oci = FakeOci::start();
    let provider = provider(oci.env());
    for image in [
        "phx.ocir.io.evil.test/ns/app",
        "container-registry.oracle.com/db/app",
    ] {
        let asked = CredentialRequest::new(image).expect("a request");
        let error: ProviderError = provider.credentials(&asked).await.expect_err(image);
        assert_eq!(error.kind(), ErrorKind::NotServed);
    }
    let clear = [
        ("OCI_CLI_AUTH", "api_key"),
        ("REGCRED_OCIR_TOKEN_URL", ""),
        ("REGISTRY_PROTOCOL", "http"),
    ];
    let error = ask(&oci, &clear).await.expect_err("clear text");
    assert!(
        report(&error).contains("this machine only"),
        "{}",
        report(&error)
    );
    assert_eq!(oci.registry().count("/") + oci.metadata().count("/"), 0);
}
