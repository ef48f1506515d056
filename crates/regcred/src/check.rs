//! `regcred check`: what a kubelet would do with a node's configuration.

mod answers;
mod clock;
mod errors;
mod expiring;
mod files;
mod finding;
mod kubelet_command;
mod node_kubelet;
mod patterns;
mod program_header;
mod programs;
mod registries;
mod releases;
mod report;
mod tokens;
mod validity;

use std::env::split_paths;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use regcred_core::{Clock, Env, ImagePattern, ImageRef, report};
use regcred_engine::{Engine, NodeReport, Pod};
use regcred_keyring::Keyring;
use regcred_registry::Hosts;
use regcred_run::{ProgramError, block_on_until_signal, exit_code, output};

use crate::cli::CheckArgs;
use crate::credential_options::{
    CredentialOptions, HOSTS_DIR, PROVIDER_CONFIG, PULL_SECRET, SERVICE_ACCOUNT_TOKEN,
};
use crate::engine_options;
use crate::named_file::STDIN;

use finding::Place;

pub(crate) use finding::{Finding, Severity};
pub(crate) use node_kubelet::NodeKubelet;
pub(crate) use report::CheckReport;

pub(crate) fn run(args: &CheckArgs, env: &Env) -> Result<(), ProgramError> {
    let images = args.images.iter().map(|image| ImageRef::parse(image));
    let images: Vec<_> = images
        .collect::<Result<_, _>>()
        .map_err(ProgramError::usage)?;
    let mut flags = args.credentials.clone();
    let kubelet = args.node.then(NodeKubelet::find).transpose()?;
    if let Some(kubelet) = &kubelet {
        kubelet.fill(&mut flags);
    }
    let (node, mut findings, first, is_empty, builder, pod) =
        engine_options::described(&flags, env, false, move |mut builder, pod, options| {
            if let Some(kubelet) = &kubelet {
                builder = builder.working_dir(kubelet.working_dir());
            }
            let node = builder.inspect();
            let path = options.path(PROVIDER_CONFIG).unwrap_or_default();
            let mut findings = examined(&node, &path);
            findings.extend(dated(&node, &pod, options, None, Clock::system().now())?);
            findings.extend(unused_secret(&pod, options)?);
            match &kubelet {
                Some(kubelet) => findings.extend(kubelet.findings(node.config.as_ref())),
                None if node.config.is_none() => findings.push(not_named()),
                None => {}
            }
            let first = node.config.as_ref();
            let first = first.map(|config| releases::first(config, &path));
            let secrets = options.paths(PULL_SECRET).count();
            let is_empty = node.config.is_none() && node.docker.used().is_none() && secrets == 0;
            Ok((node, findings, first, is_empty, builder, pod))
        })?;
    // A kubelet that does not start runs no plugin.
    let engine = if node.problems.is_empty() && !images.is_empty() {
        Some(builder.build().map_err(ProgramError::not_configured)?)
    } else {
        None
    };
    if engine.is_some() || args.node {
        findings.extend(block_on_until_signal(async {
            let mut found = Vec::new();
            if args.node {
                found.extend(clock::unsynchronised(Path::new(clock::TIMEDATECTL)).await);
            }
            if let Some(engine) = &engine {
                found.extend(answers::findings(engine, &pod, &images).await);
            }
            Ok::<_, ProgramError>(found)
        })?);
    }
    let report = CheckReport::new(findings, &node.problems, first);
    if args.json {
        output::json_line(&report)?;
    } else {
        output::line(&report.text())?;
    }
    if report.errors > 0 {
        return Err(ProgramError::reported(exit_code::BUG));
    }
    if is_empty {
        return Err(ProgramError::reported(exit_code::NOT_CONFIGURED));
    }
    Ok(())
}

/// The finding for a pull secret that a kubelet reads and does not use.
fn unused_secret(
    pod: &Pod,
    options: &CredentialOptions<'_>,
) -> Result<Option<Finding>, ProgramError> {
    let rules = options.improvements().map_err(ProgramError::usage)?.keyring;
    let checked = pod.check_pull_secrets(rules).err();
    let checked = checked.filter(|_| pod.read_pull_secrets(rules).is_ok());
    Ok(checked.map(|error| {
        let fix = "name a Secret that a kubelet uses";
        Finding::warning(Place::default(), report(&error), fix)
    }))
}

fn not_named() -> Finding {
    Finding::warning(
        Place::default(),
        "no provider configuration is named: plugins are not checked",
        "set --image-credential-provider-config and --image-credential-provider-bin-dir, or add --node",
    )
}

