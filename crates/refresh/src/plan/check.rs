//! Checks a configuration and makes the plan. Each error names the place and a way out.

mod registry;
mod rule;
mod target;

use regcred_core::{Env, ProviderSpec};

use self::rule::{require, unique};
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
        plan(config, specs, env).map_err(ConfigError)
    }
}

fn plan(config: &Config, specs: &[&'static ProviderSpec], env: &Env) -> Result<Plan, String> {
    let (registries, targets) = (&config.registries, &config.targets);
    let (intervals, limits) = (config.intervals, config.limits);
    unique("registry", registries.iter().map(|registry| &registry.name))?;
    unique("target", targets.iter().map(|target| &target.name))?;
    let has_registries = !registries.is_empty();
    require(has_registries, "the configuration has no registries")?;
    require(
        limits.parallel != 0 && !intervals.reapply.0.is_zero(),
        "limits.parallel and intervals.reapply must not be 0",
    )?;
    let mut plan = Plan {
        sources: Vec::new(),
        secrets: Vec::new(),
        files: Vec::new(),
        intervals,
        limits,
        server: config.server,
        leader_election: config.leader_election.clone(),
    };
    for registry in registries {
        let source = registry::source(registry, specs, env);
        let source = source.map_err(|why| format!("registry {:?}: {why}", registry.name))?;
        plan.sources.push(source);
    }
    for target in targets {
        let added = target::add(target, &mut plan);
        added.map_err(|why| format!("target {:?}: {why}", target.name))?;
    }
    one_writer_each(&plan)?;
    Ok(plan)
}

/// Two targets that write one object would undo each other's work for ever.
fn one_writer_each(plan: &Plan) -> Result<(), String> {
    for (place, one) in plan.secrets.iter().enumerate() {
        for other in &plan.secrets[place + 1..] {
            let apart = match (one.literal_namespaces(), other.literal_namespaces()) {
                (Some(one), Some(other)) => one.iter().all(|name| !other.contains(name)),
                _ => false,
            };
            let text = format!(
                "targets {:?} and {:?} would both write Secret {:?}: merge them, or give them \
                 different names, or list their namespaces by name",
                one.target, other.target, one.object.name
            );
            require(one.object.name != other.object.name || apart, text)?;
        }
    }
    for (place, one) in plan.files.iter().enumerate() {
        for other in &plan.files[place + 1..] {
            let (one_target, other_target) = (&one.target, &other.target);
            let text = format!("targets {one_target:?} and {other_target:?} write the same file");
            require(one.file.path != other.file.path, text)?;
        }
    }
    Ok(())
}
