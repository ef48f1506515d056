//! One request for a source's logins: from its cloud's provider, out of a docker configuration, or as
//! they are written down.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use regcred_api::docker_config::DockerConfigEntry;
use regcred_cache::{CacheDir, Cached};
use regcred_core::{
    CacheScope, Clock, CredentialRequest, Credentials, Env, ErrorKind, ImagePattern, Issued,
    Provider, ProviderError, ProviderSpec, RegistryHost, Role,
};
use regcred_docker_config::ImportPlan;
use secrecy::{ExposeSecret as _, SecretSlice, SecretString};
use tokio::time::timeout;

use crate::config::StaticLogin;
use crate::plan::{FILE, STATIC, SourceKind, SourcePlan, hash};
use crate::token::{Life, Token};

/// Proves who a namespace is: a service account token, asked for when it is needed.
#[async_trait]
pub(crate) trait Proof: Send + Sync {
    /// A fresh token of the service account.
    async fn token(&self) -> Result<SecretString, ProviderError>;
    /// What names its cloud identity, as the provider wants to be told.
    fn annotations(&self) -> BTreeMap<String, String>;
}

/// Asks for the source's logins, once for each of its identities and endpoints.
///
/// # Errors
/// What the provider says; an answer that leaves a host without a login.
pub(crate) async fn fetch(
    source: &SourcePlan,
    proof: Option<&dyn Proof>,
    env: &Env,
    clock: &Clock,
) -> Result<Token, ProviderError> {
    match &source.kind {
        SourceKind::File(path) => from_file(source, path, clock),
        SourceKind::Static(login) => from_login(source, login, env, clock),
        SourceKind::Provider(spec) => {
            let mut env = with_variables(source, spec, env)?;
            if proof.is_some() {
                env = strict(spec, &env);
            }
            Asking {
                source,
                spec,
                env,
                clock,
            }
            .all(proof)
            .await
        }
    }
}

/// A hash over the files that decide the source's logins; it changes when one of them does.
pub(crate) fn inputs(source: &SourcePlan, env: &Env) -> String {
    let mut parts = Vec::new();
    let mut add = |path: &Path| match read_secret(path) {
        Ok(bytes) => parts.push(hash([&*String::from_utf8_lossy(bytes.expose_secret())])),
        Err(error) => parts.push(error.kind().to_string()),
    };
    match &source.kind {
        SourceKind::File(path) => add(path),
        SourceKind::Static(login) => login.password_file.iter().for_each(|path| add(path)),
        SourceKind::Provider(spec) => {
            source.env_files.values().for_each(|path| add(path));
            // Files with keys, named by the provider's variables. Files with tokens are rewritten
            // every few minutes and change nothing.
            let named = spec
                .vars
                .iter()
                .filter(|var| !var.secret && var.role != Some(Role::TokenFile));
            for var in named {
                let value = source.env.get(var.name).map(String::as_str);
                let path = value.or_else(|| env.get(var.name)).map(Path::new);
                if let Some(path) = path.filter(|p| p.is_absolute() && p.is_file()) {
                    add(path);
                }
            }
        }
    }
    hash(parts.iter().map(String::as_str))
}

struct Asking<'a> {
    source: &'a SourcePlan,
    spec: &'static ProviderSpec,
    env: Env,
    clock: &'a Clock,
}

