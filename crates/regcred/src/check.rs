//! `regcred check`: what a kubelet would do with a node's configuration.

mod answers;
mod errors;
mod files;
mod finding;
mod patterns;
mod program_header;
mod programs;
mod releases;
mod report;
mod running_kubelet;
mod tokens;

use std::path::Path;

use regcred_core::{Env, ImageRef};
use regcred_engine::NodeReport;
use regcred_run::{ProgramError, block_on_until_signal, exit_code, output};

use crate::cli::CheckArgs;
use crate::credential_options::{PROVIDER_CONFIG, PULL_SECRET};
use crate::engine_options;

use finding::{Finding, Place};
use report::CheckReport;
use running_kubelet::RunningKubelet;

pub(crate) fn run(args: &CheckArgs, env: &Env) -> Result<(), ProgramError> {
    let images = args.images.iter().map(|image| ImageRef::parse(image));
    let images: Vec<_> = images
        .collect::<Result<_, _>>()
        .map_err(ProgramError::usage)?;
    let mut flags = args.credentials.clone();
    let kubelet = args.node.then(RunningKubelet::find).transpose()?;
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
            let secrets = options.paths(PULL_SECRET).count();
            let mut findings = examined(&node, &path);
            match &kubelet {
                Some(kubelet) => findings.extend(kubelet.findings(node.config.as_ref())),
                None if node.config.is_none() => findings.push(not_named()),
                None => {}
            }
            let first = node.config.as_ref();
            let first = first.map(|config| releases::first(config, &path));
            let is_empty = node.config.is_none() && node.docker.used().is_none() && secrets == 0;
            Ok((node, findings, first, is_empty, builder, pod))
        })?;
    // A kubelet that does not start runs no plugin.
    if node.problems.is_empty() && !images.is_empty() {
        let engine = builder.build().map_err(ProgramError::not_configured)?;
        findings.extend(block_on_until_signal(async {
            Ok::<_, ProgramError>(answers::findings(&engine, &pod, &images).await)
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

fn not_named() -> Finding {
    Finding::warning(
        Place::default(),
        "no provider configuration is named: plugins are not checked",
        "set --image-credential-provider-config and --image-credential-provider-bin-dir, or add --node",
    )
}

/// The findings for which nothing is run. `path` is the provider configuration's.
fn examined(node: &NodeReport, path: &Path) -> Vec<Finding> {
    let config = node.config.as_ref();
    let mut findings = errors::findings(&node.problems, config);
    if let Some(config) = config {
        findings.extend(patterns::findings(config));
        findings.extend(programs::findings(config, &node.programs));
        findings.extend(tokens::findings(config));
        findings.extend(releases::findings(config, path));
    }
    findings.extend(files::findings(node));
    findings
}

#[cfg(test)]
mod tests;
