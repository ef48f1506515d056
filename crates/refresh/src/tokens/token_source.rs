//! One request for a source's logins: to its cloud's provider, from a docker configuration, or a
//! static login.

use std::path::Path;

use regcred_core::{Clock, Env, ProviderError, Role};

use super::provider::ProviderFetch;
use super::secret_file::fingerprint;
use super::tenant::TenantIdentity;
use super::token::Token;
use super::{copied, static_login};
use crate::digest::hash;
use crate::plan::{SourceKind, SourcePlan};

/// Requests the source's logins, once for each of its identities and endpoints.
///
/// # Errors
/// The provider's error, or an answer that leaves a host without a login.
pub(super) async fn fetch(
    source: &SourcePlan,
    tenant: Option<&TenantIdentity>,
    env: &Env,
    clock: &Clock,
) -> Result<Token, ProviderError> {
    match &source.kind {
        SourceKind::File(path) => copied::logins(source, path, clock),
        SourceKind::Static(login) => static_login::logins(source, login, env, clock),
        SourceKind::Provider(spec) => {
            let fetch = ProviderFetch::new(source, spec, env, clock, tenant)?;
            fetch.all().await
        }
    }
}

/// A hash over the files that decide the source's logins; it changes when one of them does.
pub(super) fn inputs(source: &SourcePlan, env: &Env) -> String {
    let mut parts = Vec::new();
    let mut add = |path: &Path| parts.push(fingerprint(path));
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

#[cfg(test)]
mod tests;
