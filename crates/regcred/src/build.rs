//! `regcred version`: the version, and of what this program was built.

use regcred_run::{ProgramError, output};
use serde::Serialize;

use crate::cli::VersionArgs;

/// How this program was built.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Build {
    version: &'static str,
    /// The commit, if whoever built it named one with `REGCRED_COMMIT`.
    commit: Option<&'static str>,
    architecture: &'static str,
    /// Whether it needs no library of the machine.
    is_static: bool,
    /// The clouds whose credentials it issues.
    providers: Vec<&'static str>,
}

pub(crate) fn run(args: &VersionArgs) -> Result<(), ProgramError> {
    let specs = regcred_providers::all();
    let build = Build {
        version: env!("CARGO_PKG_VERSION"),
        commit: option_env!("REGCRED_COMMIT").filter(|commit| !commit.is_empty()),
        architecture: std::env::consts::ARCH,
        is_static: cfg!(target_feature = "crt-static"),
        providers: specs.iter().map(|spec| spec.name).collect(),
    };
    if args.json {
        return output::json_line(&build);
    }
    let commit = build
        .commit
        .unwrap_or("not known: REGCRED_COMMIT was not set for the build");
    let linking = if build.is_static { "static" } else { "dynamic" };
    output::write(&format!(
        "regcred {}\ncommit: {commit}\nbuild: {}, {linking}\nproviders: {}\n",
        build.version,
        build.architecture,
        build.providers.join(", ")
    ))
}
