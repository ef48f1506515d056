//! `regcred-refresh`: pull secrets, service accounts and docker configuration files that never
//! expire.

use std::process::ExitCode;

fn main() -> ExitCode {
    regcred_refresh::main()
}
