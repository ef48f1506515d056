//! A kubelet's image manager over a directory: an image for a pod, if the pod may have it.
//!
//! `cargo run -p regcred-engine --example ensure -- IMAGE POD_UID STORE ROOT_DIR [PULL_SECRET]...`

#![expect(clippy::print_stdout, reason = "an example that prints")]

use std::error::Error;

use regcred_core::{Clock, Env};
use regcred_engine::{
    Engine, ImageManager, LayoutStore, Pod, PullRecords, PullRequest, StoredImage as _,
    VerificationPolicy,
};
use regcred_registry::{Layout, NoProgress, PullOptions};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let mut next = |what: &str| args.next().ok_or(format!("missing: {what}"));
    let request = PullRequest::new(next("IMAGE")?).pod_uid(next("POD_UID")?);
    let layout = Layout::open_or_create(next("STORE")?)?;
    let records = PullRecords::open(next("ROOT_DIR")?, Clock::system())?;
    let request = request.pod(args.fold(Pod::new(), Pod::pull_secret_file));

    let engine = Engine::builder(&Env::process()).build()?;
    let store = LayoutStore::new(&engine, layout, PullOptions::default());
    let manager = ImageManager::builder(engine, store)
        .verify(records, VerificationPolicy::AlwaysVerify)
        .on_event(|request, event| println!("{}: {event}", request.image()))
        .build()?;
    manager.start().await?;
    let outcome = manager.ensure(&request, &NoProgress).await?;
    println!("{}", outcome.image.image_ref());
    Ok(())
}
