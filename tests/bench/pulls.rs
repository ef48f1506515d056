//! A pull into an OCI layout over loopback, ours beside skopeo's and crane's.

use std::path::{Path, PathBuf};

use regcred_core::Env;
use regcred_tests::program::built;
use regcred_tests::{FakeRegistry, Image, Registry, Tls, oci_registry, registry};
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
    pub(crate) env: &'a Env,
}

/// Where an image is pulled from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    DockerRegistry,
    /// docker-registry at the other end of a [`ShapedLink`].
    FarAway,
    /// A server that has all in memory: what takes time is the client.
    Memory,
    MemoryOverTls,
}

/// A server that has the image, until this is dropped.
struct Source {
    authority: String,
    /// The certificate authority, if the server speaks TLS.
    ca: Option<PathBuf>,
    _server: Box<dyn std::any::Any>,
}

impl Place {
    /// `None` where the machine lacks a program.
    fn serve(self, image: &Image) -> Option<Source> {
        let is_real = matches!(self, Self::DockerRegistry | Self::FarAway);
        if is_real {
            let registry = Registry::start(&registry::Access::Open)?;
            registry.push(image, "bench/app:v1", None)?;
            let authority = match self {
                Self::FarAway => ShapedLink::to(registry.authority()).authority().to_owned(),
                _ => registry.authority().to_owned(),
            };
            return Some(Source {
                authority,
                ca: None,
                _server: Box::new(registry),
            });
        }
        let tls = (self == Self::MemoryOverTls).then(Tls::loopback);
        let open = oci_registry::Access::Open;
        let registry = match &tls {
            None => FakeRegistry::start(open),
            Some(tls) => FakeRegistry::start_tls(open, tls),
        };
        registry.push("bench/app", "v1", image);
        Some(Source {
            authority: registry.server().authority(),
            ca: tls.as_ref().map(Tls::ca_file),
            _server: Box::new((registry, tls)),
        })
    }
}

pub(crate) fn pull(transfer: &Transfer<'_>, from: Place, tables: &mut Tables) {
    let env = transfer.env;
    let image = Image::single(64, transfer.layers, transfer.bytes);
    let Some(source) = from.serve(&image) else {
        return;
    };
    drop(image);
    let scratch = in_memory();
    let place = |name: &str| scratch.path().join(name);
    let authority = &source.authority;
    let name = format!("{authority}/bench/app:v1");

    let store = place("ours");
    let mut ours = Contestant::new("ours", built("regcred"))
        .args(["pull", "--quiet", "--store"])
        .args([text(&store), name.clone()])
        .scratch(store);
    if let Some(ca) = &source.ca {
        ours = ours.env("SSL_CERT_FILE", &text(ca));
    }
    let mut field = vec![ours];
    if from == Place::Memory {
        let store = place("sockets");
        let sockets = Contestant::new("floor: bare sockets", built("bench-sockets"))
            .args([authority, "bench/app", "v1", &text(&store)].map(str::to_owned));
        field.push(sockets.scratch(store));
    }
    if let Some(skopeo) = peer(env, "REGCRED_BENCH_SKOPEO", "skopeo") {
        let store = place("skopeo");
        let target = format!("oci:{}:v1", text(&store));
        let skopeo = Contestant::new("peer: skopeo", skopeo)
            .args(["--insecure-policy", "copy", "--quiet"])
            .args([
                "--src-tls-verify=false",
                &format!("docker://{name}"),
                &target,
            ])
            .env("HOME", &text(scratch.path()))
            .env("TMPDIR", &text(scratch.path()));
        field.push(skopeo.scratch(store));
    }
    if let Some(crane) = peer(env, "REGCRED_BENCH_CRANE", "crane") {
        let store = place("crane");
        let crane = Contestant::new("peer: crane", crane)
            .args(["pull", "--insecure", "--format=oci"])
            .args([&name, &text(&store)]);
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
