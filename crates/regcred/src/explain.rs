//! `regcred explain`: which credentials an image gets, and why.

use regcred_core::Env;
use regcred_engine::Tries;
use regcred_plugin::exit_code;

use crate::cli::ExplainArgs;
use crate::failure::Failure;
use crate::{node, output, runtime};

pub(crate) fn run(args: ExplainArgs, env: &Env) -> Result<(), Failure> {
    let (engine, pod) = node::set_up(args.credentials, env)?;
    let tries = match args.tries {
        true => Tries::all(),
        false => Tries::default(),
    };
    let explanation = runtime::block_on(async {
        let found = engine.explain(&args.image, &pod, tries).await;
        found.map_err(|error| Failure::Usage(error.to_string()))
    })?;
    match args.json {
        true => output::json_line(&explanation),
        false => output::line(&explanation.to_string()),
    }
    .map_err(Failure::Output)?;
    // The explanation itself says what failed.
    match explanation.failure() {
        Some(kind) => Err(Failure::Told(exit_code::of(kind))),
        None => Ok(()),
    }
}
