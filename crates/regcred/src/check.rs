//! `regcred check`: what a node's kubelet does with its configuration, before it does it.

mod answers;
mod errors;
mod files;
mod finding;
mod mount;
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
use crate::credential_options::PROVIDER_CONFIG;
use crate::engine_options;

use finding::Finding;
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
    let (node, mut findings, first, builder, pod) =
        engine_options::described(&flags, env, false, move |mut builder, pod, options| {
            if let Some(kubelet) = &kubelet {
                builder = builder.working_dir(kubelet.working_dir());
            }
            let node = builder.inspect();
            let path = options.path(PROVIDER_CONFIG).unwrap_or_default();
            let mut findings = examined(&node, &path);
            if let Some(kubelet) = &kubelet {
                findings.extend(kubelet.findings(node.config.as_ref()));
            }
            let first = node.config.as_ref();
            let first = first.map(|config| releases::first(config, &path));
            Ok((node, findings, first, builder, pod))
        })?;
    // Plugins run only as a kubelet that starts would run them.
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
    Ok(())
}

/// What can be seen without running anything. `path` is the provider configuration's.
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
