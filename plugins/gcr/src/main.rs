//! `gcr-credential-provider`: credentials for Google Container Registry and Artifact Registry.

use std::process::ExitCode;

fn main() -> ExitCode {
    regcred_plugin::main(&regcred_gcr::SPEC)
}
