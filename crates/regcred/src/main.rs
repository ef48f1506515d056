//! The command `regcred`, and every plugin by its name.

use std::process::ExitCode;

fn main() -> ExitCode {
    regcred::main()
}
