//! The configuration file as it is written. `docs/generic.schema.json` describes it for editors.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The JSON schema of the file, for editors.
#[cfg(test)]
const SCHEMA: &str = include_str!("../../../docs/generic.schema.json");

/// The file.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Document {
    pub(crate) api_version: ApiVersion,
    pub(crate) kind: Kind,
    pub(crate) registries: Vec<Entry>,
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(crate) enum ApiVersion {
    #[serde(rename = "generic.regcred.dev/v1")]
    V1,
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(crate) enum Kind {
    RegistryConfiguration,
}

/// Registries and the one source of their login.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Entry {
    /// Patterns as in the kubelet's field of this name.
    pub(crate) match_images: Vec<String>,
    /// The only audience of a pod's token that may be used for these registries.
    pub(crate) audience: Option<String>,
    /// `NAMESPACE/NAME` of the service accounts that the entry is for, `*` in either part; empty for all.
    pub(crate) service_accounts: Vec<String>,
    pub(crate) r#static: Option<Static>,
    pub(crate) pass_through: Option<PassThrough>,
    pub(crate) exchange: Option<TokenExchange>,
    pub(crate) json: Option<JsonExchange>,
    pub(crate) helper: Option<Helper>,
    pub(crate) artifactory: Option<Artifactory>,
    pub(crate) artifact_keeper: Option<ArtifactKeeper>,
    pub(crate) cloudsmith: Option<Cloudsmith>,
    pub(crate) quay: Option<Quay>,
    pub(crate) chainguard: Option<Chainguard>,
    /// What answers a request without a pod's token.
    pub(crate) fallback: Option<Fallback>,
}

/// A login in files.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Static {
    pub(crate) username: Option<String>,
    pub(crate) username_file: Option<PathBuf>,
    pub(crate) password_file: Option<PathBuf>,
    pub(crate) docker_config: Option<PathBuf>,
}

/// The pod's token as the password.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct PassThrough {
    pub(crate) username: String,
}

/// RFC 8693: a form with the pod's token as the subject token.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct TokenExchange {
    pub(crate) url: String,
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) subject_token_type: Option<String>,
    pub(crate) requested_token_type: Option<String>,
    #[serde(default)]
    pub(crate) audience: Vec<String>,
    #[serde(default)]
    pub(crate) resource: Vec<String>,
    #[serde(default)]
    pub(crate) scope: Vec<String>,
    pub(crate) actor_token_file: Option<PathBuf>,
    pub(crate) actor_token_type: Option<String>,
    pub(crate) client: Option<OAuthClient>,
    /// Fields that the RFC does not have.
    #[serde(default)]
    pub(crate) parameters: BTreeMap<String, String>,
    pub(crate) username: Option<String>,
    #[serde(default)]
    pub(crate) answer: AnswerMembers,
}

/// The OAuth client that asks: `client_id` in the form, or Basic with its secret.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct OAuthClient {
    pub(crate) id: String,
    pub(crate) secret_file: Option<PathBuf>,
}

/// Any other exchange with an answer in JSON.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct JsonExchange {
    pub(crate) url: String,
    pub(crate) ca_file: Option<PathBuf>,
    /// Sent by POST; without it the request is a GET. Texts may have `${token}`, `${image}` and
    /// `${registry}`.
    pub(crate) body: Option<Value>,
    /// Sends the pod's token as `Authorization: Bearer`.
    #[serde(default)]
    pub(crate) bearer: bool,
    /// Sends the pod's token as the password of this user by `Authorization: Basic`.
    pub(crate) basic_username: Option<String>,
    pub(crate) username: Option<String>,
    #[serde(default)]
    pub(crate) answer: AnswerMembers,
}

/// Where an answer has its parts: names of members, joined by dots.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct AnswerMembers {
    /// `access_token` by default.
    pub(crate) token: Option<String>,
    pub(crate) username: Option<String>,
    /// Seconds from now; `expires_in` by default.
    pub(crate) expires_in: Option<String>,
    /// RFC 3339, or Unix seconds or milliseconds.
    pub(crate) expires_at: Option<String>,
}

