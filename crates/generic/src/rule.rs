//! An entry of the file, checked: registries, and the one source of their login.

use std::path::{Path, PathBuf};

use regcred_core::{ImagePattern, ProviderError, fingerprint, glob_matches};

use crate::answer::AnswerPlaces;
use crate::docker_helper::DockerHelper;
use crate::document::{Entry, Fallback, JsonExchange, TokenExchange};
use crate::exchange::{Authorization, Exchange, Field, Sent, endpoint, is_username};
use crate::presets::{self, TOKEN_EXCHANGE};
use crate::static_login::StaticLogin;
use crate::{ERRORS, hosts::RegistryPattern};

/// An entry.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) patterns: Vec<RegistryPattern>,
    /// The audience of the pod's token; without one the pod's token is not looked at.
    pub(crate) audience: Option<String>,
    /// Globs of `NAMESPACE/NAME`.
    pub(crate) accounts: Vec<String>,
    pub(crate) login: LoginSource,
    pub(crate) fallback: Option<FallbackSource>,
    /// The entry's text, by its hash.
    pub(crate) stable_name: String,
}

/// Where a login comes from.
#[derive(Clone, Debug)]
pub(crate) enum LoginSource {
    Static(StaticLogin),
    /// The user whose password is the pod's token.
    PassThrough(String),
    Exchange(Box<Exchange>),
    Helper(DockerHelper),
}

/// What answers a request without a pod's token.
#[derive(Clone, Debug)]
pub(crate) enum FallbackSource {
    /// A file with a token in place of the pod's.
    TokenFile(PathBuf),
    Static(StaticLogin),
    Helper(DockerHelper),
    Anonymous,
}

impl Rule {
    /// Paths count from `directory`.
    ///
    /// # Errors
    /// When the entry does not have exactly one source, or something in it cannot be used.
    pub(crate) fn new(entry: Entry, directory: &Path) -> Result<Self, ProviderError> {
        let wrong = |what: &str| Err(ERRORS.misconfigured(what));
        let patterns = entry
            .match_images
            .iter()
            .map(|text| RegistryPattern::new(text));
        let patterns = patterns.collect::<Result<Vec<_>, _>>()?;
        if patterns.is_empty() {
            return wrong("matchImages is empty");
        }
        let stable_name = serde_json::to_string(&entry).unwrap_or_default();
        let stable_name = fingerprint(&stable_name.into());
        let mut sources = sources(&entry, directory);
        let (Some(login), None) = (sources.next(), sources.next()) else {
            return wrong(
                "it does not have exactly one of static, passThrough, exchange, json, helper, \
                 artifactory, artifactKeeper, cloudsmith, quay and chainguard",
            );
        };
        drop(sources);
        let rule = Self {
            patterns,
            audience: entry.audience,
            accounts: entry.service_accounts,
            login: login?,
            fallback: entry.fallback.map(|f| fallback(f, directory)).transpose()?,
            stable_name,
        };
        rule.checked()
    }

    fn checked(self) -> Result<Self, ProviderError> {
        let wrong = |what: &str| Err(ERRORS.misconfigured(what));
        let sends = matches!(
            self.login,
            LoginSource::PassThrough(_) | LoginSource::Exchange(_)
        );
        match self.audience.as_deref() {
            None if sends => return wrong("it sends the pod's token and has no audience"),
            None if !self.accounts.is_empty() => {
                return wrong(
                    "it has serviceAccounts and no audience: a pod proves its account by a token",
                );
            }
            None if self.fallback.is_some() => {
                return wrong("it has a fallback and no audience: it never needs one");
            }
            Some(audience) if audience.trim().is_empty() => return wrong("audience is empty"),
            // A token for it is a login to the cluster.
            Some(audience) if audience.contains("kubernetes.default.svc") => {
                return wrong(
                    "audience is that of the API server: a token for it is a login to the cluster; \
                     choose one that only the registry accepts",
                );
            }
            _ => {}
        }
        if matches!(self.fallback, Some(FallbackSource::TokenFile(_))) && !sends {
            return wrong("fallback.tokenFile is for sources that send a token");
        }
        for account in &self.accounts {
            if account.split('/').filter(|part| !part.is_empty()).count() != 2 {
                return wrong("serviceAccounts has an item that is not NAMESPACE/NAME");
            }
        }
        Ok(self)
    }

    /// The files with logins, tokens and keys of this entry.
    pub(crate) fn secret_files(&self) -> Vec<&Path> {
        let mut files = match &self.login {
            LoginSource::Static(login) => vec![login.secret_file()],
            LoginSource::Exchange(exchange) => exchange.secret_files(),
            LoginSource::PassThrough(_) | LoginSource::Helper(_) => Vec::new(),
        };
        match &self.fallback {
            Some(FallbackSource::TokenFile(path)) => files.push(path),
            Some(FallbackSource::Static(login)) => files.push(login.secret_file()),
            Some(FallbackSource::Helper(_) | FallbackSource::Anonymous) | None => {}
        }
        files
    }

    /// The pattern with the longest path that matches the image.
    pub(crate) fn pattern_of(&self, image: &ImagePattern) -> Option<&RegistryPattern> {
        let matching = self
            .patterns
            .iter()
            .filter(|p| p.pattern.matches_parsed(image));
        matching.max_by_key(|pattern| pattern.pattern.path().len())
    }

    /// Whether the entry is for this service account, `NAMESPACE/NAME`.
    pub(crate) fn is_for(&self, account: Option<&str>) -> bool {
        let mut accounts = self.accounts.iter();
        self.accounts.is_empty()
            || account.is_some_and(|account| {
                accounts.any(|glob| {
                    let parts = glob.split('/').zip(account.split('/'));
                    parts
                        .into_iter()
                        .all(|(glob, part)| glob_matches(glob, part))
                })
            })
    }
}