impl Asking<'_> {
    async fn all(&self, proof: Option<&dyn Proof>) -> Result<Token, ProviderError> {
        let provider = (self.spec.new)(&self.env, self.clock)?;
        let mut template = None;
        if let Some(proof) = proof {
            template = Some((proof.token().await?, proof.annotations()));
        }
        let dir = match template {
            None => CacheDir::resolve(&self.env),
            Some(_) => None,
        };
        let provider = Cached::new(provider, dir, self.clock.clone());
        let now = self.clock.now();
        let mut logins = BTreeMap::new();
        let mut expires = None;
        let mut waiting: Vec<&String> = self.source.hosts.iter().collect();
        while let Some(host) = waiting.first().copied() {
            let request = self.request(&provider, host, template.as_ref())?;
            let issued = self.ask(&provider, &request).await?;
            if let Some(end) = issued.expires_at {
                expires = Some(expires.map_or(end, |known| end.min(known)));
            }
            let key = provider
                .plan(&request)
                .ok()
                .and_then(|plan| plan.key().cloned());
            let mut rest = Vec::new();
            for other in waiting {
                let other_request = self.request(&provider, other, template.as_ref())?;
                // The same key means the same answer: the provider says so itself.
                let shared = other == host
                    || issued.scope == CacheScope::Global
                    || (key.is_some()
                        && provider
                            .plan(&other_request)
                            .ok()
                            .and_then(|plan| plan.key().cloned())
                            == key);
                match shared {
                    true => self.take(&issued, &other_request, other, &mut logins)?,
                    false => rest.push(other),
                }
            }
            waiting = rest;
        }
        Ok(Token {
            logins,
            life: Life::from(now, expires),
        })
    }

    fn request(
        &self,
        provider: &dyn Provider,
        host: &str,
        template: Option<&(SecretString, BTreeMap<String, String>)>,
    ) -> Result<CredentialRequest, ProviderError> {
        let broken = |text: String| self.failure(ErrorKind::NotConfigured, text);
        let mut request =
            CredentialRequest::new(host).map_err(|error| broken(error.reason().to_owned()))?;
        if !provider.serves(&request.registry) {
            return Err(self.failure(
                ErrorKind::NotServed,
                format!("{host} is not served: its token must not go there"),
            ));
        }
        let Some((token, annotations)) = template else {
            return Ok(request);
        };
        let own = provider
            .plan(&request)
            .ok()
            .and_then(|plan| plan.key().cloned());
        request.service_account_token = Some(token.clone());
        request.service_account_annotations = annotations.clone();
        // A provider that does not look at the account would hand out the refresher's own token.
        // The key says whose the answer is; without one the provider's own strictness must do.
        let theirs = provider
            .plan(&request)
            .ok()
            .and_then(|plan| plan.key().cloned());
        let told_apart = match &theirs {
            Some(key) => own.as_ref() != Some(key),
            None => strict_switches(self.spec).next().is_some(),
        };
        if !told_apart {
            let keys: Vec<_> = annotations.keys().map(String::as_str).collect();
            return Err(broken(format!(
                "the annotation {} does not select an identity for this provider",
                keys.join(", ")
            )));
        }
        Ok(request)
    }

    async fn ask(
        &self,
        provider: &dyn Provider,
        request: &CredentialRequest,
    ) -> Result<Issued, ProviderError> {
        match timeout(DEADLINE, provider.plan(request)?.fetch()).await {
            Ok(answer) => answer,
            Err(_) => Err(self.failure(
                ErrorKind::Unreachable,
                format!("no answer within {} s", DEADLINE.as_secs()),
            )),
        }
    }

    fn take(
        &self,
        issued: &Issued,
        request: &CredentialRequest,
        host: &str,
        logins: &mut BTreeMap<String, Credentials>,
    ) -> Result<(), ProviderError> {
        let matching = issued.auth.iter().find(|(key, _)| {
            let pattern = ImagePattern::parse(key);
            pattern.is_ok_and(|pattern| pattern.matches(&request.image))
                || RegistryHost::parse(key)
                    .is_ok_and(|known| known.host() == request.registry.host())
        });
        // The answer to one host of a shared key is the answer to all of them.
        let found = matching.or(match &issued.auth[..] {
            [only] => Some(only),
            _ => None,
        });
        let Some((_, login)) = found else {
            return Err(self.failure(
                ErrorKind::IdentityUnavailable,
                format!("the answer has no login for {host}"),
            ));
        };
        if login.password.expose_secret().is_empty() {
            let text = format!("the login for {host} has an empty password");
            return Err(self.failure(ErrorKind::Malformed, text));
        }
        logins.insert(host.to_owned(), login.clone());
        Ok(())
    }

    fn failure(&self, kind: ErrorKind, text: String) -> ProviderError {
        ProviderError::new(self.spec.name, kind, text)
    }
}

