//! The logins of all registries as one docker configuration.

use regcred_api::docker_config::Format;
use regcred_docker_config::{Document, EntryForm};
use secrecy::SecretString;

use super::context::Refresher;
use super::once::RunError;
use crate::tokens::written;

impl Refresher {
    /// A docker configuration with the logins of all registries, or of one target's.
    ///
    /// # Errors
    /// If a registry issues no token.
    pub(crate) async fn print(&self, target: Option<&str>) -> Result<SecretString, RunError> {
        let chosen = self.plan.sources_of(target);
        let mut document = Document::empty(Format::ConfigJson);
        for (place, source) in self.plan.sources.iter().enumerate() {
            if !chosen.contains(&place) {
                continue;
            }
            let registry = &source.registry;
            let fail = |why: &str| RunError::Registry(registry.name.clone(), why.to_owned());
            if registry.namespace_identity.is_some() {
                return Err(fail(
                    "it has a token for each namespace, but none of its own",
                ));
            }
            let available = self.tokens.get(place, None).await;
            let why = available.failure.map(|failure| failure.text);
            let token = available
                .token
                .ok_or_else(|| fail(why.as_deref().unwrap_or("no token")))?;
            for (host, login) in &token.logins {
                if !document.has(host) {
                    document.set(host, &written(login), EntryForm::Full);
                }
            }
        }
        Ok(document.compact())
    }
}
