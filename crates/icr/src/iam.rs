//! IAM's token endpoint, `POST /identity/token` (IBM Cloud IAM Identity Services API).

use std::time::Duration;

use chrono::TimeDelta;
use regcred_cloud::{AccessToken, Claims, TokenCall, TokenResponse};
use regcred_core::ProviderError;
use regcred_http::FormValue::{self, Secret, Text};
use regcred_http::{HttpError, Request, Retry, StatusCode, random_word};
use secrecy::SecretString;

use crate::advice::advice;
use crate::profile::Profile;
use crate::settings::Cloud;
use crate::{ERRORS, vars};

/// What is traded for an access token.
pub(crate) enum Grant<'a> {
    /// The API key of a user or a service ID.
    ApiKey(&'a SecretString),
    /// A session's refresh token.
    Refresh(&'a SecretString),
    /// A compute resource token, for the trusted profile that is linked to its owner.
    ComputeResource(&'a SecretString, &'a Profile),
    /// The access token of a first login, for a trusted profile.
    Assume(&'a SecretString, &'a Profile),
}

impl Grant<'_> {
    fn form(&self) -> Vec<(&'static str, FormValue<'_>)> {
        let (kind, field, secret, profile) = match self {
            Grant::ApiKey(key) => (
                "urn:ibm:params:oauth:grant-type:apikey",
                "apikey",
                key,
                None,
            ),
            Grant::Refresh(token) => ("refresh_token", "refresh_token", token, None),
            Grant::ComputeResource(token, profile) => (
                "urn:ibm:params:oauth:grant-type:cr-token",
                "cr_token",
                token,
                Some(profile),
            ),
            Grant::Assume(token, profile) => (
                "urn:ibm:params:oauth:grant-type:assume",
                "access_token",
                token,
                Some(profile),
            ),
        };
        let mut form = vec![("grant_type", Text(kind)), (field, Secret(secret))];
        let names = profile.into_iter().flat_map(|profile| profile.form());
        form.extend(names.map(|(name, value)| (name, Text(value))));
        if let Grant::Assume(_, profile) = self
            && let Some(account) = &profile.account
        {
            form.push(("account", Text(account)));
        }
        form
    }

    fn what(&self) -> String {
        match self {
            Grant::ApiKey(_) => "the API key".to_owned(),
            Grant::Refresh(_) => "the refresh token".to_owned(),
            Grant::ComputeResource(token, profile) => format!(
                "the compute resource token{} for trusted profile {}",
                describe(token),
                profile.label()
            ),
            Grant::Assume(_, profile) => format!(
                "the API key's access token for trusted profile {}",
                profile.label()
            ),
        }
    }

    fn if_refused(&self) -> &'static str {
        match self {
            Grant::ApiKey(_) => "make a new API key, or correct the one that is configured",
            Grant::Refresh(_) => "log in again",
            Grant::ComputeResource(..) => "compare the links of the trusted profile with the pod",
            Grant::Assume(..) => "allow the API key's identity to assume the trusted profile",
        }
    }
}

/// Trades a grant for an access token. The private endpoint is asked when the public one cannot be
/// reached, unless the operator chose one.
pub(crate) async fn token(cloud: &Cloud, grant: &Grant<'_>) -> Result<AccessToken, ProviderError> {
    let bases = &cloud.settings.iam;
    let share = TOTAL / u32::try_from(bases.len()).unwrap_or(1);
    let mut first_failure = None;
    for base in bases {
        match ask(cloud, base, grant, share).await {
            Ok(token) => return Ok(token),
            Err(IamFailure::Unreachable(error)) => {
                tracing::debug!(base, "IAM cannot be reached");
                first_failure.get_or_insert(error);
            }
            Err(IamFailure::Final(error)) => return Err(error),
        }
    }
    Err(first_failure.unwrap_or_else(|| ERRORS.misconfigured("no IAM endpoint")))
}

/// Whether another endpoint is asked.
enum IamFailure {
    Unreachable(ProviderError),
    Final(ProviderError),
}

async fn ask(
    cloud: &Cloud,
    base: &str,
    grant: &Grant<'_>,
    time: Duration,
) -> Result<AccessToken, IamFailure> {
    let correlation = format!("regcred-{:016x}", random_word());
    let mut request = Request::post(&format!("{base}/identity/token"))
        .header("Accept", "application/json")
        .header("X-Correlation-ID", &correlation)
        .form(&grant.form())
        .timeout(time)
        .retry(RETRY);
    if let Some(client) = &cloud.settings.client {
        request = request.basic(client);
    }
    let asked = ERRORS
        .token_call(grant.what(), format!("IAM at {base}"))
        .if_refused(grant.if_refused());
    let client = cloud.web().map_err(IamFailure::Final)?;
    let response = client.send(request).await.map_err(|error| {
        let is_unreachable = error.is_connect() || error.is_timeout();
        let failed = asked.failed(error);
        if is_unreachable {
            IamFailure::Unreachable(failed)
        } else {
            IamFailure::Final(failed)
        }
    })?;
    if response.status() != StatusCode::OK {
        let what = format!("token request (correlation id {correlation})");
        let error = response.into_error(&what).await;
        return Err(IamFailure::Final(refused(&asked, error)));
    }
    let answer = response.json::<TokenResponse>(LIMIT).await;
    let answer = answer.map_err(|error| IamFailure::Final(asked.failed(error)))?;
    answer
        .accept(&asked, cloud.now(), SHORTEST_LIFE)
        .map_err(IamFailure::Final)
}

fn refused(asked: &TokenCall, error: HttpError) -> ProviderError {
    let step = if error.status() == Some(StatusCode::NOT_FOUND) && error.code().is_none() {
        Some(format!(
            "correct {}: this is not IAM's token endpoint; or a proxy answers in its place",
            vars::IAM_URL
        ))
    } else {
        advice(error.code()).map(str::to_owned)
    };
    asked.failed(error).with_next_step(step)
}

/// What IAM's refusal of a service account token mostly depends on. The token is not verified here,
/// only described.
fn describe(token: &SecretString) -> String {
    match Claims::of(token).and_then(|claims| claims.life()) {
        Some(life) => format!(" (lifetime {} s)", life.num_seconds()),
        None => String::new(),
    }
}

/// IBM's services refuse a token with less than ten seconds left.
pub(crate) const SHORTEST_LIFE: TimeDelta = TimeDelta::seconds(10);
const TOTAL: Duration = Duration::from_secs(36);
const RETRY: Retry = Retry {
    attempts: 4,
    base: Duration::from_millis(300),
    cap: Duration::from_secs(5),
};
const LIMIT: usize = 256 * 1024;
