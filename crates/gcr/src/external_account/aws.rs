//! A subject token for workloads in AWS: a signed request to AWS's `GetCallerIdentity`, which
//! Google sends to AWS to learn who signed it. The keys come from the environment, else from the
//! instance's role by its metadata server.

use std::time::Duration;

use regcred_core::{Env, ProviderError};
use regcred_http::{Client, Request, Retry, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;

use crate::settings::{Cloud, Settings};
use crate::sigv4::{AwsKeys, Signing, percent_encode};
use crate::{ERRORS, call};

/// The `credential_source` of the AWS kind.
#[derive(Deserialize)]
pub(super) struct Aws {
    environment_id: String,
    region_url: Option<String>,
    /// Where the instance's role and its keys are.
    url: Option<String>,
    regional_cred_verification_url: String,
    imdsv2_session_token_url: Option<String>,
}

impl Aws {
    /// # Errors
    /// When it is of another version or names addresses that are not AWS's.
    pub(super) fn new(settings: &Settings, wanted: Self) -> Result<Self, String> {
        if wanted.environment_id != "aws1" {
            return Err("its credential_source.environment_id is not aws1".to_owned());
        }
        for (field, url) in [
            ("region_url", &wanted.region_url),
            ("url", &wanted.url),
            ("imdsv2_session_token_url", &wanted.imdsv2_session_token_url),
        ] {
            if let Some(url) = url {
                settings.link_url(&format!("credential_source.{field}"), url)?;
            }
        }
        let sample = wanted.verification_url("us-east-1");
        let problem = "which is not an https address of AWS";
        settings.allowed(VERIFICATION_URL, &sample, problem, |url, host, listed| {
            let is_aws = AWS_DOMAINS.iter().any(|domain| host.ends_with(domain));
            url.scheme() == "https" && (is_aws || listed)
        })?;
        Ok(wanted)
    }

    pub(super) async fn token(
        &self,
        cloud: &Cloud,
        audience: &str,
    ) -> Result<SecretString, ProviderError> {
        let mut instance = Instance {
            aws: self,
            client: cloud.link(CONNECT)?,
            session: None,
        };
        let region = match REGIONS.iter().find_map(|name| cloud.env.get(name)) {
            Some(region) => region.to_owned(),
            None => instance.region().await?,
        };
        let keys = match keys_in(&cloud.env) {
            Some(keys) => keys,
            None => instance.keys().await?,
        };
        let is_region = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let text = self.verification_url(&region);
        let url = Url::parse(&text)
            .ok()
            .filter(|_| region.bytes().all(is_region));
        let url = url.ok_or_else(|| {
            ERRORS.misconfigured(format!(
                "{VERIFICATION_URL} is not a URL for the region in use"
            ))
        })?;
        let signing = Signing {
            method: "POST",
            url: &url,
            service: "sts",
            region: &region,
            at: cloud.now(),
        };
        let headers = signing.headers(&keys, &[("x-goog-cloud-target-resource", audience)]);
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| json!({ "key": name, "value": value.expose_secret() }))
            .collect();
        // The URL as the file writes it, which Google compares with what it expects.
        let request = json!({ "url": text, "method": "POST", "headers": headers });
        // Percent-encoded here and, like any value, once more in the form.
        Ok(percent_encode(&request.to_string()).into())
    }

    fn verification_url(&self, region: &str) -> String {
        self.regional_cred_verification_url
            .replace("{region}", region)
    }
}

/// The metadata server of an EC2 instance.
struct Instance<'a> {
    aws: &'a Aws,
    client: Client,
    /// IMDSv2's session token, requested once.
    session: Option<SecretString>,
}

impl Instance<'_> {
    async fn region(&mut self) -> Result<String, ProviderError> {
        let url = self.aws.region_url.as_deref();
        let zone = self.read("region_url", url).await?;
        // An availability zone is the region and one letter.
        let mut region = zone.expose_secret().trim().to_owned();
        region.pop();
        if region.is_empty() {
            return Err(ERRORS.malformed("AWS's metadata server returned no availability zone"));
        }
        Ok(region)
    }

    async fn keys(&mut self) -> Result<AwsKeys, ProviderError> {
        let url = self.aws.url.as_deref();
        let role = self.read("url", url).await?;
        let base = url.unwrap_or_default().trim_end_matches('/');
        let url = format!("{base}/{}", role.expose_secret().trim());
        let text = self.read("url", Some(&url)).await?;
        serde_json::from_str(text.expose_secret()).map_err(|_| {
            ERRORS.malformed("AWS's metadata server did not return keys in the documented form")
        })
    }

    async fn read(
        &mut self,
        field: &str,
        url: Option<&str>,
    ) -> Result<SecretString, ProviderError> {
        let Some(url) = url else {
            return Err(ERRORS.misconfigured(format!(
                "the environment has no AWS keys or region, and the credentials file has no \
                 credential_source.{field} from which to read them"
            )));
        };
        let mut request = Request::get(url);
        if let Some(session_url) = &self.aws.imdsv2_session_token_url {
            let session = match self.session.take() {
                Some(session) => session,
                None => {
                    let request = Request::put(session_url).header(SESSION_TTL, "300");
                    self.send(request).await?
                }
            };
            request = request.secret_header(SESSION, &session);
            self.session = Some(session);
        }
        self.send(request).await
    }

    async fn send(&self, request: Request) -> Result<SecretString, ProviderError> {
        let request = request.allow_cleartext().timeout(TIMEOUT).retry(RETRY);
        let text = call::text(&self.client, request).await;
        let text = text
            .map_err(|error| ERRORS.call_failed("AWS's metadata server returned no keys", error))?;
        Ok(text.into())
    }
}

fn keys_in(env: &Env) -> Option<AwsKeys> {
    Some(AwsKeys {
        access_key_id: env.get("AWS_ACCESS_KEY_ID")?.to_owned(),
        secret_access_key: env.get("AWS_SECRET_ACCESS_KEY")?.into(),
        session_token: env.get("AWS_SESSION_TOKEN").unwrap_or_default().into(),
    })
}

const REGIONS: [&str; 2] = ["AWS_REGION", "AWS_DEFAULT_REGION"];
const VERIFICATION_URL: &str = "regional_cred_verification_url";
const AWS_DOMAINS: [&str; 3] = [".amazonaws.com", ".amazonaws.com.cn", ".api.aws"];
const SESSION_TTL: &str = "x-aws-ec2-metadata-token-ttl-seconds";
const SESSION: &str = "x-aws-ec2-metadata-token";
const CONNECT: Duration = Duration::from_secs(2);
const TIMEOUT: Duration = Duration::from_secs(6);
const RETRY: Retry = Retry {
    attempts: 3,
    base: Duration::from_millis(100),
    cap: Duration::from_secs(1),
};

#[cfg(test)]
mod tests;
