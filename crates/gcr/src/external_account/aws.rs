//! A subject token for workloads in AWS: a signed request to AWS's `GetCallerIdentity`, which
//! Google sends to AWS to learn who signed it. The keys come from the environment, else from the
//! instance's role by its metadata server.

use std::time::Duration;

use regcred_core::{Env, ErrorKind, ProviderError};
use regcred_http::{Client, Request, Retry, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;

use crate::failure::{call_failed, failure, misconfigured};
use crate::reach::Reach;
use crate::settings::Settings;
use crate::sigv4::{AwsKeys, Signing, percent_encode};
use crate::token::secret;

/// The `credential_source` of the AWS kind.
#[derive(Deserialize)]
pub(super) struct Aws {
    environment_id: String,
    #[serde(default)]
    region_url: Option<String>,
    /// Where the instance's role and its keys are.
    #[serde(default)]
    url: Option<String>,
    regional_cred_verification_url: String,
    #[serde(default)]
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
            ("credential_source.region_url", &wanted.region_url),
            ("credential_source.url", &wanted.url),
            (
                "credential_source.imdsv2_session_token_url",
                &wanted.imdsv2_session_token_url,
            ),
        ] {
            if let Some(url) = url {
                settings.link_url(field, url)?;
            }
        }
        let (_, sample) = wanted.verification_url("us-east-1")?;
        let host = sample.host_str().unwrap_or_default();
        let of_aws = AWS_DOMAINS.iter().any(|domain| host.ends_with(domain));
        if sample.scheme() != "https" || !(of_aws || settings.lists(&sample)) {
            return Err(format!(
                "its regional_cred_verification_url is no https address of AWS, but on {host:?}"
            ));
        }
        Ok(wanted)
    }

    pub(super) async fn token(
        &self,
        reach: &Reach,
        audience: &str,
    ) -> Result<SecretString, ProviderError> {
        let mut instance = Instance {
            aws: self,
            client: reach.link(CONNECT)?,
            session: None,
        };
        let region = match region_in(&reach.env) {
            Some(region) => region.to_owned(),
            None => instance.region().await?,
        };
        let keys = match keys_in(&reach.env) {
            Some(keys) => keys,
            None => instance.keys().await?,
        };
        let (text, url) = self.verification_url(&region).map_err(misconfigured)?;
        let signing = Signing {
            method: "POST",
            url: &url,
            service: "sts",
            region: &region,
            at: reach.now(),
        };
        let headers = signing.headers(&keys, &[("x-goog-cloud-target-resource", audience)]);
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| json!({ "key": name, "value": value.expose_secret() }))
            .collect();
        let request = json!({ "url": text, "method": "POST", "headers": headers });
        // Percent-encoded here and, like any value, once more in the form.
        Ok(percent_encode(&request.to_string()).into())
    }

    /// The URL as the file writes it, which Google compares with what it expects, and parsed.
    fn verification_url(&self, region: &str) -> Result<(String, Url), String> {
        let sound = region
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        let text = self
            .regional_cred_verification_url
            .replace("{region}", region);
        match Url::parse(&text) {
            Ok(url) if sound => Ok((text, url)),
            _ => Err("its regional_cred_verification_url gives no URL".to_owned()),
        }
    }
}

/// The metadata server of an EC2 instance.
struct Instance<'a> {
    aws: &'a Aws,
    client: Client,
    /// IMDSv2's session token, asked for once.
    session: Option<SecretString>,
}

impl Instance<'_> {
    async fn region(&mut self) -> Result<String, ProviderError> {
        let zone = self
            .read("region_url", self.aws.region_url.as_deref())
            .await?;
        // An availability zone is the region and one letter.
        let mut zone = zone.expose_secret().trim().to_owned();
        zone.pop();
        if zone.is_empty() {
            return Err(failure(
                ErrorKind::Malformed,
                "AWS's metadata server named no availability zone",
            ));
        }
        Ok(zone)
    }

    async fn keys(&mut self) -> Result<AwsKeys, ProviderError> {
        let url = self.aws.url.as_deref();
        let role = self.read("url", url).await?;
        let url = format!(
            "{}/{}",
            url.unwrap_or_default().trim_end_matches('/'),
            role.expose_secret().trim()
        );
        let answer = self.read("url", Some(&url)).await?;
        let keys: InstanceKeys = serde_json::from_str(answer.expose_secret()).map_err(|_| {
            failure(
                ErrorKind::Malformed,
                "AWS's metadata server gave no keys in the agreed form",
            )
        })?;
        Ok(AwsKeys {
            access_key_id: keys.access_key_id,
            secret_access_key: keys.secret_access_key,
            session_token: Some(keys.token),
        })
    }

    async fn read(
        &mut self,
        field: &str,
        url: Option<&str>,
    ) -> Result<SecretString, ProviderError> {
        let Some(url) = url else {
            return Err(misconfigured(format!(
                "the environment has no AWS keys or region, and the credentials file has no \
                 credential_source.{field} to ask for them"
            )));
        };
        let mut request = Request::get(url);
        if let Some(session_url) = &self.aws.imdsv2_session_token_url {
            if self.session.is_none() {
                let ask = Request::put(session_url).header(SESSION_TTL, "300");
                self.session = Some(self.send(ask).await?);
            }
            if let Some(session) = &self.session {
                request = request.secret_header(SESSION, session);
            }
        }
        self.send(request).await
    }

    async fn send(&self, request: Request) -> Result<SecretString, ProviderError> {
        const FAILED: &str = "AWS's metadata server gave no keys";
        let request = request.allow_cleartext().timeout(TIMEOUT).retry(RETRY);
        let text = async {
            let response = self.client.send(request).await?;
            response.success("its answer").await?.text(LIMIT).await
        };
        let text = text.await.map_err(|e| call_failed(FAILED, e))?;
        Ok(text.into())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InstanceKeys {
    access_key_id: String,
    #[serde(deserialize_with = "secret")]
    secret_access_key: SecretString,
    #[serde(deserialize_with = "secret")]
    token: SecretString,
}

fn region_in(env: &Env) -> Option<&str> {
    env.get("AWS_REGION")
        .or_else(|| env.get("AWS_DEFAULT_REGION"))
}

fn keys_in(env: &Env) -> Option<AwsKeys> {
    Some(AwsKeys {
        access_key_id: env.get("AWS_ACCESS_KEY_ID")?.to_owned(),
        secret_access_key: env.get("AWS_SECRET_ACCESS_KEY")?.into(),
        session_token: env.get("AWS_SESSION_TOKEN").map(SecretString::from),
    })
}

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
const LIMIT: usize = 64 * 1024;

#[cfg(test)]
mod tests;
