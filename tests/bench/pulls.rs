//! A pull into an OCI layout from a real registry over loopback, ours beside skopeo's.

use std::path::Path;

use regcred_core::Env;
use regcred_tests::program::built;
use regcred_tests::registry::Access;
use regcred_tests::{Image, Registry};
use tempfile::TempDir;

use crate::contest::{Contestant, compete};
use crate::plugins::peer;
use crate::shaped_link::ShapedLink;
use crate::table::Tables;

/// An image on its way.
pub(crate) struct Transfer<'a> {
    pub(crate) title: String,
    pub(crate) layers: usize,
    /// Of each layer.
    pub(crate) bytes: usize,
    pub(crate) rounds: usize,
    /// Whether the registry is at the other end of a [`ShapedLink`].
    pub(crate) is_far: bool,
    pub(crate) env: &'a Env,
}

pub(crate) fn pull(transfer: &Transfer<'_>, tables: &mut Tables) {
    let env = transfer.env;
    let Some(registry) = Registry::start(&Access::Open) else {
        return;
    };
    let image = Image::single(64, transfer.layers, transfer.bytes);
    let Some(()) = registry.push(&image, "bench/app:v1", None) else {
        return;
    };
    drop(image);
    let scratch = in_memory();
    let place = |name: &str| scratch.path().join(name);
    let link = transfer
        .is_far
        .then(|| ShapedLink::to(registry.authority()));
    let authority = link
        .as_ref()
        .map_or(registry.authority(), ShapedLink::authority);
    let name = format!("{authority}/bench/app:v1");
    let source = format!("docker://{name}");

    let store = place("ours");
    let mut field = vec![
        Contestant::new("ours", built("regcred"))
            .args(["pull", "--quiet", "--store"])
            .args([text(&store), name])
            .scratch(store),
    ];
    if let Some(skopeo) = peer(env, "REGCRED_BENCH_SKOPEO", "skopeo") {
        let store = place("skopeo");
        let target = format!("oci:{}:v1", text(&store));
        let skopeo = Contestant::new("peer: skopeo", skopeo)
            .args(["--insecure-policy", "copy", "--quiet"])
            .args(["--src-tls-verify=false", &source, &target])
            .env("HOME", &text(scratch.path()))
            .env("TMPDIR", &text(scratch.path()));
        field.push(skopeo.scratch(store));
    }
    if let Some(crane) = peer(env, "REGCRED_BENCH_CRANE", "crane") {
        let store = place("crane");
        let crane = Contestant::new("peer: crane", crane)
            .args(["pull", "--insecure", "--format=oci"])
            .args([source.trim_start_matches("docker://"), &text(&store)]);
        field.push(crane.scratch(store));
    }
    let (scores, notes) = compete(field, transfer.rounds);
    tables.show(&transfer.title, &scores, &notes);
}

/// A directory in memory, where the machine has that.
pub(crate) fn in_memory() -> TempDir {
    let memory = Path::new("/dev/shm");
    let directory = if memory.is_dir() {
        tempfile::tempdir_in(memory)
    } else {
        tempfile::tempdir()
    };
    directory.expect("a directory for the images")
}

pub(crate) fn text(path: &Path) -> String {
    path.display().to_string()
}
