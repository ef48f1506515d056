//! `ecr-credential-provider`: credentials for Amazon ECR.

use std::process::ExitCode;

fn main() -> ExitCode {
    regcred_plugin::main(&regcred_ecr::SPEC)
}
