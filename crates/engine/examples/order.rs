//! Which credentials would a kubelet on this node try for an image, and in which order?
//!
//! `cargo run -p regcred-engine --example order -- IMAGE CONFIG BIN_DIR [PULL_SECRET]...`

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "an example that prints"
)]

use std::error::Error;

use regcred_core::{Env, ImageRef};
use regcred_engine::{Engine, Pod};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let mut next = |what: &str| args.next().ok_or(format!("missing: {what}"));
    let image = ImageRef::parse(&next("IMAGE")?)?;
    let engine = Engine::builder(&Env::process())
        .provider_config(next("CONFIG")?)
        .bin_dir(next("BIN_DIR")?)
        .build()?;
    let pod = args.fold(Pod::new(), Pod::pull_secret_file);

    let lookup = engine.lookup(&image.name(), &pod).await?;
    for (number, candidate) in lookup.candidates.iter().enumerate() {
        let (source, key) = (&candidate.source, &candidate.key);
        let user = &candidate.credentials.username;
        println!("{}. {user:?} for {key:?} from {source}", number + 1);
    }
    if lookup.candidates.is_empty() {
        println!("1. no credential at all: one anonymous pull");
    }
    for failure in lookup.failures() {
        eprintln!("{failure}");
    }
    Ok(())
}
