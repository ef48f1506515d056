//! `regcred prepull`: images into the node's container runtime, with the credentials that the node's
//! kubelet would use.

mod arguments;
mod disk;
mod endpoint;
mod list;
mod report;
mod runtime_store;
mod tally;
mod turns;
mod watch;

use regcred_core::{Clock, Env};
use regcred_engine::{PullPolicy, PullRecords};
use regcred_run::{ProgramError, block_on_until_signal, output};

pub(crate) use arguments::PrepullArgs;
pub use endpoint::VARS;
pub use list::images_of_list;

use crate::check::NodeKubelet;
use crate::credential_options::{CredentialOptions, ROOT_DIR};
use crate::engine_options::{self, SetUp};
use list::Listed;
use tally::Tally;
use turns::Turns;

pub(crate) fn run(args: &PrepullArgs, env: &Env) -> Result<(), ProgramError> {
    if args.policy == PullPolicy::Never {
        return Err(ProgramError::usage(NEVER));
    }
    let images = list::images(&args.images, &args.files)?;
    let tally = Tally::new(&images);
    let done = if args.check {
        block_on_until_signal(check(args, env, &images, &tally))
    } else {
        let SetUp {
            engine,
            pod,
            pull_secrets,
        } = engine_options::set_up(&args.credentials, env, false, args.quiet)?;
        pull_secrets?;
        let records = args.record.then(|| records(args, env)).transpose()?;
        block_on_until_signal(async {
            let (cri, runtime) = endpoint::find(args.runtime_endpoint.as_deref(), env).await?;
            let turns = Turns {
                engine,
                pod,
                cri,
                records,
                args,
                tally: &tally,
            };
            turns.all(&images).await?;
            if !args.quiet {
                disk::warn_if_full(&turns.cri).await;
            }
            tally.conclude(args, &turns.cri, &runtime)
        })
    };
    let reported = match done {
        // A signal, or standard output: what was not done by then has no line of its own.
        Err(error) if !error.is_reported() => {
            for image in tally.unfinished() {
                output::note(&format!("{image}: not pulled"));
            }
            return Err(error);
        }
        done => done,
    };
    reported?;
    tally.verdict()
}

/// Which images are missing.
async fn check(
    args: &PrepullArgs,
    env: &Env,
    images: &[Listed],
    tally: &Tally,
) -> Result<(), ProgramError> {
    let (cri, runtime) = endpoint::find(args.runtime_endpoint.as_deref(), env).await?;
    for image in images {
        let found = cri.image(&image.in_store()).await;
        let found = found.map_err(|error| ProgramError::of_kind(error.kind(), error))?;
        report::checked(args, image, found.as_ref())?;
        tally.checked(image, found.as_ref());
    }
    tally.conclude(args, &cri, &runtime)
}

/// The kubelet's records. A running kubelet keeps them in memory and does not read what others write.
fn records(args: &PrepullArgs, env: &Env) -> Result<PullRecords, ProgramError> {
    if NodeKubelet::runs() {
        return Err(ProgramError::not_configured(KUBELET_RUNS));
    }
    let options = CredentialOptions {
        flags: &args.credentials,
        env,
    };
    let root = options
        .path(ROOT_DIR)
        .unwrap_or_else(|| KUBELET_ROOT.into());
    PullRecords::open(root, Clock::system()).map_err(ProgramError::not_configured)
}

const NEVER: &str = "--policy Never pulls nothing: --check reports which images are missing";
const KUBELET_ROOT: &str = "/var/lib/kubelet";
const KUBELET_RUNS: &str = "--record: a kubelet runs on this node, which reads its records only when \
                            it starts: stop it first, or pull without --record";
