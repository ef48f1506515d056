//! `generic-credential-provider`: credentials for every other registry.

use std::process::ExitCode;

fn main() -> ExitCode {
    regcred_plugin::main(&regcred_generic::SPEC)
}