fn from_file(source: &SourcePlan, path: &Path, clock: &Clock) -> Result<Token, ProviderError> {
    let fail = |error| {
        let text = "no logins to copy".to_owned();
        ProviderError::new(FILE, ErrorKind::NotConfigured, text).with_source(error)
    };
    let plan = ImportPlan::read(path).map_err(fail)?;
    let mut logins = BTreeMap::new();
    let mut add = |key: &str, entry: &DockerConfigEntry| {
        let login = Credentials::new(&*entry.username, entry.password.clone());
        logins.insert(key.to_owned(), login);
    };
    for host in &source.hosts {
        add(host, plan.entry_for(host).map_err(fail)?);
    }
    if source.hosts.is_empty() {
        for entry in &plan.entries {
            add(&entry.server, entry);
        }
        for (key, why) in &plan.left_out {
            tracing::warn!(registry = source.name, "{key} is left out: {why}");
        }
    }
    Ok(Token {
        logins,
        life: Life::from(clock.now(), None),
    })
}

fn from_login(
    source: &SourcePlan,
    login: &StaticLogin,
    env: &Env,
    clock: &Clock,
) -> Result<Token, ProviderError> {
    let fail = |text: String| ProviderError::new(STATIC, ErrorKind::NotConfigured, text);
    let (shown, found) = match (&login.password_file, &login.password_variable) {
        (Some(path), _) => {
            let shown = path.display().to_string();
            let bytes = read_secret(path)
                .map_err(|e| fail(format!("cannot read {shown}")).with_source(e))?;
            let text = std::str::from_utf8(bytes.expose_secret());
            let text = text.map_err(|_| fail(format!("{shown} is not text")))?;
            let text = text.trim_end_matches(['\r', '\n']);
            (shown, SecretString::from(text))
        }
        (None, variable) => {
            let name = variable.as_deref().unwrap_or_default();
            (name.to_owned(), env.get(name).unwrap_or_default().into())
        }
    };
    if found.expose_secret().is_empty() {
        return Err(fail(format!("there is no password in {shown}")));
    }
    let credentials = Credentials::new(&*login.username, found);
    let hosts = source.hosts.iter();
    Ok(Token {
        logins: hosts
            .map(|host| (host.clone(), credentials.clone()))
            .collect(),
        life: Life::from(clock.now(), None),
    })
}

fn with_variables(
    source: &SourcePlan,
    spec: &ProviderSpec,
    env: &Env,
) -> Result<Env, ProviderError> {
    let mut vars: Vec<(String, String)> = Vec::new();
    vars.extend(source.env.iter().map(|(n, v)| (n.clone(), v.clone())));
    for (name, path) in &source.env_files {
        let fail = |text: &str| {
            let text = format!("{} of {name} {text}", path.display());
            ProviderError::new(spec.name, ErrorKind::NotConfigured, text)
        };
        let bytes = read_secret(path).map_err(|e| fail("cannot be read").with_source(e))?;
        let text = std::str::from_utf8(bytes.expose_secret())
            .map_err(|_| fail("is not text"))?
            .trim_end_matches(['\r', '\n']);
        vars.push((name.clone(), text.to_owned()));
    }
    Ok(env.with(vars))
}

/// A namespace's identity decides alone: the provider must refuse rather than fall back to ours.
fn strict(spec: &'static ProviderSpec, env: &Env) -> Env {
    env.with(strict_switches(spec).map(|name| (name, "true")))
}

fn strict_switches(spec: &'static ProviderSpec) -> impl Iterator<Item = &'static str> {
    spec.with_role(Role::RequirePod)
}

fn read_secret(path: &Path) -> std::io::Result<SecretSlice<u8>> {
    let mut bytes = Vec::new();
    let file = File::open(path)?;
    let length = file.take(MAX_FILE + 1).read_to_end(&mut bytes)? as u64;
    let bytes = SecretSlice::from(bytes);
    // A part of a secret is another secret.
    match length > MAX_FILE {
        true => Err(std::io::Error::other("it is larger than 4 MiB")),
        false => Ok(bytes),
    }
}

/// As long as a kubelet plugin gives its provider.
const DEADLINE: Duration = Duration::from_secs(50);
const MAX_FILE: u64 = 4 << 20;

#[cfg(test)]
mod tests;
