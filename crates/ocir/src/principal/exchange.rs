//! Token exchange at an identity domain: an OIDC token of a cluster outside OKE, or of a build
//! system, for a session of Oracle's (RFC 8693, with the session's public key).

use std::path::PathBuf;

use regcred_core::{CredentialRequest, Credentials, Env, ProviderError, fingerprint};
use regcred_http::{Request, secure_url};
use secrecy::{ExposeSecret, SecretString};

use crate::call::security_token;
use crate::failure::misconfigured;
use crate::key::session_key;
use crate::reach::Reach;
use crate::secret_file;
use crate::session::Session;
use crate::settings::base_url;
use crate::vars;

/// A foreign token and the identity domain that trusts its issuer.
#[derive(Debug)]
pub(crate) struct Exchange {
    token: Token,
    domain: String,
    client: Credentials,
    subject_type: String,
    wanted: Wanted,
}

#[derive(Debug)]
enum Token {
    /// From the kubelet's request.
    Given(SecretString),
    File(PathBuf),
}

/// What kind of session is asked for.
#[derive(Debug)]
enum Wanted {
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
        let need = |name: &str| {
            env.get(name)
                .ok_or_else(|| misconfigured(format!("token exchange needs {name}")))
        };
        let domain = base_url(env, vars::DOMAIN_URL)?;
        let domain = domain
            .ok_or_else(|| misconfigured(format!("token exchange needs {}", vars::DOMAIN_URL)))?;
        let token = match &request.service_account_token {
            Some(token) => Token::Given(token.clone()),
            None => Token::File(secret_file::expand(env, need(vars::EXCHANGE_TOKEN_FILE)?)),
        };
        let wanted = match env.get(vars::EXCHANGE_WANTED) {
            None | Some("upst" | UPST) => Wanted::User,
            Some("rpst" | RPST) => Wanted::Resource {
                kind: need(vars::EXCHANGE_RESOURCE_TYPE)?.to_owned(),
                life: env.get(vars::EXCHANGE_LIFE).map(str::to_owned),
            },
            Some(_) => {
                let name = vars::EXCHANGE_WANTED;
                return Err(misconfigured(format!("{name} must be upst or rpst")));
            }
        };
        let client = Credentials::new(
            need(vars::EXCHANGE_CLIENT_ID)?,
            SecretString::from(need(vars::EXCHANGE_CLIENT_SECRET)?),
        );
        let subject_type = env.get(vars::EXCHANGE_SUBJECT_TYPE).unwrap_or("jwt");
        Ok(Self {
            token,
            domain,
            client,
            subject_type: subject_type.to_owned(),
            wanted,
        })
    }

    /// A fresh session.
    pub(crate) async fn session(&self, reach: &Reach) -> Result<Session, ProviderError> {
        let token: SecretString = match &self.token {
            Token::Given(token) => token.clone(),
            Token::File(path) => secret_file::read("the token in", path)?.trim().into(),
        };
        let key = session_key().await?;
        let domain = &self.domain;
        let url = secure_url(&format!("{domain}/oauth2/v1/token"))
            .ok_or_else(|| misconfigured(format!("{} is no https:// URL", vars::DOMAIN_URL)))?;
        let public_key = key.public_base64();
        let mut form = vec![
            (
                "grant_type",
                "urn:ietf:params:oauth:grant-type:token-exchange",
            ),
            ("subject_token", token.expose_secret().trim()),
            ("subject_token_type", &self.subject_type),
            ("public_key", &public_key),
        ];
        match &self.wanted {
            Wanted::User => form.push(("requested_token_type", UPST)),
            Wanted::Resource { kind, life } => {
                form.extend([("requested_token_type", RPST), ("res_type", kind.as_str())]);
                form.extend(life.as_deref().map(|life| ("rpst_exp", life)));
            }
        }
        let request = Request::post(url.as_str())
            .basic(&self.client)
            .form(&form)
            .secret_body();
        let service = format!("the identity domain {domain}");
        let refusal = "does not exchange the token; its trust must name the token's issuer, \
                       audience and subject, and the client";
        let token = security_token(reach, request, &service, refusal).await?;
        Session::issued(&token, key, "the identity domain", reach.now())
    }

    pub(crate) fn stable_name(&self) -> String {
        let (domain, client) = (&self.domain, &self.client.username);
        let wanted = match &self.wanted {
            Wanted::User => "user".to_owned(),
            Wanted::Resource { kind, life } => {
                format!("{kind} {}", life.as_deref().unwrap_or_default())
            }
        };
        let token = match &self.token {
            Token::Given(token) => fingerprint(token),
            Token::File(path) => path.display().to_string(),
        };
        format!("exchange {domain} {client} {wanted} {token}")
    }
}

const UPST: &str = "urn:oci:token-type:oci-upst";
const RPST: &str = "urn:oci:token-type:oci-rpst";
