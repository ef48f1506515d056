//! `regcred explain`: which credentials an image gets, and why.

use regcred_core::Env;
use regcred_engine::Tries;
use regcred_run::{ProgramError, block_on_until_signal, exit_code, output};

use crate::cli::ExplainArgs;
use crate::engine_options::{self, SetUp};

pub(crate) fn run(args: &ExplainArgs, env: &Env) -> Result<(), ProgramError> {
    let SetUp {
        engine,
        pod,
        pull_secrets,
    } = engine_options::set_up(&args.credentials, env, false, false)?;
    // An explanation shows also why a pull secret cannot be used, and then asks nothing.
    let tries = if args.tries && pull_secrets.is_ok() {
        Tries::all()
    } else {
        Tries::default()
    };
    let explanation = block_on_until_signal(async {
        let found = engine.explain(&args.image, &pod, tries).await;
        found.map_err(ProgramError::usage)
    })?;
    if args.json {
        output::json_line(&explanation)?;
    } else {
        output::line(&explanation.to_string())?;
    }
    pull_secrets?;
    // The explanation reports the failure; only the exit code remains.
    match explanation.failure() {
        Some(kind) => Err(ProgramError::reported(exit_code::of(kind))),
        None => Ok(()),
    }
}
