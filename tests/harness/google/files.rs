//! Credentials files that lead to the fake services, as Google's console and gcloud write them.

use serde_json::{Value, json};

use super::{AWS_POOL, FakeGoogle, KEY_ACCOUNT, POOL, PROJECT, oauth, sts};

impl FakeGoogle {
    /// The service account's key.
    #[must_use]
    pub fn key_file(&self) -> Value {
        json!({
            "type": "service_account",
            "project_id": PROJECT,
            "private_key_id": oauth::KEY_ID,
            "private_key": oauth::PRIVATE_KEY,
            "client_email": KEY_ACCOUNT,
            "client_id": "100000000000000000001",
            "auth_uri": "https://accounts.google.com/o/oauth2/auth",
            "token_uri": format!("{}/token", self.server.url()),
            "universe_domain": "googleapis.com",
        })
    }

    /// A JWT with these claims, signed by that key.
    #[must_use]
    pub fn signed_by_key(&self, claims: &Value) -> String {
        oauth::sign(claims)
    }

    /// The person's login. Such a file names no address; Google's own is meant.
    #[must_use]
    pub fn user_file(&self) -> Value {
        json!({
            "type": "authorized_user",
            "account": "",
            "client_id": oauth::CLIENT_ID,
            "client_secret": oauth::CLIENT_SECRET,
            "refresh_token": oauth::REFRESH_TOKEN,
            "quota_project_id": PROJECT,
            "universe_domain": "googleapis.com",
        })
    }

    /// A workload of the cluster, with that `credential_source`.
    #[must_use]
    pub fn external_file(&self, source: &Value) -> Value {
        self.external(POOL, sts::JWT, source)
    }

    /// A workload in AWS, with that `credential_source`.
    #[must_use]
    pub fn aws_file(&self, source: &Value) -> Value {
        self.external(AWS_POOL, sts::AWS_REQUEST, source)
    }

    fn external(&self, audience: &str, token_type: &str, source: &Value) -> Value {
        json!({
            "type": "external_account",
            "audience": audience,
            "subject_token_type": token_type,
            "token_url": format!("{}/v1/token", self.server.url()),
            "credential_source": source,
            "universe_domain": "googleapis.com",
        })
    }

    /// The login of a person of the workforce pool.
    #[must_use]
    pub fn external_user_file(&self) -> Value {
        json!({
            "type": "external_account_authorized_user",
            "audience": "//iam.googleapis.com/locations/global/workforcePools/staff/providers/idp",
            "client_id": sts::CLIENT_ID,
            "client_secret": sts::CLIENT_SECRET,
            "refresh_token": sts::REFRESH_TOKEN,
            "token_url": format!("{}/v1/oauthtoken", self.server.url()),
            "token_info_url": format!("{}/v1/introspect", self.server.url()),
            "universe_domain": "googleapis.com",
        })
    }

    /// A person who acts as a service account, through these others.
    #[must_use]
    pub fn impersonating_file(&self, source: &Value, account: &str, delegates: &[&str]) -> Value {
        json!({
            "type": "impersonated_service_account",
            "service_account_impersonation_url": self.impersonation_url(account),
            "source_credentials": source,
            "delegates": delegates,
        })
    }

    /// Where the token of a service account is asked for.
    #[must_use]
    pub fn impersonation_url(&self, account: &str) -> String {
        let url = self.server.url();
        format!("{url}/v1/projects/-/serviceAccounts/{account}:generateAccessToken")
    }
}
