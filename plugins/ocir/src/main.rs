//! `ocir-credential-provider`: credentials for Oracle Cloud Infrastructure Registry.

use std::process::ExitCode;

fn main() -> ExitCode {
    regcred_plugin::main(&regcred_ocir::SPEC)
}