/// A docker credential helper.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Helper {
    pub(crate) program: PathBuf,
    /// The server that the helper is asked for; by default the registry.
    pub(crate) server: Option<String>,
    #[serde(default)]
    pub(crate) env: BTreeMap<String, String>,
}

/// JFrog Artifactory's exchange of OIDC tokens.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Artifactory {
    pub(crate) server: String,
    pub(crate) provider: String,
    pub(crate) ca_file: Option<PathBuf>,
}

/// Artifact Keeper's exchange.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ArtifactKeeper {
    pub(crate) server: String,
    pub(crate) provider_id: String,
    pub(crate) ca_file: Option<PathBuf>,
}

/// Cloudsmith's exchange.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Cloudsmith {
    pub(crate) server: Option<String>,
    pub(crate) organization: String,
    pub(crate) service: String,
}

/// Quay's federation of robot accounts.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Quay {
    pub(crate) server: String,
    /// `ORGANIZATION+NAME`.
    pub(crate) robot: String,
    pub(crate) ca_file: Option<PathBuf>,
}

/// Chainguard's exchange.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Chainguard {
    pub(crate) server: Option<String>,
    pub(crate) identity: String,
}

/// The answer to a request without a pod's token: exactly one of these.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Fallback {
    /// A token that the node or the pod of the process has in a file, in place of the pod's.
    pub(crate) token_file: Option<PathBuf>,
    pub(crate) r#static: Option<Static>,
    pub(crate) helper: Option<Helper>,
    /// No login: the image is pulled without one.
    pub(crate) anonymous: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every field, so that the schema can be held against it.
    const FULL: &str = "
apiVersion: generic.regcred.dev/v1
kind: RegistryConfiguration
registries:
- matchImages: [a.test]
  audience: a
  serviceAccounts: [team-a/*]
  static: {username: u, usernameFile: u, passwordFile: p, dockerConfig: c}
  passThrough: {username: u}
  exchange:
    url: https://sts.test/token
    caFile: ca.pem
    subjectTokenType: jwt
    requestedTokenType: access_token
    audience: [a]
    resource: [r]
    scope: [s]
    actorTokenFile: f
    actorTokenType: jwt
    client: {id: c, secretFile: s}
    parameters: {connection_id: x}
    username: u
    answer: {token: t, username: u, expiresIn: e, expiresAt: e}
  json:
    url: https://sts.test/json
    caFile: ca.pem
    body: text
    bearer: true
    basicUsername: u
    username: u
    answer: {token: t, username: u, expiresIn: e, expiresAt: e}
  helper: {program: /h, server: s, env: {A: b}}
  artifactory: {server: s, provider: p, caFile: c}
  artifactKeeper: {server: s, providerId: p, caFile: c}
  cloudsmith: {server: s, organization: o, service: s}
  quay: {server: s, robot: r, caFile: c}
  chainguard: {server: s, identity: i}
  fallback:
    tokenFile: t
    static: {username: u, usernameFile: u, passwordFile: p, dockerConfig: c}
    helper: {program: /h, server: s, env: {A: b}}
    anonymous: true
";

    #[test]
    fn the_schema_for_editors_names_the_same_fields() {
        let document: Document = serde_saphyr::from_str(FULL).expect("sound");
        let document = serde_json::to_value(document).expect("JSON");
        regcred_tests::schema::assert_same_fields(SCHEMA, &document, &[]);
    }

    #[test]
    fn what_is_unknown_repeated_or_of_another_version_is_refused() {
        for (from, to, word) in [
            ("robot: r", "robt: r", "robt"),
            ("dev/v1", "dev/v2", "generic.regcred.dev/v1"),
            ("kind: R", "kind: r", "RegistryConfiguration"),
            ("audience: a\n", "audience: a\n  audience: b\n", "audience"),
        ] {
            let text = FULL.replacen(from, to, 1);
            let error = serde_saphyr::from_str::<Document>(&text).expect_err(word);
            assert!(error.to_string().contains(word), "{error}");
        }
    }
}
