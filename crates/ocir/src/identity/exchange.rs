//! Token exchange at an identity domain: an OIDC token of a cluster outside OKE, or of a build
//! system, for a session of Oracle's (RFC 8693, with the session's public key).

use regcred_cloud::{Options, SecretPlace};
use regcred_core::{CredentialRequest, Credentials, Env, ProviderError};
use regcred_http::FormValue::{Secret, Text};
use regcred_http::Request;
use secrecy::SecretString;

use crate::home_path::expand;
use crate::session::Session;
use crate::session_key::session_key;
use crate::settings::Cloud;
use crate::signed_call::security_token;
use crate::{ERRORS, vars};

/// A foreign token and the identity domain that trusts its issuer.
#[derive(Debug)]
pub(crate) struct Exchange {
    token: SecretPlace,
    domain: String,
    client: Credentials,
    subject_type: String,
    requested: Requested,
}

/// Which session is asked for.
#[derive(Debug)]
enum Requested {
    /// Of the user that the domain maps the token to.
    User,
    /// Of a resource of that type, for so many seconds.
    Resource { kind: String, life: Option<String> },
}

impl Exchange {
    /// Whether an identity domain is named.
    pub(crate) fn is_named(env: &Env) -> bool {
        env.get(vars::DOMAIN_URL).is_some()
    }

    /// The exchange of the request's token, else of the one in the file that is named.
    pub(crate) fn choose(env: &Env, request: &CredentialRequest) -> Result<Self, ProviderError> {
        let options = Options::new(ERRORS, env);
        let missing = |name| ERRORS.misconfigured(format!("token exchange needs {name}"));
        let need = |name| env.get(name).ok_or_else(|| missing(name));
        let domain = options.url(vars::DOMAIN_URL)?;
        let token = match &request.service_account_token {
            Some(token) => SecretPlace::Given(token.clone()),
            None => SecretPlace::File(expand(env, need(vars::EXCHANGE_TOKEN_FILE)?)),
        };
        let requested = match env.get(vars::EXCHANGE_WANTED) {
            None | Some("upst" | UPST) => Requested::User,
            Some("rpst" | RPST) => Requested::Resource {
                kind: need(vars::EXCHANGE_RESOURCE_TYPE)?.to_owned(),
                life: env.get(vars::EXCHANGE_LIFE).map(str::to_owned),
            },
            Some(_) => return Err(options.wrong(vars::EXCHANGE_WANTED, "must be upst or rpst")),
        };
        let secret = SecretString::from(need(vars::EXCHANGE_CLIENT_SECRET)?);
        let subject_type = env.get(vars::EXCHANGE_SUBJECT_TYPE).unwrap_or("jwt");
        Ok(Self {
            token,
            domain: domain.ok_or_else(|| missing(vars::DOMAIN_URL))?,
            client: Credentials::new(need(vars::EXCHANGE_CLIENT_ID)?, secret),
            subject_type: subject_type.to_owned(),
            requested,
        })
    }

    /// A fresh session.
    pub(crate) async fn session(&self, cloud: &Cloud) -> Result<Session, ProviderError> {
        let token = self.token.read(ERRORS, WHAT)?;
        let key = session_key().await?;
        let public_key = key.public_base64();
        let mut form = vec![
            (
                "grant_type",
                Text("urn:ietf:params:oauth:grant-type:token-exchange"),
            ),
            ("subject_token", Secret(&token)),
            ("subject_token_type", Text(&self.subject_type)),
            ("public_key", Text(&public_key)),
        ];
        match &self.requested {
            Requested::User => form.push(("requested_token_type", Text(UPST))),
            Requested::Resource { kind, life } => {
                form.extend([
                    ("requested_token_type", Text(RPST)),
                    ("res_type", Text(kind)),
                ]);
                form.extend(life.as_deref().map(|life| ("rpst_exp", Text(life))));
            }
        }
        let domain = &self.domain;
        let request = Request::post(&format!("{domain}/oauth2/v1/token"))
            .basic(&self.client)
            .form(&form);
        let asked = ERRORS
            .token_call(
                self.token.describe(WHAT),
                format!("the identity domain {domain}"),
            )
            .if_refused(IF_REFUSED);
        let token = security_token(cloud, request, &asked).await?;
        Session::issued(&token, key, &asked, cloud.now())
    }

    pub(crate) fn stable_name(&self) -> String {
        let (domain, client) = (&self.domain, &self.client.username);
        let requested = match &self.requested {
            Requested::User => "user".to_owned(),
            Requested::Resource { kind, life } => {
                format!("{kind} {}", life.as_deref().unwrap_or_default())
            }
        };
        let token = self.token.stable_name();
        format!("exchange {domain} {client} {requested} {token}")
    }
}

const WHAT: &str = "the token to exchange";
const IF_REFUSED: &str =
    "its trust must name the token's issuer, audience and subject, and the client";
const UPST: &str = "urn:oci:token-type:oci-upst";
const RPST: &str = "urn:oci:token-type:oci-rpst";