type Made = Result<LoginSource, ProviderError>;

/// Every source that the entry has.
fn sources(entry: &Entry, directory: &Path) -> impl Iterator<Item = Made> + use<> {
    let exchange = |made: Result<Exchange, ProviderError>| -> Made {
        let mut made = made.and_then(Exchange::checked)?;
        made.ca_file = made.ca_file.map(|path| directory.join(path));
        Ok(LoginSource::Exchange(Box::new(made)))
    };
    let entry = entry.clone();
    let all = [
        entry
            .r#static
            .map(|login| StaticLogin::new(login, directory).map(LoginSource::Static)),
        entry.pass_through.map(|pass| {
            if is_username(&pass.username) {
                Ok(LoginSource::PassThrough(pass.username))
            } else {
                Err(ERRORS.misconfigured("passThrough.username is empty or has a colon"))
            }
        }),
        entry
            .exchange
            .map(|form| exchange(of_form(form, directory))),
        entry.json.map(|json| exchange(of_json(json))),
        entry
            .helper
            .map(|helper| DockerHelper::new(helper).map(LoginSource::Helper)),
        entry.artifactory.map(|p| exchange(presets::artifactory(p))),
        entry
            .artifact_keeper
            .map(|p| exchange(presets::artifact_keeper(p))),
        entry.cloudsmith.map(|p| exchange(presets::cloudsmith(&p))),
        entry.quay.map(|p| exchange(presets::quay(p))),
        entry.chainguard.map(|p| exchange(presets::chainguard(p))),
    ];
    all.into_iter().flatten()
}

/// RFC 8693 section 2.1; a token type may be written without the part that all have.
fn of_form(form: TokenExchange, directory: &Path) -> Result<Exchange, ProviderError> {
    let token_type = |text: &str| {
        let prefix = if text.contains(':') { "" } else { TOKEN_TYPE };
        Field::Text(format!("{prefix}{text}"))
    };
    let subject = form.subject_token_type.as_deref().unwrap_or("jwt");
    let mut fields = vec![
        ("grant_type", Field::Text(TOKEN_EXCHANGE.to_owned())),
        ("subject_token", Field::PodToken),
        ("subject_token_type", token_type(subject)),
    ];
    if let Some(requested) = &form.requested_token_type {
        fields.push(("requested_token_type", token_type(requested)));
    }
    let text = |name, value| (name, Field::Text(value));
    fields.extend(
        form.audience
            .into_iter()
            .map(|value| text("audience", value)),
    );
    fields.extend(
        form.resource
            .into_iter()
            .map(|value| text("resource", value)),
    );
    if !form.scope.is_empty() {
        fields.push(text("scope", form.scope.join(" ")));
    }
    match (form.actor_token_file, form.actor_token_type) {
        (Some(path), kind) => {
            fields.push(("actor_token", Field::File(directory.join(path))));
            fields.push((
                "actor_token_type",
                token_type(kind.as_deref().unwrap_or("jwt")),
            ));
        }
        (None, Some(_)) => {
            return Err(ERRORS.misconfigured("exchange has actorTokenType and no actorTokenFile"));
        }
        (None, None) => {}
    }
    let authorization = match form.client {
        Some(client) => match client.secret_file {
            Some(path) => Authorization::Client(client.id, directory.join(path)),
            None => {
                fields.push(text("client_id", client.id));
                Authorization::None
            }
        },
        None => Authorization::None,
    };
    let mut fields: Vec<_> = fields
        .into_iter()
        .map(|(name, f)| (name.to_owned(), f))
        .collect();
    for (name, value) in form.parameters {
        if fields.iter().any(|(known, _)| *known == name) {
            return Err(
                ERRORS.misconfigured(format!("exchange.parameters repeats the field {name}"))
            );
        }
        fields.push((name, Field::Text(value)));
    }
    Ok(Exchange {
        url: endpoint(&form.url)?,
        ca_file: form.ca_file,
        authorization,
        sent: Sent::Form(fields),
        username: form.username,
        answer: AnswerPlaces::new(&form.answer),
    })
}

fn of_json(json: JsonExchange) -> Result<Exchange, ProviderError> {
    let authorization = match (json.bearer, json.basic_username) {
        (false, None) => Authorization::None,
        (true, None) => Authorization::Bearer,
        (false, Some(user)) => Authorization::Basic(user),
        (true, Some(_)) => {
            return Err(ERRORS.misconfigured("json has bearer and basicUsername: remove one"));
        }
    };
    Ok(Exchange {
        url: endpoint(&json.url)?,
        ca_file: json.ca_file,
        authorization,
        sent: json.body.as_ref().map_or(Ok(Sent::Nothing), Sent::json)?,
        username: json.username,
        answer: AnswerPlaces::new(&json.answer),
    })
}

fn fallback(fallback: Fallback, directory: &Path) -> Result<FallbackSource, ProviderError> {
    let token = fallback.token_file.map(|path| directory.join(path));
    let login = fallback
        .r#static
        .map(|login| StaticLogin::new(login, directory));
    let helper = fallback.helper.map(DockerHelper::new);
    match (token, login, helper, fallback.anonymous) {
        (Some(path), None, None, false) => Ok(FallbackSource::TokenFile(path)),
        (None, Some(login), None, false) => login.map(FallbackSource::Static),
        (None, None, Some(helper), false) => helper.map(FallbackSource::Helper),
        (None, None, None, true) => Ok(FallbackSource::Anonymous),
        _ => Err(ERRORS.misconfigured(
            "fallback does not have exactly one of tokenFile, static, helper and anonymous: true",
        )),
    }
}

const TOKEN_TYPE: &str = "urn:ietf:params:oauth:token-type:";
