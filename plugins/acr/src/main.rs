//! `acr-credential-provider`: credentials for Azure Container Registry.

use std::process::ExitCode;

fn main() -> ExitCode {
    regcred_plugin::main(&regcred_acr::SPEC)
}
