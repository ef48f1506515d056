//! The metadata server of a VPC instance: an identity token, then an IAM token for the instance's
//! trusted profile. The date of the API version decides between two sets of paths.

use std::time::Duration;

use regcred_cloud::{AccessToken, TokenCall, TokenResponse};
use regcred_core::ProviderError;
use regcred_http::{Client, HttpError, Request, Retry};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::advice::advice;
use crate::iam::SHORTEST_LIFE;
use crate::profile::Profile;
use crate::settings::Cloud;
use crate::{ERRORS, vars};

/// The IAM token of the instance's default trusted profile, or of a linked one.
pub(crate) async fn token(
    cloud: &Cloud,
    profile: Option<&Profile>,
) -> Result<AccessToken, ProviderError> {
    let body = profile.map(profile_body).transpose()?;
    let identity_name = match profile {
        Some(profile) => format!("trusted profile {}", profile.label()),
        None => "the instance's default trusted profile".to_owned(),
    };
    let connect = if cloud.settings.expects_vpc {
        CONNECT
    } else {
        SHORT_CONNECT
    };
    let server = Server {
        cloud,
        client: cloud.link(connect)?,
        asked: ERRORS.token_call(
            identity_name,
            format!("the metadata server {}", cloud.settings.vpc),
        ),
    };
    let (paths, identity) = server.identity().await?;
    let identity = identity.secret(&server.asked)?;
    server.iam_token(&paths, &identity, body).await
}

/// The metadata service names a profile by id or CRN, and by one of them only.
fn profile_body(profile: &Profile) -> Result<Value, ProviderError> {
    match (&profile.id, &profile.crn) {
        (Some(id), _) => Ok(json!({"trusted_profile": {"id": id}})),
        (None, Some(crn)) => Ok(json!({"trusted_profile": {"crn": crn}})),
        (None, None) => Err(ERRORS.misconfigured(format!(
            "the metadata service does not look profiles up by name: set {} or {}",
            vars::PROFILE_ID,
            vars::PROFILE_CRN
        ))),
    }
}

struct Server<'a> {
    cloud: &'a Cloud,
    client: Client,
    asked: TokenCall,
}

/// Paths of one generation of the API.
struct Paths {
    version: String,
    identity: &'static str,
    iam: &'static str,
}

impl Paths {
    fn of(version: &str) -> Self {
        let new = version >= NEW_SINCE;
        Self {
            version: version.to_owned(),
            identity: if new {
                "/identity/v1/token"
            } else {
                "/instance_identity/v1/token"
            },
            iam: if new {
                "/identity/v1/iam_tokens"
            } else {
                "/instance_identity/v1/iam_token"
            },
        }
    }
}

impl Server<'_> {
    /// The instance's identity token, and the paths that the server knows.
    async fn identity(&self) -> Result<(Paths, TokenResponse), ProviderError> {
        if let Some(version) = &self.cloud.settings.ims_version {
            let paths = Paths::of(version);
            let token = self.identity_at(&paths).await.map_err(|e| self.failed(e))?;
            return Ok((paths, token));
        }
        let paths = Paths::of(NEW_SINCE);
        let error = match self.identity_at(&paths).await {
            Ok(token) => return Ok((paths, token)),
            Err(error) => error,
        };
        // A server from before that date knows neither the path nor the version.
        if !error
            .status()
            .is_some_and(|s| matches!(s.as_u16(), 400 | 404))
        {
            return Err(self.failed(error));
        }
        let paths = Paths::of(OLD_VERSION);
        let token = self.identity_at(&paths).await.map_err(|e| self.failed(e))?;
        Ok((paths, token))
    }

    async fn identity_at(&self, paths: &Paths) -> Result<TokenResponse, HttpError> {
        if self.cloud.settings.expects_vpc {
            return self.identity_with(paths, RETRY).await;
        }
        match self.identity_with(paths, Retry::none()).await {
            // A server that is there may need a moment; one that is not there is not waited for.
            Err(error) if error.status().is_some() && error.is_passing() => {
                self.identity_with(paths, RETRY).await
            }
            done => done,
        }
    }

    async fn identity_with(&self, paths: &Paths, retry: Retry) -> Result<TokenResponse, HttpError> {
        let request = self
            .request(Request::put(&self.url(paths, paths.identity)))
            .retry(retry)
            .json(&json!({"expires_in": 300}));
        let response = self.client.send(request).await?.success(WHAT).await?;
        response.json(LIMIT).await
    }

    async fn iam_token(
        &self,
        paths: &Paths,
        identity: &SecretString,
        body: Option<Value>,
    ) -> Result<AccessToken, ProviderError> {
        let mut request = self
            .request(Request::post(&self.url(paths, paths.iam)))
            .bearer(identity);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = async {
            let response = self.client.send(request).await?.success(WHAT).await?;
            response.json::<TokenResponse>(LIMIT).await
        };
        let answer = answer.await.map_err(|e| self.failed(e))?;
        answer.accept(&self.asked, self.cloud.now(), SHORTEST_LIFE)
    }

    fn request(&self, request: Request) -> Request {
        request
            .header("Metadata-Flavor", "ibm")
            .header("Accept", "application/json")
            // The link-local server speaks plain http unless secure access is switched on.
            .allow_cleartext()
            .timeout(TIMEOUT)
            .retry(RETRY)
    }

    fn url(&self, paths: &Paths, path: &str) -> String {
        format!(
            "{}{path}?version={}",
            self.cloud.settings.vpc, paths.version
        )
    }

    fn failed(&self, error: HttpError) -> ProviderError {
        let elsewhere = format!(
            "outside a VPC instance set {} or {}; on one, enable its metadata service",
            vars::API_KEY,
            vars::CR_PROFILE
        );
        if error.is_unanswered() {
            return self.asked.no_server(error).with_next_step(elsewhere);
        }
        // A refusal without a code of IBM's may be another cloud's server, or a filter's.
        let step = match error.code() {
            None if error.is_passing() || error.is_connect() => None,
            None => Some(elsewhere),
            code => advice(code).map(str::to_owned),
        };
        self.asked.failed(error).with_next_step(step)
    }
}

/// From this version on, the new paths are the only ones.
const NEW_SINCE: &str = "2025-08-26";
/// What IBM's SDKs ask for.
const OLD_VERSION: &str = "2022-03-01";
const CONNECT: Duration = Duration::from_millis(1500);
/// Where nothing shows that the machine is IBM's. The server answers within milliseconds.
const SHORT_CONNECT: Duration = Duration::from_secs(1);
const TIMEOUT: Duration = Duration::from_secs(8);
const RETRY: Retry = Retry {
    attempts: 3,
    base: Duration::from_millis(200),
    cap: Duration::from_secs(2),
};
const LIMIT: usize = 256 * 1024;
/// What a call is for, in errors.
const WHAT: &str = "token request";
