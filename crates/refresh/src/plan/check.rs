//! Checks a configuration and makes the plan. Each error names the place and a way out.

mod registry;
mod target;
mod unique;

use regcred_core::{Env, ProviderSpec};

use super::contents::Plan;
use crate::config::{Config, ConfigError};

impl Plan {
    /// Checks a configuration and makes the plan.
    ///
    /// # Errors
    /// A sentence that names the registry or target and what is wrong with it.
    pub fn new(
        config: &Config,
        specs: &[&'static ProviderSpec],
        env: &Env,
    ) -> Result<Self, ConfigError> {
        unique::names("registry", config.registries.iter().map(|r| &*r.name))
            .and_then(|()| unique::names("target", config.targets.iter().map(|t| &*t.name)))
            .map_err(ConfigError)?;
        if config.registries.is_empty() {
            return Err(ConfigError(
                "the configuration has no registries".to_owned(),
            ));
        }
        if config.limits.parallel == 0 || config.intervals.reapply.0.is_zero() {
            return Err(ConfigError(
                "limits.parallel and intervals.reapply must not be 0".to_owned(),
            ));
        }
        let mut plan = Self {
            sources: Vec::new(),
            secrets: Vec::new(),
            files: Vec::new(),
            intervals: config.intervals,
            limits: config.limits,
            server: config.server,
            leader_election: config.leader_election.clone(),
        };
        let at =
            |what: &str, name: &str, why: String| ConfigError(format!("{what} {name:?}: {why}"));
        for registry in &config.registries {
            let source = registry::source(registry, specs, env);
            let source = source.map_err(|why| at("registry", &registry.name, why))?;
            plan.sources.push(source);
        }
        for target in &config.targets {
            target::add(target, &mut plan).map_err(|why| at("target", &target.name, why))?;
        }
        one_writer_each(&plan)?;
        Ok(plan)
    }
}

/// Two targets that write one object would undo each other's work for ever.
fn one_writer_each(plan: &Plan) -> Result<(), ConfigError> {
    for (place, one) in plan.secrets.iter().enumerate() {
        for other in &plan.secrets[place + 1..] {
            let apart = match (one.literal_namespaces(), other.literal_namespaces()) {
                (Some(one), Some(other)) => one.iter().all(|name| !other.contains(name)),
                _ => false,
            };
            if one.object.name == other.object.name && !apart {
                return Err(ConfigError(format!(
                    "targets {:?} and {:?} would both write Secret {:?}: merge them, or give them \
                     different names, or list their namespaces by name",
                    one.target, other.target, one.object.name
                )));
            }
        }
    }
    for (place, one) in plan.files.iter().enumerate() {
        let mut others = plan.files[place + 1..].iter();
        if let Some(other) = others.find(|other| other.file.path == one.file.path) {
            return Err(ConfigError(format!(
                "targets {:?} and {:?} write the same file",
                one.target, other.target
            )));
        }
    }
    Ok(())
}
