//! Keys and certificates.

use std::sync::Arc;

use regcred_cloud::SigningKey;
use regcred_core::{Clock, CredentialRequest, Env};
use regcred_http::{Client, ClientOptions, Request, Retry};
use regcred_http_testing::{Ca, Fake, Reply};
use secrecy::SecretSlice;

use crate::message::shown;
use crate::replies::run;
use crate::scratch::file;

/// A private key or a client's certificate, in every place that has one.
pub(crate) fn keys(input: &[u8]) {
    let mut options = ClientOptions::new(&Env::default());
    options.client_identity_pem = Some(SecretSlice::from(input.to_vec()));
    if let Err(error) = Client::new(options) {
        shown(&error);
    }
    let path = file("key.pem", input).display().to_string();
    let azure = [
        ("AZURE_TENANT_ID", "00000000-0000-0000-0000-000000000001"),
        ("AZURE_CLIENT_ID", "00000000-0000-0000-0000-000000000002"),
        ("AZURE_CLIENT_CERTIFICATE_PATH", &*path),
    ];
    refused("acr", &azure, "contoso.azurecr.io/app");
    let oracle = [
        ("OCIR_AUTH_METHOD", "USER_PRINCIPAL"),
        ("OCI_CLI_USER", "ocid1.user.oc1..aaaa"),
        ("OCI_CLI_TENANCY", "ocid1.tenancy.oc1..aaaa"),
        (
            "OCI_CLI_FINGERPRINT",
            "12:34:56:78:9a:bc:de:f0:12:34:56:78:9a:bc:de:f0",
        ),
        ("OCI_CLI_PASSPHRASE", "passphrase"),
        ("OCI_CLI_KEY_FILE", &*path),
        ("REGCRED_OCIR_TOKEN_URL", "http://127.0.0.1:1"),
    ];
    refused("ocir", &oracle, "phx.ocir.io/ns/team/app");
    if let Ok(text) = str::from_utf8(input)
        && let Ok(key) = SigningKey::from_pem(&text.into())
    {
        // A key whose numbers do not belong together is refused here at the latest.
        if let Err(why) = key.sign(&[], &serde_json::json!({})) {
            assert!(!why.is_empty());
        }
    }
}

fn refused(provider: &str, env: &[(&str, &str)], image: &str) {
    let spec = regcred_providers::by_name(provider).expect("a provider");
    let env = Env::map(env.iter().copied());
    let request = CredentialRequest::new(image).expect("an image");
    let provider = match (spec.new)(&env, &Clock::system()) {
        Ok(provider) => provider,
        Err(error) => return drop(shown(&error)),
    };
    if let Err(error) = provider.plan(&request) {
        shown(&error);
    }
}

/// A bundle never makes a server trusted whose authority it does not have.
pub(crate) fn ca_bundle(input: &[u8]) {
    thread_local! {
        static CA: Arc<Ca> = Arc::new(Ca::new());
    }
    let ca = CA.with(Arc::clone);
    run(async {
        let server = Fake::start_tls(ca.server("127.0.0.1", None), |_| Reply::ok("reached")).await;
        let bundle = file("bundle.pem", input);
        let path = bundle.display().to_string();
        for extra in [false, true] {
            let vars = if extra {
                [("SSL_CERT_DIR", "")]
            } else {
                [("SSL_CERT_FILE", &*path)]
            };
            let mut options = ClientOptions::new(&Env::map(vars));
            if extra {
                options.extra_ca_pem.push(input.to_vec());
            }
            let client = Client::new(options).expect("a client");
            let request = Request::get(&server.url("/")).retry(Retry::none());
            match client.send(request).await {
                Ok(_) => panic!("an unknown authority is trusted"),
                Err(error) => drop(shown(&error)),
            }
        }
    });
}
