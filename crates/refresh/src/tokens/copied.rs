//! Logins copied from a docker configuration file.

use std::collections::BTreeMap;
use std::path::Path;

use regcred_api::docker_config::DockerConfigEntry;
use regcred_core::{Clock, Credentials, ErrorKind, ProviderError};
use regcred_docker_config::ImportPlan;

use super::token::Token;
use crate::config::FILE;
use crate::life::Life;
use crate::plan::SourcePlan;

pub(super) fn logins(
    source: &SourcePlan,
    path: &Path,
    clock: &Clock,
) -> Result<Token, ProviderError> {
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
