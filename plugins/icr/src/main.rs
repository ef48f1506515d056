//! `icr-credential-provider`: credentials for IBM Cloud Container Registry.

use std::process::ExitCode;

fn main() -> ExitCode {
    regcred_plugin::main(&regcred_icr::SPEC)
}
