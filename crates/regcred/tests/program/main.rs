//! The program as a process: its names, its usage errors, the files that it is given, and how it ends a
//! plugin that hangs.

mod check;
mod config;
mod explain;
mod hostile_files;
mod named_files;
mod plugins;
mod token;
mod usage;

use regcred_tests::Program;

fn regcred() -> Program {
    Program::new(env!("CARGO_BIN_EXE_regcred"))
}
