//! The exchanges of products, which need only what differs from one installation to the next.

use std::path::PathBuf;

use regcred_core::ProviderError;
use serde_json::json;

use crate::answer::AnswerPlaces;
use crate::document::{AnswerMembers, ArtifactKeeper, Artifactory, Chainguard, Cloudsmith, Quay};
use crate::exchange::{Authorization, Exchange, Field, Sent, endpoint};

/// JFrog Access, `POST /access/api/v1/oidc/token`. The login's user is in the answer.
pub(crate) fn artifactory(preset: Artifactory) -> Result<Exchange, ProviderError> {
    let body = json!({
        "grant_type": TOKEN_EXCHANGE,
        "subject_token_type": "urn:ietf:params:oauth:token-type:id_token",
        "subject_token": "${token}",
        "provider_name": preset.provider,
        "provider_type": "Generic OpenID Connect",
        "audience": "*@*",
    });
    let mut made = made(&preset.server, "/access/api/v1/oidc/token", preset.ca_file)?;
    made.sent = Sent::json(&body)?;
    made.answer = AnswerPlaces::of("access_token", Some("username"));
    Ok(made)
}

/// Artifact Keeper, `POST /api/v1/auth/ci/token`.
pub(crate) fn artifact_keeper(preset: ArtifactKeeper) -> Result<Exchange, ProviderError> {
    let mut made = made(&preset.server, "/api/v1/auth/ci/token", preset.ca_file)?;
    made.authorization = Authorization::Bearer;
    made.sent = Sent::json(&json!({"provider_id": preset.provider_id}))?;
    made.answer = AnswerPlaces::of("access_token", Some("username"));
    Ok(made)
}

/// Cloudsmith, `POST /openid/ORGANIZATION/`. The token has its own expiry.
pub(crate) fn cloudsmith(preset: &Cloudsmith) -> Result<Exchange, ProviderError> {
    let server = preset.server.as_deref().unwrap_or("api.cloudsmith.io");
    let mut made = made(server, &format!("/openid/{}/", preset.organization), None)?;
    made.sent = Sent::json(&json!({"oidc_token": "${token}", "service_slug": preset.service}))?;
    made.username = Some("token".to_owned());
    made.answer = AnswerPlaces::of("token", None);
    Ok(made)
}

/// Quay, `GET /oauth2/federation/robot/token` as the robot, whose password is the pod's token.
pub(crate) fn quay(preset: Quay) -> Result<Exchange, ProviderError> {
    let mut made = made(
        &preset.server,
        "/oauth2/federation/robot/token",
        preset.ca_file,
    )?;
    made.authorization = Authorization::Basic(preset.robot.clone());
    made.username = Some(preset.robot);
    made.answer = AnswerPlaces::of("token", None);
    Ok(made)
}

/// Chainguard, `POST /sts/exchange`.
pub(crate) fn chainguard(preset: Chainguard) -> Result<Exchange, ProviderError> {
    let server = preset.server.as_deref();
    let server = server.unwrap_or("issuer.enforce.dev");
    let mut made = made(server, "/sts/exchange", None)?;
    made.authorization = Authorization::Bearer;
    made.sent = Sent::Form(vec![
        ("aud".to_owned(), Field::Text("cgr.dev".to_owned())),
        ("identity".to_owned(), Field::Text(preset.identity)),
    ]);
    made.username = Some("_token".to_owned());
    made.answer = AnswerPlaces::new(&AnswerMembers {
        token: Some("token".to_owned()),
        expires_at: Some("expiry".to_owned()),
        ..AnswerMembers::default()
    });
    Ok(made)
}

/// A GET without anything; `server` is a host, or a URL.
fn made(server: &str, path: &str, ca_file: Option<PathBuf>) -> Result<Exchange, ProviderError> {
    let scheme = if server.contains("://") {
        ""
    } else {
        "https://"
    };
    let server = server.trim_end_matches('/');
    Ok(Exchange {
        url: endpoint(&format!("{scheme}{server}{path}"))?,
        ca_file,
        authorization: Authorization::None,
        sent: Sent::Nothing,
        username: None,
        answer: AnswerPlaces::of("access_token", None),
    })
}

pub(crate) const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
