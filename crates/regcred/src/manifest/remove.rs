//! `regcred manifest rm`: removes local lists. A failure does not keep the others from being removed.

use regcred_core::{Env, report};
use regcred_run::{ProgramError, output};

use super::arguments::RmArgs;
use super::local;

pub(super) fn run(args: &RmArgs, env: &Env) -> Result<(), ProgramError> {
    let store = local::store(env)?;
    let mut failed = None;
    for name in &args.lists {
        let removed = local::plain_name(name).and_then(|list| match store.remove(&list) {
            Ok(true) => Ok(()),
            Ok(false) => Err(local::no_such(&list)),
            Err(error) => Err(ProgramError::not_configured(error)),
        });
        if let Err(error) = removed {
            output::note(&report(&error));
            failed = failed.or(Some(error.exit_code()));
        }
    }
    failed.map_or(Ok(()), |code| Err(ProgramError::reported(code)))
}