/// What a kubelet with these values of its two flags does at its start. Nothing is run.
pub(crate) fn of_paths(config: &Path, bin_dir: &Path) -> CheckReport {
    let builder = Engine::builder(&Env::default()).provider_config(config);
    let node = builder.bin_dir(bin_dir).docker_configs([]).inspect();
    let first = node.config.as_ref();
    let first = first.map(|found| releases::first(found, config));
    CheckReport::new(examined(&node, config), &node.problems, first)
}

/// The findings for which nothing is run and the time does not count. `path` is the provider
/// configuration's.
fn examined(node: &NodeReport, path: &Path) -> Vec<Finding> {
    let config = node.config.as_ref();
    let mut findings = errors::findings(&node.problems, config);
    if let Some(config) = config {
        findings.extend(patterns::findings(config));
        findings.extend(programs::findings(config, &node.programs));
        findings.extend(tokens::findings(config));
        findings.extend(registries::findings(config));
        findings.extend(releases::findings(config, path));
    }
    findings.extend(files::passed_over(node));
    findings.extend(files::findings(node));
    findings
}

/// The report of a configuration for which a kubelet exits at its start, with the other findings; `None`
/// if it starts.
pub(crate) fn refusal(node: &NodeReport, others: Vec<Finding>) -> Option<CheckReport> {
    let mut findings = errors::findings(&node.problems, node.config.as_ref());
    if findings.is_empty() {
        return None;
    }
    findings.extend(others);
    Some(CheckReport::new(findings, &node.problems, None))
}

/// The findings that concern one image, without those that an explanation shows by itself: of providers
/// that match it, of logins and files that serve it. Nothing is run.
pub(crate) fn of_image(
    node: &NodeReport,
    pod: &Pod,
    options: &CredentialOptions<'_>,
    image: &ImageRef,
) -> Result<Vec<Finding>, ProgramError> {
    let name = image.name();
    let parsed = ImagePattern::parse(&name).ok();
    let matches = |pattern: &String| {
        let pattern = ImagePattern::parse(pattern).ok();
        pattern
            .zip(parsed.as_ref())
            .is_some_and(|(pattern, image)| pattern.matches_parsed(image))
    };
    let serves = |finding: &Finding| match (&finding.place.provider, &node.config) {
        (Some(name), Some(config)) => {
            let mut entries = config.providers.iter().filter(|entry| entry.name == *name);
            entries.any(|entry| entry.match_images.iter().any(matches))
        }
        _ => {
            finding.place.file.as_deref() != node.docker.used()
                || !node.docker.keyring.lookup(&name).is_empty()
        }
    };
    let mut found = files::findings(node);
    if let Some(config) = &node.config {
        found.extend(programs::findings(config, &node.programs));
        found.extend(tokens::findings(config));
    }
    found.retain(serves);
    found.extend(dated(
        node,
        pod,
        options,
        Some(image),
        Clock::system().now(),
    )?);
    found.sort_by_key(|finding| finding.severity);
    Ok(found)
}

/// The findings about logins, tokens, certificates and the clock at a time: all of them, or those that an
/// image gets.
fn dated(
    node: &NodeReport,
    pod: &Pod,
    options: &CredentialOptions<'_>,
    image: Option<&ImageRef>,
    now: DateTime<Utc>,
) -> Result<Vec<Finding>, ProgramError> {
    let rules = options.improvements().map_err(ProgramError::usage)?.keyring;
    let logins = |keyring: &Keyring| match image {
        Some(image) => keyring.lookup(&image.name()),
        None => keyring.logins(),
    };
    let mut found = expiring::logins(&logins(&node.docker.keyring), now);
    match pod.read_pull_secrets(rules) {
        Ok(secrets) => found.extend(expiring::logins(&logins(&secrets.keyring), now)),
        Err(error) if image.is_none() => {
            let fix = "correct the pull secret: a kubelet pulls no image of a pod with it";
            found.push(Finding::error(Place::default(), report(&error), fix));
        }
        // An explanation has it in its first section.
        Err(_) => {}
    }
    let tokens = options.paths(SERVICE_ACCOUNT_TOKEN);
    let tokens = tokens.filter(|path| path != Path::new(STDIN));
    found.extend(tokens.filter_map(|path| expiring::token(&path, now)));
    if let Some(list) = options.path(HOSTS_DIR) {
        let hosts = Hosts::new(split_paths(&list).collect::<Vec<PathBuf>>());
        let files = match image {
            Some(image) => hosts.certificate_files_of(image.domain()),
            None => hosts.certificate_files(),
        };
        found.extend(expiring::certificates(&files, now));
    }
    let mut files: Vec<PathBuf> = node.programs.iter().flatten().cloned().collect();
    files.extend(node.config.iter().flat_map(|config| config.files.clone()));
    files.extend(node.docker.used().map(Path::to_owned));
    found.extend(clock::future(&files, now));
    Ok(found)
}

#[cfg(test)]
mod tests;
