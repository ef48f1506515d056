//! Where a secret may leave its wrapper.

use std::collections::BTreeSet;
use std::fs;

use super::rust::Rust;
use super::workspace::{shown, sources};

/// Files that may take a secret out of its wrapper, because they write it where it belongs: a
/// request, a response, a configuration file, a signature.
const EXPOSE: &[&str] = &[
    "crates/acr/src/azure_json.rs",
    "crates/acr/src/certificate.rs",
    "crates/acr/src/entra.rs",
    "crates/acr/src/identity_endpoint.rs",
    "crates/acr/src/static_login.rs",
    "crates/api/src/docker_config.rs",
    "crates/api/src/docker_config/encoding.rs",
    "crates/api/src/pull_secret.rs",
    "crates/cache/src/entry.rs",
    "crates/cloud/src/signing_key.rs",
    "crates/cloud/src/token.rs",
    "crates/core/src/credentials.rs",
    "crates/core/src/fingerprint.rs",
    // A hash of it is kept.
    "crates/core/src/known_secrets.rs",
    "crates/core/src/secret_text.rs",
    "crates/cri/src/client.rs",
    "crates/docker-config/src/docker_file.rs",
    "crates/docker-config/src/import_plan.rs",
    "crates/docker-config/src/text_file.rs",
    "crates/ecr/src/sts.rs",
    "crates/engine/src/credentials/pod.rs",
    "crates/engine/src/plugin.rs",
    "crates/engine/src/plugin/token_file.rs",
    "crates/exec/src/exec.rs",
    "crates/exec/src/process_environment.rs",
    "crates/gcr/src/docker_credential_gcr.rs",
    "crates/gcr/src/dockercfg.rs",
    "crates/gcr/src/external_account/aws.rs",
    "crates/gcr/src/external_account/certificate.rs",
    "crates/gcr/src/external_account/executable.rs",
    "crates/gcr/src/external_account/subject_text.rs",
    "crates/gcr/src/file_identity.rs",
    "crates/gcr/src/provider.rs",
    "crates/gcr/src/sdk.rs",
    "crates/gcr/src/sigv4.rs",
    "crates/generic/src/answer.rs",
    "crates/generic/src/exchange.rs",
    "crates/generic/src/pod_token.rs",
    "crates/generic/src/static_login.rs",
    "crates/go/src/json/write.rs",
    "crates/go/src/value.rs",
    "crates/http/src/request.rs",
    "crates/http/src/tls.rs",
    "crates/icr/src/api_key.rs",
    "crates/keyring/src/node_config.rs",
    "crates/keyring/src/pull_secrets.rs",
    "crates/node/src/diff.rs",
    "crates/ocir/src/identity/resource_tokens.rs",
    "crates/ocir/src/key.rs",
    "crates/ocir/src/signer.rs",
    "crates/plugin/src/output.rs",
    "crates/refresh/src/cluster/accounts.rs",
    "crates/refresh/src/cluster/secrets.rs",
    "crates/refresh/src/tokens/provider.rs",
    "crates/refresh/src/tokens/token.rs",
    // The name of a file.
    "crates/regcred/src/check/registries.rs",
    "crates/regcred/src/config/addition.rs",
    "crates/run/src/output.rs",
];

#[test]
fn secrets_are_exposed_only_in_listed_files() {
    let mut found = BTreeSet::new();
    for file in sources() {
        let text = fs::read_to_string(&file).expect("source");
        if Rust::of(&text).production().contains("expose_secret()") {
            found.insert(shown(&file));
        }
    }
    let listed: BTreeSet<String> = EXPOSE.iter().map(|s| (*s).to_owned()).collect();
    let unlisted: Vec<_> = found.difference(&listed).collect();
    let idle: Vec<_> = listed.difference(&found).collect();
    assert!(unlisted.is_empty(), "not listed: {unlisted:#?}");
    assert!(idle.is_empty(), "listed without need: {idle:#?}");
}
